/* Which calls of kernels are shared by the workers: by what earlier calls have cost.
 *
 * A call of little work is faster on the caller alone. What a call site costs, alone and shared, is
 * measured and smoothed, per unit: upwards slowly, so that a moment without a processor says
 * little. Now and then the slower way is tried again. Workers that sleep are woken only where the
 * rest of the run, by the time that runs take, is long enough for them to come. How a call is
 * run changes no result: its units are independent. */
#include "Internal.h"

/* More work than this is shared and never tried alone. */
#define LARGE_FLOPS 4e6
#define LARGE_BYTES 1e6
/* Less work, in nanoseconds, is never shared: to offer it takes about one microsecond. */
#define LEAST_WORK 2000
#define WORK_OF_CHUNK 2000.0
/* What sleeping workers are woken for, in nanoseconds. */
#define LEAST_AHEAD 60000
/* Calls that are run alone at first: caches are cold in the first ones. */
#define TRIALS 3
/* Calls between two tries of the slower way. */
#define PROBES 128

void nnccScheduleBegin(Schedule *schedule) { schedule->now = schedule->begin = nnccNow(); }

static void smooth(double *mean, double sample) {
  if (!*mean || sample < *mean)
    *mean = *mean ? (*mean + sample) / 2 : sample;
  else
    *mean += (sample < 2 * *mean ? sample - *mean : *mean) / 4;
}

void nnccScheduleEnd(Schedule *schedule) {
  smooth(&schedule->run, (double)(schedule->now - schedule->begin));
}

static bool isLarge(const nncc_dispatch *dispatch) {
  return dispatch->flops >= LARGE_FLOPS || dispatch->bytes >= LARGE_BYTES;
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
  return isPoolReady || dispatch->flops >= LARGE_FLOPS; /* workers wait for the last one */
}

int64_t nnccChunks(const Cost *cost, int64_t units, int32_t workers) {
  int64_t most = (int64_t)workers * NNCC_CHUNKS_PER_WORKER;
  double useful = cost->alone ? cost->alone * (double)units / WORK_OF_CHUNK : (double)most;
  return useful < workers ? workers : useful < (double)most ? (int64_t)useful : most;
}

void nnccLearn(Schedule *schedule, Cost *cost, int64_t units, Way way) {
  int64_t begin = schedule->now;
  schedule->now = nnccNow();
  double sample = (double)(schedule->now - begin) / (double)units;
  if (way == NNCC_ALONE)
    smooth(&cost->alone, sample);
  else if (way == NNCC_SHARED)
    smooth(&cost->shared, sample);
  ++cost->calls;
}
