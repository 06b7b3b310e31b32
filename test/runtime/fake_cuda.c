/* See fake_cuda.h. Macros make other drivers of it:
 *   FAKE_CUDA_OLD         before CUDA 12: without cuGetProcAddress_v2 and without pools
 *   FAKE_CUDA_INCOMPLETE  older still: without cuGraphLaunch as well */
#include "fake_cuda.h"
#include "fake_kernels.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define OFFSET (UINT64_C(1) << 62) /* no processor has memory there */

#ifdef FAKE_CUDA_OLD
#define KNOWS_POOLS 0
#else
#define KNOWS_POOLS 1
#endif
EXPORT FakeCuda fakeCuda = {.devices = 2,
                            .capability = 90,
                            .multiprocessors = 3,
                            .hasPools = 1,
                            .knowsPools = KNOWS_POOLS,
                            .memory = 1 << 30};

typedef struct Memory {
  char *data;
  uint64_t size;
  bool isPinned;
  struct Memory *next;
} Memory;

typedef enum Kind { LAUNCH, COPY, FREE, RECORD } Kind;

typedef struct Operation {
  Kind kind;
  const FakeKernel *kernel;
  uint64_t values[8]; /* parameters; or to, from, bytes */
  unsigned blocks;
  char *snapshot; /* of memory that is not pinned */
  struct Event *event;
} Operation;

typedef struct List {
  Operation *operations;
  int count;
} List;

typedef struct Stream {
  List work;
  List *recording;
  bool isInOrder; /* with the default stream */
} Stream;
typedef struct Event {
  double time; /* negative: not reached */
} Event;
typedef struct Function {
  const FakeKernel *kernel;
  int dynamicShared;
} Function;
typedef struct Module {
  Function functions[NUM_FAKE_KERNELS];
} Module;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Memory *memories;
static Stream legacy;
static Stream *streams[64];
static double now;
static _Thread_local int depth;     /* of the stack of contexts */
static _Thread_local int recording; /* streams that record for this thread */

/* Objects stay reachable: one that the driver refuses to take back is no leak of its user's. */
static void *newObject(size_t size) {
  static void **objects;
  static int count;
  objects = realloc(objects, ((size_t)count + 1) * sizeof *objects);
  return objects[count++] = calloc(1, size);
}

EXPORT int fakeCudaDepth(void) { return depth; }

/* Whether this call is to fail, and with what. */
static int failure(const char *function) {
  static char current[128];
  static int calls;
  const char *wanted = getenv("FAKE_CUDA_FAIL");
  size_t length = strlen(function);
  if (fakeCuda.lost)
    return fakeCuda.lost;
  if (!wanted)
    wanted = "";
  if (strcmp(current, wanted) != 0) {
    snprintf(current, sizeof current, "%s", wanted);
    calls = 0;
  }
  int error = 0, number = 1;
  if (strncmp(wanted, function, length) != 0 || wanted[length] != ':' ||
      sscanf(wanted + length, ":%d:%d", &error, &number) < 1 || ++calls != number)
    return 0;
  if (error >= 700 && error < 800)
    fakeCuda.lost = error;
  return error;
}

/* Begins and ends every function: one at a time; CONTEXT: one that needs a current context. */
#define BEGIN(name)                                                                                \
  pthread_mutex_lock(&lock);                                                                       \
  int result = failure(name);                                                                      \
  if (!result) {
#define BEGIN_IN_CONTEXT(name)                                                                     \
  BEGIN(name)                                                                                      \
  if (!depth)                                                                                      \
    result = 201;                                                                                  \
  else {
#define END                                                                                        \
  }                                                                                                \
  pthread_mutex_unlock(&lock);                                                                     \
  return result;
#define END_IN_CONTEXT                                                                             \
  }                                                                                                \
  END

static Memory *findMemory(uint64_t address, uint64_t bytes) {
  for (Memory *m = memories; m; m = m->next) {
    uint64_t base = (uint64_t)(uintptr_t)m->data + (m->isPinned ? 0 : OFFSET);
    if (address >= base && bytes <= m->size && address - base <= m->size - bytes)
      return m;
  }
  return NULL;
}

void *fakeMemory(uint64_t address, uint64_t bytes) {
  if (address < OFFSET || !findMemory(address, bytes)) {
    fprintf(stderr, "fake CUDA: %llu bytes at %llx are none of the device's\n",
            (unsigned long long)bytes, (unsigned long long)address);
    abort();
  }
  return (void *)(uintptr_t)(address - OFFSET);
}

static int newMemory(uint64_t bytes, bool isPinned, uint64_t *address) {
  if (!bytes)
    return 1;
  if (recording)
    return 900;
  if (!isPinned && bytes > fakeCuda.memory - fakeCuda.used)
    return 2;
  Memory *m = newObject(sizeof *m);
  *m = (Memory){aligned_alloc(256, (bytes + 255) / 256 * 256), bytes, isPinned, memories};
  memset(m->data, 0xff, bytes); /* NaN */
  memories = m;
  ++*(isPinned ? &fakeCuda.pinned : &fakeCuda.allocations);
  fakeCuda.used += isPinned ? 0 : bytes;
  ++fakeCuda.allocated;
  *address = (uint64_t)(uintptr_t)m->data + (isPinned ? 0 : OFFSET);
  return 0;
}

static int freeMemory(uint64_t address) {
  Memory *found = findMemory(address, 1);
  for (Memory **m = &memories; found && *m; m = &(*m)->next)
    if (*m == found) {
      *m = found->next;
      --*(found->isPinned ? &fakeCuda.pinned : &fakeCuda.allocations);
      fakeCuda.used -= found->isPinned ? 0 : found->size;
      free(found->data);
      free(found);
      return 0;
    }
  return 1;
}

/* Work --------------------------------------------------------------------------------------------
 */

static char *hostAddress(uint64_t address) {
  return (char *)(uintptr_t)(address >= OFFSET ? address - OFFSET : address);
}

static void perform(Operation *o) {
  void *parameters[8];
  for (int i = 0; i < 8; ++i)
    parameters[i] = &o->values[i];
  now += 0.001;
  if (o->kind == LAUNCH)
    o->kernel->function(parameters, o->blocks);
  else if (o->kind == COPY)
    memcpy(hostAddress(o->values[0]), o->snapshot ? o->snapshot : hostAddress(o->values[1]),
           o->values[2]);
  else if (o->kind == FREE)
    freeMemory(o->values[0]);
  else
    o->event->time = now;
}

static void flush(Stream *stream) {
  for (int i = 0; i < stream->work.count; ++i) {
    perform(&stream->work.operations[i]);
    free(stream->work.operations[i].snapshot);
  }
  stream->work.count = 0;
}

static void flushAll(void) {
  flush(&legacy);
  for (int i = 0; i < 64; ++i)
    if (streams[i])
      flush(streams[i]);
}

static void append(List *list, Operation operation) {
  list->operations =
      realloc(list->operations, ((size_t)list->count + 1) * sizeof *list->operations);
  list->operations[list->count++] = operation;
}

static void add(Stream *stream, Operation operation) {
  if (stream->isInOrder && !stream->recording)
    flush(&legacy);
  append(stream->recording ? stream->recording : &stream->work, operation);
}

static Stream *streamOf(Stream *stream) { return stream ? stream : &legacy; }

/* Devices and contexts ----------------------------------------------------------------------------
 */

EXPORT int cuInit(unsigned flags) {
  BEGIN("cuInit")
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
           : attribute == 115 ? fakeCuda.hasPools
                              : -1;
  END
}

EXPORT int cuDevicePrimaryCtxRetain(void **context, int device) {
  BEGIN("cuDevicePrimaryCtxRetain")
  ++fakeCuda.contexts;
  *context = &fakeCuda;
  END
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  BEGIN("cuDevicePrimaryCtxRelease")
  --fakeCuda.contexts;
  END
}

EXPORT int cuCtxPushCurrent_v2(void *context) {
  BEGIN("cuCtxPushCurrent")
  ++depth;
  END
}

EXPORT int cuCtxPopCurrent_v2(void **context) {
  pthread_mutex_lock(&lock);
  int result = depth ? 0 : 201;
  depth -= !result;
  pthread_mutex_unlock(&lock);
  return result;
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
      (*module)->functions[i].kernel = &fakeKernels[i];
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
  if (attribute == 8)
    function->dynamicShared = value;
  END_IN_CONTEXT
}

EXPORT int cuLaunchKernel(Function *function, unsigned gridX, unsigned gridY, unsigned gridZ,
                          unsigned blockX, unsigned blockY, unsigned blockZ, unsigned shared,
                          Stream *stream, void **parameters, void **extra) {
  BEGIN_IN_CONTEXT("cuLaunchKernel")
  if (!gridX || gridY * gridZ != 1 || !blockX || blockX > 1024 || blockY * blockZ != 1 || extra ||
      shared > 49152 + (unsigned)function->dynamicShared) {
    result = 1;
  } else {
    Operation o = {.kind = LAUNCH, .kernel = function->kernel, .blocks = gridX};
    for (int i = 0; i < o.kernel->parameters; ++i)
      memcpy(&o.values[i], parameters[i], 8);
    fakeCuda.lastBlocks = (int)gridX;
    fakeCuda.lastThreads = (int)blockX;
    fakeCuda.lastShared = (int)shared;
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
  flushAll();
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
  flushAll();
  result = freeMemory((uint64_t)(uintptr_t)memory);
  END_IN_CONTEXT
}

EXPORT int cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, Stream *stream) {
  BEGIN_IN_CONTEXT("cuMemcpyAsync")
  Memory *target = findMemory(to, bytes), *source = findMemory(from, bytes);
  Operation o = {.kind = COPY, .values = {to, from, bytes}};
  ++fakeCuda.copies;
  if (!bytes || (to >= OFFSET && !target) || (from >= OFFSET && !source)) {
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
  BEGIN_IN_CONTEXT("cuMemAllocFromPoolAsync")
  result = newMemory(bytes, false, memory);
  END_IN_CONTEXT
}

EXPORT int cuMemAllocAsync(uint64_t *memory, size_t bytes, Stream *stream) {
  BEGIN_IN_CONTEXT("cuMemAllocAsync")
  result = newMemory(bytes, false, memory);
  END_IN_CONTEXT
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
  ++fakeCuda.streams;
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
  for (int i = 0; i < executable->count; ++i)
    add(streamOf(stream), executable->operations[i]);
  ++fakeCuda.graphLaunches;
  END_IN_CONTEXT
}
#endif

EXPORT int cuGraphDestroy(List *graph) {
  BEGIN_IN_CONTEXT("cuGraphDestroy")
  freeGraph(graph);
  END_IN_CONTEXT
}

EXPORT int cuGraphExecDestroy(List *graph) {
  BEGIN_IN_CONTEXT("cuGraphExecDestroy")
  freeGraph(graph);
  END_IN_CONTEXT
}

EXPORT int cuEventCreate(Event **event, unsigned flags) {
  BEGIN_IN_CONTEXT("cuEventCreate")
  *event = newObject(sizeof **event);
  ++fakeCuda.events;
  END_IN_CONTEXT
}

EXPORT int cuEventDestroy_v2(Event *event) {
  BEGIN_IN_CONTEXT("cuEventDestroy")
  free(event);
  --fakeCuda.events;
  END_IN_CONTEXT
}

EXPORT int cuEventRecord(Event *event, Stream *stream) {
  BEGIN_IN_CONTEXT("cuEventRecord")
  event->time = -1;
  add(streamOf(stream), (Operation){.kind = RECORD, .event = event});
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
