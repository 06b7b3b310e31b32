/* What the parts of the stand-in for the driver share: its objects, and work that waits to be done.
 */
#ifndef NNCC_TEST_RUNTIME_FAKE_DRIVER_H
#define NNCC_TEST_RUNTIME_FAKE_DRIVER_H

#include "fake_cuda.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define OFFSET (UINT64_C(1) << 62) /* no processor has memory there */

typedef struct FakeKernel {
  const char *name;
  int parameters;
  void (*function)(void **parameters, unsigned blocks);
} FakeKernel;
#define NUM_FAKE_KERNELS 6

typedef struct Context {
  int device;
} Context;
#define MOST_DEVICES 4
#define MOST_DEPTH 16

typedef struct Memory {
  char *data;
  uint64_t size;
  bool isPinned;
  int device;
  struct Memory *next;
} Memory;

typedef enum Kind { LAUNCH, COPY, FREE, RECORD, WAIT } Kind;

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
  Context *context;
} Stream;
typedef struct Event {
  double time;    /* negative: not reached */
  Stream *stream; /* that it is recorded in */
} Event;
typedef struct Function {
  const FakeKernel *kernel;
  int dynamicShared;
  Context *context;
} Function;
typedef struct Module {
  Function functions[NUM_FAKE_KERNELS];
} Module;

extern const FakeKernel fakeKernels[NUM_FAKE_KERNELS]; /* fake_kernels.c */
extern FakeCuda fakeCuda;
extern pthread_mutex_t lock;
extern Context contexts[MOST_DEVICES];
extern Stream legacy[MOST_DEVICES];
extern Stream *streams[64];
extern _Thread_local Context *stack[MOST_DEPTH]; /* of contexts */
extern _Thread_local int depth;                  /* of it */
extern _Thread_local int recording;              /* streams that record for this thread */

/* Stays reachable: an object that the driver refuses to take back is no leak of its user's. */
void *newObject(size_t size);

/* Whether this call is to fail, and with what. */
int failure(const char *function);

/* On top of the stack. */
Context *current(void);

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

/* Memory. Addresses are the device's, or of pinned memory the host's. */
Memory *findMemory(uint64_t address, uint64_t bytes);
/* Memory of the device where the processor finds it: aborts where there is none. */
void *fakeMemory(uint64_t address, uint64_t bytes);
int newMemory(uint64_t bytes, bool isPinned, uint64_t *address);
int freeMemory(uint64_t address);
/* Others may wait here for all work; nobody may count on it. */
void checkFree(uint64_t address);

/* Work. A stream of another context than the current one: error 400. */
Stream *streamOf(Stream *stream);
int checkStream(const Stream *stream);
void add(Stream *stream, Operation operation);
void append(List *list, Operation operation);
void perform(Operation *operation);
void flush(Stream *stream);

#endif
