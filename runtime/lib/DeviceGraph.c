/* Runs that are put down once and then repeated: a program that asks for no bytes of the device and
 * no memory launches the same kernels on the same addresses whenever its sizes and arguments are
 * the same. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

static int32_t keyLength(const nncc_instance *instance) {
  const nncc_descriptor *d = &instance->model->descriptor;
  return d->num_dims + d->num_inputs + d->num_outputs + 1;
}

static void writeKey(const nncc_instance *instance, int64_t *key) {
  const nncc_descriptor *d = &instance->model->descriptor;
  const DeviceRun *run = instance->device;
  for (int32_t i = 0; i < d->num_dims; ++i)
    *key++ = instance->dims[i];
  for (int32_t i = 0; i < d->num_inputs + d->num_outputs; ++i)
    *key++ = (int64_t)(intptr_t)run->arguments[i].device;
  *key =
      (int64_t)(intptr_t)(instance->userWorkspace ? instance->userWorkspace : instance->workspace);
}

RunGraph *nnccFindGraph(nncc_instance *instance) {
  DeviceRun *run = instance->device;
  size_t bytes = (size_t)keyLength(instance) * sizeof(int64_t);
  RunGraph *oldest = run->graphs;
  if (!run->key)
    run->key = malloc(bytes);
  if (!run->key)
    return NULL;
  writeKey(instance, run->key);
  ++run->runs;
  for (RunGraph *graph = run->graphs; graph < run->graphs + NNCC_GRAPHS; ++graph) {
    if (graph->key && memcmp(graph->key, run->key, bytes) == 0) {
      graph->lastUse = run->runs;
      return graph;
    }
    if (graph->lastUse < oldest->lastUse)
      oldest = graph;
  }
  int64_t *key = oldest->key ? oldest->key : malloc(bytes);
  if (!key)
    return NULL;
  if (oldest->graph)
    run->device->destroy_graph(run->queue, oldest->graph);
  memcpy(key, run->key, bytes);
  *oldest = (RunGraph){.key = key, .lastUse = run->runs};
  return oldest;
}

void nnccDestroyGraphs(DeviceRun *run, bool isLost) {
  for (RunGraph *graph = run->graphs; graph < run->graphs + NNCC_GRAPHS; ++graph) {
    if (graph->graph && !isLost)
      run->device->destroy_graph(run->queue, graph->graph);
    free(graph->key);
  }
  free(run->key);
}
