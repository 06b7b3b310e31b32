/* Models on a device, by a stand-in for the driver that the environment names: levels, images,
 * copies, graphs, profiles, memory and streams of the caller. Every error is in device_errors.c. */
#include "device_check.h"

#include <pthread.h>

/* The caller's own calls to the driver. */
typedef struct Api {
  int (*push)(void *context), (*pop)(void **context);
  int (*alloc)(uint64_t *memory, size_t bytes), (*free)(uint64_t memory);
  int (*copy)(uint64_t to, uint64_t from, size_t bytes, void *stream);
  int (*createStream)(void **stream, unsigned flags), (*wait)(void *stream);
  int (*destroyStream)(void *stream);
} Api;
static Api api;

static void findApi(void) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  static const char *const names[] = {"cuCtxPushCurrent_v2", "cuCtxPopCurrent_v2", "cuMemAlloc_v2",
                                      "cuMemFree_v2",        "cuMemcpyAsync",      "cuStreamCreate",
                                      "cuStreamSynchronize", "cuStreamDestroy_v2"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    void *symbol = dlsym(library, names[i]);
    memcpy((char *)&api + i * sizeof symbol, &symbol, sizeof symbol);
  }
}

static void testLevels(void) {
  CHECK_OK(nncc_isa_check("cuda"));
  nncc_model *model = openModel(nncc_model_device(), NULL);
  CHECK(strcmp(nncc_model_descriptor(model)->cpu, "sm_90a") == 0);
  CHECK(nncc_model_descriptor(model)->num_levels == 2);
  nncc_instance *instance = newInstance(model, 0, NULL);
  CHECK(nncc_instance_threads(instance) == 2 * fake->multiprocessors);
  int launches = fake->launches;
  runRight(instance, 7, 1);
  CHECK(fake->launches == launches + 4);
  CHECK(strcmp(fake->image, FAKE_CUBIN " 90a") == 0);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();

  model = openModel(nncc_model_device(), "generic");
  launches = fake->launches;
  instance = newInstance(model, 0, NULL);
  runRight(instance, 7, 1);
  CHECK(fake->launches == launches);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
}

/* Which image a device of this capability takes; NULL: none, and then the processor's level. */
static void testImage(int capability, const char *image) {
  int before = fake->capability;
  fake->capability = capability;
  nncc_model *model = openModel(nncc_model_device(), NULL);
  CHECK(strcmp(nncc_model_descriptor(model)->cpu, image ? "sm_90a" : "generic") == 0);
  nncc_instance *instance = newInstance(model, 0, NULL);
  runRight(instance, 3, 0);
  CHECK(!image || strcmp(fake->image, image) == 0);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  if (!image) {
    model = openModel(nncc_model_device(), "sm_90a");
    instance = NULL;
    CHECK_FAILS(NNCC_ISA_MISSING, nncc_instance_create(model, NULL, &instance), "Fake",
                "cubin sm_90a, cubin sm_80, PTX sm_80", "is compiled for 'sm_90a'");
    nncc_model_close(model);
  }
  fake->capability = before;
}

/* A device whose blocks have less shared memory than the kernels take. */
static void testShared(void) {
  int before = fake->shared;
  fake->shared = 48 << 10;
  nncc_model *model = openModel(nncc_model_device(), NULL);
  CHECK(strcmp(nncc_model_descriptor(model)->cpu, "generic") == 0);
  nncc_model_close(model);
  model = openModel(nncc_model_device(), "sm_90a");
  nncc_instance *instance = NULL;
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_instance_create(model, NULL, &instance), "Fake",
              "take 65536 bytes of shared memory, it has 49152", "is compiled for 'sm_90a'");
  nncc_model_close(model);
  fake->shared = before;
}

static void testLaunch(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  static Arguments a;
  setArguments(&a, 40, 0);
  runRight(instance, 40, 0);
  CHECK(fake->lastThreads == 32 && fake->lastShared == 0 && fake->lastBlocks == 40);
  runRight(instance, 0, 0); /* nothing is launched for no units */
  for (int i = 0; i < 20; ++i)
    runRight(instance, (int64_t[]){7, 1, 512, 0, 99, 2}[i % 6], i);
  int allocated = fake->allocated;
  for (int i = 0; i < 20; ++i)
    runRight(instance, (int64_t[]){7, 1, 90, 0, 99, 2}[i % 6], i);
  CHECK(fake->allocated == allocated); /* memory of a device is taken once */
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

static void testValueMemory(bool hasPools) {
  fake->hasPools = hasPools;
  bool keeps = !hasPools || !fake->knowsPools;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  static Arguments a;
  runRight(instance, 120, 0);
  runRight(instance, 512, 0);
  int captures = fake->captures, allocations = fake->allocations, allocated = fake->allocated;
  for (int i = 0; i < 5; ++i)
    runRight(instance, i % 2 ? 512 : 120, i);
  CHECK(fake->captures == captures); /* it asks for bytes and memory */
  CHECK(fake->allocations == allocations);
  CHECK((fake->allocated == allocated) == keeps);
  setArguments(&a, DEVICE_MODEL_LEAKS, 0);
  for (int i = 0; i < 3; ++i)
    CHECK_FAILS(NNCC_INTERNAL, run(instance, &a), "internal error", NULL, NULL);
  CHECK(fake->allocations <= allocations + keeps);
  runRight(instance, 300, 0);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

static void testGraphs(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  runRight(instance, 99, 0); /* room for all that follow */
  int captures = fake->captures, launches = fake->launches, replays = fake->graphLaunches;
  runRight(instance, 9, 1);
  CHECK(fake->captures == captures && fake->launches == launches + 4);
  runRight(instance, 9, 2);
  CHECK(fake->captures == captures + 1 && fake->graphLaunches == replays + 1);
  launches = fake->launches;
  for (int i = 0; i < 10; ++i)
    runRight(instance, 9, i);
  CHECK(fake->launches == launches && fake->graphLaunches == replays + 11);
  for (int i = 0; i < 40; ++i) /* eight sizes fit */
    runRight(instance, 10 + i % 8, i);
  CHECK(fake->captures == captures + 9 && fake->graphs == 8);
  for (int i = 0; i < 36; ++i) /* nine do not, in this order; yet they are right */
    runRight(instance, 10 + i % 9, i);
  CHECK(fake->captures <= captures + 10 && fake->graphs <= 8);
  captures = fake->captures;
  for (int i = 0; i < 40; ++i) { /* one that is in use stays */
    runRight(instance, 17, i);
    runRight(instance, 30 + i, i);
  }
  CHECK(fake->captures <= captures + 1);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

static void testProfile(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, NNCC_INSTANCE_PROFILE, NULL);
  nncc_profile profile;
  int captures = fake->captures;
  for (int i = 0; i < 3; ++i)
    runRight(instance, 9, i);
  CHECK(fake->captures == captures);
  for (int32_t i = 0; i < 4; ++i) {
    CHECK_OK(nncc_instance_profile(instance, i, &profile));
    CHECK(profile.count == 3 && profile.min_ns > 0 && profile.max_ns < 1000000);
  }
  CHECK_OK(nncc_instance_profile(instance, NNCC_PROFILE_RUN, &profile));
  CHECK(profile.count == 3);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

/* Arguments whose data are on the device. */
typedef struct Moved {
  Arguments a;
  uint64_t memory[4];
} Moved;

static void moveArguments(Moved *m, int64_t rows, int seed, void *stream) {
  setArguments(&m->a, rows, seed);
  nncc_tensor *tensors[] = {&m->a.inputs[0], &m->a.inputs[1], &m->a.outputs[0], &m->a.outputs[1]};
  for (int i = 0; i < 4; ++i) {
    CHECK(api.alloc(&m->memory[i], sizeof m->a.x) == 0);
    if (i < 2)
      CHECK(api.copy(m->memory[i], (uint64_t)(uintptr_t)tensors[i]->data, sizeof m->a.x, stream) ==
            0);
    tensors[i]->data = (void *)(uintptr_t)m->memory[i];
    tensors[i]->type |= NNCC_ON_DEVICE;
  }
}

static void moveResultsBack(Moved *m, void *stream) {
  CHECK(api.copy((uint64_t)(uintptr_t)m->a.z, m->memory[2], sizeof m->a.z, stream) == 0);
  CHECK(api.copy((uint64_t)(uintptr_t)m->a.pairs, m->memory[3], sizeof m->a.pairs, stream) == 0);
  CHECK(resultsAreRight(&m->a));
  for (int i = 0; i < 4; ++i)
    CHECK(api.free(m->memory[i]) == 0);
}

static void testDeviceTensors(void) {
  static Moved m;
  void *context, *stream;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  api.push(NULL);
  CHECK(api.createStream(&stream, 1) == 0);
  nncc_instance *own = newInstance(model, 0, NULL), *callers = newInstance(model, 0, stream);
  for (int64_t rows = 50; rows <= 150; rows += 100) {
    moveArguments(&m, rows, 4, stream); /* in order with what comes before */
    CHECK_OK(nncc_instance_bind(callers, m.a.inputs, 2));
    int waits = fake->waits, copies = fake->copies;
    for (int i = 0; i < 3; ++i)
      CHECK_OK(run(callers, &m.a));
    if (rows < DEVICE_MODEL_ASKS)
      CHECK(fake->waits == waits && fake->copies == copies);
    CHECK_OK(nncc_instance_bind_dims(callers, (int64_t[]){20 * rows, -1}, 2)); /* which may grow */
    moveResultsBack(&m, stream);

    moveArguments(&m, rows, 3, NULL); /* in order with the default stream */
    CHECK_OK(run(own, &m.a));         /* done when it returns */
    moveResultsBack(&m, NULL);

    moveArguments(&m, rows, 5, stream); /* one of the host's: done when it returns */
    m.a.outputs[0].data = m.a.z;
    m.a.outputs[0].type = NNCC_FLOAT;
    CHECK_OK(run(callers, &m.a));
    CHECK(m.a.z[1] == (m.a.x[1] * 2 + m.a.y[1]) * 2 + 0.5f);
    CHECK(api.copy(m.memory[2], (uint64_t)(uintptr_t)m.a.z, sizeof m.a.z, NULL) == 0);
    CHECK(api.wait(NULL) == 0);
    moveResultsBack(&m, stream);
  }
  moveArguments(&m, 5, 0, stream);
  m.a.inputs[1].data = (char *)m.a.inputs[1].data + 2;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(own, &m.a), "input 'y'", "not aligned", NULL);
  m.a.inputs[1].data = (char *)m.a.inputs[1].data - 2;
  m.a.outputs[0].data = (char *)m.a.outputs[0].data + 1;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(own, &m.a), "output 'z'", "not aligned", NULL);
  nncc_model *here = openModel(nncc_model_device(), "generic");
  nncc_instance *onProcessor = newInstance(here, 0, NULL);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(onProcessor, &m.a), "input 'x'", "memory of a device",
              "processor");
  CHECK(api.wait(stream) == 0);
  for (int i = 0; i < 4; ++i)
    CHECK(api.free(m.memory[i]) == 0);
  CHECK(depth() == 1); /* the caller's context is current as before */
  nncc_instance_destroy(onProcessor);
  nncc_instance_destroy(callers);
  nncc_instance_destroy(own);
  nncc_model_close(here);
  nncc_model_close(model);
  CHECK(api.destroyStream(stream) == 0);
  api.pop(&context);
  checkNothingLeft();
}

/* An output whose size the run tells, in the host's memory and in the device's. */
static void testRunOutputs(void) {
  nncc_model *model = openModel(nncc_model_positive(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  float x[] = {1, -2, 3, -4, 5}, found[3] = {0};
  int64_t size[] = {5};
  nncc_tensor in = {x, NNCC_FLOAT, 1, size, NULL}, out = {NULL, NNCC_FLOAT, 1, size, NULL};
  for (size[0] = 5; size[0] > 0; size[0] -= 2) {
    CHECK_OK(nncc_instance_run(instance, &in, 1, &out, 1));
    CHECK_OK(nncc_instance_output(instance, 0, &out));
    CHECK(out.type == NNCC_FLOAT && out.shape[0] == (size[0] + 1) / 2);
    CHECK(memcmp(out.data, (float[]){1, 3, 5}, (size_t)out.shape[0] * sizeof(float)) == 0);
    out = (nncc_tensor){NULL, NNCC_FLOAT, 1, size, NULL};
  }
  x[0] = -1;
  size[0] = 1;
  CHECK_OK(nncc_instance_run(instance, &in, 1, &out, 1));
  CHECK_OK(nncc_instance_output(instance, 0, &out));
  CHECK(out.shape[0] == 0);
  x[0] = 1;
  size[0] = 5;
  out = (nncc_tensor){NULL, NNCC_FLOAT | NNCC_ON_DEVICE, 1, size, NULL};
  CHECK_OK(nncc_instance_run(instance, &in, 1, &out, 1));
  CHECK_OK(nncc_instance_output(instance, 0, &out));
  CHECK(out.type == (NNCC_FLOAT | NNCC_ON_DEVICE) && out.shape[0] == 3);
  api.push(NULL);
  CHECK(api.copy((uint64_t)(uintptr_t)found, (uint64_t)(uintptr_t)out.data, sizeof found, NULL) ==
        0);
  void *context;
  api.pop(&context);
  CHECK(memcmp(found, (float[]){1, 3, 5}, sizeof found) == 0);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

static void testValues(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  static Arguments a;
  nncc_value *in[2], *out[2];
  setArguments(&a, 11, 0);
  CHECK_OK(nncc_value_borrow_tensor(&a.inputs[0], &in[0]));
  CHECK_OK(nncc_value_create_tensor(&a.inputs[1], &in[1]));
  CHECK_OK(nncc_instance_run_values(instance, (const nncc_value *const *)in, 2, out, 2));
  memcpy(a.z, nncc_value_tensor(out[0])->data, 11 * 16);
  memcpy(a.pairs, nncc_value_tensor(out[1])->data, 22 * 4);
  CHECK(resultsAreRight(&a));
  for (int i = 0; i < 2; ++i) {
    nncc_value_destroy(in[i]);
    nncc_value_destroy(out[i]);
  }
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

static void testWorkspace(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  static Arguments a;
  uint64_t bytes = 0, predicted = 0, memory;
  int64_t dims[] = {60, 120};
  void *context;
  runRight(instance, 60, 0);
  CHECK_OK(nncc_instance_workspace_size(instance, &bytes));
  CHECK_OK(nncc_model_workspace_size(model, dims, 0, &predicted));
  CHECK(bytes == predicted && bytes >= 60 * 20);
  api.push(NULL);
  CHECK(api.alloc(&memory, bytes) == 0);
  CHECK_OK(nncc_instance_set_workspace(instance, (void *)(uintptr_t)memory, bytes));
  for (int i = 0; i < 3; ++i)
    CHECK_OK((setArguments(&a, 60, i), run(instance, &a)));
  CHECK(resultsAreRight(&a));
  setArguments(&a, 99, 0);
  CHECK_FAILS(NNCC_OUT_OF_MEMORY, run(instance, &a), "workspace", NULL, NULL);
  CHECK_OK(nncc_instance_set_workspace(instance, NULL, 0));
  CHECK(api.free(memory) == 0);
  api.pop(&context);
  runRight(instance, 99, 0);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

/* Two devices, in turn: each has kernels, weights and memory of its own, in its own context. */
static void testTwoDevices(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instances[4];
  for (int i = 0; i < 4; ++i) {
    options.device = i % 2;
    CHECK_OK(nncc_instance_create(model, &options, &instances[i]));
  }
  CHECK(fake->modules == 2 && fake->contexts == 2);
  for (int i = 0; i < 20; ++i) {
    runRight(instances[i % 4], 5 + i / 4, i);
    CHECK(fake->lastDevice == i % 2);
  }
  for (int i = 0; i < 40; ++i) /* graphs, and values of the pool */
    runRight(instances[i % 4], i < 20 ? 9 : 130, i);
  for (int i = 0; i < 4; ++i)
    nncc_instance_destroy(instances[i]);
  nncc_model_close(model);
  checkNothingLeft();
}

/* The arguments in memory that the instance gives. */
typedef struct Given {
  Arguments a;
  void *host[4], *memory[4];
} Given;

static void giveMemory(nncc_instance *instance, Given *g, int64_t rows, int seed) {
  setArguments(&g->a, rows, seed);
  nncc_tensor *tensors[] = {&g->a.inputs[0], &g->a.inputs[1], &g->a.outputs[0], &g->a.outputs[1]};
  for (int i = 0; i < 4; ++i) {
    g->host[i] = tensors[i]->data;
    if (!g->memory[i])
      CHECK_OK(nncc_device_alloc(instance, sizeof g->a.x, &g->memory[i]));
    CHECK((uintptr_t)g->memory[i] % 256 == 0);
    tensors[i]->data = g->memory[i];
    tensors[i]->type |= NNCC_ON_DEVICE;
  }
}

/* A producer in the default stream, the run in another, its results in the first again. */
static void testOrder(nncc_model *model, nncc_instance *owner, Given *g) {
  void *context, *stream;
  api.push(NULL);
  CHECK(api.createStream(&stream, 1) == 0);
  nncc_instance *callers = newInstance(model, 0, stream);
  giveMemory(owner, g, 7, 5);
  CHECK_OK(nncc_instance_bind(callers, g->a.inputs, 2));
  int waits = fake->waits, streamWaits = fake->streamWaits;
  for (int i = 0; i < 2; ++i)
    CHECK(api.copy((uintptr_t)g->memory[i], (uintptr_t)g->host[i], sizeof g->a.x, NULL) == 0);
  CHECK_OK(nncc_device_order(callers, (void *)1, NULL));
  CHECK_OK(run(callers, &g->a));
  CHECK_OK(nncc_device_order(callers, NULL, (void *)1));
  CHECK(fake->waits == waits && fake->streamWaits == streamWaits + 2);
  for (int i = 2; i < 4; ++i)
    CHECK(api.copy((uintptr_t)g->host[i], (uintptr_t)g->memory[i],
                   i == 2 ? sizeof g->a.z : sizeof g->a.pairs, NULL) == 0);
  CHECK(resultsAreRight(&g->a));
  nncc_instance_destroy(callers);
  CHECK(api.destroyStream(stream) == 0);
  api.pop(&context);
}

/* Memory of ours, for a caller without a driver of its own; and the order of streams. */
static void testCallersMemory(void) {
  static Given g;
  void *none = NULL;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  giveMemory(instance, &g, 7, 3);
  for (int i = 0; i < 2; ++i)
    CHECK_OK(nncc_device_copy(instance, g.memory[i], g.host[i], sizeof g.a.x));
  CHECK_OK(run(instance, &g.a));
  CHECK_OK(nncc_device_copy(instance, g.host[2], g.memory[2], sizeof g.a.z));
  CHECK_OK(nncc_device_copy(instance, g.host[3], g.memory[3], sizeof g.a.pairs));
  CHECK(resultsAreRight(&g.a));
  testOrder(model, instance, &g);
  for (int i = 0; i < 4; ++i)
    nncc_device_free(instance, g.memory[i]);
  nncc_device_free(instance, NULL);
  CHECK_FAILS(NNCC_OUT_OF_MEMORY, nncc_device_alloc(instance, fake->memory, &none),
              "no memory of the device for", "CUDA_ERROR_OUT_OF_MEMORY", NULL);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
  model = openModel(nncc_model_device(), "generic");
  instance = newInstance(model, 0, NULL);
  CHECK_FAILS(NNCC_NOT_SUPPORTED, nncc_device_alloc(instance, 8, &none), "on the processor", NULL,
              NULL);
  nncc_instance_destroy(instance);
  nncc_model_close(model);
}

/* What is still in the caller's stream when its instance goes is done first. */
static void testDestroyInFlight(void) {
  static Moved m;
  void *context, *stream;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  api.push(NULL);
  CHECK(api.createStream(&stream, 1) == 0);
  for (int times = 1; times <= 3; ++times) { /* the last one as a graph */
    nncc_instance *instance = newInstance(model, 0, stream);
    moveArguments(&m, 20, times, stream);
    for (int i = 0; i < times; ++i)
      CHECK_OK(run(instance, &m.a));
    nncc_instance_destroy(instance);
    moveResultsBack(&m, stream);
  }
  nncc_instance *last = newInstance(model, 0, stream);
  moveArguments(&m, 20, 0, stream);
  CHECK_OK(run(last, &m.a));
  nncc_model_close(model); /* before the instance, which holds on to it */
  nncc_instance_destroy(last);
  moveResultsBack(&m, stream);
  CHECK(api.destroyStream(stream) == 0);
  api.pop(&context);
  checkNothingLeft();
}

static void *runMany(void *model) {
  nncc_instance *instance = newInstance(model, 0, NULL);
  for (int i = 0; i < 60; ++i)
    runRight(instance, i % 3 ? 20 : 120 + i, i);
  nncc_instance_destroy(instance);
  return NULL;
}

static void testThreads(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i)
    pthread_create(&threads[i], NULL, runMany, model);
  for (int i = 0; i < 4; ++i)
    pthread_join(threads[i], NULL);
  CHECK(fake->modules == 1); /* shared by all of them */
  nncc_model_close(model);
  checkNothingLeft();
}

int main(void) {
  if (!findFake())
    return fprintf(stderr, "libcuda.so.1 is not the stand-in: see LD_LIBRARY_PATH\n"), 2;
  findApi();
  testThreads(); /* the first, so that they race for the driver */
  testLevels();
  testImage(90, FAKE_CUBIN " 90a");
  testImage(89, FAKE_CUBIN " 80");
  testImage(100, FAKE_PTX " 80");
  testImage(75, NULL);
  testShared();
  testLaunch();
  testValueMemory(false);
  testValueMemory(true);
  testGraphs();
  testProfile();
  testDeviceTensors();
  testRunOutputs();
  testValues();
  testWorkspace();
  testTwoDevices();
  testCallersMemory();
  testDestroyInFlight();
  return checkResult();
}
