/* Workers of one call that wait for each other: nncc_services.team_run and barrier.
 *
 * One word has the phase, how many members have arrived at its end, and how many there are. The
 * last one to arrive, or to leave while the others wait, begins the next phase. Members that wait
 * look at the word for a while before they sleep. */
#include "Internal.h"

#define PHASE(state) ((uint32_t)((state) >> 32))
#define ARRIVED(state) ((uint32_t)((state) >> 16) & 0xffff)
#define MEMBERS(state) ((uint32_t)(state)&0xffff)
#define STATE(phase, arrived, members)                                                             \
  ((uint64_t)(phase) << 32 | (uint64_t)(arrived) << 16 | (uint64_t)(members))
/* Members that sleep more often do not run at the same time. */
#define PHASES_PER_SLEEP 16
_Static_assert(NNCC_MAX_THREADS <= 0xffff, "a team is counted in 16 bits");

void nnccTeamInit(Team *team, int64_t spin) {
  atomic_init(&team->state, 0);
  atomic_init(&team->sleeping, 0);
  atomic_init(&team->sleeps, 0);
  team->spin = spin;
  pthread_mutex_init(&team->lock, NULL);
  pthread_cond_init(&team->phaseEnded, NULL);
}

void nnccTeamDestroy(Team *team) {
  pthread_cond_destroy(&team->phaseEnded);
  pthread_mutex_destroy(&team->lock);
}

void nnccTeamBegin(Team *team, int32_t members) {
  atomic_store_explicit(&team->sleeps, 0, memory_order_relaxed);
  atomic_store_explicit(&team->state, STATE(0, 0, members), memory_order_relaxed);
}

/* One more has arrived, or one less is there. Returns the phase in which that was, and wakes those
 * who wait for its end if this ends it: either it sees that one sleeps, or that one sees the next
 * phase, for both write before they read, in one total order. */
static uint32_t advance(Team *team, bool leaves) {
  uint64_t old = atomic_load_explicit(&team->state, memory_order_relaxed), next;
  bool ends;
  do {
    uint32_t arrived = ARRIVED(old) + !leaves, members = MEMBERS(old) - leaves;
    ends = arrived == members;
    next = ends ? STATE(PHASE(old) + 1, 0, members) : STATE(PHASE(old), arrived, members);
  } while (!atomic_compare_exchange_weak(&team->state, &old, next));
  if (ends && atomic_load(&team->sleeping)) {
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(&team->phaseEnded);
    pthread_mutex_unlock(&team->lock);
  }
  return PHASE(old);
}

static void waitForEnd(Team *team, uint32_t phase) {
  int64_t end = 0, now;
  do {
    for (int i = 0; i < NNCC_PAUSES_PER_LOOK; ++i) {
      if (PHASE(atomic_load_explicit(&team->state, memory_order_acquire)) != phase)
        return;
      nnccPause();
    }
    now = nnccNow();
    end = end ? end : now + team->spin;
  } while (now < end);
  if (phase) /* in the first one members may still be waking up */
    atomic_fetch_add_explicit(&team->sleeps, 1, memory_order_relaxed);
  pthread_mutex_lock(&team->lock);
  atomic_fetch_add(&team->sleeping, 1);
  while (PHASE(atomic_load(&team->state)) == phase)
    pthread_cond_wait(&team->phaseEnded, &team->lock);
  atomic_fetch_sub(&team->sleeping, 1);
  pthread_mutex_unlock(&team->lock);
}

void nnccTeamWait(Team *team) { waitForEnd(team, advance(team, false)); }

void nnccTeamLeave(Team *team) { advance(team, true); }

bool nnccTeamWaitForAll(Team *team) {
  uint64_t state;
  while (MEMBERS(state = atomic_load_explicit(&team->state, memory_order_acquire)))
    waitForEnd(team, PHASE(state));
  int sleeps = atomic_load_explicit(&team->sleeps, memory_order_relaxed);
  return (uint32_t)sleeps <= 1 + PHASE(state) / PHASES_PER_SLEEP;
}
