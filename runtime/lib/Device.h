/* A device that kernels run on: all that the runtime asks of one, as a table of functions.
 *
 * Three objects of the device, which only its own code looks into: a *program* is the kernels and
 * the weights of one model on one device, for any number of threads; a *queue* is what one instance
 * puts its work into, in order, and belongs to one thread at a time; a *graph* is work that was put
 * down once, to be queued again as a whole. */
#ifndef NNCC_RUNTIME_DEVICE_H
#define NNCC_RUNTIME_DEVICE_H

#include "nncc/abi.h"

/* Grows with every change of the table. */
#define NNCC_DEVICE_API 2

typedef struct DeviceProgram DeviceProgram;
typedef struct DeviceQueue DeviceQueue;
typedef struct DeviceGraph DeviceGraph;

/* Functions that return a status have said by nnccFail() why it is not NNCC_OK. What uses a queue
 * is called between its `enter` and `leave`. */
typedef struct Device {
  uint32_t api_version; /* NNCC_DEVICE_API */
  int32_t kind;         /* NNCC_DEVICE_* */
  const char *name;     /* in nncc_descriptor.isa */

  /* Whether this machine has its driver and device `ordinal` (-1: any), and, where `level` is not
   * NULL, whether one of its images is for that device. NNCC_ISA_MISSING where not. */
  nncc_status (*check)(const nncc_descriptor *level, int32_t ordinal);
  /* Workers of a program on a device: blocks of a kernel that have scratch memory. */
  nncc_status (*workers)(int32_t ordinal, int32_t *workers);

  /* Loads the kernels and copies the weights; both may go afterwards, the descriptor may not. */
  nncc_status (*load)(const nncc_descriptor *descriptor, const char *weights, int32_t ordinal,
                      DeviceProgram **program);
  void (*unload)(DeviceProgram *program);
  /* Of the device's memory. */
  const char *(*weights)(const DeviceProgram *program);

  /* `stream`: one of the caller's, in which the work is to be done; NULL: its own. */
  nncc_status (*create_queue)(DeviceProgram *program, void *stream, DeviceQueue **queue);
  void (*destroy_queue)(DeviceQueue *queue); /* waits; neither entered nor left */
  /* Fails where an earlier error has made the device useless. */
  nncc_status (*enter)(DeviceQueue *queue);
  void (*leave)(DeviceQueue *queue);

  /* Memory, aligned to 256 bytes, which nothing in the queue uses any more when it is freed. */
  nncc_status (*alloc)(DeviceQueue *queue, uint64_t bytes, void **memory);
  void (*free)(DeviceQueue *queue, void *memory);
  /* The same, in order with the queue's work. NNCC_NOT_SUPPORTED where the device cannot. */
  nncc_status (*alloc_in_order)(DeviceQueue *queue, uint64_t bytes, void **memory);
  nncc_status (*free_in_order)(DeviceQueue *queue, void *memory);
  /* Memory of the host that copies to and from the device are fastest with. */
  nncc_status (*alloc_pinned)(DeviceQueue *queue, uint64_t bytes, void **memory);
  void (*free_pinned)(DeviceQueue *queue, void *memory);

  /* Work, in order. Copies between the device's and any host's memory: from and to pinned memory
   * they are done when the queue is waited for, from other memory when this returns. */
  nncc_status (*copy)(DeviceQueue *queue, void *to, const void *from, uint64_t bytes);
  /* Dispatch number `dispatch` of the descriptor. */
  nncc_status (*launch)(DeviceQueue *queue, int32_t dispatch, const nncc_call *call, int64_t units);
  nncc_status (*wait)(DeviceQueue *queue);
  /* For the work in all queues and all streams of others as well. */
  nncc_status (*wait_for_device)(DeviceQueue *queue);
  /* What is put into the stream `after` from now on waits for what is in `before` now; NULL: the
   * queue's own. */
  nncc_status (*order)(DeviceQueue *queue, void *before, void *after);

  /* Between these two, launches and copies are put down instead of being done. `graph` NULL: they
   * are forgotten. */
  nncc_status (*begin_graph)(DeviceQueue *queue);
  nncc_status (*end_graph)(DeviceQueue *queue, DeviceGraph **graph);
  nncc_status (*queue_graph)(DeviceQueue *queue, DeviceGraph *graph);
  void (*destroy_graph)(DeviceQueue *queue, DeviceGraph *graph);

  /* Notes the time at mark number `mark` >= 0 when all work before is done; after wait, the time
   * from one mark to another. */
  nncc_status (*mark)(DeviceQueue *queue, int32_t mark);
  nncc_status (*elapsed)(DeviceQueue *queue, int32_t from, int32_t to, int64_t *nanoseconds);
} Device;

extern const Device nnccCudaDevice; /* devices/cuda */

#endif
