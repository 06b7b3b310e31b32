/* Memory of the device, for tensors of callers that have none of their own. */
#include "Internal.h"

#include <string.h>

static nncc_status enter(const nncc_instance *instance) {
  const DeviceRun *run = instance->device;
  if (!run)
    return nnccFail(NNCC_NOT_SUPPORTED,
                    "kernels of model '%s' run on the processor, not on a device",
                    instance->model->descriptor.name);
  return run->device->enter(run->queue);
}

static nncc_status leave(const nncc_instance *instance, nncc_status status) {
  instance->device->device->leave(instance->device->queue);
  return status;
}

nncc_status nncc_device_alloc(nncc_instance *instance, uint64_t bytes, void **memory) {
  if (!memory)
    return nnccFail(NNCC_INVALID_ARGUMENT, "nncc_device_alloc: memory is NULL");
  nncc_status status = enter(instance);
  if (status)
    return status;
  const DeviceRun *run = instance->device;
  status = run->device->alloc(run->queue, bytes ? bytes : 1, memory);
  if (status == NNCC_OUT_OF_MEMORY) {
    char reason[NNCC_MESSAGE_SIZE];
    strcpy(reason, nncc_last_error());
    nnccFail(status, "no memory of the device for %llu bytes: %.900s", (unsigned long long)bytes,
             reason);
  }
  return leave(instance, status);
}

void nncc_device_free(nncc_instance *instance, void *memory) {
  const DeviceRun *run = instance->device;
  if (!memory || enter(instance))
    return;
  run->device->wait_for_device(run->queue); /* whoever uses it may do so in a stream of his own */
  run->device->free(run->queue, memory);
  leave(instance, NNCC_OK);
}

nncc_status nncc_device_copy(nncc_instance *instance, void *to, const void *from, uint64_t bytes) {
  if (bytes && (!to || !from))
    return nnccFail(NNCC_INVALID_ARGUMENT, "nncc_device_copy: to or from is NULL");
  nncc_status status = enter(instance);
  if (status)
    return status;
  const DeviceRun *run = instance->device;
  if (bytes)
    status = run->device->copy(run->queue, to, from, bytes);
  return leave(instance, status ? status : run->device->wait(run->queue));
}

nncc_status nncc_device_order(nncc_instance *instance, void *before, void *after) {
  nncc_status status = enter(instance);
  if (status)
    return status;
  const DeviceRun *run = instance->device;
  return leave(instance, run->device->order(run->queue, before, after));
}
