/* Which calls the threads share, by what earlier ones have cost: under a clock of this file. */
#include "check.h"

#include "Internal.h"

#define UNITS 16

static int64_t clockTime = 1;

int64_t nnccNow(void) { return clockTime; }

static const nncc_dispatch unknown = {
    .struct_size = sizeof unknown, .kernel = "kernel", .flops = -1};
static const nncc_dispatch large = {.struct_size = sizeof large, .kernel = "kernel", .flops = 1e9};

/* What a call costs, in nanoseconds. */
typedef struct Times {
  int64_t alone, shared;
} Times;

/* Runs of one call each, and how many of the later half were shared. */
static int sharedCalls(const nncc_dispatch *dispatch, Times times, int runs, bool isPoolReady) {
  Cost cost = {0};
  Schedule schedule = {.costs = &cost};
  int shared = 0;
  for (int i = 0; i < runs; ++i) {
    nnccScheduleBegin(&schedule);
    if (!nnccSkips(&schedule, &cost, UNITS)) {
      nnccCallBegins(&schedule);
      Way way = nnccChooseWay(&schedule, &cost, dispatch, UNITS, isPoolReady);
      clockTime += way == NNCC_ALONE ? times.alone : times.shared;
      nnccLearn(&schedule, &cost, UNITS, way);
      shared += i >= runs / 2 && way != NNCC_ALONE;
    } else {
      clockTime += times.alone;
    }
    nnccScheduleEnd(&schedule);
  }
  return shared;
}

int main(void) {
  Times little = {800, 2500}, much = {3200000, 1700000}, busy = {3200000, 3300000};
  /* Not worth it; not known yet; known by now; no faster, as other programs run; said to be large.
     One call in 128 tries the other way. */
  CHECK(sharedCalls(&unknown, little, 200, true) == 0);
  CHECK(sharedCalls(&unknown, much, 3, true) == 0);
  CHECK(sharedCalls(&unknown, much, 200, true) >= 99);
  CHECK(sharedCalls(&unknown, busy, 200, true) <= 1);
  CHECK(sharedCalls(&large, busy, 200, true) == 100);

  /* Threads that sleep are woken for what is long enough for them to come. */
  Times brief = {30000, 20000};
  CHECK(sharedCalls(&unknown, brief, 200, false) == 0);
  CHECK(sharedCalls(&unknown, much, 200, false) >= 99);
  CHECK(sharedCalls(&large, brief, 200, false) == 100);

  /* Chunks: several for each worker, fewer of little work, one at least. */
  Cost none = {0}, cheap = {.alone = 50}, cheapest = {.alone = 1}, dear = {.alone = 1e6};
  CHECK(nnccChunks(&none, UNITS, 2) == 8);
  CHECK(nnccChunks(&dear, UNITS, 2) == 8);
  CHECK(nnccChunks(&cheap, 60, 2) == 6);
  CHECK(nnccChunks(&cheapest, UNITS, 2) == 2);
  return checkResult();
}
