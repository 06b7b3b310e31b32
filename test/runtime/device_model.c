/* What the compiler would make of the network of model.c for a device: the same program, whose
 * kernels are those of fake_kernels.c, and which must not look at any memory of its frame. */
#include "device_model.h"
#include "fake_cuda.h"
#include "model.h"

#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))
#define LAUNCH(name, threads, buffers, dims, shared, scratch)                                      \
  static const nncc_launch name = {sizeof(nncc_launch), threads, buffers, dims, shared, scratch}
#define DISPATCH(kernel, nodes, launch)                                                            \
  { sizeof(nncc_dispatch), 0, kernel, nodes, NULL, -1, 1e9, 1e9, launch }

LAUNCH(multiplyAdd, 128, 4, 2, 0, 1);
LAUNCH(scaling, 256, 3, 1, 64 << 10, 0);
LAUNCH(summing, 32, 2, 1, 0, 0);
LAUNCH(spreading, 32, 2, 1, 0, 0);
static const nncc_dispatch dispatches[] = {DISPATCH("multiply_add", "Mul_0;Add_1", &multiplyAdd),
                                           DISPATCH("scale", "Mul_2;Add_3", &scaling),
                                           DISPATCH("sum_rows", "ReduceSum_4", &summing),
                                           DISPATCH("spread", "Expand_5", &spreading)};
static const nncc_dispatch *const order[] = {&dispatches[0], &dispatches[1], &dispatches[2],
                                             &dispatches[3]};

static nncc_status infer(int64_t *dims) {
  dims[1] = dims[0] < 0 ? -1 : 2 * dims[0];
  return NNCC_OK;
}

/* In the arena: h, sums. */
static nncc_status plan(const int64_t *dims, int64_t *arena, int64_t *scratch) {
  *arena = dims[0] * 5 * (int64_t)sizeof(float);
  *scratch = sizeof(int64_t);
  return NNCC_OK;
}

static nncc_status start(const nncc_frame *frame, int32_t dispatch, void **buffers) {
  nncc_call call = {
      buffers, frame->dims, frame->scratch, frame->scratch_stride, frame->services, frame->host, 0};
  return frame->services->parallel_for(frame->host, order[dispatch], &call, frame->dims[0]);
}

/* Sums in memory of their own, of which the host reads the first. */
static nncc_status sumOutside(const nncc_frame *frame) {
  const nncc_services *s = frame->services;
  int64_t rows = frame->dims[0];
  void *sums = s->alloc(frame->host, rows * (int64_t)sizeof(float));
  if (!sums)
    return NNCC_OUT_OF_MEMORY;
  if (rows == DEVICE_MODEL_LEAKS)
    return NNCC_INTERNAL;
  void *sum[] = {frame->outputs[0], sums}, *spread[] = {sums, frame->outputs[1]};
  nncc_status status = start(frame, 2, sum);
  const float *first = status ? NULL : s->device->fetch(frame->host, sums, sizeof(float));
  if (!first)
    return status ? status : NNCC_INTERNAL;
  if (*first != *first)
    return NNCC_DATA_ERROR;
  status = start(frame, 3, spread);
  s->free(frame->host, sums);
  return status;
}

static nncc_status run(const nncc_frame *frame) {
  int64_t rows = frame->dims[0];
  float *h = (float *)frame->arena;
  void *product[] = {frame->inputs[0], frame->inputs[1], (void *)frame->weights, h};
  void *scaled[] = {h, (void *)frame->weights, frame->outputs[0]};
  if (frame->services->team_run || (uintptr_t)frame->scratch % NNCC_ALIGNMENT)
    return NNCC_INTERNAL;
  nncc_status status = start(frame, 0, product);
  if (!status && frame->services->cancelled(frame->host))
    status = NNCC_CANCELLED;
  if (!status)
    status = start(frame, 1, scaled);
  if (status || rows >= DEVICE_MODEL_ASKS)
    return status ? status : sumOutside(frame);
  void *sums = (void *)((uintptr_t)h + (uintptr_t)rows * 16);
  void *sum[] = {frame->outputs[0], sums}, *spread[] = {sums, frame->outputs[1]};
  status = start(frame, 2, sum);
  return status ? status : start(frame, 3, spread);
}

static const int64_t shape[] = {-1, 4}, pairsShape[] = {-2};
static const nncc_tensor_info inputs[] = {{"x", NNCC_FLOAT, 2, shape}, {"y", NNCC_FLOAT, 2, shape}};
static const nncc_tensor_info outputs[] = {{"z", NNCC_FLOAT, 2, shape},
                                           {"pairs", NNCC_FLOAT, 1, pairsShape}};
static const nncc_dim dims[] = {{"batch", 0, 4096}, {"", 0, -1}};
static const struct {
  _Alignas(NNCC_ALIGNMENT) float values[5];
  char tail[NNCC_ALIGNMENT];
} weights = {MODEL_WEIGHTS, {0}};

#define IMAGE(kind, capability, exact, text)                                                       \
  { sizeof(nncc_image), kind, capability, exact, text, sizeof text }
static const nncc_image images[] = {IMAGE(NNCC_IMAGE_CUBIN, 90, 1, FAKE_CUBIN " 90a"),
                                    IMAGE(NNCC_IMAGE_CUBIN, 80, 0, FAKE_CUBIN " 80"),
                                    IMAGE(NNCC_IMAGE_PTX, 80, 0, FAKE_PTX " 80")};
static const nncc_image badImages[] = {IMAGE(NNCC_IMAGE_CUBIN, 90, 0, FAKE_BAD_IMAGE),
                                       IMAGE(NNCC_IMAGE_BITCODE, 90, 0, FAKE_BAD_IMAGE " too")};

#define DESCRIPTOR                                                                                 \
  .magic = NNCC_ABI_MAGIC, .abi_major = NNCC_ABI_MAJOR, .abi_minor = NNCC_ABI_MINOR,               \
  .struct_size = sizeof(nncc_descriptor), .name = "small", .compiler = "by hand", .triple = "",    \
  .cpu = "sm_90a", .isa = "cuda", .num_inputs = 2, .num_outputs = 2, .num_dims = 2,                \
  .num_dispatches = 4, .inputs = inputs, .outputs = outputs, .dims = dims, .dispatches = order,    \
  .weights = (const char *)&weights, .weights_size = MODEL_WEIGHTS_SIZE,                           \
  .weights_hash = MODEL_WEIGHTS_HASH, .plan = plan, .run = run, .infer = infer,                    \
  .device = NNCC_DEVICE_CUDA

static const nncc_descriptor descriptor = {DESCRIPTOR, .num_images = 3, .images = images};
static const nncc_descriptor bad = {DESCRIPTOR, .num_images = 2, .images = badImages};

/* The level for the processor is the least, which has the table. */
const nncc_descriptor *nncc_model_device(void) {
  static nncc_descriptor least;
  static const nncc_descriptor *const levels[] = {&descriptor, &least};
  least = *nncc_model_small();
  least.num_levels = 2;
  least.levels = levels;
  return &least;
}

const nncc_descriptor *nncc_model_bad_image(void) { return &bad; }

/* Positive numbers --------------------------------------------------------------------------------
 */

LAUNCH(counting, 32, 2, 1, 0, 0);
LAUNCH(gathering, 32, 2, 1, 0, 0);
static const nncc_dispatch countPositive = DISPATCH("count_positive", "NonZero_0", &counting);
static const nncc_dispatch gatherPositive = DISPATCH("gather_positive", "Gather_1", &gathering);
static const nncc_dispatch *const positiveOrder[] = {&countPositive, &gatherPositive};

/* In the arena: the count, and what was found, which is then copied. */
static nncc_status planPositive(const int64_t *sizes, int64_t *arena, int64_t *scratch) {
  *arena = 64 + sizes[0] * (int64_t)sizeof(float) + 4;
  *scratch = 0;
  return NNCC_OK;
}

static nncc_status runPositive(const nncc_frame *frame) {
  const nncc_services *s = frame->services;
  void *count[] = {frame->inputs[0], frame->arena};
  void *found = (void *)((uintptr_t)frame->arena + 64), *gather[] = {frame->inputs[0], found};
  nncc_call call = {count, frame->dims, NULL, 0, s, frame->host, 0};
  nncc_status status = s->parallel_for(frame->host, &countPositive, &call, frame->dims[0]);
  const int64_t *fetched =
      status ? NULL : s->device->fetch(frame->host, frame->arena, sizeof *fetched);
  if (!fetched)
    return status ? status : NNCC_INTERNAL;
  int64_t size = frame->dims[0] ? *fetched : 0;
  void *result = s->output(frame->host, 0, &size);
  if (!result)
    return NNCC_OUT_OF_MEMORY;
  call.buffers = gather;
  status = s->parallel_for(frame->host, &gatherPositive, &call, frame->dims[0]);
  return status ? status
                : s->device->copy(frame->host, result, found, size * (int64_t)sizeof(float));
}

static const int64_t list[] = {-1}, part[] = {-2};
static const nncc_tensor_info all[] = {{"x", NNCC_FLOAT, 1, list}},
                              some[] = {{"positive", NNCC_FLOAT, 1, part}};
static const nncc_dim listDims[] = {{"n", 0, -1}, {"", 0, -1}};

static const nncc_descriptor positive = {.magic = NNCC_ABI_MAGIC,
                                         .abi_major = NNCC_ABI_MAJOR,
                                         .abi_minor = NNCC_ABI_MINOR,
                                         .struct_size = sizeof(nncc_descriptor),
                                         .name = "positive",
                                         .cpu = "sm_90a",
                                         .isa = "cuda",
                                         .num_inputs = 1,
                                         .num_outputs = 1,
                                         .num_dims = 2,
                                         .num_dispatches = 2,
                                         .inputs = all,
                                         .outputs = some,
                                         .dims = listDims,
                                         .dispatches = positiveOrder,
                                         .plan = planPositive,
                                         .run = runPositive,
                                         .device = NNCC_DEVICE_CUDA,
                                         .num_images = 3,
                                         .images = images};

const nncc_descriptor *nncc_model_positive(void) { return &positive; }

EXPORT const nncc_descriptor *nncc_model_device_only(void) { return &descriptor; }
