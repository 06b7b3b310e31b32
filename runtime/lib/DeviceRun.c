/* An instance whose kernels run on a device: the program is code of the processor as ever, all
 * memory that it names is the device's, and what it starts is done in the order of a queue. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

/* A tensor of at most so many bytes goes through pinned memory of ours: the driver would do the
 * same, but wait after each. */
#define STAGED_BYTES (256 << 10)
#define DEVICE_ALIGNMENT 256

/* Life --------------------------------------------------------------------------------------------
 */

static nncc_status checkServices(const nncc_services *services) {
  if (services->parallel_for || services->team_run || services->alloc || services->device)
    return nnccFail(NNCC_NOT_SUPPORTED,
                    "options.services: kernels of this model run on a device; only error, log and "
                    "cancelled of the host are used");
  return NNCC_OK;
}

static nncc_status fill(nncc_instance *instance, const nncc_instance_options *options) {
  const nncc_descriptor *d = &instance->model->descriptor;
  DeviceRun *run = instance->device;
  nncc_status status = checkServices(&instance->hostServices);
  if (!status)
    status = run->device->check(d, options->device);
  if (!status)
    status = run->device->workers(options->device, &instance->threads);
  if (!status)
    status = nnccFindProgram(instance->model, options->device, &run->program);
  if (status)
    return status;
  run->arguments = calloc((size_t)(d->num_inputs + d->num_outputs) + 1, sizeof(Argument));
  run->inputs = calloc((size_t)d->num_inputs + 1, sizeof(void *));
  run->outputs = calloc((size_t)d->num_outputs + 1, sizeof(void *));
  run->timed = calloc(NNCC_MOST_TIMED, sizeof(int32_t));
  run->isCallersStream = options->stream != NULL;
  if (!run->arguments || !run->inputs || !run->outputs || !run->timed)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an instance");
  return run->device->create_queue(run->program, options->stream, &run->queue);
}

nncc_status nnccDeviceCreate(nncc_instance *instance, const nncc_instance_options *options) {
  const nncc_descriptor *d = &instance->model->descriptor;
  instance->device = calloc(1, sizeof *instance->device);
  if (!instance->device)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an instance");
  instance->device->device = instance->model->device;
  nncc_status status = fill(instance, options);
  if (!status)
    return NNCC_OK;
  char reason[NNCC_MESSAGE_SIZE];
  strcpy(reason, nncc_last_error());
  return nnccFail(status, "model '%s' is compiled for '%s': %.900s", d->name, d->cpu, reason);
}

static void releaseBuffers(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  Buffer workspace = {instance->workspace, instance->workspaceSize};
  nnccReleaseBuffer(run, &workspace, false);
  nnccReleaseBuffer(run, &run->tensors, false);
  nnccReleaseBuffer(run, &run->staging, true);
  nnccReleaseBuffer(run, &run->fetched, true);
  for (int32_t i = 0; instance->runOutputs && i < instance->model->descriptor.num_outputs; ++i)
    nnccReleaseBuffer(run, &instance->runOutputs[i].onDevice, false);
}

void nnccDeviceDestroy(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  if (run->queue) {
    /* Where it cannot be entered the context is lost, and all of its memory with it. */
    bool isLost = run->device->enter(run->queue) != NNCC_OK;
    if (!isLost)
      run->device->wait(run->queue);
    nnccDestroyGraphs(run, isLost);
    nnccDeviceHeapDestroy(run, isLost);
    if (!isLost) {
      releaseBuffers(instance);
      run->device->leave(run->queue);
    }
    run->device->destroy_queue(run->queue);
  }
  instance->workspace = NULL;
  free(run->arguments);
  free(run->inputs);
  free(run->outputs);
  free(run->timed);
  free(run);
}

nncc_status nnccDeviceReserveWorkspace(nncc_instance *instance, uint64_t bytes) {
  DeviceRun *run = instance->device;
  Buffer workspace = {instance->workspace, instance->workspaceSize};
  nncc_status status = run->device->enter(run->queue);
  if (status)
    return status;
  status = nnccReserveBuffer(run, &workspace, bytes, false);
  run->device->leave(run->queue);
  instance->workspace = workspace.data;
  instance->workspaceSize = workspace.size;
  return status;
}

void nnccDeviceReleaseWorkspace(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  Buffer workspace = {instance->workspace, instance->workspaceSize};
  if (run->device->enter(run->queue))
    return;
  run->device->wait(run->queue);
  nnccReleaseBuffer(run, &workspace, false);
  run->device->leave(run->queue);
  instance->workspace = NULL;
  instance->workspaceSize = 0;
}

/* Runs --------------------------------------------------------------------------------------------
 */

static uint64_t roundUp(uint64_t bytes) {
  return (bytes + DEVICE_ALIGNMENT - 1) / DEVICE_ALIGNMENT * DEVICE_ALIGNMENT;
}

/* Gives every tensor of the host's memory a place on the device, and a small one a place on the way
 * there. Addresses are the same in each run with these sizes: graphs hold them. */
static nncc_status placeArguments(nncc_instance *instance) {
  const nncc_descriptor *d = &instance->model->descriptor;
  DeviceRun *run = instance->device;
  uint64_t onDevice = 0, staged = 0;
  for (int pass = 0; pass < 2; ++pass) { /* the second one knows where the memory is */
    uintptr_t base = (uintptr_t)run->tensors.data, staging = (uintptr_t)run->staging.data;
    onDevice = staged = 0;
    for (int32_t i = 0; i < d->num_inputs + d->num_outputs; ++i) {
      bool isInput = i < d->num_inputs;
      int32_t index = isInput ? i : i - d->num_inputs;
      Argument *a = &run->arguments[i];
      void *data = isInput ? instance->inputs[index] : instance->outputs[index];
      bool isDevices = isInput ? instance->inputOnDevice[index] : instance->outputOnDevice[index];
      *a = (Argument){isDevices ? NULL : data, isDevices ? data : NULL, NULL, 0};
      if (isDevices || (!isInput && nnccIsRunOutput(instance, index)))
        continue;
      a->bytes = (uint64_t)(isInput ? instance->inputBytes : instance->outputBytes)[index];
      a->device = (void *)(base + onDevice);
      onDevice += roundUp(a->bytes);
      if (a->bytes > STAGED_BYTES)
        continue;
      a->staging = (char *)(staging + staged);
      staged += roundUp(a->bytes);
    }
    nncc_status status = NNCC_OK;
    if (!pass)
      status = nnccReserveBuffer(run, &run->tensors, onDevice, false);
    if (!pass && !status)
      status = nnccReserveBuffer(run, &run->staging, staged, true);
    if (status)
      return status;
  }
  for (int32_t i = 0; i < d->num_inputs; ++i)
    run->inputs[i] = run->arguments[i].device;
  for (int32_t i = 0; i < d->num_outputs; ++i)
    run->outputs[i] = run->arguments[d->num_inputs + i].device;
  return NNCC_OK;
}

static nncc_status copyInputs(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  nncc_status status = NNCC_OK;
  for (int32_t i = 0; !status && i < instance->model->descriptor.num_inputs; ++i) {
    Argument *a = &run->arguments[i];
    if (!a->bytes)
      continue;
    if (a->staging)
      memcpy(a->staging, a->host, a->bytes);
    status = run->device->copy(run->queue, a->device, a->staging ? a->staging : a->host, a->bytes);
  }
  return status;
}

/* An output that the run has made goes to memory of the host, unless the caller wants it here. */
static nncc_status copyRunOutput(nncc_instance *instance, int32_t index) {
  DeviceRun *run = instance->device;
  RunOutput *result = &instance->runOutputs[index];
  int64_t bytes = instance->outputBytes[index];
  if (!result->given || instance->outputOnDevice[index])
    return NNCC_OK;
  if (!nnccReserveOutput(result, bytes))
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an output of %lld bytes", (long long)bytes);
  return bytes ? run->device->copy(run->queue, result->data, result->onDevice.data, (uint64_t)bytes)
               : NNCC_OK;
}

static nncc_status copyOutputs(nncc_instance *instance) {
  const nncc_descriptor *d = &instance->model->descriptor;
  DeviceRun *run = instance->device;
  nncc_status status = NNCC_OK;
  for (int32_t i = 0; !status && i < d->num_outputs; ++i) {
    Argument *a = &run->arguments[d->num_inputs + i];
    if (nnccIsRunOutput(instance, i))
      status = copyRunOutput(instance, i);
    else if (a->bytes)
      status =
          run->device->copy(run->queue, a->staging ? a->staging : a->host, a->device, a->bytes);
  }
  return status;
}

static void takeStaged(nncc_instance *instance) {
  const nncc_descriptor *d = &instance->model->descriptor;
  for (int32_t i = 0; i < d->num_outputs; ++i) {
    Argument *a = &instance->device->arguments[d->num_inputs + i];
    if (a->staging && a->bytes)
      memcpy(a->host, a->staging, a->bytes);
  }
}

static nncc_status runProgram(nncc_instance *instance) {
  nncc_frame frame = nnccMakeFrame(instance);
  frame.inputs = instance->device->inputs;
  frame.outputs = instance->device->outputs;
  frame.weights = instance->device->device->weights(instance->device->program);
  instance->nextDispatch = 0;
  return instance->model->descriptor.run(&frame);
}

/* Where this fails, nothing has been done; but for a run that was cancelled, it is no error. */
static nncc_status makeGraph(nncc_instance *instance, RunGraph *graph) {
  DeviceRun *run = instance->device;
  nncc_status status = run->device->begin_graph(run->queue);
  if (!status) {
    run->isRecording = true;
    status = runProgram(instance);
    run->isRecording = false;
    nncc_status ended = run->device->end_graph(run->queue, status ? NULL : &graph->graph);
    status = status ? status : ended;
  }
  graph->isRefused = status && status != NNCC_CANCELLED;
  instance->reported = false;
  return status;
}

/* The first run with these sizes and addresses shows whether the second one can be put down. */
static nncc_status runOrRepeat(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  RunGraph *graph = instance->profile ? NULL : nnccFindGraph(instance);
  if (graph && graph->hasRun && !graph->isRefused && !graph->graph &&
      makeGraph(instance, graph) == NNCC_CANCELLED)
    return NNCC_CANCELLED;
  if (graph && graph->graph)
    return nnccReport(instance, NULL, run->device->queue_graph(run->queue, graph->graph));
  run->hasWaited = false;
  nncc_status status = runProgram(instance);
  if (graph && !status) {
    graph->hasRun = true;
    graph->isRefused |= run->hasWaited;
  }
  return status;
}

/* Whether something of the host's is read or written after the run has returned, or looked at. */
static bool usesHost(const nncc_instance *instance) {
  const nncc_descriptor *d = &instance->model->descriptor;
  for (int32_t i = 0; i < d->num_inputs; ++i)
    if (!instance->inputOnDevice[i])
      return true;
  for (int32_t i = 0; i < d->num_outputs; ++i)
    if (!instance->outputOnDevice[i])
      return true;
  return instance->profile != NULL;
}

static nncc_status executeEntered(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  nncc_status status = nnccReport(instance, NULL, placeArguments(instance));
  if (!status)
    status = nnccReport(instance, NULL, copyInputs(instance));
  if (!status)
    status = runOrRepeat(instance);
  if (!status)
    status = nnccReport(instance, NULL, copyOutputs(instance));
  nnccDeviceReclaim(run);
  if (!status && run->isCallersStream && !usesHost(instance))
    return NNCC_OK;
  nncc_status waited = nnccReport(instance, NULL, run->device->wait(run->queue));
  if (!status && !waited)
    waited = nnccReport(instance, NULL, nnccReadTimes(instance));
  run->numTimed = 0;
  status = status ? status : waited;
  if (!status)
    takeStaged(instance);
  return status;
}

nncc_status nnccDeviceExecute(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  nncc_status status = nnccReport(instance, NULL, run->device->enter(run->queue));
  if (status)
    return status;
  status = executeEntered(instance);
  run->device->leave(run->queue);
  return status;
}
