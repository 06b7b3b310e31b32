/* What a compiled library asks of its host while it runs. The library's host is the instance; what
 * the user's host offers is called through it. */
#include "Internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compareDispatches(const void *key, const void *element) {
  const nncc_dispatch *dispatch = key;
  const DispatchIndex *entry = element;
  return (dispatch > entry->dispatch) - (dispatch < entry->dispatch);
}

/* Dispatches mostly come in program order. */
int32_t nnccIndexOf(nncc_instance *instance, const nncc_dispatch *dispatch) {
  const nncc_descriptor *d = &instance->model->descriptor;
  int32_t guess = instance->nextDispatch;
  if (guess >= d->num_dispatches || d->dispatches[guess] != dispatch) {
    const DispatchIndex *entry = bsearch(dispatch, instance->order, (size_t)d->num_dispatches,
                                         sizeof *instance->order, compareDispatches);
    if (!entry)
      return -1;
    guess = entry->index;
  }
  instance->nextDispatch = guess + 1;
  return guess;
}

static nncc_status runUnits(nncc_instance *instance, const nncc_dispatch *dispatch,
                            const nncc_call *call, int64_t units, int32_t index) {
  if (instance->hostServices.parallel_for)
    return instance->hostServices.parallel_for(instance->host, dispatch, call, units);
  if (!instance->pool || index < 0)
    return dispatch->function(call, 0, units, 0);
  Cost *cost = &instance->schedule.costs[index];
  if (nnccSkips(&instance->schedule, cost, units))
    return dispatch->function(call, 0, units, 0);
  nnccCallBegins(&instance->schedule);
  Way way = units == 1 ? NNCC_ALONE
                       : nnccChooseWay(&instance->schedule, cost, dispatch, units,
                                       nnccPoolIsReady(instance->pool));
  nncc_status status =
      way == NNCC_ALONE
          ? dispatch->function(call, 0, units, 0)
          : nnccPoolRun(instance->pool, dispatch->function, call, units,
                        nnccChunks(cost, units, instance->threads), &instance->cancelled);
  if (!status) /* one that failed has not done its work */
    nnccLearn(&instance->schedule, cost, units, way);
  return status;
}

static nncc_status runTeam(nncc_instance *instance, const nncc_dispatch *dispatch,
                           const nncc_call *call, int32_t workers, int32_t index) {
  if (instance->hostServices.team_run)
    return instance->hostServices.team_run(instance->host, dispatch, call, workers);
  if (!instance->pool || index < 0 || !nnccIsWorthTeam(dispatch, nnccPoolIsReady(instance->pool)))
    return NNCC_NOT_SUPPORTED;
  nnccCallBegins(&instance->schedule);
  nncc_status status =
      nnccPoolRunTeam(instance->pool, dispatch->function, call, workers, &instance->cancelled);
  if (!status)
    nnccLearn(&instance->schedule, &instance->schedule.costs[index], 1, NNCC_TEAM);
  return status;
}

/* Runs `count` units, or a team of `count` workers. */
static nncc_status run(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                       int64_t count, bool inTeam) {
  nncc_instance *instance = host;
  if (atomic_load_explicit(&instance->cancelled, memory_order_relaxed))
    return NNCC_CANCELLED;
  int32_t index = nnccIndexOf(instance, dispatch);
  int64_t begin = instance->profile ? nnccNow() : 0;
  nncc_status status = inTeam ? runTeam(instance, dispatch, call, (int32_t)count, index)
                              : runUnits(instance, dispatch, call, count, index);
  if (instance->profile && index >= 0 && !(inTeam && status == NNCC_NOT_SUPPORTED))
    nnccRecord(&instance->profile[index], nnccNow() - begin);
  return status;
}

static nncc_status parallelFor(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                               int64_t units) {
  return units <= 0 ? NNCC_OK : run(host, dispatch, call, units, /*inTeam=*/false);
}

static nncc_status teamRun(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                           int32_t workers) {
  nncc_instance *instance = host;
  if (workers < 1 || workers > instance->threads)
    return NNCC_NOT_SUPPORTED;
  return run(host, dispatch, call, workers, /*inTeam=*/true);
}

static void barrier(void *host) {
  nncc_instance *instance = host;
  if (instance->hostServices.barrier)
    instance->hostServices.barrier(instance->host);
  else
    nnccPoolBarrier(instance->pool);
}

/* Memory for values ------------------------------------------------------------------------------
 */

/* Lies before the memory that it describes; sizes are powers of two. */
struct Block {
  _Alignas(NNCC_ALIGNMENT) Block *nextFree;
  Block *nextOfAll;
  int32_t sizeClass;
  bool used;
};

static void *allocate(void *host, int64_t bytes) {
  nncc_instance *instance = host;
  Heap *heap = &instance->heap;
  int32_t class = 6;
  while (class < NNCC_SIZE_CLASSES && ((int64_t)1 << class) < bytes)
    ++class;
  if (bytes < 0 || class == NNCC_SIZE_CLASSES)
    return NULL;
  Block *block = heap->free[class];
  if (block) {
    heap->free[class] = block->nextFree;
  } else {
    block = nnccAllocate(sizeof *block + ((uint64_t)1 << class) + NNCC_ALIGNMENT);
    if (!block)
      return NULL;
    block->sizeClass = class;
    block->nextOfAll = heap->all;
    heap->all = block;
  }
  block->used = true;
  ++heap->used;
  return block + 1;
}

static void release(Heap *heap, Block *block) {
  block->used = false;
  block->nextFree = heap->free[block->sizeClass];
  heap->free[block->sizeClass] = block;
  --heap->used;
}

static void deallocate(void *host, void *memory) {
  nncc_instance *instance = host;
  if (memory)
    release(&instance->heap, (Block *)memory - 1);
}

void nnccHeapReclaim(Heap *heap) {
  for (Block *block = heap->all; block && heap->used; block = block->nextOfAll)
    if (block->used)
      release(heap, block);
}

void nnccHeapDestroy(Heap *heap) {
  for (Block *block = heap->all, *next; block; block = next) {
    next = block->nextOfAll;
    free(block);
  }
}

static void *hostAllocate(void *host, int64_t bytes) {
  nncc_instance *instance = host;
  return instance->hostServices.alloc(instance->host, bytes);
}

static void hostDeallocate(void *host, void *memory) {
  nncc_instance *instance = host;
  instance->hostServices.free(instance->host, memory);
}

/* Errors, cancellation ---------------------------------------------------------------------------
 */

static void error(void *host, nncc_status status, const char *node, const char *message) {
  nncc_instance *instance = host;
  pthread_mutex_lock(&instance->errorLock);
  bool first = !instance->reported;
  if (first) {
    bool named = node && *node;
    snprintf(instance->report, sizeof instance->report, "%s%s%s%s", named ? "node '" : "",
             named ? node : "", named ? "': " : "", message ? message : nncc_status_name(status));
    instance->reported = true;
  }
  pthread_mutex_unlock(&instance->errorLock);
  if (instance->hostServices.error)
    instance->hostServices.error(instance->host, status, node, message);
}

char *nnccReserveOutput(RunOutput *output, int64_t bytes) {
  if (!output->data || output->capacity < bytes) {
    free(output->data);
    output->data = nnccAllocate((uint64_t)bytes + NNCC_ALIGNMENT);
    output->capacity = output->data ? bytes : 0;
  }
  return output->data;
}

static void *output(void *host, int32_t index, const int64_t *shape) {
  nncc_instance *instance = host;
  const nncc_tensor_info *info = &instance->model->descriptor.outputs[index];
  RunOutput *result = &instance->runOutputs[index];
  int64_t bytes = nncc_tensor_bytes(info->type, info->rank, shape);
  if (bytes < 0 || !result->shape)
    return NULL;
  if (info->rank)
    memcpy(result->shape, shape, (size_t)info->rank * sizeof *shape);
  result->given = nnccReserveOutput(result, bytes) != NULL;
  return result->data;
}

static void logMessage(void *host, int32_t level, const char *message) {
  nncc_instance *instance = host;
  instance->hostServices.log(instance->host, level, message);
}

static int32_t cancelled(void *host) {
  nncc_instance *instance = host;
  if (atomic_load_explicit(&instance->cancelled, memory_order_relaxed))
    return 1;
  return instance->hostServices.cancelled ? instance->hostServices.cancelled(instance->host) : 0;
}

void nnccFillServices(nncc_instance *instance) {
  const nncc_services *host = &instance->hostServices;
  nncc_services *s = &instance->services;
  s->struct_size = sizeof *s;
  s->parallel_for = parallelFor;
  if (!host->parallel_for || host->team_run) {
    s->team_run = teamRun;
    s->barrier = barrier;
  }
  s->alloc = host->alloc ? hostAllocate : allocate;
  s->free = host->alloc ? hostDeallocate : deallocate;
  s->error = error;
  s->log = host->log ? logMessage : NULL;
  s->cancelled = cancelled;
  s->device = host->device;
  s->comm = host->comm;
  s->output = output;
  if (instance->device)
    nnccFillDeviceServices(instance);
}
