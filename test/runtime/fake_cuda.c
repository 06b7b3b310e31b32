/* See fake_cuda.h. Macros make other drivers of it:
 *   FAKE_CUDA_OLD         before CUDA 12: without cuGetProcAddress_v2 and without pools
 *   FAKE_CUDA_INCOMPLETE  older still: without cuGraphLaunch as well */
#include "fake_driver.h"

#include <dlfcn.h>

/* Devices and contexts ----------------------------------------------------------------------------
 */

EXPORT int cuInit(unsigned flags) {
  BEGIN("cuInit")
  const char *capability = getenv("FAKE_CUDA_CAPABILITY");
  if (capability && *capability)
    fakeCuda.capability = atoi(capability);
  result = fakeCuda.devices ? 0 : 100;
  END
}

EXPORT int cuGetErrorName(int error, const char **name) {
  *name = error == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == 719 ? "CUDA_ERROR_LAUNCH_FAILED"
                         : "CUDA_ERROR_FAKE";
  return 0;
}

EXPORT int cuGetErrorString(int error, const char **text) {
  *text = error == 2 ? "out of memory" : error == 100 ? "no CUDA-capable device" : "fake";
  return 0;
}

EXPORT int cuDeviceGetCount(int *count) {
  BEGIN("cuDeviceGetCount")
  *count = fakeCuda.devices;
  END
}

EXPORT int cuDeviceGet(int *device, int ordinal) {
  BEGIN("cuDeviceGet")
  *device = ordinal + 7; /* a handle, no number */
  END
}

EXPORT int cuDeviceGetName(char *name, int size, int device) {
  BEGIN("cuDeviceGetName")
  snprintf(name, (size_t)size, "Fake %d", device);
  END
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
  BEGIN("cuDeviceGetAttribute")
  *value = attribute == 16    ? fakeCuda.multiprocessors
           : attribute == 75  ? fakeCuda.capability / 10
           : attribute == 76  ? fakeCuda.capability % 10
           : attribute == 97  ? fakeCuda.shared
           : attribute == 115 ? fakeCuda.hasPools
                              : -1;
  END
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  BEGIN("cuDevicePrimaryCtxRetain")
  ++fakeCuda.contexts;
  *context = &contexts[device - 7];
  END
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  pthread_mutex_lock(&lock);
  int result = failure("cuDevicePrimaryCtxRelease");
  if ((!result || fakeCuda.lost) && !--fakeCuda.contexts)
    fakeCuda.lost = 0;
  pthread_mutex_unlock(&lock);
  return result;
}

EXPORT int cuCtxPushCurrent_v2(void *context) {
  BEGIN("cuCtxPushCurrent")
  if (depth == MOST_DEPTH)
    abort();
  stack[depth++] = context ? context : &contexts[0];
  END
}

EXPORT int cuCtxPopCurrent_v2(void **context) {
  pthread_mutex_lock(&lock);
  int result = depth ? 0 : 201;
  depth -= !result;
  pthread_mutex_unlock(&lock);
  return result;
}

EXPORT int cuCtxSynchronize(void) {
  BEGIN_IN_CONTEXT("cuCtxSynchronize")
  flush(&legacy[current()->device]);
  for (int i = 0; i < 64; ++i)
    if (streams[i] && streams[i]->context == current())
      flush(streams[i]);
  END_IN_CONTEXT
}

/* Modules -----------------------------------------------------------------------------------------
 */

EXPORT int cuModuleLoadDataEx(Module **module, const char *image, unsigned count, int *options,
                              void **values) {
  BEGIN_IN_CONTEXT("cuModuleLoadDataEx")
  if (strncmp(image, "fake", 4) != 0) {
    if (count == 2 && options[0] == 5 && options[1] == 6)
      snprintf(values[0], (size_t)(uintptr_t)values[1], "ptxas cannot read '%s'", image);
    result = 200;
  } else {
    *module = newObject(sizeof **module);
    for (int i = 0; i < NUM_FAKE_KERNELS; ++i)
      (*module)->functions[i] = (Function){&fakeKernels[i], 0, current()};
    fakeCuda.image = image;
    ++fakeCuda.modules;
  }
  END_IN_CONTEXT
}

EXPORT int cuModuleUnload(Module *module) {
  BEGIN_IN_CONTEXT("cuModuleUnload")
  free(module);
  --fakeCuda.modules;
  END_IN_CONTEXT
}

EXPORT int cuModuleGetFunction(Function **function, Module *module, const char *name) {
  BEGIN_IN_CONTEXT("cuModuleGetFunction")
  result = 500;
  for (int i = 0; i < NUM_FAKE_KERNELS; ++i)
    if (strcmp(fakeKernels[i].name, name) == 0) {
      *function = &module->functions[i];
      result = 0;
    }
  END_IN_CONTEXT
}

EXPORT int cuFuncSetAttribute(Function *function, int attribute, int value) {
  BEGIN_IN_CONTEXT("cuFuncSetAttribute")
  if (attribute == 8 && value > fakeCuda.shared)
    result = 1;
  else if (attribute == 8)
    function->dynamicShared = value;
  END_IN_CONTEXT
}

/* Kernels reach no memory of another device. */
static void checkDevice(const Operation *o) {
  for (int i = 0; i < o->kernel->parameters; ++i) {
    const Memory *memory = o->values[i] >= OFFSET ? findMemory(o->values[i], 1) : NULL;
    if (!memory || memory->device == current()->device)
      continue;
    fprintf(stderr, "fake CUDA: a kernel on device %d gets memory of device %d\n",
            current()->device, memory->device);
    abort();
  }
}

EXPORT int cuLaunchKernel(Function *function, unsigned gridX, unsigned gridY, unsigned gridZ,
                          unsigned blockX, unsigned blockY, unsigned blockZ, unsigned shared,
                          Stream *stream, void **parameters, void **extra) {
  BEGIN_IN_CONTEXT("cuLaunchKernel")
  if (!gridX || gridY * gridZ != 1 || !blockX || blockX > 1024 || blockY * blockZ != 1 || extra ||
      (shared > 49152 && shared > (unsigned)function->dynamicShared)) {
    result = 1;
  } else if (checkStream(stream) || function->context != current()) {
    result = 400;
  } else {
    Operation o = {.kind = LAUNCH, .kernel = function->kernel, .blocks = gridX};
    for (int i = 0; i < o.kernel->parameters; ++i)
      memcpy(&o.values[i], parameters[i], 8);
    checkDevice(&o);
    fakeCuda.lastBlocks = (int)gridX;
    fakeCuda.lastThreads = (int)blockX;
    fakeCuda.lastShared = (int)shared;
    fakeCuda.lastDevice = current()->device;
    ++fakeCuda.launches;
    add(streamOf(stream), o);
  }
  END_IN_CONTEXT
}

/* Memory ------------------------------------------------------------------------------------------
 */

EXPORT int cuMemAlloc_v2(uint64_t *memory, size_t bytes) {
  BEGIN_IN_CONTEXT("cuMemAlloc")
  result = newMemory(bytes, false, memory);
  END_IN_CONTEXT
}

EXPORT int cuMemFree_v2(uint64_t memory) {
  BEGIN_IN_CONTEXT("cuMemFree")
  checkFree(memory);
  result = freeMemory(memory);
  END_IN_CONTEXT
}

EXPORT int cuMemAllocHost_v2(void **memory, size_t bytes) {
  uint64_t address = 0;
  BEGIN_IN_CONTEXT("cuMemAllocHost")
  result = newMemory(bytes, true, &address);
  *memory = (void *)(uintptr_t)address;
  END_IN_CONTEXT
}

EXPORT int cuMemFreeHost(void *memory) {
  BEGIN_IN_CONTEXT("cuMemFreeHost")
  checkFree((uint64_t)(uintptr_t)memory);
  result = freeMemory((uint64_t)(uintptr_t)memory);
  END_IN_CONTEXT
}

EXPORT int cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, Stream *stream) {
  BEGIN_IN_CONTEXT("cuMemcpyAsync")
  Memory *target = findMemory(to, bytes), *source = findMemory(from, bytes);
  Operation o = {.kind = COPY, .values = {to, from, bytes}};
  ++fakeCuda.copies;
  if (checkStream(stream))
    result = 400;
  else if (!bytes || (to >= OFFSET && !target) || (from >= OFFSET && !source)) {
    result = 1;
  } else if (!target) { /* to pageable memory: waits */
    flush(streamOf(stream));
    perform(&o);
  } else {
    if (!source) /* from pageable memory, which the caller may change now */
      o.snapshot = memcpy(malloc(bytes), (void *)(uintptr_t)from, bytes);
    add(streamOf(stream), o);
  }
  END_IN_CONTEXT
}

#ifndef FAKE_CUDA_OLD
EXPORT int cuMemPoolCreate(void **pool, const int *properties) {
  BEGIN_IN_CONTEXT("cuMemPoolCreate")
  result = properties[0] == 1 && properties[2] == 1 && properties[3] < fakeCuda.devices ? 0 : 1;
  fakeCuda.pools += !result;
  *pool = &fakeCuda;
  END_IN_CONTEXT
}

EXPORT int cuMemPoolDestroy(void *pool) {
  BEGIN_IN_CONTEXT("cuMemPoolDestroy")
  --fakeCuda.pools;
  END_IN_CONTEXT
}

EXPORT int cuMemPoolSetAttribute(void *pool, int attribute, void *value){
    BEGIN_IN_CONTEXT("cuMemPoolSetAttribute") END_IN_CONTEXT}

EXPORT int cuMemAllocFromPoolAsync(uint64_t *memory, size_t bytes, void *pool, Stream *stream) {
  BEGIN_IN_CONTEXT(pool ? "cuMemAllocFromPoolAsync" : "cuMemAllocAsync")
  result = newMemory(bytes, false, memory);
  END_IN_CONTEXT
}

EXPORT int cuMemAllocAsync(uint64_t *memory, size_t bytes, Stream *stream) {
  return cuMemAllocFromPoolAsync(memory, bytes, NULL, stream);
}

EXPORT int cuMemFreeAsync(uint64_t memory, Stream *stream) {
  BEGIN_IN_CONTEXT("cuMemFreeAsync")
  add(streamOf(stream), (Operation){.kind = FREE, .values = {memory}});
  END_IN_CONTEXT
}
#endif

/* Streams, graphs, events -------------------------------------------------------------------------
 */

EXPORT int cuStreamCreate(Stream **stream, unsigned flags) {
  BEGIN_IN_CONTEXT("cuStreamCreate")
  int i = 0;
  while (streams[i])
    ++i;
  *stream = streams[i] = newObject(sizeof **stream);
  (*stream)->isInOrder = flags == 0;
  (*stream)->context = current();
  ++fakeCuda.streams;
  END_IN_CONTEXT
}

EXPORT int cuStreamGetCtx(Stream *stream, Context **context) {
  BEGIN_IN_CONTEXT("cuStreamGetCtx")
  *context = streamOf(stream) == &legacy[current()->device] ? current() : stream->context;
  END_IN_CONTEXT
}

EXPORT int cuStreamDestroy_v2(Stream *stream) {
  BEGIN_IN_CONTEXT("cuStreamDestroy")
  flush(stream);
  for (int i = 0; i < 64; ++i)
    if (streams[i] == stream)
      streams[i] = NULL;
  free(stream->work.operations);
  free(stream);
  --fakeCuda.streams;
  END_IN_CONTEXT
}

EXPORT int cuStreamSynchronize(Stream *stream) {
  BEGIN_IN_CONTEXT("cuStreamSynchronize")
  ++fakeCuda.waits;
  if (streamOf(stream)->recording)
    result = 900;
  else
    flush(streamOf(stream));
  END_IN_CONTEXT
}

EXPORT int cuStreamBeginCapture_v2(Stream *stream, int mode) {
  BEGIN_IN_CONTEXT("cuStreamBeginCapture")
  if (!stream || stream->isInOrder || stream->recording || mode != 1) {
    result = 900;
  } else {
    stream->recording = newObject(sizeof *stream->recording);
    ++recording;
    ++fakeCuda.captures;
    ++fakeCuda.graphs;
  }
  END_IN_CONTEXT
}

static void freeGraph(List *graph) {
  free(graph->operations);
  free(graph);
  --fakeCuda.graphs;
}

/* Ends it even where it fails, as the driver does. */
EXPORT int cuStreamEndCapture(Stream *stream, List **graph) {
  pthread_mutex_lock(&lock);
  int result = failure("cuStreamEndCapture");
  *graph = stream->recording;
  stream->recording = NULL;
  --recording;
  if (result)
    freeGraph(*graph);
  if (result)
    *graph = NULL;
  pthread_mutex_unlock(&lock);
  return result;
}

EXPORT int cuGraphInstantiateWithFlags(List **executable, const List *graph, unsigned long long f) {
  BEGIN_IN_CONTEXT("cuGraphInstantiateWithFlags")
  *executable = newObject(sizeof **executable);
  for (int i = 0; i < graph->count; ++i)
    append(*executable, graph->operations[i]);
  ++fakeCuda.graphs;
  END_IN_CONTEXT
}

#ifndef FAKE_CUDA_INCOMPLETE
EXPORT int cuGraphLaunch(const List *executable, Stream *stream) {
  BEGIN_IN_CONTEXT("cuGraphLaunch")
  result = checkStream(stream);
  for (int i = 0; !result && i < executable->count; ++i)
    add(streamOf(stream), executable->operations[i]);
  ++fakeCuda.graphLaunches;
  END_IN_CONTEXT
}
#endif

static int destroyGraph(const char *function, List *graph) {
  BEGIN_IN_CONTEXT(function)
  freeGraph(graph);
  END_IN_CONTEXT
}

EXPORT int cuGraphDestroy(List *graph) { return destroyGraph("cuGraphDestroy", graph); }
EXPORT int cuGraphExecDestroy(List *graph) { return destroyGraph("cuGraphExecDestroy", graph); }

EXPORT int cuEventCreate(Event **event, unsigned flags) {
  BEGIN_IN_CONTEXT("cuEventCreate")
  *event = newObject(sizeof **event);
  ++fakeCuda.events;
  END_IN_CONTEXT
}

EXPORT int cuEventDestroy_v2(Event *event) {
  BEGIN_IN_CONTEXT("cuEventDestroy")
  --fakeCuda.events; /* it may be waited for still */
  END_IN_CONTEXT
}

EXPORT int cuEventRecord(Event *event, Stream *stream) {
  BEGIN_IN_CONTEXT("cuEventRecord")
  event->time = -1;
  event->stream = streamOf(stream);
  add(streamOf(stream), (Operation){.kind = RECORD, .event = event});
  END_IN_CONTEXT
}

EXPORT int cuStreamWaitEvent(Stream *stream, Event *event, unsigned flags) {
  BEGIN_IN_CONTEXT("cuStreamWaitEvent")
  ++fakeCuda.streamWaits;
  add(streamOf(stream), (Operation){.kind = WAIT, .event = event});
  END_IN_CONTEXT
}

EXPORT int cuEventElapsedTime(float *milliseconds, const Event *from, const Event *to) {
  BEGIN_IN_CONTEXT("cuEventElapsedTime")
  if (from->time < 0 || to->time < 0)
    result = 600;
  *milliseconds = (float)(to->time - from->time);
  END_IN_CONTEXT
}

#ifndef FAKE_CUDA_OLD
/* By the names without versions. */
EXPORT int cuGetProcAddress_v2(const char *name, void **function, int version,
                               unsigned long long flags, int *found) {
  char symbol[64];
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  *function = NULL;
  for (int v2 = 1; v2 >= 0 && !*function; --v2) {
    snprintf(symbol, sizeof symbol, "%s%s", name, v2 ? "_v2" : "");
    *function = version >= 12000 ? dlsym(library, symbol) : NULL;
  }
  dlclose(library);
  return *function ? 0 : 500;
}
#endif
