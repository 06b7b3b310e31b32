/* That calls which are said to be large are shared by the threads, wherever these are. */
#include "check.h"

#include <stdatomic.h>
#include <time.h>

#define UNITS 16
#define PATIENCE 60 /* seconds for a thread to come: more than any machine is busy for */

static atomic_int seen, done; /* workers as bits; units */

/* Its first units wait for the other worker, so that neither takes all of them. */
static nncc_status kernel(const nncc_call *call, int64_t begin, int64_t end, int32_t worker) {
  time_t last = time(NULL) + PATIENCE;
  atomic_fetch_or(&seen, 1 << worker);
  while (atomic_load(&seen) != 3 && time(NULL) < last)
    ;
  atomic_fetch_add(&done, (int)(end - begin));
  return NNCC_OK;
}

static const nncc_dispatch large = {sizeof large, 0, "kernel", "", kernel, UNITS, 1e9, 0, NULL};
static const nncc_dispatch *const dispatches[] = {&large};

static nncc_status plan(const int64_t *dims, int64_t *arena, int64_t *scratch) {
  *arena = *scratch = 0;
  return NNCC_OK;
}

static nncc_status run(const nncc_frame *frame) {
  nncc_call call = {frame->outputs, NULL, NULL, 0, frame->services, frame->host, 0};
  return frame->services->parallel_for(frame->host, &large, &call, UNITS);
}

static const nncc_descriptor descriptor = {.magic = NNCC_ABI_MAGIC,
                                           .abi_major = NNCC_ABI_MAJOR,
                                           .struct_size = sizeof descriptor,
                                           .name = "share",
                                           .isa = "",
                                           .num_dispatches = 1,
                                           .dispatches = dispatches,
                                           .plan = plan,
                                           .run = run};

int main(void) {
  nncc_model *model = NULL;
  nncc_instance *instance = NULL;
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.threads = 2;
  CHECK_OK(nncc_model_from_descriptor(&descriptor, NULL, &model));
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  CHECK_OK(nncc_instance_run(instance, NULL, 0, NULL, 0));
  CHECK(atomic_load(&seen) == 3);
  CHECK(atomic_load(&done) == UNITS);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  return checkResult();
}
