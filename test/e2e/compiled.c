/* Compiled models in one process. Each is run on one thread first; then several threads run all of
 * them at once, on instances of their own with one to four workers, and must get the same bits; so
 * must a host with a parallel_for of its own and nothing else.
 *
 *   compiled MODEL.so...
 *
 * With COUNT_CALLS no thread may take memory from the system from an instance's second run on (then
 * one thread runs the models, so that nobody else's first run is counted). Without, it is for
 * ThreadSanitizer. */
#include "../runtime/check.h"
#ifdef COUNT_CALLS
#include "../runtime/count_calls.h"
#endif
#include "nncc/nncc.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MODELS 8
#define MOST_TENSORS 4
#define USERS 4

typedef struct Tensors {
  nncc_tensor tensors[MOST_TENSORS];
  size_t bytes[MOST_TENSORS];
  int32_t count;
} Tensors;

typedef struct Subject {
  nncc_model *model;
  Tensors inputs, expected;
} Subject;

static Subject subjects[MOST_MODELS];
static int numSubjects;

/* Memory for a tensor of static shape; small integers and floats as elements. */
static void addTensor(Tensors *all, const nncc_tensor_info *info, unsigned seed) {
  size_t elements = 1, size = info->type == NNCC_INT64 ? 8 : 4;
  for (int32_t d = 0; d < info->rank; ++d)
    elements *= (size_t)info->shape[d];
  char *data = calloc(elements, size);
  for (size_t i = 0; i < elements; ++i) {
    seed = seed * 1103515245u + 12345u;
    int64_t integer = seed >> 16 & 15;
    float real = (float)(seed >> 16 & 1023) / 512 - 1;
    memcpy(data + i * size, info->type == NNCC_FLOAT ? (void *)&real : (void *)&integer, size);
  }
  nncc_tensor tensor = {data, info->type, info->rank, info->shape, 0};
  all->bytes[all->count] = elements * size;
  all->tensors[all->count++] = tensor;
}

static Tensors outputsOf(const nncc_model *model) {
  Tensors all = {0};
  for (int32_t i = 0; i < nncc_model_num_outputs(model); ++i)
    addTensor(&all, nncc_model_output(model, i), 0);
  return all;
}

static void freeTensors(Tensors *all) {
  for (int32_t i = 0; i < all->count; ++i)
    free(all->tensors[i].data);
}

static bool run(nncc_instance *instance, const Subject *subject, Tensors *outputs) {
  nncc_status status = nncc_instance_run(instance, subject->inputs.tensors, subject->inputs.count,
                                         outputs->tensors, outputs->count);
  if (status)
    fprintf(stderr, "%s\n", nncc_last_error());
  return !status;
}

static void open_(const char *path) {
  Subject *subject = &subjects[numSubjects++];
  CHECK_OK(nncc_model_open(path, NULL, &subject->model));
  if (!subject->model)
    exit(1);
  for (int32_t i = 0; i < nncc_model_num_inputs(subject->model); ++i)
    addTensor(&subject->inputs, nncc_model_input(subject->model, i), (unsigned)i + 7);
  subject->expected = outputsOf(subject->model);
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = 1;
  CHECK_OK(nncc_instance_create(subject->model, &options, &instance));
  CHECK(run(instance, subject, &subject->expected));
  nncc_instance_destroy(instance);
}

/* Runs one model some times on one instance. */
static int use(const Subject *subject, int32_t threads) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = threads;
  options.spin_us = 20; /* whatever processors there are: teams are not refused */
  if (nncc_instance_create(subject->model, &options, &instance))
    return 1;
  Tensors outputs = outputsOf(subject->model);
  int failures = !run(instance, subject, &outputs);
#ifdef COUNT_CALLS
  static char before[1 << 16], after[1 << 16];
  int counted = atomic_load(&calls);
  size_t mappings = readMappings(before, sizeof before);
#endif
  for (int round = 0; round < 20; ++round) {
    failures += !run(instance, subject, &outputs);
    for (int32_t i = 0; i < outputs.count; ++i)
      failures +=
          memcmp(outputs.tensors[i].data, subject->expected.tensors[i].data, outputs.bytes[i]) != 0;
  }
#ifdef COUNT_CALLS
  CHECK(atomic_load(&calls) == counted);
  CHECK(readMappings(after, sizeof after) == mappings && memcmp(before, after, mappings) == 0);
#endif
  freeTensors(&outputs);
  nncc_instance_destroy(instance);
  return failures;
}

/* The least that a host can offer: one thread, and so no teams. */
static nncc_status runBackwards(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                                int64_t units) {
  nncc_status status = NNCC_OK;
  for (int64_t unit = units - 1; unit >= 0 && !status; --unit)
    status = dispatch->function(call, unit, unit + 1, (int32_t)(unit % 3));
  return status;
}

static void checkOnHost(const Subject *subject) {
  nncc_services services = {.struct_size = sizeof services, .parallel_for = runBackwards};
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  Tensors outputs = outputsOf(subject->model);
  options.threads = 3;
  options.services = &services;
  CHECK_OK(nncc_instance_create(subject->model, &options, &instance));
  CHECK(run(instance, subject, &outputs));
  for (int32_t i = 0; i < outputs.count; ++i)
    CHECK(memcmp(outputs.tensors[i].data, subject->expected.tensors[i].data, outputs.bytes[i]) ==
          0);
  freeTensors(&outputs);
  nncc_instance_destroy(instance);
}

static void *useAll(void *argument) {
  intptr_t number = (intptr_t)argument, failures = 0;
  for (int i = 0; i < numSubjects; ++i)
    failures += use(&subjects[(i + number) % numSubjects], 1 + i % 4);
  return (void *)failures;
}

int main(int argc, char **argv) {
  CHECK(argc > 1 && argc <= MOST_MODELS + 1);
  for (int i = 1; i < argc; ++i)
    open_(argv[i]);
#ifdef COUNT_CALLS
  for (intptr_t number = 0; number < 4; ++number)
    CHECK(useAll((void *)number) == NULL);
#else
  pthread_t users[USERS];
  for (intptr_t i = 0; i < USERS; ++i)
    CHECK(pthread_create(&users[i], NULL, useAll, (void *)i) == 0);
  for (int i = 0; i < USERS; ++i) {
    void *failures = NULL;
    pthread_join(users[i], &failures);
    CHECK(failures == NULL);
  }
#endif
  for (int i = 0; i < numSubjects; ++i) {
    checkOnHost(&subjects[i]);
    freeTensors(&subjects[i].inputs);
    freeTensors(&subjects[i].expected);
    nncc_model_close(subjects[i].model);
  }
  return checkResult();
}
