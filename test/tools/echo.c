/* A model whose outputs are its inputs: one [2, 3] of each type, a scalar, an empty tensor, and one
 * with open sizes. */
#include "nncc/abi.h"

#include <string.h>

#define LENGTH(array) ((int32_t)(sizeof(array) / sizeof((array)[0])))

static const int64_t table[] = {2, 3}, empty[] = {0, 3}, open[] = {-1, -2};
#define TYPE(name, type)                                                                           \
  { #name, type, 2, table }
static const nncc_tensor_info tensors[] = {
    {"open", NNCC_FLOAT, 2, open},
    {"scalar", NNCC_INT64, 0, 0},
    {"empty", NNCC_FLOAT, 2, empty},
    TYPE(float32, NNCC_FLOAT),
    TYPE(float64, NNCC_DOUBLE),
    TYPE(float16, NNCC_FLOAT16),
    TYPE(bfloat16, NNCC_BFLOAT16),
    TYPE(float8_e4m3fn, NNCC_FLOAT8E4M3FN),
    TYPE(float8_e5m2, NNCC_FLOAT8E5M2),
    TYPE(int8, NNCC_INT8),
    TYPE(int16, NNCC_INT16),
    TYPE(int32, NNCC_INT32),
    TYPE(int64, NNCC_INT64),
    TYPE(uint8, NNCC_UINT8),
    TYPE(uint16, NNCC_UINT16),
    TYPE(uint32, NNCC_UINT32),
    TYPE(uint64, NNCC_UINT64),
    TYPE(bool, NNCC_BOOL),
    TYPE(complex64, NNCC_COMPLEX64),
    TYPE(complex128, NNCC_COMPLEX128),
    TYPE(int4, NNCC_INT4),
    TYPE(uint4, NNCC_UINT4),
    TYPE(float8_e4m3fnuz, NNCC_FLOAT8E4M3FNUZ),
    TYPE(float8_e5m2fnuz, NNCC_FLOAT8E5M2FNUZ),
    TYPE(float8_e8m0fnu, NNCC_FLOAT8E8M0),
    TYPE(float4_e2m1fn, NNCC_FLOAT4E2M1),
    TYPE(float6_e2m3fn, NNCC_FLOAT6E2M3),
    TYPE(float6_e3m2fn, NNCC_FLOAT6E3M2),
    TYPE(int2, NNCC_INT2),
    TYPE(uint2, NNCC_UINT2),
};
/* Bytes of six elements, in this order; the first three are another matter. */
static const size_t bytes[] = {0,  8,  0, 24, 48, 12, 12, 6, 6, 6, 12, 24, 48, 6, 12,
                               24, 48, 6, 48, 96, 3,  3,  6, 6, 6, 3,  5,  5,  2, 2};
static const nncc_dim dims[] = {{"batch", 1, 64}, {"a/b", 0, -1}};

static nncc_status plan(const int64_t *sizes, int64_t *arena, int64_t *scratch) {
  *arena = sizes[0] * 64;
  *scratch = 0;
  return NNCC_OK;
}

static nncc_status run(const nncc_frame *frame) {
  memcpy(frame->outputs[0], frame->inputs[0],
         (size_t)(frame->dims[0] * frame->dims[1]) * sizeof(float));
  for (int32_t i = 1; i < LENGTH(tensors); ++i)
    if (bytes[i])
      memcpy(frame->outputs[i], frame->inputs[i], bytes[i]);
  return NNCC_OK;
}

static const nncc_descriptor descriptor = {.magic = NNCC_ABI_MAGIC,
                                           .abi_major = NNCC_ABI_MAJOR,
                                           .struct_size = sizeof descriptor,
                                           .name = "echo",
                                           .isa = "",
                                           .num_inputs = LENGTH(tensors),
                                           .num_outputs = LENGTH(tensors),
                                           .num_dims = LENGTH(dims),
                                           .inputs = tensors,
                                           .outputs = tensors,
                                           .dims = dims,
                                           .plan = plan,
                                           .run = run};

__attribute__((visibility("default"))) const nncc_descriptor *nncc_model_echo(void) {
  return &descriptor;
}
