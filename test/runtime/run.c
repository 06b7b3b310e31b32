/* Instances: binding, running, services, cancelling, profiling, and every error of these. The model
 * is linked in: this is also the test of a program without dlopen. */
#include "arguments.h"
#include "check.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__ /* does not allow threads after a fork */
#define CAN_FORK 0
#else
#define CAN_FORK 1
#endif

static nncc_model *model;

static nncc_instance *newInstance(int32_t threads, uint32_t flags) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = threads;
  options.flags = flags;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  return instance;
}

static nncc_status run(nncc_instance *instance, Arguments *a) {
  return nncc_instance_run(instance, a->inputs, 2, a->outputs, 2);
}

static void testModel(void) {
  CHECK(nncc_model_num_inputs(model) == 2 && nncc_model_num_outputs(model) == 2);
  CHECK(nncc_model_num_dims(model) == 2 && nncc_model_num_dispatches(model) == 2);
  CHECK(strcmp(nncc_model_input(model, 1)->name, "y") == 0);
  CHECK(nncc_model_input(model, 2) == NULL && nncc_model_input(model, -1) == NULL);
  CHECK(nncc_model_output(model, 0)->shape[1] == 4);
  CHECK(nncc_model_dim(model, 0)->max == 4096);
  CHECK(strcmp(nncc_model_metadata(model, 1)->value, "arithmetic") == 0);
  CHECK(strcmp(nncc_model_dispatch(model, 1)->kernel, "scale") == 0);
  CHECK(nncc_model_find_output(model, "pairs") == 1);
  CHECK(nncc_model_find_input(model, "z") == -1);
  CHECK(strcmp(nncc_model_descriptor(model)->compiler, "by hand") == 0);
}

static void testTypes(void) {
  const int64_t shape[] = {3, 5}, huge[] = {INT64_MAX, 2}, empty[] = {0, INT64_MAX},
                negative[] = {-1, 4};
  CHECK(nncc_tensor_bytes(NNCC_FLOAT, 2, shape) == 60);
  CHECK(nncc_tensor_bytes(NNCC_INT4, 2, shape) == 8);
  CHECK(nncc_tensor_bytes(NNCC_DOUBLE, 0, NULL) == 8);
  CHECK(nncc_tensor_bytes(NNCC_FLOAT, 2, empty) == 0);
  CHECK(nncc_tensor_bytes(NNCC_UINT8, 2, huge) == -1);
  CHECK(nncc_tensor_bytes(NNCC_FLOAT, 2, negative) == -1);
  CHECK(nncc_tensor_bytes(NNCC_STRING, 2, shape) == -1);
  CHECK(nncc_tensor_bytes(99, 2, shape) == -1);
  CHECK(strcmp(nncc_type_name(NNCC_BFLOAT16), "bfloat16") == 0);
  CHECK(strcmp(nncc_type_name(-5), "unknown") == 0);
  CHECK(strcmp(nncc_status_name(NNCC_ISA_MISSING), "instructions missing") == 0);
  CHECK(strcmp(nncc_status_name(1234), "unknown status") == 0);
}

static void testIsa(void) {
  CHECK_OK(nncc_isa_check(""));
  CHECK_OK(nncc_isa_check(NULL));
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_isa_check("quantum"), "quantum", "known", NULL);
#if defined(__x86_64__)
  /* What the compiler's own test finds: one name per state that the system must save. */
  __builtin_cpu_init();
  CHECK((nncc_isa_check("+sse2,64bit,-avx512f") == NNCC_OK));
  CHECK((nncc_isa_check("sse4.2") == NNCC_OK) == !!__builtin_cpu_supports("sse4.2"));
  CHECK((nncc_isa_check("avx2") == NNCC_OK) == !!__builtin_cpu_supports("avx2"));
  CHECK((nncc_isa_check("fma") == NNCC_OK) == !!__builtin_cpu_supports("fma"));
  CHECK((nncc_isa_check("bmi2") == NNCC_OK) == !!__builtin_cpu_supports("bmi2"));
  CHECK((nncc_isa_check("avx512f") == NNCC_OK) == !!__builtin_cpu_supports("avx512f"));
  CHECK((nncc_isa_check("avx512vl") == NNCC_OK) == !!__builtin_cpu_supports("avx512vl"));
  CHECK((nncc_isa_check("avx512vnni") == NNCC_OK) == !!__builtin_cpu_supports("avx512vnni"));
  CHECK((nncc_isa_check("avx512bf16") == NNCC_OK) == !!__builtin_cpu_supports("avx512bf16"));
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_isa_check("sse2,fma4,xop,tbm,lwp,enqcmd,amx-complex"),
              "this machine does not have", NULL, NULL);
#endif
}

static void testRun(int32_t threads) {
  nncc_instance *instance = newInstance(threads, 0);
  static Arguments a;
  static const int64_t rows[] = {7, 1, 512, 0, 100, 2};
  CHECK(nncc_instance_threads(instance) == threads);
  for (int i = 0; i < 60; ++i) {
    setArguments(&a, rows[i % 6], i);
    CHECK_OK(run(instance, &a));
    CHECK(resultsAreRight(&a));
  }
  nncc_instance_destroy(instance);
}

static void testNames(void) {
  nncc_instance *instance = newInstance(1, 0);
  static Arguments a;
  setArguments(&a, 3, 0);
  nncc_tensor x = a.inputs[0], z = a.outputs[0];
  a.inputs[0] = a.inputs[1];
  a.inputs[1] = x;
  a.outputs[0] = a.outputs[1];
  a.outputs[1] = z;
  a.inputs[0].name = "y";
  a.inputs[1].name = "x";
  a.outputs[0].name = "pairs";
  a.outputs[1].name = "z";
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  a.inputs[0].name = "w";
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "'w'", "'x', 'y'", NULL);
  CHECK(strcmp(nncc_instance_error(instance), nncc_last_error()) == 0);
  a.inputs[0].name = "x";
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "input 'x'", "twice", NULL);
  nncc_instance_destroy(instance);
}

static void testWrongArguments(void) {
  nncc_instance *instance = newInstance(2, 0);
  static Arguments a;
  int64_t other[] = {4, 4}, wide[] = {3, 5}, negative[] = {-3, 4}, large[] = {5000, 4};
  setArguments(&a, 3, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_run(instance, a.inputs, 1, a.outputs, 2),
              "expected 2 inputs ('x', 'y'), found 1", NULL, NULL);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_run(instance, a.inputs, 2, a.outputs, 3),
              "expected 2 outputs ('z', 'pairs'), found 3", NULL, NULL);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_run(instance, NULL, 2, a.outputs, 2), "NULL",
              NULL, NULL);
  a.inputs[1].type = NNCC_DOUBLE;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "input 'y'", "float32[batch,4]",
              "float64[3,4]");
  a.inputs[1].type = NNCC_FLOAT;
  a.inputs[1].rank = 1;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "input 'y'", "float32[3]", NULL);
  a.inputs[1].rank = -1;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "input 'y'", NULL, NULL);
  a.inputs[1].rank = 2;
  a.inputs[1].shape = NULL;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "input 'y'", "NULL", NULL);
  a.inputs[1].shape = wide;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "size 1 is 5, expected 4", NULL, NULL);
  a.inputs[1].shape = other;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "'batch' is 4 here", "3 in input 'x'",
              NULL);
  a.inputs[1].shape = negative;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "negative", NULL, NULL);
  a.inputs[0].shape = a.inputs[1].shape = large;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "'batch'", "5000", "0 to 4096");
  a.inputs[0].shape = a.inputs[1].shape = a.shape;
  a.inputs[0].data = NULL;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "input 'x'", "data is NULL", NULL);
  a.inputs[0].data = a.x;
  a.outputs[0].shape = other;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "output 'z'", "size 0 is 4, expected 3",
              NULL);
  a.outputs[0].shape = a.shape;
  a.outputs[0].data = a.y + 5;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "'z' shares memory with input 'y'", NULL,
              NULL);
  a.outputs[0].data = a.pairs;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "shares memory with output", NULL, NULL);
  a.outputs[0].data = a.z;
  a.inputs[1].data = a.x; /* inputs may alias each other */
  CHECK_OK(run(instance, &a));
  setArguments(&a, 13, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, &a), "does not accept", "batch = 13", NULL);
  setArguments(&a, 14, 0); /* and the instance is as good as new */
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(instance);
}

static void testDataErrors(void) {
  nncc_instance *instance = newInstance(4, 0);
  static Arguments a;
  for (int64_t i = 0; i < 3; ++i) {
    setArguments(&a, 500, 0);
    a.x[4 * 499 * i / 2] = NAN;
    CHECK_FAILS(NNCC_DATA_ERROR, run(instance, &a), "node 'Mul_0'", "not a number", NULL);
  }
  setArguments(&a, 50, 0);
  a.x[0] = MODEL_LEAK;
  for (int i = 0; i < 3; ++i)
    CHECK_FAILS(NNCC_INTERNAL, run(instance, &a), "internal error", NULL, NULL);
  setArguments(&a, 500, 0);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(instance);
}

static void testBinding(void) {
  nncc_instance *instance = newInstance(3, 0);
  static Arguments a;
  int64_t shape[2], dims[] = {100, -1}, full[] = {100, 200};
  uint64_t bytes = 0, predicted = 0, small = 0;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_output_shape(instance, 0, shape), "not bound",
              NULL, NULL);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_workspace_size(instance, &bytes), "not bound",
              NULL, NULL);
  CHECK_OK(nncc_instance_bind_dims(instance, dims, 2));
  CHECK_OK(nncc_instance_output_shape(instance, 1, shape));
  CHECK(shape[0] == 200);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_output_shape(instance, 2, shape), "no output 2",
              NULL, NULL);
  CHECK_OK(nncc_instance_workspace_size(instance, &bytes));
  CHECK_OK(nncc_model_workspace_size(model, full, 3, &predicted));
  CHECK_OK(nncc_model_workspace_size(model, full, 1, &small));
  CHECK(bytes == predicted && small < bytes && small >= 100 * 16);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_bind_dims(instance, dims, 1), "expected 2 dims",
              NULL, NULL);
  setArguments(&a, 5, 0);
  a.inputs[0].data = a.inputs[1].data = NULL; /* only shapes count */
  CHECK_OK(nncc_instance_bind(instance, a.inputs, 2));
  CHECK_OK(nncc_instance_output_shape(instance, 0, shape));
  CHECK(shape[0] == 5 && shape[1] == 4);
  dims[0] = -1;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_bind_dims(instance, dims, 2), "'batch'",
              "input 'x'", "not given");
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_bind_dims(instance, (int64_t[]){-2, 0}, 2), "-2",
              NULL, NULL);
  nncc_instance_destroy(instance);
}

static void testWorkspace(void) {
  nncc_instance *instance = newInstance(2, 0);
  static Arguments a;
  uint64_t bytes;
  setArguments(&a, 100, 0);
  CHECK_OK(nncc_instance_bind(instance, a.inputs, 2));
  CHECK_OK(nncc_instance_workspace_size(instance, &bytes));
  char *memory = aligned_alloc(NNCC_ALIGNMENT, bytes);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_set_workspace(instance, memory + 8, bytes),
              "aligned", NULL, NULL);
  CHECK_OK(nncc_instance_set_workspace(instance, memory, bytes));
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  setArguments(&a, 200, 0);
  CHECK_FAILS(NNCC_OUT_OF_MEMORY, run(instance, &a), "workspace", NULL, NULL);
  CHECK_OK(nncc_instance_set_workspace(instance, NULL, 0));
  free(memory);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(instance);
}

typedef struct Host {
  int calls, errors, allocated, freed;
} Host;

static nncc_status hostParallelFor(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                                   int64_t units) {
  ++((Host *)host)->calls;
  for (int64_t i = units; i > 0; --i) { /* backwards: units are independent */
    nncc_status status = dispatch->function(call, i - 1, i, i % 3);
    if (status)
      return status;
  }
  return NNCC_OK;
}

static void hostError(void *host, nncc_status status, const char *node, const char *message) {
  ++((Host *)host)->errors;
}

static void *hostAlloc(void *host, int64_t bytes) {
  ++((Host *)host)->allocated;
  return aligned_alloc(NNCC_ALIGNMENT, (size_t)(bytes + 127) / 64 * 64);
}

static void hostFree(void *host, void *memory) {
  ++((Host *)host)->freed;
  free(memory);
}

static void testHostServices(void) {
  Host host = {0};
  static Arguments a;
  nncc_services services = {.struct_size = sizeof services,
                            .parallel_for = hostParallelFor,
                            .alloc = hostAlloc,
                            .free = hostFree,
                            .error = hostError};
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = 3;
  options.services = &services;
  options.host = &host;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  setArguments(&a, 20, 0);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  CHECK(host.calls == 2 && host.errors == 0 && host.allocated == 1 && host.freed == 1);
  a.x[0] = NAN;
  CHECK_FAILS(NNCC_DATA_ERROR, run(instance, &a), "Mul_0", NULL, NULL);
  CHECK(host.errors == 1);
  nncc_instance_destroy(instance);
  services.free = NULL;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance), "alloc",
              "free", NULL);
}

static void testOptions(void) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  options.threads = -1;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance), "threads",
              "-1", NULL);
  options.threads = 1000000;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance), "threads",
              NULL, NULL);
  options.struct_size = 0;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance),
              "struct_size", NULL, NULL);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(NULL, NULL, &instance), "NULL", NULL,
              NULL);
  options = (nncc_instance_options)NNCC_INSTANCE_OPTIONS_INIT;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  CHECK(nncc_instance_threads(instance) == nncc_usable_cpus());
  nncc_instance_destroy(instance);
  nncc_instance_destroy(NULL);
  nncc_model_close(NULL);
}

static void testProfile(void) {
  nncc_instance *instance = newInstance(2, NNCC_INSTANCE_PROFILE), *plain = newInstance(1, 0);
  static Arguments a;
  nncc_profile profile, whole;
  setArguments(&a, 300, 0);
  for (int i = 0; i < 5; ++i)
    CHECK_OK(run(instance, &a));
  CHECK_OK(nncc_instance_profile(instance, NNCC_PROFILE_RUN, &whole));
  for (int32_t i = 0; i < 2; ++i) {
    CHECK_OK(nncc_instance_profile(instance, i, &profile));
    CHECK(profile.count == 5 && profile.min_ns > 0 && profile.min_ns <= profile.max_ns);
    CHECK(profile.total_ns >= 5 * profile.min_ns && profile.total_ns <= whole.total_ns);
  }
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_profile(instance, 2, &profile), "2", NULL, NULL);
  CHECK_FAILS(NNCC_NOT_SUPPORTED, nncc_instance_profile(plain, 0, &profile), "PROFILE", NULL, NULL);
  nncc_instance_profile_reset(instance);
  CHECK_OK(nncc_instance_profile(instance, 1, &profile));
  CHECK(profile.count == 0 && profile.total_ns == 0);
  nncc_instance_destroy(instance);
  nncc_instance_destroy(plain);
}

typedef struct Cancelling {
  nncc_instance *instance;
  atomic_bool done;
} Cancelling;

static void *cancelSoon(void *argument) {
  Cancelling *c = argument;
  usleep(20000);
  while (!atomic_load(&c->done)) { /* one that comes before the run has begun does nothing */
    nncc_instance_cancel(c->instance);
    usleep(1000);
  }
  return NULL;
}

/* While a run is in progress, no other thread gets in. */
static void *intrude(void *argument) {
  Cancelling *c = argument;
  static Arguments a;
  setArguments(&a, 3, 0);
  nncc_status status = NNCC_OK;
  for (int i = 0; i < 5000 && !status; ++i, usleep(1000))
    status = run(c->instance, &a);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, status, "in use", NULL, NULL);
  nncc_instance_cancel(c->instance);
  return NULL;
}

static void testCancel(int32_t threads, void *(*other)(void *)) {
  Cancelling c = {newInstance(threads, 0), false};
  static Arguments a;
  pthread_t thread;
  nncc_instance_cancel(c.instance); /* nothing to cancel */
  setArguments(&a, 100, 0);
  CHECK_OK(run(c.instance, &a));
  a.x[0] = MODEL_ENDLESS;
  pthread_create(&thread, NULL, other, &c);
  nncc_status status;
  do
    status = run(c.instance, &a);
  while (status == NNCC_INVALID_ARGUMENT); /* the other one was faster */
  CHECK_FAILS(NNCC_CANCELLED, status, "cancelled", NULL, NULL);
  atomic_store(&c.done, true);
  pthread_join(thread, NULL);
  setArguments(&a, 100, 1);
  CHECK_OK(run(c.instance, &a));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(c.instance);
}

/* A child has the caller's thread only, and yet can run what its parent made. */
static void testFork(void) {
  nncc_instance *instance = newInstance(4, 0);
  static Arguments a;
  setArguments(&a, 500, 0);
  CHECK_OK(run(instance, &a));
  usleep(10000);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    bool good = true;
    for (int i = 0; i < 20; ++i) {
      setArguments(&a, 500, i);
      good = good && run(instance, &a) == NNCC_OK && resultsAreRight(&a);
    }
    nncc_instance_destroy(instance);
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  nncc_instance_destroy(instance);
}

/* The instance keeps the model alive. */
static void testLifetime(void) {
  nncc_model *own = NULL;
  nncc_instance *instance = NULL;
  static Arguments a;
  CHECK_OK(nncc_model_from_descriptor(nncc_model_small(), NULL, &own));
  CHECK_OK(nncc_instance_create(own, NULL, &instance));
  nncc_model_close(own);
  setArguments(&a, 9, 0);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(instance);
}

int main(void) {
  CHECK(strcmp(nncc_last_error(), "") == 0);
  nncc_open_options options = NNCC_OPEN_OPTIONS_INIT;
  options.flags = NNCC_OPEN_VERIFY_WEIGHTS;
  CHECK_OK(nncc_model_from_descriptor(nncc_model_small(), &options, &model));
  if (!model)
    return 1;
  testModel();
  testTypes();
  testIsa();
  for (int32_t threads = 1; threads <= 5; ++threads)
    testRun(threads);
  testNames();
  testWrongArguments();
  testDataErrors();
  testBinding();
  testWorkspace();
  testHostServices();
  testOptions();
  testProfile();
  testCancel(1, cancelSoon);
  testCancel(3, cancelSoon);
  testCancel(2, intrude);
  if (CAN_FORK)
    testFork();
  testLifetime();
  nncc_model_close(model);
  return checkResult();
}
