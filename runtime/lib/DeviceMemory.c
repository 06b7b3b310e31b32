/* Memory of an instance on a device. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_BLOCK 256

void nnccReleaseBuffer(DeviceRun *run, Buffer *buffer, bool isPinned) {
  if (buffer->data)
    (isPinned ? run->device->free_pinned : run->device->free)(run->queue, buffer->data);
  *buffer = (Buffer){NULL, 0};
}

nncc_status nnccReserveBuffer(DeviceRun *run, Buffer *buffer, uint64_t bytes, bool isPinned) {
  const Device *device = run->device;
  if (buffer->size >= bytes)
    return NNCC_OK;
  nncc_status status = buffer->data ? device->wait(run->queue) : NNCC_OK; /* it may be in use */
  if (status)
    return status;
  nnccReleaseBuffer(run, buffer, isPinned);
  status = (isPinned ? device->alloc_pinned : device->alloc)(run->queue, bytes, &buffer->data);
  if (!status) {
    buffer->size = bytes;
    return NNCC_OK;
  }
  char reason[NNCC_MESSAGE_SIZE];
  strcpy(reason, nncc_last_error());
  return nnccFail(status, "no memory for %llu bytes %s: %.900s", (unsigned long long)bytes,
                  isPinned ? "of staging" : "on the device", reason);
}

/* Memory for values -------------------------------------------------------------------------------
 *
 * From the device in order with the queue's work. Where it has no such memory, in sizes that are
 * powers of two, from blocks that are kept: since an instance has one queue, what is freed may be
 * used again by all that is queued later. */

static DeviceBlock *addBlock(DeviceHeap *heap) {
  if (heap->count == heap->capacity) {
    int32_t capacity = heap->capacity ? 2 * heap->capacity : 16;
    DeviceBlock *blocks = realloc(heap->blocks, (size_t)capacity * sizeof *blocks);
    if (!blocks)
      return NULL;
    heap->blocks = blocks;
    heap->capacity = capacity;
  }
  return &heap->blocks[heap->count];
}

static nncc_status takeKept(DeviceHeap *heap, uint64_t bytes, void **memory) {
  for (int32_t i = 0; i < heap->count; ++i) {
    DeviceBlock *block = &heap->blocks[i];
    if (block->used || block->bytes != bytes)
      continue;
    block->used = true;
    *memory = block->memory;
    return NNCC_OK;
  }
  return NNCC_NOT_SUPPORTED;
}

nncc_status nnccDeviceAllocate(DeviceRun *run, uint64_t bytes, void **memory) {
  DeviceHeap *heap = &run->heap;
  DeviceBlock *block = addBlock(heap);
  if (!block)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a value");
  nncc_status status = NNCC_NOT_SUPPORTED;
  if (!heap->isPrivate) {
    status = run->device->alloc_in_order(run->queue, bytes, memory);
    heap->isPrivate = status == NNCC_NOT_SUPPORTED;
  }
  if (heap->isPrivate) {
    uint64_t size = LEAST_BLOCK;
    while (size < bytes && size <= UINT64_MAX / 2)
      size *= 2;
    bytes = size;
    if (!takeKept(heap, bytes, memory))
      return NNCC_OK;
    status = run->device->alloc(run->queue, bytes, memory);
  }
  if (!status) {
    *block = (DeviceBlock){*memory, bytes, true};
    ++heap->count;
  }
  return status;
}

static nncc_status freeBlock(DeviceRun *run, int32_t index) {
  DeviceHeap *heap = &run->heap;
  DeviceBlock block = heap->blocks[index];
  heap->blocks[index].used = false;
  if (heap->isPrivate)
    return NNCC_OK;
  heap->blocks[index] = heap->blocks[--heap->count];
  return run->device->free_in_order(run->queue, block.memory);
}

nncc_status nnccDeviceFree(DeviceRun *run, void *memory) {
  for (int32_t i = run->heap.count - 1; i >= 0; --i)
    if (run->heap.blocks[i].used && run->heap.blocks[i].memory == memory)
      return freeBlock(run, i);
  return NNCC_OK;
}

void nnccDeviceReclaim(DeviceRun *run) {
  for (int32_t i = run->heap.count - 1; i >= 0; --i)
    if (run->heap.blocks[i].used)
      freeBlock(run, i);
}

void nnccDeviceHeapDestroy(DeviceRun *run, bool isLost) {
  if (!isLost)
    nnccDeviceReclaim(run);
  for (int32_t i = 0; !isLost && i < run->heap.count; ++i)
    run->device->free(run->queue, run->heap.blocks[i].memory);
  free(run->heap.blocks);
}
