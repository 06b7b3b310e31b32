/* What the compiler would make of a small network, written by hand:
 *
 *   z     = (x * w + y) * 2 + bias    float32[batch,4], two dispatches over the rows, h in the
 * arena pairs = each row's sum, twice     float32[2*batch], through memory of the alloc service
 *
 * Special values of x[0,0] make it misbehave: see below. Macros make variants of the descriptor. */
#include "model.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#ifndef MODEL_SYMBOL
#define MODEL_SYMBOL nncc_model_small
#endif
#ifndef MODEL_MAGIC
#define MODEL_MAGIC NNCC_ABI_MAGIC
#endif
#ifndef MODEL_MAJOR
#define MODEL_MAJOR NNCC_ABI_MAJOR
#endif
#ifndef MODEL_STRUCT_SIZE
#define MODEL_STRUCT_SIZE sizeof(nncc_descriptor)
#endif
#ifndef MODEL_ISA
#define MODEL_ISA ""
#endif
#ifndef MODEL_EXPORT
#define MODEL_EXPORT __attribute__((visibility("default")))
#endif

enum { X, Y, W, H, Z };

static nncc_status multiplyAdd(const nncc_call *call, int64_t begin, int64_t end, int32_t worker) {
  const float *x = call->buffers[X], *y = call->buffers[Y], *w = call->buffers[W];
  float *h = call->buffers[H];
  /* Each worker has a slice of its own: what it writes there must still be there at the end. */
  volatile int64_t *scratch = (int64_t *)(call->scratch + worker * call->scratch_stride);
  for (int64_t i = begin; i < end; ++i) {
    *scratch = i;
    for (int j = 0; j < 4; ++j) {
      if (isnan(x[4 * i + j])) {
        call->services->error(call->host, NNCC_DATA_ERROR, "Mul_0", "x is not a number");
        return NNCC_DATA_ERROR;
      }
      h[4 * i + j] = x[4 * i + j] * w[j] + y[4 * i + j];
    }
    if (*scratch != i)
      return NNCC_INTERNAL;
  }
  return NNCC_OK;
}

static nncc_status scale(const nncc_call *call, int64_t begin, int64_t end, int32_t worker) {
  const float *h = call->buffers[H], *w = call->buffers[W];
  float *z = call->buffers[Z];
  (void)worker;
  for (int64_t i = 4 * begin; i < 4 * end; ++i)
    z[i] = h[i] * 2 + w[4];
  return NNCC_OK;
}

/* As if they were large: threads always share them. */
static const nncc_dispatch dispatches[] = {
    {sizeof(nncc_dispatch), 0, "multiply_add", "Mul_0;Add_1", multiplyAdd, -1, 1e9, 1e9, NULL},
    {sizeof(nncc_dispatch), 0, "scale", "Mul_2;Add_3", scale, -1, 1e9, 1e9, NULL}};
static const nncc_dispatch *const order[] = {&dispatches[0], &dispatches[1]};

static nncc_status infer(int64_t *dims) {
  if (dims[0] == 13)
    return NNCC_INVALID_ARGUMENT;
  dims[1] = dims[0] < 0 ? -1 : 2 * dims[0];
  return NNCC_OK;
}

static nncc_status plan(const int64_t *dims, int64_t *arena, int64_t *scratch) {
  *arena = dims[0] * 4 * (int64_t)sizeof(float);
  *scratch = sizeof(int64_t);
  return NNCC_OK;
}

static nncc_status run(const nncc_frame *frame) {
  const nncc_services *s = frame->services;
  int64_t rows = frame->dims[0];
  void *buffers[] = {frame->inputs[0], frame->inputs[1], (void *)frame->weights, frame->arena,
                     frame->outputs[0]};
  nncc_call call = {buffers, frame->dims, frame->scratch, frame->scratch_stride, s, frame->host, 0};
  if ((uintptr_t)frame->arena % NNCC_ALIGNMENT || (uintptr_t)frame->weights % NNCC_ALIGNMENT ||
      (uintptr_t)frame->scratch % NNCC_ALIGNMENT || frame->scratch_stride % NNCC_ALIGNMENT)
    return NNCC_INTERNAL;
  volatile char sum = 0; /* the tails may be read */
  for (int i = 0; i < NNCC_ALIGNMENT; ++i)
    sum += frame->weights[MODEL_WEIGHTS_SIZE + i] + frame->arena[rows * 16 + i];
  nncc_status status = NNCC_OK;
  float first;
  memcpy(&first, frame->inputs[0], rows ? sizeof first : 0);
  do
    status = s->parallel_for(frame->host, order[0], &call, rows);
  while (!status && rows && first == MODEL_ENDLESS && !s->cancelled(frame->host));
  if (!status && s->cancelled(frame->host))
    status = NNCC_CANCELLED;
  if (!status)
    status = s->parallel_for(frame->host, order[1], &call, rows);
  if (status)
    return status;

  float *rowSums = s->alloc(frame->host, rows * (int64_t)sizeof(float));
  if (!rowSums || (uintptr_t)rowSums % NNCC_ALIGNMENT)
    return NNCC_OUT_OF_MEMORY;
  if (rows && first == MODEL_LEAK) /* and does not give it back */
    return NNCC_INTERNAL;
  const float *z = frame->outputs[0];
  float *pairs = frame->outputs[1];
  for (int64_t i = 0; i < rows; ++i)
    rowSums[i] = z[4 * i] + z[4 * i + 1] + z[4 * i + 2] + z[4 * i + 3];
  for (int64_t i = 0; i < frame->dims[1]; ++i)
    pairs[i] = rowSums[i / 2];
  s->free(frame->host, rowSums);
  return NNCC_OK;
}

static const int64_t shape[] = {-1, 4}, pairsShape[] = {-2};
static const nncc_tensor_info inputs[] = {{"x", NNCC_FLOAT, 2, shape}, {"y", NNCC_FLOAT, 2, shape}};
static const nncc_tensor_info outputs[] = {{"z", NNCC_FLOAT, 2, shape},
                                           {"pairs", NNCC_FLOAT, 1, pairsShape}};
static const nncc_dim dims[] = {{"batch", 0, 4096}, {"", 0, -1}};
static const nncc_metadata metadata[] = {{"author", "test"}, {"task", "arithmetic"}};
#ifndef MODEL_WEIGHTS_FILE
static const struct {
  _Alignas(NNCC_ALIGNMENT) float values[5];
  char tail[NNCC_ALIGNMENT];
} weights = {MODEL_WEIGHTS, {0}};
#endif

static const nncc_descriptor descriptor = {.magic = MODEL_MAGIC,
                                           .abi_major = MODEL_MAJOR,
                                           .abi_minor = NNCC_ABI_MINOR,
                                           .struct_size = MODEL_STRUCT_SIZE,
                                           .name = "small",
                                           .compiler = "by hand",
                                           .triple = "",
                                           .cpu = "generic",
                                           .isa = MODEL_ISA,
                                           .num_inputs = 2,
                                           .num_outputs = 2,
                                           .num_dims = 2,
                                           .num_metadata = 2,
                                           .num_dispatches = 2,
                                           .inputs = inputs,
                                           .outputs = outputs,
                                           .dims = dims,
                                           .metadata = metadata,
                                           .dispatches = order,
#ifdef MODEL_WEIGHTS_FILE
                                           .weights_file = MODEL_WEIGHTS_FILE,
#else
                                           .weights = (const char *)&weights,
#endif
                                           .weights_size = MODEL_WEIGHTS_SIZE,
                                           .weights_hash = MODEL_WEIGHTS_HASH,
                                           .plan = plan,
                                           .run = run,
                                           .infer = infer};

MODEL_EXPORT const nncc_descriptor *MODEL_SYMBOL(void) { return &descriptor; }
#ifdef MODEL_SECOND_SYMBOL
MODEL_EXPORT const nncc_descriptor *MODEL_SECOND_SYMBOL(void) { return &descriptor; }
#endif
