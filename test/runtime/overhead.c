/* What a dispatch costs besides its kernel, and what sleeping workers cost between runs:
 *
 *   runtime-overhead [threads...]
 *
 * A run has 1000 dispatches of 64 units that do next to nothing, though they are said to be large.
 */
#include "check.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DISPATCHES 1000
#define UNITS 64

static int64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static nncc_status kernel(const nncc_call *call, int64_t begin, int64_t end, int32_t worker) {
  char *out = call->buffers[0];
  for (int64_t i = begin; i < end; ++i)
    out[i] = (char)i;
  return NNCC_OK;
}

static const nncc_dispatch dispatch = {sizeof dispatch, 0,   "kernel", "Node_0", kernel,
                                       UNITS,           1e9, 1e9,      NULL};
static const nncc_dispatch *const dispatches[] = {&dispatch};

static nncc_status plan(const int64_t *dims, int64_t *arena, int64_t *scratch) {
  *arena = *scratch = 0;
  return NNCC_OK;
}

static nncc_status run(const nncc_frame *frame) {
  nncc_call call = {frame->outputs, NULL, NULL, 0, frame->services, frame->host, 0};
  for (int i = 0; i < DISPATCHES; ++i) {
    nncc_status status = frame->services->parallel_for(frame->host, &dispatch, &call, UNITS);
    if (status)
      return status;
  }
  return NNCC_OK;
}

static const int64_t shape[] = {UNITS};
static const nncc_tensor_info output = {"y", NNCC_UINT8, 1, shape};
static const nncc_descriptor descriptor = {.magic = NNCC_ABI_MAGIC,
                                           .abi_major = NNCC_ABI_MAJOR,
                                           .struct_size = sizeof descriptor,
                                           .name = "overhead",
                                           .isa = "",
                                           .num_outputs = 1,
                                           .outputs = &output,
                                           .num_dispatches = 1,
                                           .dispatches = dispatches,
                                           .plan = plan,
                                           .run = run};

/* Nanoseconds of a dispatch in the fastest and in the median run of the default instance. */
static double measure(nncc_model *model, int32_t threads) {
  enum { RUNS = 101 };
  static int64_t times[RUNS];
  char y[UNITS];
  nncc_tensor tensor = {y, NNCC_UINT8, 1, shape, NULL};
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = threads;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  for (int i = 0; i < RUNS; ++i) {
    int64_t begin = now(CLOCK_MONOTONIC);
    CHECK_OK(nncc_instance_run(instance, NULL, 0, &tensor, 1));
    int64_t time = now(CLOCK_MONOTONIC) - begin;
    int at = i;
    for (; at && times[at - 1] > time; --at)
      times[at] = times[at - 1];
    times[at] = time;
  }
  int64_t cpu = now(CLOCK_PROCESS_CPUTIME_ID);
  usleep(300000);
  double idle = (double)(now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 3e8;
  printf("%d threads: %.0f ns a dispatch (fastest run), %.0f ns (median); idle: %.2f %% of a CPU\n",
         threads, (double)times[0] / DISPATCHES, (double)times[RUNS / 2] / DISPATCHES, 100 * idle);
  CHECK(idle < 0.05);
  nncc_instance_destroy(instance);
  return (double)times[0] / DISPATCHES;
}

int main(int argc, char **argv) {
  nncc_model *model = NULL;
  CHECK_OK(nncc_model_from_descriptor(&descriptor, NULL, &model));
  for (int i = 1; i < argc; ++i)
    measure(model, atoi(argv[i]));
  if (argc == 1) {
    CHECK(measure(model, 1) < 500);
    measure(model, 2);
  }
  nncc_model_close(model);
  return checkResult();
}
