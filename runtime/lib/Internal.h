/* What the parts of the runtime share; nothing of it is exported.
 *
 *   Status.c   names, sizes, the thread's last error
 *   Isa.c      processor features, usable CPUs, the clock
 *   Library.c  the model's entry point in an ELF file
 *   Weights.c  weights in memory or in a file
 *   Model.c    opens and describes models
 *   Parts.c    the tensors that a value is handed over as, and what has to hold of them
 *   Team.c     workers that wait for each other
 *   Pool.c     worker threads
 *   Schedule.c which calls are shared by them
 *   Binding.c  tensors of the caller -> sizes of dims -> workspace
 *   Services.c what the compiled library asks for
 *   Instance.c life and runs of an instance
 *   Value.c    values that the host makes, looks at and owns
 *   Pack.c     from values to the tensors of a run
 *   RunValues.c runs on values, and values of the tensors that a run gives
 *
 * and, for models whose kernels run on a device (Device.h; ../devices has the code for each):
 *
 *   Device.c         the devices, and models on them
 *   DeviceRun.c      life and runs of an instance there
 *   DeviceMemory.c   its memory
 *   DeviceGraph.c    runs that are put down once and then repeated
 *   DeviceServices.c what the library asks for while it runs there
 */
#ifndef NNCC_RUNTIME_INTERNAL_H
#define NNCC_RUNTIME_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* affinity, thread names, huge pages */
#endif

#include "nncc/nncc.h"

#include "Device.h"

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

/* "'x', 'y'": one name at a time. */
void nnccAppendName(Text *names, const char *name);

/* That a call has `found` inputs or outputs (`side`) instead of those with these names. */
nncc_status nnccWrongCount(const char *side, int32_t expected, const Text *names, int32_t found);

/* "float32[2,batch,3]": negative sizes print as the name of their dim, or "?"; of a negative rank
 * "float32". */
void nnccAppendTensor(Text *text, const nncc_descriptor *descriptor, nncc_type type, int32_t rank,
                      const int64_t *shape);

/* Copies the struct that `source` begins (its first field is its size) over defaults. */
#define NNCC_READ_OPTIONS(destination, source)                                                     \
  nnccReadStruct(&(destination), sizeof(destination), source)
nncc_status nnccReadStruct(void *destination, size_t size, const void *source);

/* Isa.c -----------------------------------------------------------------------------------------
 */

int64_t nnccNow(void); /* nanoseconds, monotonic */

/* nncc_isa_check(), where wanted without the devices in the list. */
nncc_status nnccIsaCheck(const char *features, bool withDevices);

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

/* Parts.c ---------------------------------------------------------------------------------------
 */

/* The inputs or outputs of a model as a user sees them. */
typedef struct Values {
  const char *side; /* "input" or "output" */
  const nncc_value_info *infos;
  int32_t count;
  bool areTensors;       /* of numbers, all of them: each is its only part */
  nncc_value_info *made; /* to free: infos of a library that has none */
} Values;

/* Checks the descriptor's table, or makes one of its tensors. */
nncc_status nnccReadValues(const nncc_descriptor *descriptor, bool input, Values *values);

/* Which of the tensors are the parts of a value; -1: it has no such part. */
typedef struct Parts {
  int32_t present;
  int32_t elements; /* of strings: bytes */
  int32_t lengths;
  int32_t rows;
  int32_t count; /* of those that it has */
} Parts;
Parts nnccPartsOf(const nncc_value_info *info);

/* Whether the value is a tensor of numbers: its only part. */
bool nnccIsOnePart(const nncc_value_info *info);

/* The parts of one value in memory, at any alignment; NULL and 0 for those that it does not have,
 * NULL also for those that are empty. */
typedef struct Ragged {
  const char *present, *elements, *lengths, *rows;
  int64_t total;   /* elements, or bytes of strings */
  int64_t strings; /* in lengths */
  int64_t count;   /* of rows */
} Ragged;

/* Row `index`: a rank, then NNCC_VALUE_MAX_RANK sizes. */
void nnccReadRow(const Ragged *ragged, int64_t index, int64_t *row);
int64_t nnccReadLength(const Ragged *ragged, int64_t index);

/* Whether the parts fit each other, the declared rank and sizes, and the `dims` that are known;
 * code of a library relies on it. `failure` is the status where they do not. */
nncc_status nnccCheckRagged(const nncc_descriptor *descriptor, const Values *values, int32_t index,
                            const Ragged *ragged, const int64_t *dims, nncc_status failure);

/* That a call has `found` values instead of these. */
nncc_status nnccWrongValues(const Values *values, int32_t found);

/* "sequence(float32[2,?])", "optional(string)". */
void nnccAppendValue(Text *text, const nncc_descriptor *descriptor, const nncc_value_info *info);

/* Model.c ---------------------------------------------------------------------------------------
 */

/* The model on one device. */
typedef struct LoadedProgram {
  int32_t ordinal;
  DeviceProgram *program;
  struct LoadedProgram *next;
} LoadedProgram;

struct nncc_model {
  nncc_descriptor descriptor; /* a copy, with zeros for what the library's does not have */
  Values inputs, outputs;
  Weights weights;
  void *handle; /* of dlopen, or NULL */
  atomic_int references;
  const Device *device; /* NULL: kernels run on the processor */
  pthread_mutex_t loading;
  LoadedProgram *programs; /* of its instances so far */
};

typedef struct Plan {
  uint64_t arena;  /* bytes, tail included */
  uint64_t stride; /* of scratch */
  uint64_t total;
} Plan;

/* `dims` are complete. */
nncc_status nnccPlan(const nncc_descriptor *descriptor, const int64_t *dims, int32_t threads,
                     Plan *plan);

/* Two cache lines: processors fetch them in pairs. */
#define NNCC_APART _Alignas(128)
#define NNCC_PAUSES_PER_LOOK 32 /* about a microsecond between two looks at the clock */

/* Team.c ----------------------------------------------------------------------------------------
 */

typedef struct Team {
  NNCC_APART atomic_uint_fast64_t state;
  NNCC_APART atomic_int sleeping;
  atomic_int sleeps; /* since nnccTeamBegin */
  pthread_mutex_t lock;
  pthread_cond_t phaseEnded;
  int64_t spin; /* nanoseconds before one who waits sleeps */
} Team;

void nnccTeamInit(Team *team, int64_t spin);
void nnccTeamDestroy(Team *team);

/* Before any of the members; those of the last time have left. */
void nnccTeamBegin(Team *team, int32_t members);

/* The barrier: all members are here, or have left. What they wrote before is seen after. */
void nnccTeamWait(Team *team);
void nnccTeamLeave(Team *team);

/* For one who is no member any more: all have left. Whether they ran at the same time: hardly one
 * of them had to sleep while it waited. */
bool nnccTeamWaitForAll(Team *team);

/* Pool.c ----------------------------------------------------------------------------------------
 */

typedef struct Pool Pool;

/* `threads` - 1 threads; the caller of nnccPoolRun is worker 0. `spin` in nanoseconds. */
nncc_status nnccPoolCreate(int32_t threads, int64_t spin, Pool **pool);
void nnccPoolDestroy(Pool *pool);

/* Between these two, idle workers look for work before they sleep. */
void nnccPoolBegin(Pool *pool);
void nnccPoolEnd(Pool *pool);

/* Whether a worker looks for work already, or none ever does before it sleeps. */
bool nnccPoolIsReady(Pool *pool);

/* Runs all units, in about as many chunks; `cancelled` is looked at between chunks. */
nncc_status nnccPoolRun(Pool *pool, nncc_kernel_fn function, const nncc_call *call, int64_t units,
                        int64_t chunks, atomic_int *cancelled);

/* Runs unit w on worker w for all w < workers at the same time; NNCC_NOT_SUPPORTED where there are
 * not as many workers, or not a processor for each, by their number or as the last team showed. */
nncc_status nnccPoolRunTeam(Pool *pool, nncc_kernel_fn function, const nncc_call *call,
                            int32_t workers, atomic_int *cancelled);

/* Of the team that runs. */
void nnccPoolBarrier(Pool *pool);

/* Schedule.c ------------------------------------------------------------------------------------
 */

/* What the calls at one place of the program cost. */
typedef struct Cost {
  double alone, shared; /* nanoseconds per unit; 0: not known */
  uint32_t calls;
  uint32_t slow; /* calls alone, one after the other, that took twice as long as is known */
} Cost;

typedef enum Way {
  NNCC_ALONE,
  NNCC_SHARED,
  NNCC_WOKEN, /* shared by workers that slept: tells nothing of the next call */
  NNCC_TEAM
} Way;

/* Times in nanoseconds. */
typedef struct Schedule {
  Cost *costs;        /* by dispatch */
  int64_t begin, now; /* of the run; of the last call's end, 0 where nobody looked */
  double run;         /* how long one takes; 0: there was none */
} Schedule;

void nnccScheduleBegin(Schedule *schedule); /* of a run */
void nnccScheduleEnd(Schedule *schedule);

/* Whether a call is known to be of so little work that it is run alone, and not timed. */
bool nnccSkips(Schedule *schedule, Cost *cost, int64_t units);

/* Before all that follows, for a call that is not skipped. */
void nnccCallBegins(Schedule *schedule);

Way nnccChooseWay(const Schedule *schedule, const Cost *cost, const nncc_dispatch *dispatch,
                  int64_t units, bool isPoolReady);

/* Whether a team should run a call, which the members wait for each other in. */
bool nnccIsWorthTeam(const nncc_dispatch *dispatch, bool isPoolReady);

int64_t nnccChunks(const Cost *cost, int64_t units, int32_t workers);

/* That a call has just ended. */
void nnccLearn(Schedule *schedule, Cost *cost, int64_t units, Way way);

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

/* Memory that only grows. */
typedef struct Buffer {
  void *data;
  uint64_t size;
} Buffer;

/* An output whose sizes only a run tells; memory stays for the next one. */
typedef struct RunOutput {
  int64_t *shape; /* NULL: the output's sizes follow from those of the inputs */
  char *data;     /* NULL: the last run has not given it */
  int64_t capacity;
  Buffer onDevice; /* where the run makes it, if not in `data` */
  bool given;
} RunOutput;

void nnccHeapReclaim(Heap *heap); /* what a failed run did not free */
void nnccHeapDestroy(Heap *heap);

/* The table that the library sees: its host is the instance. */
void nnccFillServices(nncc_instance *instance);

/* Memory for the host's copy of an output of a run; NULL: none left. */
char *nnccReserveOutput(RunOutput *output, int64_t bytes);

/* The place of a dispatch in the program's table; -1: it has none. */
int32_t nnccIndexOf(nncc_instance *instance, const nncc_dispatch *dispatch);

/* Device.c --------------------------------------------------------------------------------------
 */

/* By nncc_descriptor.device, and by the name in nncc_descriptor.isa; NULL: none. */
const Device *nnccDeviceOfKind(int32_t kind);
const Device *nnccDeviceNamed(const char *name, size_t length);

/* The model on a device: loaded by its first instance there, kept until it is closed. */
nncc_status nnccFindProgram(nncc_model *model, int32_t ordinal, DeviceProgram **program);
void nnccUnloadPrograms(nncc_model *model);

/* DeviceMemory.c --------------------------------------------------------------------------------
 */

typedef struct DeviceRun DeviceRun;

/* Memory for a value of a run. */
typedef struct DeviceBlock {
  void *memory;
  uint64_t bytes;
  bool used;
} DeviceBlock;

typedef struct DeviceHeap {
  DeviceBlock *blocks;
  int32_t count, capacity;
  bool isPrivate; /* the device cannot give and take memory in order: blocks are kept */
} DeviceHeap;

/* Makes the buffer as large, without its contents: of the device's memory, or pinned. */
nncc_status nnccReserveBuffer(DeviceRun *run, Buffer *buffer, uint64_t bytes, bool isPinned);
void nnccReleaseBuffer(DeviceRun *run, Buffer *buffer, bool isPinned);

nncc_status nnccDeviceAllocate(DeviceRun *run, uint64_t bytes, void **memory);
nncc_status nnccDeviceFree(DeviceRun *run, void *memory);
void nnccDeviceReclaim(DeviceRun *run); /* what a failed run did not free */
/* `isLost`: what the device holds cannot be given back any more. */
void nnccDeviceHeapDestroy(DeviceRun *run, bool isLost);

/* DeviceGraph.c ---------------------------------------------------------------------------------
 */

#define NNCC_GRAPHS 8

/* A run with certain sizes and addresses. */
typedef struct RunGraph {
  int64_t *key;
  DeviceGraph *graph; /* NULL: not made yet */
  uint64_t lastUse;
  bool isRefused; /* it waits for the device, or cannot be put down */
  bool hasRun;
} RunGraph;

/* That of the next run; a new one takes the place of the one that was not used for longest. */
RunGraph *nnccFindGraph(nncc_instance *instance);
void nnccDestroyGraphs(DeviceRun *run, bool isLost);

/* DeviceRun.c -----------------------------------------------------------------------------------
 */

/* An input or output of a run. */
typedef struct Argument {
  void *host;
  void *device;
  char *staging; /* pinned memory on the way, or NULL */
  uint64_t bytes;
} Argument;

/* What an instance has on a device. */
struct DeviceRun {
  const Device *device;
  DeviceProgram *program;
  DeviceQueue *queue;
  bool isCallersStream;
  DeviceHeap heap;
  Argument *arguments;      /* inputs, then outputs */
  void **inputs, **outputs; /* of the frame */
  Buffer tensors;           /* those that the caller has in the host's memory */
  Buffer staging, fetched;  /* pinned */
  bool hasWaited;           /* the program has asked for bytes or memory */
  bool isRecording;         /* its launches are put down in a graph */
  RunGraph graphs[NNCC_GRAPHS];
  int64_t *key; /* of the next run */
  uint64_t runs;
  int32_t *timed; /* dispatches between marks 2 * i and 2 * i + 1 */
  int32_t numTimed;
};

nncc_status nnccDeviceCreate(nncc_instance *instance, const nncc_instance_options *options);
void nnccDeviceDestroy(nncc_instance *instance);

/* Memory for the instance's workspace. */
nncc_status nnccDeviceReserveWorkspace(nncc_instance *instance, uint64_t bytes);
void nnccDeviceReleaseWorkspace(nncc_instance *instance);

/* Runs with the bound arguments; why it fails is reported to the instance. */
nncc_status nnccDeviceExecute(nncc_instance *instance);

/* DeviceServices.c ------------------------------------------------------------------------------
 */

#define NNCC_MOST_TIMED 256 /* dispatches between two looks at their times */

void nnccFillDeviceServices(nncc_instance *instance);

/* Makes the thread's last error that of the run, of `node` or NULL, where the status is one. */
nncc_status nnccReport(nncc_instance *instance, const char *node, nncc_status status);

/* Adds the times of the dispatches since the last look to the profile, once they are done. */
nncc_status nnccReadTimes(nncc_instance *instance);

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
  DeviceRun *device; /* NULL: kernels run on the processor */

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
  bool *inputOnDevice, *outputOnDevice; /* the caller's memory is the device's */
  bool *seen;
  RunOutput *runOutputs; /* by output */

  /* The program's dispatches, sorted by address, and the one that mostly comes next. */
  DispatchIndex *order;
  int32_t nextDispatch;
  Schedule schedule;     /* where there is a pool */
  nncc_profile *profile; /* NULL without */
  nncc_profile runProfile;

  /* The first error that a kernel reported in this run. */
  pthread_mutex_t errorLock;
  bool reported;
  char report[NNCC_MESSAGE_SIZE];

  char error[NNCC_MESSAGE_SIZE];
};

void nnccRecord(nncc_profile *profile, int64_t elapsed);

/* The arguments of a run on the processor; on a device inputs, outputs and weights are others. */
nncc_frame nnccMakeFrame(nncc_instance *instance);

/* Binds and runs, within a call that holds the instance. */
nncc_status nnccRunTensors(nncc_instance *instance, const nncc_tensor *inputs, int32_t num_inputs,
                           const nncc_tensor *outputs, int32_t num_outputs);

/* Value.c ---------------------------------------------------------------------------------------
 */

/* One allocation: this header, the shape, offsets or pointers to elements, and the data. */
struct nncc_value {
  int32_t kind; /* NNCC_VALUE_TENSOR, _SEQUENCE or _OPTIONAL */
  bool owned;   /* by a sequence or an optional */
  int64_t count;
  nncc_tensor tensor; /* without data where it is of strings */
  char *bytes;        /* strings: number i is [offsets[i], offsets[i + 1]) of bytes */
  int64_t *offsets;
  nncc_value **elements; /* of a sequence or an optional; NULL: not made yet */
};

/* Values that the caller fills; NULL: no memory. Shapes have been checked. */
nncc_value *nnccNewTensor(nncc_type type, int32_t rank, const int64_t *shape);
nncc_value *nnccNewStrings(int32_t rank, const int64_t *shape, int64_t bytes);
nncc_value *nnccNewList(int32_t kind, int64_t count);

/* Pack.c ----------------------------------------------------------------------------------------
 */

/* The tensors of one side, and what they need besides memory of the values. */
typedef struct Tensors {
  nncc_tensor *tensors;
  int64_t (*sizes)[2]; /* shapes of packed parts; of `present` its data */
  void **memory;       /* of parts that are neither the caller's nor a value's */
  int32_t count;
} Tensors;

nncc_status nnccMakeTensors(Tensors *side, int32_t count);
void nnccFreeTensors(Tensors *side);
/* Memory for tensor `index`; NULL: an error. */
void *nnccReserve(Tensors *side, int32_t index, int64_t bytes);

/* Checks the values of all inputs and makes the tensors that stand for them. */
nncc_status nnccPackInputs(const nncc_instance *instance, const nncc_value *const *inputs,
                           int32_t count, Tensors *side);

/* Copies elements [first, first + count) of `bits` bits to element `at` and on of `to`, whose bits
 * are 0 there where they are not whole bytes. */
void nnccCopyElements(char *to, int64_t at, const char *from, int64_t first, int64_t count,
                      int64_t bits);

/* RunValues.c -----------------------------------------------------------------------------------
 */

nncc_status nnccRunValues(nncc_instance *instance, const nncc_value *const *inputs,
                          int32_t num_inputs, nncc_value **outputs, int32_t num_outputs);

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
