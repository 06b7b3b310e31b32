/* What an instance does on a device: memory, copies, launches, graphs, times. */
#include "Cuda.h"

#include <stdlib.h>
#include <string.h>

struct DeviceQueue {
  DeviceProgram *program;
  CUstream stream, own; /* the caller's and NULL, or our own: in order with the default stream */
  CUstream recorder;    /* graphs are put down here: in those two that is not always allowed */
  bool isRecording;
  void **parameters; /* of a launch */
  CUevent *marks;
  int32_t numMarks;
};

/* After one of these the driver fails every call in this context. */
static bool isFinal(CUresult result) {
  switch (result) {
  case CUDA_ERROR_ECC_UNCORRECTABLE:
  case CUDA_ERROR_NVLINK_UNCORRECTABLE:
  case CUDA_ERROR_CONTAINED:
  case CUDA_ERROR_ILLEGAL_ADDRESS:
  case CUDA_ERROR_LAUNCH_TIMEOUT:
  case CUDA_ERROR_CONTEXT_IS_DESTROYED:
  case CUDA_ERROR_ASSERT:
    return true;
  default:
    return result >= CUDA_ERROR_HARDWARE_STACK_ERROR && result <= CUDA_ERROR_LAUNCH_FAILED;
  }
}

static nncc_status note(DeviceQueue *queue, CUresult result, const char *function) {
  if (isFinal(result))
    atomic_store_explicit(&queue->program->lost, result, memory_order_relaxed);
  return nnccCudaStatus(result, function);
}
#define QUEUED(queue, name, ...) note(queue, nnccCuda.name(__VA_ARGS__), "cu" #name)

static nncc_status enter(DeviceQueue *queue) {
  int lost = atomic_load_explicit(&queue->program->lost, memory_order_relaxed);
  if (nnccCudaIsForked())
    return nnccCudaOpen();
  if (lost)
    return nnccCudaStatus(lost, "the device cannot be used any more, after an earlier error");
  return QUEUED(queue, CtxPushCurrent, queue->program->context);
}

/* Raw calls: the error of what was done between stays the last one. */
static void leave(DeviceQueue *queue) {
  CUcontext popped;
  nnccCuda.CtxPopCurrent(&popped);
}

static void destroyQueue(DeviceQueue *queue) {
  if (!nnccCudaIsForked() && nnccCuda.CtxPushCurrent(queue->program->context) == CUDA_SUCCESS) {
    if (queue->stream)
      nnccCuda.StreamSynchronize(queue->stream);
    if (queue->own)
      nnccCuda.StreamDestroy(queue->own);
    if (queue->recorder)
      nnccCuda.StreamDestroy(queue->recorder);
    for (int32_t i = 0; i < queue->numMarks; ++i)
      nnccCuda.EventDestroy(queue->marks[i]);
    leave(queue);
  }
  free(queue->marks);
  free(queue->parameters);
  free(queue);
}

/* A stream of another context would be refused by each launch, with less of a reason. */
static nncc_status checkStream(const DeviceQueue *queue, CUstream stream) {
  CUcontext context = NULL;
  nncc_status status = CUDA(StreamGetCtx, stream, &context);
  if (!status && context != queue->program->context)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "options.stream: not a stream of the primary context of device %d",
                    queue->program->ordinal);
  return status;
}

static nncc_status createQueue(DeviceProgram *program, void *stream, DeviceQueue **result) {
  DeviceQueue *queue = calloc(1, sizeof *queue);
  if (!queue)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a queue");
  queue->program = program;
  queue->parameters = calloc((size_t)program->parameters + 1, sizeof *queue->parameters);
  nncc_status status =
      queue->parameters ? enter(queue) : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a queue");
  if (!status) {
    status = QUEUED(queue, StreamCreate, &queue->recorder, CU_STREAM_NON_BLOCKING);
    if (!status)
      status = stream ? checkStream(queue, stream)
                      : QUEUED(queue, StreamCreate, &queue->own, CU_STREAM_DEFAULT);
    queue->stream = stream && !status ? stream : queue->own;
    leave(queue);
  }
  if (status)
    destroyQueue(queue);
  else
    *result = queue;
  return status;
}

/* Memory ------------------------------------------------------------------------------------------
 */

static nncc_status allocate(DeviceQueue *queue, uint64_t bytes, void **result) {
  CUdeviceptr memory = 0;
  nncc_status status = QUEUED(queue, MemAlloc, &memory, bytes);
  if (!status)
    *result = (void *)(uintptr_t)memory;
  return status;
}

static void release(DeviceQueue *queue, void *memory) {
  nnccCuda.MemFree((CUdeviceptr)(uintptr_t)memory);
}

static nncc_status allocateInOrder(DeviceQueue *queue, uint64_t bytes, void **result) {
  CUdeviceptr memory = 0;
  CUmemoryPool pool = queue->program->pool;
  if (!queue->program->hasPools)
    return nnccFail(NNCC_NOT_SUPPORTED, "the device has no pools of memory");
  nncc_status status =
      pool ? QUEUED(queue, MemAllocFromPoolAsync, &memory, bytes, pool, queue->stream)
           : QUEUED(queue, MemAllocAsync, &memory, bytes, queue->stream);
  if (!status)
    *result = (void *)(uintptr_t)memory;
  return status;
}

static nncc_status releaseInOrder(DeviceQueue *queue, void *memory) {
  return QUEUED(queue, MemFreeAsync, (CUdeviceptr)(uintptr_t)memory, queue->stream);
}

static nncc_status allocatePinned(DeviceQueue *queue, uint64_t bytes, void **memory) {
  return QUEUED(queue, MemAllocHost, memory, bytes);
}

static void releasePinned(DeviceQueue *queue, void *memory) { nnccCuda.MemFreeHost(memory); }

/* Work --------------------------------------------------------------------------------------------
 */

static CUstream streamOf(const DeviceQueue *queue) {
  return queue->isRecording ? queue->recorder : queue->stream;
}

/* All addresses are of one space: the driver sees which are the device's. */
static nncc_status copy(DeviceQueue *queue, void *to, const void *from, uint64_t bytes) {
  return QUEUED(queue, MemcpyAsync, (CUdeviceptr)(uintptr_t)to, (CUdeviceptr)(uintptr_t)from, bytes,
                streamOf(queue));
}

static nncc_status launch(DeviceQueue *queue, int32_t index, const nncc_call *call, int64_t units) {
  const nncc_dispatch *dispatch = queue->program->descriptor->dispatches[index];
  const nncc_launch *launch = dispatch->launch;
  if (!launch)
    return nnccFail(NNCC_NOT_SUPPORTED, "kernel '%s' has no code for the device", dispatch->kernel);
  int64_t blocks = units;
  if (launch->uses_scratch && blocks > queue->program->workers)
    blocks = queue->program->workers;
  if (blocks > INT32_MAX)
    return nnccFail(NNCC_NOT_SUPPORTED, "kernel '%s' has %lld units: more than blocks of a launch",
                    dispatch->kernel, (long long)units);
  void **next = queue->parameters; /* the driver reads through them; it does not write */
  for (int32_t i = 0; i < launch->num_buffers; ++i)
    *next++ = (void *)&call->buffers[i];
  for (int32_t i = 0; i < launch->num_dims; ++i)
    *next++ = (void *)&call->dims[i];
  if (launch->uses_scratch) {
    *next++ = (void *)&call->scratch;
    *next++ = (void *)&call->scratch_stride;
  }
  return QUEUED(queue, LaunchKernel, queue->program->functions[index], (unsigned)blocks, 1, 1,
                (unsigned)launch->threads, 1, 1, (unsigned)launch->shared_bytes, streamOf(queue),
                queue->parameters, NULL);
}

static nncc_status waitForAll(DeviceQueue *queue) {
  return QUEUED(queue, StreamSynchronize, queue->stream);
}

static nncc_status waitForDevice(DeviceQueue *queue) {
  return note(queue, nnccCuda.CtxSynchronize(), "cuCtxSynchronize");
}

/* The driver keeps the event for as long as it is waited for. */
static nncc_status order(DeviceQueue *queue, void *before, void *after) {
  CUevent event = NULL;
  before = before ? before : queue->stream;
  after = after ? after : queue->stream;
  if (before == after)
    return NNCC_OK;
  nncc_status status = QUEUED(queue, EventCreate, &event, CU_EVENT_DISABLE_TIMING);
  if (!status)
    status = QUEUED(queue, EventRecord, event, before);
  if (!status)
    status = QUEUED(queue, StreamWaitEvent, after, event, 0);
  if (event)
    nnccCuda.EventDestroy(event);
  return status;
}

/* Graphs ------------------------------------------------------------------------------------------
 */

static nncc_status beginGraph(DeviceQueue *queue) {
  nncc_status status =
      QUEUED(queue, StreamBeginCapture, queue->recorder, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  queue->isRecording = !status;
  return status;
}

static nncc_status endGraph(DeviceQueue *queue, DeviceGraph **result) {
  CUgraph graph = NULL;
  CUgraphExec executable = NULL;
  queue->isRecording = false;
  nncc_status status = QUEUED(queue, StreamEndCapture, queue->recorder, &graph);
  if (!status && result)
    status = QUEUED(queue, GraphInstantiateWithFlags, &executable, graph, 0);
  if (graph)
    nnccCuda.GraphDestroy(graph);
  if (!status && result)
    *result = (DeviceGraph *)executable;
  return status;
}

static nncc_status queueGraph(DeviceQueue *queue, DeviceGraph *graph) {
  return QUEUED(queue, GraphLaunch, (CUgraphExec)graph, queue->stream);
}

static void destroyGraph(DeviceQueue *queue, DeviceGraph *graph) {
  nnccCuda.GraphExecDestroy((CUgraphExec)graph);
}

/* Times -------------------------------------------------------------------------------------------
 */

static nncc_status mark(DeviceQueue *queue, int32_t index) {
  while (queue->numMarks <= index) {
    CUevent *marks = realloc(queue->marks, ((size_t)queue->numMarks + 1) * sizeof *marks);
    if (!marks)
      return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for events");
    queue->marks = marks;
    nncc_status status = QUEUED(queue, EventCreate, &marks[queue->numMarks], 0);
    if (status)
      return status;
    ++queue->numMarks;
  }
  return QUEUED(queue, EventRecord, queue->marks[index], queue->stream);
}

static nncc_status elapsed(DeviceQueue *queue, int32_t from, int32_t to, int64_t *nanoseconds) {
  float milliseconds = 0;
  nncc_status status =
      QUEUED(queue, EventElapsedTime, &milliseconds, queue->marks[from], queue->marks[to]);
  *nanoseconds = (int64_t)(milliseconds * 1e6);
  return status;
}

static const char *weightsOf(const DeviceProgram *program) {
  return (const char *)(uintptr_t)program->weights;
}

const Device nnccCudaDevice = {.api_version = NNCC_DEVICE_API,
                               .kind = NNCC_DEVICE_CUDA,
                               .name = "cuda",
                               .check = nnccCudaCheck,
                               .workers = nnccCudaWorkers,
                               .load = nnccCudaLoad,
                               .unload = nnccCudaUnload,
                               .weights = weightsOf,
                               .create_queue = createQueue,
                               .destroy_queue = destroyQueue,
                               .enter = enter,
                               .leave = leave,
                               .alloc = allocate,
                               .free = release,
                               .alloc_in_order = allocateInOrder,
                               .free_in_order = releaseInOrder,
                               .alloc_pinned = allocatePinned,
                               .free_pinned = releasePinned,
                               .copy = copy,
                               .launch = launch,
                               .wait = waitForAll,
                               .wait_for_device = waitForDevice,
                               .order = order,
                               .begin_graph = beginGraph,
                               .end_graph = endGraph,
                               .queue_graph = queueGraph,
                               .destroy_graph = destroyGraph,
                               .mark = mark,
                               .elapsed = elapsed};
