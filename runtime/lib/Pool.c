/* Worker threads.
 *
 * A job is offered through one word, the gate: its number, whether it is open, and how many workers
 * are inside. Workers enter an open gate that they have not seen and take chunks of units from a
 * counter; the caller does the same, closes the gate when the counter has run out, and waits for
 * those inside. A worker that is late, asleep, or absent (after fork) finds the gate closed and is
 * never waited for. A team is a job that each of its members takes one unit of; the caller waits
 * for all of them before it closes the gate.
 *
 * Within a run idle workers watch the gate for a while before they sleep; between runs they sleep.
 */
#include "Internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After one whose members did not run at the same time: others need the processors. */
#define TEAMS_REFUSED 16

#define OPEN ((uint64_t)1 << 31)
#define INSIDE (OPEN - 1)
#define JOB(gate) ((uint32_t)((gate) >> 32))

typedef struct Worker {
  struct Pool *pool;
  pthread_t thread;
  int32_t index;
} Worker;

struct Pool {
  NNCC_APART atomic_uint_fast64_t gate;

  /* The job: written by the caller while the gate is closed and nobody is inside. */
  NNCC_APART nncc_kernel_fn function;
  const nncc_call *call;
  int64_t units, chunk;
  atomic_int *cancelled;
  int32_t members; /* of the team; 0: the job is in chunks */
  int32_t refused; /* teams that will be */
  Team team;

  NNCC_APART atomic_int_fast64_t next; /* first unit that nobody has taken */
  atomic_int status;                   /* first that is not NNCC_OK */

  NNCC_APART atomic_bool running; /* between nnccPoolBegin and nnccPoolEnd */
  atomic_bool stop;
  atomic_int sleeping;
  atomic_bool callerSleeps;
  pthread_mutex_t lock; /* of both conditions */
  pthread_cond_t offered, left;

  int64_t spin;
  pid_t owner;
  int32_t count; /* of workers: threads without the caller */
  Worker *workers;
};

/* Units [begin, end). Whether the job goes on. */
static bool compute(Pool *pool, int64_t begin, int64_t end, int32_t worker) {
  nncc_status status = atomic_load_explicit(pool->cancelled, memory_order_relaxed)
                           ? NNCC_CANCELLED
                           : pool->function(pool->call, begin, end, worker);
  int none = NNCC_OK;
  if (status)
    atomic_compare_exchange_strong(&pool->status, &none, status);
  return !status;
}

static void workInTeam(Pool *pool, int32_t worker) {
  if (worker >= pool->members)
    return;
  compute(pool, worker, worker + 1, worker);
  nnccTeamLeave(&pool->team);
}

/* Takes chunks until there are none. */
static void work(Pool *pool, int32_t worker) {
  if (pool->members)
    return workInTeam(pool, worker);
  int64_t units = pool->units, chunk = pool->chunk;
  for (;;) {
    int64_t begin = atomic_fetch_add_explicit(&pool->next, chunk, memory_order_relaxed);
    if (begin >= units)
      return;
    if (!compute(pool, begin, begin + chunk < units ? begin + chunk : units, worker))
      atomic_store_explicit(&pool->next, units, memory_order_relaxed);
  }
}

/* Enters the gate if it is open with a job that is not `seen`. */
static bool enter(Pool *pool, uint32_t *seen) {
  uint64_t gate = atomic_load_explicit(&pool->gate, memory_order_relaxed);
  while (gate & OPEN && JOB(gate) != *seen)
    if (atomic_compare_exchange_weak_explicit(&pool->gate, &gate, gate + 1, memory_order_acquire,
                                              memory_order_relaxed)) {
      *seen = JOB(gate);
      return true;
    }
  return false;
}

/* The last one out of a closed gate wakes the caller if it went to sleep. */
static void leave(Pool *pool) {
  uint64_t gate = atomic_fetch_sub(&pool->gate, 1) - 1;
  if (gate & (OPEN | INSIDE) || !atomic_load(&pool->callerSleeps))
    return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->left);
  pthread_mutex_unlock(&pool->lock);
}

/* Enters the next job, or returns false where the run has ended or the time is up. */
static bool watch(Pool *pool, uint32_t *seen) {
  int64_t end = 0;
  while (atomic_load_explicit(&pool->running, memory_order_relaxed)) {
    for (int i = 0; i < NNCC_PAUSES_PER_LOOK; ++i) {
      if (enter(pool, seen))
        return true;
      nnccPause();
    }
    int64_t now = nnccNow();
    if (!end)
      end = now + pool->spin;
    if (now >= end)
      break;
  }
  return false;
}

/* Sleeps until a job is offered; false: the pool ends. Either the caller sees that this worker
 * sleeps, or this worker sees the open gate: both write before they read, in one total order. */
static bool sleepUntilOffered(Pool *pool, uint32_t seen) {
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleeping, 1);
  for (;;) {
    uint64_t gate = atomic_load(&pool->gate);
    if (atomic_load(&pool->stop) || (gate & OPEN && JOB(gate) != seen))
      break;
    pthread_cond_wait(&pool->offered, &pool->lock);
  }
  atomic_fetch_sub(&pool->sleeping, 1);
  pthread_mutex_unlock(&pool->lock);
  return !atomic_load(&pool->stop);
}

static void *workerMain(void *argument) {
  Worker *self = argument;
  Pool *pool = self->pool;
  uint32_t seen = 0;
#ifdef __linux__
  char name[16];
  snprintf(name, sizeof name, "nncc-%d", (int)self->index);
  pthread_setname_np(pthread_self(), name);
#endif
  for (;;) {
    bool inside = enter(pool, &seen) || (pool->spin && watch(pool, &seen));
    if (inside) {
      work(pool, self->index);
      leave(pool);
    } else if (!sleepUntilOffered(pool, seen)) {
      return NULL;
    }
  }
}

/* Waits until nobody is inside the closed gate. */
static void waitForWorkers(Pool *pool) {
  int64_t end = 0;
  do {
    for (int i = 0; i < NNCC_PAUSES_PER_LOOK; ++i) {
      if (!(atomic_load_explicit(&pool->gate, memory_order_acquire) & INSIDE))
        return;
      nnccPause();
    }
    int64_t now = nnccNow();
    if (!end)
      end = now + pool->spin;
    if (now >= end)
      break;
  } while (true);
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->callerSleeps, true);
  while (atomic_load(&pool->gate) & INSIDE)
    pthread_cond_wait(&pool->left, &pool->lock);
  atomic_store(&pool->callerSleeps, false);
  pthread_mutex_unlock(&pool->lock);
}

/* Offers the job to the workers and takes part in it. The gate stays open. */
static void offer(Pool *pool, nncc_kernel_fn function, const nncc_call *call,
                  atomic_int *cancelled) {
  pool->function = function;
  pool->call = call;
  pool->cancelled = cancelled;
  atomic_store_explicit(&pool->status, NNCC_OK, memory_order_relaxed);

  uint32_t job = JOB(atomic_load_explicit(&pool->gate, memory_order_relaxed)) + 1;
  atomic_store(&pool->gate, (uint64_t)job << 32 | OPEN);         /* publishes the job */
  if (atomic_load(&pool->sleeping) && pool->owner == getpid()) { /* fork leaves sleepers behind */
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->offered);
    pthread_mutex_unlock(&pool->lock);
  }
  work(pool, 0);
}

/* Ends the job: whoever comes now finds the gate closed. */
static nncc_status finish(Pool *pool) {
  if (atomic_fetch_and(&pool->gate, ~OPEN) & INSIDE)
    waitForWorkers(pool);
  return atomic_load_explicit(&pool->status, memory_order_relaxed);
}

bool nnccPoolIsReady(Pool *pool) {
  return !pool->spin || atomic_load_explicit(&pool->sleeping, memory_order_relaxed) < pool->count;
}

nncc_status nnccPoolRun(Pool *pool, nncc_kernel_fn function, const nncc_call *call, int64_t units,
                        int64_t chunks, atomic_int *cancelled) {
  pool->units = units;
  pool->chunk = units / chunks + (units % chunks != 0);
  pool->members = 0;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  offer(pool, function, call, cancelled);
  return finish(pool);
}

nncc_status nnccPoolRunTeam(Pool *pool, nncc_kernel_fn function, const nncc_call *call,
                            int32_t workers, atomic_int *cancelled) {
  /* Members that do not spin would sleep at each barrier; fork leaves them behind. */
  if (workers > pool->count + 1 || !pool->spin || pool->owner != getpid())
    return NNCC_NOT_SUPPORTED;
  if (pool->refused) {
    --pool->refused;
    return NNCC_NOT_SUPPORTED;
  }
  pool->members = workers;
  nnccTeamBegin(&pool->team, workers);
  offer(pool, function, call, cancelled);
  if (!nnccTeamWaitForAll(&pool->team))
    pool->refused = TEAMS_REFUSED;
  return finish(pool);
}

void nnccPoolBarrier(Pool *pool) { nnccTeamWait(&pool->team); }

void nnccPoolBegin(Pool *pool) {
  atomic_store_explicit(&pool->running, true, memory_order_relaxed);
}

void nnccPoolEnd(Pool *pool) { atomic_store_explicit(&pool->running, false, memory_order_relaxed); }

/* Signals of the process are the host's business: its handlers do not run on our threads. */
static nncc_status startWorkers(Pool *pool, int32_t count) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  while (pool->count < count && !error) {
    Worker *worker = &pool->workers[pool->count];
    worker->pool = pool;
    worker->index = pool->count + 1;
    error = pthread_create(&worker->thread, NULL, workerMain, worker);
    pool->count += !error;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error)
    return nnccFail(NNCC_OUT_OF_MEMORY, "cannot start thread %d of %d: %s", pool->count + 2,
                    count + 1, strerror(error));
  return NNCC_OK;
}

nncc_status nnccPoolCreate(int32_t threads, int64_t spin, Pool **result) {
  Pool *pool = NULL;
  if (posix_memalign((void **)&pool, _Alignof(Pool), sizeof *pool))
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for threads");
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->offered, NULL);
  pthread_cond_init(&pool->left, NULL);
  nnccTeamInit(&pool->team, spin);
  pool->spin = spin;
  pool->owner = getpid();
  pool->workers = calloc((size_t)threads, sizeof *pool->workers);
  nncc_status status = pool->workers ? startWorkers(pool, threads - 1)
                                     : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for threads");
  if (status)
    nnccPoolDestroy(pool);
  else
    *result = pool;
  return status;
}

void nnccPoolDestroy(Pool *pool) {
  if (!pool)
    return;
  if (pool->owner == getpid()) { /* a child after fork has none of the threads */
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->offered);
    pthread_mutex_unlock(&pool->lock);
    for (int32_t i = 0; i < pool->count; ++i)
      pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->offered);
    pthread_cond_destroy(&pool->left);
    pthread_mutex_destroy(&pool->lock);
    nnccTeamDestroy(&pool->team);
  }
  free(pool->workers);
  free(pool);
}
