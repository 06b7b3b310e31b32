/* Objects, memory and work of the stand-in for the driver. */
#include "fake_driver.h"

#include <unistd.h>

#ifdef FAKE_CUDA_OLD
#define KNOWS_POOLS 0
#else
#define KNOWS_POOLS 1
#endif
EXPORT FakeCuda fakeCuda = {.devices = 2,
                            .capability = 90,
                            .multiprocessors = 3,
                            .shared = 227 << 10,
                            .hasPools = 1,
                            .knowsPools = KNOWS_POOLS,
                            .memory = 1 << 30};

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Memory *memories;
Context contexts[MOST_DEVICES] = {{0}, {1}, {2}, {3}};
Stream legacy[MOST_DEVICES];
Stream *streams[64];
static double now;
_Thread_local Context *stack[MOST_DEPTH];
_Thread_local int depth;
_Thread_local int recording;

void *newObject(size_t size) {
  static void **objects;
  static int count;
  objects = realloc(objects, ((size_t)count + 1) * sizeof *objects);
  return objects[count++] = calloc(1, size);
}

EXPORT int fakeCudaDepth(void) { return depth; }

Context *current(void) { return depth ? stack[depth - 1] : &contexts[0]; }

/* Of the process that has loaded the driver. */
static pid_t owner;
__attribute__((constructor)) static void noteOwner(void) { owner = getpid(); }

int failure(const char *function) {
  static char current[128];
  static int calls;
  const char *wanted = getenv("FAKE_CUDA_FAIL");
  size_t length = strlen(function);
  if (getpid() != owner)
    return ++fakeCuda.calls, 3;
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

Memory *findMemory(uint64_t address, uint64_t bytes) {
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

int newMemory(uint64_t bytes, bool isPinned, uint64_t *address) {
  if (!bytes)
    return 1;
  if (recording)
    return 900;
  if (!isPinned && bytes > fakeCuda.memory - fakeCuda.used)
    return 2;
  Memory *m = newObject(sizeof *m);
  *m = (Memory){aligned_alloc(256, (bytes + 255) / 256 * 256), bytes, isPinned, current()->device,
                memories};
  memset(m->data, 0xff, bytes); /* NaN */
  memories = m;
  ++*(isPinned ? &fakeCuda.pinned : &fakeCuda.allocations);
  fakeCuda.used += isPinned ? 0 : bytes;
  ++fakeCuda.allocated;
  *address = (uint64_t)(uintptr_t)m->data + (isPinned ? 0 : OFFSET);
  return 0;
}

/* Whether work that is not done yet names an address inside. */
static bool isNeeded(const Memory *memory, const List *work) {
  for (int i = 0; i < work->count; ++i)
    for (int j = 0; j < 8; ++j)
      if (findMemory(work->operations[i].values[j], 1) == memory)
        return true;
  return false;
}

void checkFree(uint64_t address) {
  const Memory *memory = findMemory(address, 1);
  bool needed = false;
  for (int i = 0; memory && i < MOST_DEVICES; ++i)
    needed |= isNeeded(memory, &legacy[i].work);
  for (int i = 0; memory && i < 64; ++i)
    needed |= streams[i] && isNeeded(memory, &streams[i]->work);
  if (!needed)
    return;
  fprintf(stderr, "fake CUDA: memory is freed that work in a stream needs\n");
  abort();
}

int freeMemory(uint64_t address) {
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

void perform(Operation *o) {
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
  else if (o->kind == WAIT && o->event->time < 0)
    flush(o->event->stream);
  else if (o->kind == WAIT)
    return;
  else
    o->event->time = now;
}

void flush(Stream *stream) {
  for (int i = 0; i < stream->work.count; ++i) {
    perform(&stream->work.operations[i]);
    free(stream->work.operations[i].snapshot);
  }
  stream->work.count = 0;
}

void append(List *list, Operation operation) {
  list->operations =
      realloc(list->operations, ((size_t)list->count + 1) * sizeof *list->operations);
  list->operations[list->count++] = operation;
}

void add(Stream *stream, Operation operation) {
  if (stream->isInOrder && !stream->recording)
    flush(&legacy[stream->context->device]);
  append(stream->recording ? stream->recording : &stream->work, operation);
}

/* The default stream is NULL, or 1. */
static bool isLegacy(const Stream *stream) { return (uintptr_t)stream <= 1; }

Stream *streamOf(Stream *stream) { return isLegacy(stream) ? &legacy[current()->device] : stream; }

int checkStream(const Stream *stream) {
  return !isLegacy(stream) && stream->context != current() ? 400 : 0;
}
