/* From the second run on, no thread takes memory from the system: this program counts every call to
 * the allocator and compares the process's mappings. */
#include "arguments.h"
#include "check.h"
#include "count_calls.h"

int main(void) {
  static Arguments small, large;
  static char before[1 << 16], after[1 << 16];
  nncc_model *model = NULL;
  CHECK_OK(nncc_model_from_descriptor(nncc_model_small(), NULL, &model));
  for (int32_t threads = 1; threads <= 4; ++threads) {
    nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
    nncc_instance *instance = NULL;
    options.threads = threads;
    options.flags = threads == 4 ? NNCC_INSTANCE_PROFILE : 0;
    CHECK_OK(nncc_instance_create(model, &options, &instance));
    setArguments(&small, 3, 0);
    setArguments(&large, 500, 0);
    int atStart = atomic_load(&calls);
    CHECK_OK(nncc_instance_run(instance, small.inputs, 2, small.outputs, 2));
    CHECK_OK(nncc_instance_run(instance, large.inputs, 2, large.outputs, 2));
    CHECK(atomic_load(&calls) > atStart); /* it does count */
    int counted = atomic_load(&calls);
    size_t mappings = readMappings(before, sizeof before);
    for (int i = 0; i < 300; ++i) {
      Arguments *a = i % 3 ? &large : &small; /* sizes that alternate are no reason either */
      if (nncc_instance_run(instance, a->inputs, 2, a->outputs, 2))
        ++checkFailures;
      if (i % 50 == 0)
        usleep(2000); /* workers go to sleep and are woken */
    }
    int found = atomic_load(&calls) - counted;
    if (found)
      fprintf(stderr, "%d threads: %d calls\n", threads, found);
    CHECK(found == 0);
    CHECK(readMappings(after, sizeof after) == mappings && memcmp(before, after, mappings) == 0);
    CHECK(resultsAreRight(&small) && resultsAreRight(&large));
    nncc_instance_destroy(instance);
  }
  nncc_model_close(model);
  return checkResult();
}
