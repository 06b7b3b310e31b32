/* What the parts of the runtime share; nothing of it is exported.
 *
 *   Status.c   names, sizes, the thread's last error
 *   Isa.c      processor features, usable CPUs, the clock
 *   Library.c  the model's entry point in an ELF file
 *   Weights.c  weights in memory or in a file
 *   Model.c    opens and describes models
 *   Pool.c     worker threads
 *   Binding.c  tensors of the caller -> sizes of dims -> workspace
 *   Services.c what the compiled library asks for
 *   Instance.c life and runs of an instance
 */
#ifndef NNCC_RUNTIME_INTERNAL_H
#define NNCC_RUNTIME_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* affinity, thread names, huge pages */
#endif

#include "nncc/nncc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NNCC_MAX_THREADS 1024
#define NNCC_MESSAGE_SIZE 1024

/* Status.c --------------------------------------------------------------------------------------
 */

/* Records the message as the thread's last error and returns the status. */
nncc_status nnccFail(nncc_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A text that is built up in a buffer on the stack; what does not fit is cut. */
typedef struct Text {
  char data[256];
  size_t size;
} Text;
void nnccAppend(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "float32[2,batch,3]": negative sizes print as the name of their dim, or "?". */
void nnccAppendTensor(Text *text, const nncc_descriptor *descriptor, nncc_type type, int32_t rank,
                      const int64_t *shape);

/* Copies the struct that `source` begins (its first field is its size) over defaults. */
#define NNCC_READ_OPTIONS(destination, source)                                                     \
  nnccReadStruct(&(destination), sizeof(destination), source)
nncc_status nnccReadStruct(void *destination, size_t size, const void *source);

/* Isa.c -----------------------------------------------------------------------------------------
 */

int64_t nnccNow(void); /* nanoseconds, monotonic */

/* Tells the processor that this is a spinning loop. */
static inline void nnccPause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory"); /* `yield` does nothing on most cores */
#endif
}

/* Library.c -------------------------------------------------------------------------------------
 */

/* Checks that the file is a whole shared library for this machine and finds its entry point,
 * without running any of its code. `symbol` receives a string to be freed; NULL: only checks the
 * file. */
nncc_status nnccFindEntryPoint(const char *path, char **symbol);

/* Weights.c -------------------------------------------------------------------------------------
 */

typedef struct Weights {
  const char *data;
  void *mapping; /* to unmap, or NULL */
  size_t mapped;
  void *memory; /* to free, or NULL */
} Weights;

/* `library` is the path of the library, or NULL for a model that is linked in. */
nncc_status nnccLoadWeights(Weights *weights, const nncc_descriptor *descriptor,
                            const nncc_open_options *options, const char *library);
void nnccFreeWeights(Weights *weights);

/* Aligned to NNCC_ALIGNMENT, in huge pages where it is large; free() releases it. */
void *nnccAllocate(uint64_t bytes);

/* Model.c ---------------------------------------------------------------------------------------
 */

struct nncc_model {
  nncc_descriptor descriptor; /* a copy, with zeros for what the library's does not have */
  Weights weights;
  void *handle; /* of dlopen, or NULL */
  atomic_int references;
};

typedef struct Plan {
  uint64_t arena;  /* bytes, tail included */
  uint64_t stride; /* of scratch */
  uint64_t total;
} Plan;

/* `dims` are complete. */
nncc_status nnccPlan(const nncc_descriptor *descriptor, const int64_t *dims, int32_t threads,
                     Plan *plan);

/* Pool.c ----------------------------------------------------------------------------------------
 */

typedef struct Pool Pool;

/* `threads` - 1 threads; the caller of nnccPoolRun is worker 0. `spin` in nanoseconds. */
nncc_status nnccPoolCreate(int32_t threads, int64_t spin, Pool **pool);
void nnccPoolDestroy(Pool *pool);

/* Between these two, idle workers look for work before they sleep. */
void nnccPoolBegin(Pool *pool);
void nnccPoolEnd(Pool *pool);

/* Runs all units; `cancelled` is looked at between chunks. */
nncc_status nnccPoolRun(Pool *pool, nncc_kernel_fn function, const nncc_call *call, int64_t units,
                        atomic_int *cancelled);

/* Services.c ------------------------------------------------------------------------------------
 */

typedef struct Block Block;

#define NNCC_SIZE_CLASSES 48

/* Memory for values of a run, kept for the next one. */
typedef struct Heap {
  Block *free[NNCC_SIZE_CLASSES];
  Block *all;
  int64_t used; /* blocks */
} Heap;

/* An output whose sizes only a run tells; memory stays for the next one. */
typedef struct RunOutput {
  int64_t *shape; /* NULL: the output's sizes follow from those of the inputs */
  char *data;     /* NULL: the last run has not given it */
  int64_t capacity;
  bool given;
} RunOutput;

void nnccHeapReclaim(Heap *heap); /* what a failed run did not free */
void nnccHeapDestroy(Heap *heap);

/* The table that the library sees: its host is the instance. */
void nnccFillServices(nncc_instance *instance);

/* Instance.c ------------------------------------------------------------------------------------
 */

typedef struct DispatchIndex {
  const nncc_dispatch *dispatch;
  int32_t index;
} DispatchIndex;

struct nncc_instance {
  nncc_model *model;
  int32_t threads;
  Pool *pool; /* NULL: one thread, or the host's parallel_for */
  nncc_services services;
  nncc_services hostServices;
  void *host;

  atomic_flag busy;
  atomic_int cancelled;

  /* Sizes. `given` are those that came from the caller, `dims` are completed by the model. */
  bool bound;
  int64_t *given, *dims, *newGiven, *newDims;
  int32_t *setBy; /* input that gave a dim, -1 for none */
  Plan plan;
  char *workspace; /* own */
  uint64_t workspaceSize;
  char *userWorkspace;
  uint64_t userWorkspaceSize;
  Heap heap;

  /* Arguments of the run in the descriptor's order. */
  void **inputs, **outputs;
  int64_t *inputBytes, *outputBytes;
  bool *seen;
  RunOutput *runOutputs; /* by output */

  /* The profile; NULL without. `order` is sorted by address. */
  nncc_profile *profile;
  nncc_profile runProfile;
  DispatchIndex *order;
  int32_t nextDispatch;

  /* The first error that a kernel reported in this run. */
  pthread_mutex_t errorLock;
  bool reported;
  char report[NNCC_MESSAGE_SIZE];

  char error[NNCC_MESSAGE_SIZE];
};

void nnccRecord(nncc_profile *profile, int64_t elapsed);

/* Binding.c -------------------------------------------------------------------------------------
 */

/* Fills inputs (by position) and binds the dims that their shapes give. */
nncc_status nnccBindInputs(nncc_instance *instance, const nncc_tensor *inputs, int32_t count,
                           bool needData);
/* Whether only a run tells the sizes of an output. */
bool nnccIsRunOutput(const nncc_instance *instance, int32_t output);
/* Fills outputs and checks their shapes against the bound dims. */
nncc_status nnccBindOutputs(nncc_instance *instance, const nncc_tensor *outputs, int32_t count);
/* Binds newGiven. */
nncc_status nnccBindDims(nncc_instance *instance);

#endif
