/* What the tests of models on a device share: the driver's stand-in, and runs. */
#ifndef NNCC_TEST_RUNTIME_DEVICE_CHECK_H
#define NNCC_TEST_RUNTIME_DEVICE_CHECK_H

#include "arguments.h"
#include "check.h"
#include "device_model.h"
#include "fake_cuda.h"

#include <dlfcn.h>
#include <stdlib.h>

static FakeCuda *fake;
static FakeCudaDepth depth;

/* Whether the driver that LD_LIBRARY_PATH leads to is the stand-in. */
static inline bool findFake(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  fake = library ? dlsym(library, "fakeCuda") : NULL;
  depth = library ? (FakeCudaDepth)dlsym(library, "fakeCudaDepth") : NULL;
  return fake && depth;
}

/* The caller's context is left alone, and nothing is left behind. */
static inline void checkNothingLeft(void) {
  CHECK(depth() == 0);
  CHECK(fake->contexts == 0 && fake->modules == 0 && fake->allocations == 0 && fake->pinned == 0);
  CHECK(fake->streams == 0 && fake->events == 0 && fake->graphs == 0 && fake->pools == 0);
  CHECK(fake->used == 0);
}

/* Forgets what the driver has refused to take back. */
static inline void forgetLeft(void) {
  fake->contexts = fake->modules = fake->allocations = fake->pinned = 0;
  fake->streams = fake->events = fake->graphs = fake->pools = 0;
  fake->used = 0;
}

static inline nncc_model *openModel(const nncc_descriptor *descriptor, const char *level) {
  nncc_open_options options = NNCC_OPEN_OPTIONS_INIT;
  nncc_model *model = NULL;
  options.level = level;
  CHECK_OK(nncc_model_from_descriptor(descriptor, &options, &model));
  return model;
}

static inline nncc_instance *newInstance(nncc_model *model, uint32_t flags, void *stream) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.flags = flags;
  options.stream = stream;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  return instance;
}

static inline nncc_status run(nncc_instance *instance, Arguments *a) {
  return nncc_instance_run(instance, a->inputs, 2, a->outputs, 2);
}

/* Runs with new numbers, and checks what comes back. */
static inline void runRight(nncc_instance *instance, int64_t rows, int seed) {
  static _Thread_local Arguments a;
  setArguments(&a, rows, seed);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  CHECK(depth() == 0);
}

#endif
