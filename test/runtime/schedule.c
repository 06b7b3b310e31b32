/* Which calls the threads share: those whose earlier calls have cost enough. */
#include "check.h"

#include <stdatomic.h>
#include <time.h>

#define UNITS 16
#define RUNS 40

static int64_t unitTime;        /* nanoseconds of a unit */
static atomic_int others, done; /* units on other threads than the caller's, and all units */

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static nncc_status kernel(const nncc_call *call, int64_t begin, int64_t end, int32_t worker) {
  int64_t until = now() + unitTime * (end - begin);
  while (unitTime && now() < until)
    ;
  atomic_fetch_add(&done, (int)(end - begin));
  atomic_fetch_add(&others, worker ? (int)(end - begin) : 0);
  return NNCC_OK;
}

static const nncc_dispatch unknown = {sizeof unknown, 0, "kernel", "", kernel, -1, 0, 0};
static const nncc_dispatch large = {sizeof large, 0, "kernel", "", kernel, UNITS, 1e9, 0};
static const nncc_dispatch *const dispatches[] = {&unknown, &large};
static const nncc_dispatch *called;

static nncc_status plan(const int64_t *dims, int64_t *arena, int64_t *scratch) {
  *arena = *scratch = 0;
  return NNCC_OK;
}

static nncc_status run(const nncc_frame *frame) {
  nncc_call call = {frame->outputs, NULL, NULL, 0, frame->services, frame->host, 0};
  return frame->services->parallel_for(frame->host, called, &call, UNITS);
}

static const nncc_descriptor descriptor = {.magic = NNCC_ABI_MAGIC,
                                           .abi_major = NNCC_ABI_MAJOR,
                                           .struct_size = sizeof descriptor,
                                           .name = "schedule",
                                           .isa = "",
                                           .num_dispatches = 2,
                                           .dispatches = dispatches,
                                           .plan = plan,
                                           .run = run};

/* Units that others took in the later half of the runs of a new instance. */
static int unitsOfOthers(const nncc_dispatch *dispatch, int64_t time, int runs) {
  nncc_model *model = NULL;
  nncc_instance *instance = NULL;
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.threads = 2;
  options.spin_us = 50;
  called = dispatch;
  unitTime = time;
  atomic_store(&done, 0);
  CHECK_OK(nncc_model_from_descriptor(&descriptor, NULL, &model));
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  for (int i = 0; i < runs; ++i) {
    if (i == runs / 2)
      atomic_store(&others, 0);
    CHECK_OK(nncc_instance_run(instance, NULL, 0, NULL, 0));
  }
  CHECK(atomic_load(&done) == runs * UNITS);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  return atomic_load(&others);
}

int main(void) {
  CHECK(unitsOfOthers(&unknown, 0, RUNS) == 0);         /* not worth it */
  CHECK(unitsOfOthers(&unknown, 200000, 3) == 0);       /* not known yet */
  CHECK(unitsOfOthers(&unknown, 200000, RUNS) > UNITS); /* known by now */
  CHECK(unitsOfOthers(&large, 200000, RUNS) > UNITS);   /* said to be large */
  return checkResult();
}
