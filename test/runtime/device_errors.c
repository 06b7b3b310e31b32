/* What goes wrong on a device: without a driver ("none"), without a device ("no-device"), with a
 * driver that is too old ("old"), and every error of one that is there (without an argument). */
#include "device_check.h"

#include <sys/wait.h>
#include <unistd.h>

/* Opens, describes itself, and cannot be run; a level for the processor is. */
static void testMissing(const char *why, const char *detail) {
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_isa_check("cuda"), why, detail, NULL);
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = NULL;
  uint64_t bytes;
  int64_t dims[] = {3, 6};
  CHECK(nncc_model_descriptor(model)->num_images == 3);
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_instance_create(model, NULL, &instance),
              "model 'small' is compiled for 'sm_90a'", why, detail);
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_model_workspace_size(model, dims, 1, &bytes), why, NULL, NULL);
  nncc_model_close(model);
  model = openModel(nncc_model_device(), "sm_90a");
  CHECK_FAILS(NNCC_ISA_MISSING, nncc_instance_create(model, NULL, &instance), why, detail, NULL);
  nncc_model_close(model);
  model = openModel(nncc_model_device(), NULL);
  CHECK(strcmp(nncc_model_descriptor(model)->cpu, "generic") == 0);
  static Arguments a;
  CHECK_OK(nncc_instance_create(model, NULL, &instance));
  setArguments(&a, 5, 0);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a));
  nncc_instance_destroy(instance);
  nncc_model_close(model);
}

static void testOptions(void) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_instance *instance = NULL;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  options.device = 2;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance),
              "no device 2", "has 2", NULL);
  options.device = 1;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  runRight(instance, 5, 0);
  nncc_instance_destroy(instance);
  nncc_services services = {.struct_size = sizeof services,
                            .alloc = (void *(*)(void *, int64_t))abort,
                            .free = (void (*)(void *, void *))abort};
  options.services = &services;
  CHECK_FAILS(NNCC_NOT_SUPPORTED, nncc_instance_create(model, &options, &instance), "services",
              NULL, NULL);
  nncc_model_close(model);
  model = openModel(nncc_model_bad_image(), NULL);
  CHECK_FAILS(NNCC_NOT_SUPPORTED, nncc_instance_create(model, NULL, &instance), "cubin sm_90",
              "cuModuleLoadDataEx: CUDA_ERROR_FAKE", "ptxas cannot read 'bad image'");
  nncc_model_close(model);
  checkNothingLeft();
}

/* All that a model is used for, up to the first error. */
static nncc_status useModel(uint32_t flags) {
  static Arguments a;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = NULL;
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.flags = flags;
  nncc_status status = nncc_instance_create(model, &options, &instance);
  static const int64_t rows[] = {9, 9, 9, 150, 20, 99};
  for (int i = 0; !status && i < 6; ++i) {
    setArguments(&a, rows[i], i);
    status = run(instance, &a);
    CHECK(status || resultsAreRight(&a));
  }
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  CHECK(depth() == 0);
  return status;
}

/* Whatever fails, and at whatever call: an error with a message or none at all, never a crash, and
 * nothing is left behind but what the driver refused to take back. */
static void testEveryError(const char *function, bool isFatal, bool canLeak) {
  char wanted[96];
  int failures = 0;
  for (int number = 1; number <= 12; ++number)
    for (uint32_t flags = 0; flags <= NNCC_INSTANCE_PROFILE; ++flags) {
      snprintf(wanted, sizeof wanted, "%s:1:%d", function, number);
      setenv("FAKE_CUDA_FAIL", wanted, 1);
      nncc_status status = useModel(flags);
      unsetenv("FAKE_CUDA_FAIL");
      failures += status != NNCC_OK;
      CHECK(!status || strstr(nncc_last_error(), function));
      if (status && !strstr(nncc_last_error(), function))
        fprintf(stderr, "  %s: %s\n", wanted, nncc_last_error());
      if (!canLeak)
        checkNothingLeft();
      forgetLeft();
    }
  CHECK((failures > 0) == isFatal);
  if ((failures > 0) != isFatal)
    fprintf(stderr, "  with errors of %s\n", function);
  CHECK_OK(useModel(0));
}

static void testErrors(void) {
  static const char *const fatal[] = {
      "cuDeviceGet",    "cuDeviceGetAttribute", "cuDeviceGetCount",   "cuDevicePrimaryCtxRetain",
      "cuMemAlloc",     "cuModuleGetFunction",  "cuFuncSetAttribute", "cuMemAllocFromPoolAsync",
      "cuMemAllocHost", "cuMemcpyAsync",        "cuStreamCreate",     "cuStreamSynchronize",
      "cuGraphLaunch",  "cuEventCreate",        "cuEventRecord",      "cuEventElapsedTime",
      "cuLaunchKernel", "cuCtxPushCurrent"};
  /* Without them it goes on in another way. */
  static const char *const harmless[] = {"cuModuleLoadDataEx",    "cuMemPoolCreate",
                                         "cuMemPoolSetAttribute", "cuStreamBeginCapture",
                                         "cuStreamEndCapture",    "cuGraphInstantiateWithFlags"};
  static const char *const ends[] = {"cuDevicePrimaryCtxRelease",
                                     "cuModuleUnload",
                                     "cuMemFree",
                                     "cuMemFreeHost",
                                     "cuMemFreeAsync",
                                     "cuMemPoolDestroy",
                                     "cuStreamDestroy",
                                     "cuGraphDestroy",
                                     "cuGraphExecDestroy",
                                     "cuEventDestroy"};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; ++i)
    testEveryError(fatal[i], true, strcmp(fatal[i], "cuCtxPushCurrent") == 0);
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; ++i)
    testEveryError(harmless[i], false, false);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i)
    testEveryError(ends[i], false, true);
}

static void testOutOfMemory(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL);
  static Arguments a;
  uint64_t memory = fake->memory;
  runRight(instance, 9, 0);
  fake->memory = fake->used + 1000;
  setArguments(&a, 400, 0);
  CHECK_FAILS(NNCC_OUT_OF_MEMORY, run(instance, &a), "no memory for", "bytes on the device",
              "CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
  fake->memory = memory;
  runRight(instance, 400, 0); /* and goes on where there is some again */
  fake->memory = fake->used;
  for (int i = 0; i < 2; ++i) {
    setArguments(&a, 399, 0);
    CHECK_FAILS(NNCC_OUT_OF_MEMORY, run(instance, &a), "cuMemAllocFromPoolAsync", NULL, NULL);
  }
  fake->memory = memory;
  runRight(instance, 399, 0);
  nncc_instance *second = NULL;
  nncc_model *other = openModel(nncc_model_device_only(), NULL);
  fake->memory = fake->used;
  CHECK_FAILS(NNCC_OUT_OF_MEMORY, nncc_instance_create(other, NULL, &second), "20 bytes of weights",
              NULL, NULL);
  fake->memory = memory;
  nncc_instance_destroy(instance);
  nncc_model_close(other);
  nncc_model_close(model);
}

/* After some errors the driver does nothing any more: all runs say so. */
static void testLost(const char *function) {
  char wanted[96];
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL), *other = newInstance(model, 0, NULL);
  static Arguments a;
  snprintf(wanted, sizeof wanted, "%s:719:2", function);
  setenv("FAKE_CUDA_FAIL", wanted, 1);
  setArguments(&a, 9, 0);
  nncc_status status = run(instance, &a);
  CHECK_FAILS(NNCC_INTERNAL, status ? status : run(instance, &a), function,
              "CUDA_ERROR_LAUNCH_FAILED", NULL);
  for (int i = 0; i < 2; ++i)
    CHECK_FAILS(NNCC_INTERNAL, run(i ? instance : other, &a), "cannot be used any more",
                "CUDA_ERROR_LAUNCH_FAILED", NULL);
  nncc_instance_destroy(instance);
  nncc_instance_destroy(other);
  nncc_model_close(model);
  unsetenv("FAKE_CUDA_FAIL");
  forgetLeft();
  CHECK_OK(useModel(0)); /* the context went with its last user, and with it the error */
  checkNothingLeft();
}

/* The driver works in the process alone that has loaded it: a child says so, and calls nothing. */
static void testFork(void) {
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *instance = newInstance(model, 0, NULL), *second = NULL;
  static Arguments a;
  runRight(instance, 9, 0);
  fflush(NULL);
  pid_t child = fork();
  if (!child) {
    setArguments(&a, 9, 0);
    CHECK_FAILS(NNCC_NOT_SUPPORTED, run(instance, &a), "forked", "CUDA driver", NULL);
    CHECK_FAILS(NNCC_NOT_SUPPORTED, nncc_instance_create(model, NULL, &second), "forked", NULL,
                NULL);
    nncc_instance_destroy(instance);
    nncc_model_close(model);
    CHECK(fake->calls == 0);
    model = openModel(nncc_model_device(), NULL); /* which has a level for the processor */
    CHECK(strcmp(nncc_model_descriptor(model)->cpu, "generic") == 0);
    nncc_model_close(model);
    _exit(checkResult());
  }
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  runRight(instance, 9, 1); /* the parent goes on */
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  checkNothingLeft();
}

/* A stream belongs to a context: one of another device's is refused, and nothing is left of it. */
static void testForeignStream(void) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  nncc_model *model = openModel(nncc_model_device_only(), NULL);
  nncc_instance *first = newInstance(model, 0, NULL), *instance = NULL;
  void *library = dlopen("libcuda.so.1", RTLD_NOW), *context = NULL;
  int (*retain)(void **context, int device) =
      (int (*)(void **, int))dlsym(library, "cuDevicePrimaryCtxRetain");
  int (*push)(void *context) = (int (*)(void *))dlsym(library, "cuCtxPushCurrent_v2");
  int (*pop)(void **context) = (int (*)(void **))dlsym(library, "cuCtxPopCurrent_v2");
  int (*createStream)(void **stream, unsigned flags) =
      (int (*)(void **, unsigned))dlsym(library, "cuStreamCreate");
  CHECK(retain(&context, 7 + 1) == 0 && push(context) == 0);
  CHECK(createStream(&options.stream, 1) == 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_create(model, &options, &instance),
              "options.stream", "primary context of device 0", NULL);
  CHECK(!instance);
  options.device = 1;
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  static Arguments a;
  setArguments(&a, 9, 0);
  CHECK_OK(run(instance, &a));
  CHECK(resultsAreRight(&a) && fake->lastDevice == 1);
  nncc_instance_destroy(instance);
  CHECK(pop(&context) == 0);
  runRight(first, 9, 0);
  nncc_instance_destroy(first);
  nncc_model_close(model);
  CHECK(depth() == 0 && fake->streams == 1 && fake->contexts == 1); /* the caller's own */
  forgetLeft();
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  bool isThere = findFake();
  if (strcmp(mode, "none") == 0) {
    testMissing("no CUDA driver", "libcuda.so.1");
  } else if (strcmp(mode, "old") == 0) {
    testMissing("too old", "cuGraphLaunch");
  } else if (!isThere) {
    return fprintf(stderr, "libcuda.so.1 is not the stand-in: see LD_LIBRARY_PATH\n"), 2;
  } else if (strcmp(mode, "no-device") == 0) {
    fake->devices = 0;
    testMissing("the CUDA driver cannot be used", "no CUDA-capable device");
  } else {
    testOptions();
    testErrors();
    testOutOfMemory();
    testLost("cuLaunchKernel");
    testLost("cuStreamSynchronize");
    testFork();
    testForeignStream();
  }
  return checkResult();
}
