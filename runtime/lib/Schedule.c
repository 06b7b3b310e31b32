/* Which calls of kernels are shared by the workers: by what earlier calls have cost.
 *
 * A call of little work is faster on the caller alone. What a call site costs, alone and shared, is
 * measured and smoothed, per unit: upwards slowly, so that a moment without a processor says
 * little. Now and then the slower way is tried again. Workers that sleep are woken only where the
 * rest of the run, by the time that runs take, is long enough for them to come. How a call is
 * run changes no result: its units are independent. */
#include "Internal.h"

/* More work than this is shared and never tried alone. Bytes do not count: of a table that a kernel
 * looks something up in, it reads little. */
#define LARGE_FLOPS 4e6
/* Less work, in nanoseconds, is never shared: to offer it takes about one microsecond. */
#define LEAST_WORK 2000
#define WORK_OF_CHUNK 500.0
/* More chunks than workers, so that one that is slow or late gets fewer of them. */
#define CHUNKS_PER_WORKER 4
/* What sleeping workers are woken for, in nanoseconds. */
#define LEAST_AHEAD 60000
/* Calls that are run alone at first: caches are cold in the first ones. */
#define TRIALS 3
/* Of calls of little work one in so many is timed: to look at the clock costs something too. */
#define CALLS_PER_LOOK 16
/* Calls between two tries of the slower way. */
#define PROBES 128

void nnccScheduleBegin(Schedule *schedule) { schedule->now = schedule->begin = nnccNow(); }

void nnccCallBegins(Schedule *schedule) {
  if (!schedule->now)
    schedule->now = nnccNow();
}

static void smooth(double *mean, double sample) {
  if (!*mean || sample < *mean)
    *mean = *mean ? (*mean + sample) / 2 : sample;
  else
    *mean += (sample < 2 * *mean ? sample - *mean : *mean) / 4;
}

void nnccScheduleEnd(Schedule *schedule) {
  nnccCallBegins(schedule);
  smooth(&schedule->run, (double)(schedule->now - schedule->begin));
}

static bool isLarge(const nncc_dispatch *dispatch) { return dispatch->flops >= LARGE_FLOPS; }

bool nnccSkips(Schedule *schedule, Cost *cost, int64_t units) {
  if (cost->slow || !cost->alone || cost->alone * (double)units >= LEAST_WORK ||
      cost->calls < CALLS_PER_LOOK || cost->calls % CALLS_PER_LOOK == 0)
    return false;
  ++cost->calls;
  schedule->now = 0;
  return true;
}

static bool isFasterShared(const Cost *cost, int64_t units) {
  if (cost->calls < TRIALS || cost->alone * (double)units < LEAST_WORK)
    return false;
  bool isFaster = !cost->shared || cost->shared < cost->alone;
  uintptr_t place = (uintptr_t)cost / sizeof *cost; /* so that one run does not probe all */
  return (cost->calls + place) % PROBES ? isFaster : !isFaster;
}

Way nnccChooseWay(const Schedule *schedule, const Cost *cost, const nncc_dispatch *dispatch,
                  int64_t units, bool isPoolReady) {
  Way shared = isPoolReady ? NNCC_SHARED : NNCC_WOKEN;
  if (isLarge(dispatch))
    return shared;
  double ahead = schedule->run - (double)(schedule->now - schedule->begin);
  if (!isFasterShared(cost, units) || (!isPoolReady && ahead < LEAST_AHEAD))
    return NNCC_ALONE;
  return shared;
}

bool nnccIsWorthTeam(const nncc_dispatch *dispatch, bool isPoolReady) {
  return isPoolReady || isLarge(dispatch);
}

int64_t nnccChunks(const Cost *cost, int64_t units, int32_t workers) {
  double useful = cost->alone * (double)units / (WORK_OF_CHUNK * workers);
  bool isKnownToBeLess = cost->alone && useful < CHUNKS_PER_WORKER;
  int64_t perWorker = isKnownToBeLess ? (int64_t)useful : CHUNKS_PER_WORKER;
  return workers * (perWorker ? perWorker : 1);
}

/* Three calls in a row that took twice as long are no moments without a processor: a unit has more
 * work now, as sizes that are open have it. */
static void learnAlone(Cost *cost, double sample) {
  cost->slow = cost->alone && sample >= 2 * cost->alone ? cost->slow + 1 : 0;
  if (cost->slow < 3) {
    smooth(&cost->alone, sample);
    return;
  }
  cost->alone = sample;
  cost->shared = 0;
  cost->slow = 0;
}

void nnccLearn(Schedule *schedule, Cost *cost, int64_t units, Way way) {
  int64_t begin = schedule->now;
  schedule->now = nnccNow();
  double sample = (double)(schedule->now - begin) / (double)units;
  if (way == NNCC_ALONE)
    learnAlone(cost, sample);
  else if (way == NNCC_SHARED)
    smooth(&cost->shared, sample);
  ++cost->calls;
}
