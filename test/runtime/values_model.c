/* A model whose outputs are its inputs: values of every kind, each as its parts.
 *
 *   s  sequence(float32[?,3])              o  optional(int64[batch])
 *   t  string[names,2]                     q  optional(sequence(string))
 *   n  sequence(int4)                      x  float32[batch]
 *
 * Only the run tells the sizes of the parts of s and q. x[0] makes it misbehave: see below. */
#include "values_model.h"

#include <string.h>

#define OPEN INT64_MIN
#define EXPORT __attribute__((visibility("default")))

enum {
  BATCH,
  S_TOTAL,
  S_COUNT,
  O_TOTAL,
  O_COUNT,
  T_BYTES,
  NAMES,
  Q_BYTES,
  Q_STRINGS,
  Q_COUNT,
  N_TOTAL,
  N_COUNT,
  S_TOTAL_OUT,
  S_COUNT_OUT,
  Q_BYTES_OUT,
  Q_STRINGS_OUT,
  Q_COUNT_OUT,
  NUM_DIMS
};
static const nncc_dim dims[NUM_DIMS] = {
    {"batch", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1},
    {"names", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1},
    {"", 0, -1},      {"", 0, -1}, {"", 0, -1}, {"", 0, -1}, {"", 0, -1}};

#define DIM(dim) (-1 - (dim))

static const int64_t sTotal[] = {DIM(S_TOTAL)}, sRows[] = {DIM(S_COUNT), NNCC_VALUE_ROW},
                     oTotal[] = {DIM(O_TOTAL)}, oRows[] = {DIM(O_COUNT), NNCC_VALUE_ROW},
                     tBytes[] = {DIM(T_BYTES)}, tShape[] = {DIM(NAMES), 2},
                     qBytes[] = {DIM(Q_BYTES)}, qStrings[] = {DIM(Q_STRINGS)},
                     qRows[] = {DIM(Q_COUNT), NNCC_VALUE_ROW}, nTotal[] = {DIM(N_TOTAL)},
                     nRows[] = {DIM(N_COUNT), NNCC_VALUE_ROW}, xShape[] = {DIM(BATCH)},
                     sTotalOut[] = {DIM(S_TOTAL_OUT)},
                     sRowsOut[] = {DIM(S_COUNT_OUT), NNCC_VALUE_ROW},
                     qBytesOut[] = {DIM(Q_BYTES_OUT)}, qStringsOut[] = {DIM(Q_STRINGS_OUT)},
                     qRowsOut[] = {DIM(Q_COUNT_OUT), NNCC_VALUE_ROW};
static const int64_t sShape[] = {OPEN, 3}, oShape[] = {DIM(BATCH)};

static const nncc_tensor_info inputs[] = {{"s.elements", NNCC_FLOAT, 1, sTotal},
                                          {"s.rows", NNCC_INT64, 2, sRows},
                                          {"o.elements", NNCC_INT64, 1, oTotal},
                                          {"o.rows", NNCC_INT64, 2, oRows},
                                          {"t.bytes", NNCC_UINT8, 1, tBytes},
                                          {"t.lengths", NNCC_INT64, 2, tShape},
                                          {"q.present", NNCC_BOOL, 0, NULL},
                                          {"q.bytes", NNCC_UINT8, 1, qBytes},
                                          {"q.lengths", NNCC_INT64, 1, qStrings},
                                          {"q.rows", NNCC_INT64, 2, qRows},
                                          {"n.elements", NNCC_INT4, 1, nTotal},
                                          {"n.rows", NNCC_INT64, 2, nRows},
                                          {"x", NNCC_FLOAT, 1, xShape}};
static const nncc_tensor_info outputs[] = {{"s.elements", NNCC_FLOAT, 1, sTotalOut},
                                           {"s.rows", NNCC_INT64, 2, sRowsOut},
                                           {"o.elements", NNCC_INT64, 1, oTotal},
                                           {"o.rows", NNCC_INT64, 2, oRows},
                                           {"t.bytes", NNCC_UINT8, 1, tBytes},
                                           {"t.lengths", NNCC_INT64, 2, tShape},
                                           {"q.present", NNCC_BOOL, 0, NULL},
                                           {"q.bytes", NNCC_UINT8, 1, qBytesOut},
                                           {"q.lengths", NNCC_INT64, 1, qStringsOut},
                                           {"q.rows", NNCC_INT64, 2, qRowsOut},
                                           {"n.elements", NNCC_INT4, 1, nTotal},
                                           {"n.rows", NNCC_INT64, 2, nRows},
                                           {"x", NNCC_FLOAT, 1, xShape}};
static const nncc_value_info values[] = {
    {"s", NNCC_VALUE_SEQUENCE, NNCC_FLOAT, 2, sShape, 0, 2},
    {"o", NNCC_VALUE_OPTIONAL, NNCC_INT64, 1, oShape, 2, 2},
    {"t", NNCC_VALUE_TENSOR, NNCC_STRING, 2, tShape, 4, 2},
    {"q", NNCC_VALUE_OPTIONAL_SEQUENCE, NNCC_STRING, -1, NULL, 6, 4},
    {"n", NNCC_VALUE_SEQUENCE, NNCC_INT4, -1, NULL, 10, 2},
    {"x", NNCC_VALUE_TENSOR, NNCC_FLOAT, 1, xShape, 12, 1}};

static nncc_status plan(const int64_t *sizes, int64_t *arena, int64_t *scratch) {
  *arena = *scratch = 0;
  return NNCC_OK;
}

static int64_t bitsOf(nncc_type type) {
  return type == NNCC_INT64 ? 64 : type == NNCC_FLOAT ? 32 : type == NNCC_INT4 ? 4 : 8;
}

static nncc_status run(const nncc_frame *frame) {
  for (int32_t i = 0; i < VALUES_PARTS; ++i) {
    int64_t shape[2], elements = 1;
    for (int32_t j = 0; j < inputs[i].rank; ++j) {
      int64_t size = inputs[i].shape[j];
      shape[j] = size < 0 ? frame->dims[-1 - size] : size;
      elements *= shape[j];
    }
    void *to = frame->outputs[i];
    if (!to)
      to = frame->services->output(frame->host, i, shape);
    if (!to)
      return NNCC_OUT_OF_MEMORY;
    if (elements)
      memcpy(to, frame->inputs[i], (size_t)((elements * bitsOf(inputs[i].type) + 7) / 8));
    float first = 0;
    if (frame->dims[BATCH])
      memcpy(&first, frame->inputs[VALUES_PARTS - 1], sizeof first);
    if (first == VALUES_WRONG_ROWS && i == 1)
      ++((int64_t *)to)[0];
  }
  return NNCC_OK;
}

static const nncc_descriptor descriptor = {.magic = NNCC_ABI_MAGIC,
                                           .abi_major = NNCC_ABI_MAJOR,
                                           .abi_minor = NNCC_ABI_MINOR,
                                           .struct_size = sizeof descriptor,
                                           .name = "values",
                                           .isa = "",
                                           .num_inputs = VALUES_PARTS,
                                           .num_outputs = VALUES_PARTS,
                                           .num_dims = NUM_DIMS,
                                           .inputs = inputs,
                                           .outputs = outputs,
                                           .dims = dims,
                                           .plan = plan,
                                           .run = run,
                                           .num_input_values = VALUES_COUNT,
                                           .num_output_values = VALUES_COUNT,
                                           .input_values = values,
                                           .output_values = values};

EXPORT const nncc_descriptor *nncc_model_values(void) { return &descriptor; }
