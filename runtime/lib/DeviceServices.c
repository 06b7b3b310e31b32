/* What a program on a device asks of its host while it runs. */
#include "Internal.h"

#include <string.h>

#define LEAST_FETCH 256

nncc_status nnccReport(nncc_instance *instance, const char *node, nncc_status status) {
  if (status)
    instance->services.error(instance, status, node, nncc_last_error());
  return status;
}

nncc_status nnccReadTimes(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  nncc_status status = run->numTimed ? run->device->wait(run->queue) : NNCC_OK;
  for (int32_t i = 0; !status && i < run->numTimed; ++i) {
    int64_t time = 0;
    status = run->device->elapsed(run->queue, 2 * i, 2 * i + 1, &time);
    if (!status)
      nnccRecord(&instance->profile[run->timed[i]], time);
  }
  run->numTimed = 0;
  return status;
}

static nncc_status launchTimed(nncc_instance *instance, int32_t index, const nncc_call *call,
                               int64_t units) {
  DeviceRun *run = instance->device;
  nncc_status status = run->numTimed == NNCC_MOST_TIMED ? nnccReadTimes(instance) : NNCC_OK;
  int32_t at = run->numTimed;
  if (!status)
    status = run->device->mark(run->queue, 2 * at);
  if (!status)
    status = run->device->launch(run->queue, index, call, units);
  if (!status)
    status = run->device->mark(run->queue, 2 * at + 1);
  if (!status)
    run->timed[run->numTimed++] = index;
  return status;
}

static nncc_status parallelFor(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                               int64_t units) {
  nncc_instance *instance = host;
  DeviceRun *run = instance->device;
  if (atomic_load_explicit(&instance->cancelled, memory_order_relaxed))
    return NNCC_CANCELLED;
  if (units <= 0)
    return NNCC_OK;
  int32_t index = nnccIndexOf(instance, dispatch);
  nncc_status status =
      index < 0 ? nnccFail(NNCC_INTERNAL, "kernel '%s' is none of the program's", dispatch->kernel)
      : instance->profile ? launchTimed(instance, index, call, units)
                          : run->device->launch(run->queue, index, call, units);
  return nnccReport(instance, dispatch->nodes, status);
}

/* For what a run does that the next one may do otherwise, and no graph can hold. */
static nncc_status cannotRepeat(DeviceRun *run) {
  run->hasWaited = true;
  return run->isRecording ? nnccFail(NNCC_NOT_SUPPORTED, "not in a graph") : NNCC_OK;
}

static void *allocate(void *host, int64_t bytes) {
  nncc_instance *instance = host;
  void *memory = NULL;
  nncc_status status = cannotRepeat(instance->device);
  if (bytes < 0)
    status = nnccFail(NNCC_INVALID_ARGUMENT, "memory of %lld bytes", (long long)bytes);
  if (!status)
    status = nnccDeviceAllocate(instance->device, (uint64_t)bytes + NNCC_ALIGNMENT, &memory);
  return nnccReport(instance, NULL, status) ? NULL : memory;
}

static void deallocate(void *host, void *memory) {
  nncc_instance *instance = host;
  if (memory)
    nnccReport(instance, NULL, nnccDeviceFree(instance->device, memory));
}

static void *output(void *host, int32_t index, const int64_t *shape) {
  nncc_instance *instance = host;
  const nncc_tensor_info *info = &instance->model->descriptor.outputs[index];
  RunOutput *result = &instance->runOutputs[index];
  int64_t bytes = nncc_tensor_bytes(info->type, info->rank, shape);
  nncc_status status = cannotRepeat(instance->device);
  if (bytes < 0 || !result->shape)
    return NULL;
  if (!status)
    status = nnccReserveBuffer(instance->device, &result->onDevice,
                               (uint64_t)bytes + NNCC_ALIGNMENT, false);
  if (nnccReport(instance, NULL, status))
    return NULL;
  if (info->rank)
    memcpy(result->shape, shape, (size_t)info->rank * sizeof *shape);
  instance->outputBytes[index] = bytes;
  result->given = true;
  return result->onDevice.data;
}

static const void *fetch(void *host, const void *memory, int64_t bytes) {
  nncc_instance *instance = host;
  DeviceRun *run = instance->device;
  nncc_status status = cannotRepeat(run);
  if (!status)
    status = nnccReserveBuffer(run, &run->fetched,
                               bytes > LEAST_FETCH ? (uint64_t)bytes : LEAST_FETCH, true);
  if (!status && bytes > 0)
    status = run->device->copy(run->queue, run->fetched.data, memory, (uint64_t)bytes);
  if (!status)
    status = run->device->wait(run->queue);
  return nnccReport(instance, NULL, status) ? NULL : run->fetched.data;
}

static nncc_status copy(void *host, void *to, const void *from, int64_t bytes) {
  nncc_instance *instance = host;
  DeviceRun *run = instance->device;
  nncc_status status =
      bytes > 0 ? run->device->copy(run->queue, to, from, (uint64_t)bytes) : NNCC_OK;
  return nnccReport(instance, NULL, status);
}

void nnccFillDeviceServices(nncc_instance *instance) {
  static const nncc_device table = {sizeof table, 0, fetch, copy};
  nncc_services *s = &instance->services;
  s->parallel_for = parallelFor;
  s->team_run = NULL;
  s->barrier = NULL;
  s->alloc = allocate;
  s->free = deallocate;
  s->output = output;
  s->device = &table;
}
