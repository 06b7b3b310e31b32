/* Runs on values, and values of the tensors that a run gives. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

/* Memory for the tensor of an output, unless only the run tells its sizes: of a new value, where
 * `made` says so. */
static nncc_status prepareOutput(const nncc_instance *instance, Tensors *side, int32_t index,
                                 nncc_value **made) {
  const nncc_tensor_info *info = &instance->model->descriptor.outputs[index];
  nncc_tensor *tensor = &side->tensors[index];
  *tensor = (nncc_tensor){NULL, info->type, 0, NULL, NULL};
  if (nnccIsRunOutput(instance, index))
    return NNCC_OK;
  int64_t *shape = nnccReserve(side, index, info->rank * (int64_t)sizeof(int64_t));
  if (!shape)
    return NNCC_OUT_OF_MEMORY;
  nncc_status status = nncc_instance_output_shape(instance, index, shape);
  int64_t bytes = status ? 0 : nncc_tensor_bytes(info->type, info->rank, shape);
  if (status)
    return status;
  if (bytes < 0)
    return nnccFail(NNCC_OUT_OF_MEMORY, "output '%s' is larger than memory", info->name);
  *made = nnccNewTensor(info->type, info->rank, shape);
  if (!*made)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for output '%s'", info->name);
  *tensor = (*made)->tensor;
  return NNCC_OK;
}

/* What the run has put into the parts of a value. */
static Ragged raggedOf(const Tensors *side, const nncc_value_info *info) {
  Parts parts = nnccPartsOf(info);
  const nncc_tensor *tensors = side->tensors;
  Ragged ragged = {.elements = tensors[parts.elements].data,
                   .total = tensors[parts.elements].shape[0]};
  if (parts.present >= 0)
    ragged.present = tensors[parts.present].data;
  if (parts.lengths >= 0) {
    const nncc_tensor *lengths = &tensors[parts.lengths];
    ragged.lengths = lengths->data;
    ragged.strings = nncc_tensor_bytes(NNCC_UINT8, lengths->rank, lengths->shape);
  }
  if (parts.rows >= 0) {
    ragged.rows = tensors[parts.rows].data;
    ragged.count = tensors[parts.rows].shape[0];
  }
  return ragged;
}

/* How far the tensors of a value have been taken from its parts. */
typedef struct Position {
  int64_t element, string;
} Position;

static nncc_value *unpackStrings(const Ragged *ragged, int32_t rank, const int64_t *shape,
                                 Position *at) {
  int64_t count = nncc_tensor_bytes(NNCC_UINT8, rank, shape), bytes = 0;
  for (int64_t i = 0; i < count; ++i)
    bytes += nnccReadLength(ragged, at->string + i);
  nncc_value *value = nnccNewStrings(rank, shape, bytes);
  if (!value)
    return NULL;
  value->offsets[0] = 0;
  for (int64_t i = 0; i < count; ++i)
    value->offsets[i + 1] = value->offsets[i] + nnccReadLength(ragged, at->string++);
  nnccCopyElements(value->bytes, 0, ragged->elements, at->element, bytes, 8);
  at->element += bytes;
  return value;
}

static nncc_value *unpackTensor(const Ragged *ragged, nncc_type type, int32_t rank,
                                const int64_t *shape, Position *at) {
  if (type == NNCC_STRING)
    return unpackStrings(ragged, rank, shape, at);
  nncc_value *value = nnccNewTensor(type, rank, shape);
  if (!value)
    return NULL;
  int32_t bits = nncc_type_bits(type);
  if (bits % 8)
    memset(value->tensor.data, 0, (size_t)nncc_tensor_bytes(type, rank, shape));
  nnccCopyElements(value->tensor.data, 0, ragged->elements, at->element, value->count, bits);
  at->element += value->count;
  return value;
}

/* A list of the tensors that the rows describe; NULL: no memory. */
static nncc_value *unpackRows(const Ragged *ragged, const nncc_value_info *info, int32_t kind) {
  int64_t row[NNCC_VALUE_ROW];
  Position at = {0, 0};
  nncc_value *list = nnccNewList(kind, ragged->count);
  for (int64_t i = 0; list && i < ragged->count; ++i) {
    nnccReadRow(ragged, i, row);
    list->elements[i] = unpackTensor(ragged, info->type, (int32_t)row[0], row + 1, &at);
    if (!list->elements[i]) {
      nncc_value_destroy(list);
      return NULL;
    }
    list->elements[i]->owned = true;
  }
  return list;
}

static nncc_value *unpackValue(const Tensors *side, const nncc_value_info *info,
                               const Ragged *ragged) {
  Position at = {0, 0};
  if (info->kind == NNCC_VALUE_TENSOR) {
    const nncc_tensor *lengths = &side->tensors[nnccPartsOf(info).lengths];
    return unpackStrings(ragged, lengths->rank, lengths->shape, &at);
  }
  if (info->kind != NNCC_VALUE_OPTIONAL_SEQUENCE)
    return unpackRows(ragged, info, info->kind);
  nncc_value *optional = nnccNewList(NNCC_VALUE_OPTIONAL, *ragged->present);
  if (!optional || !*ragged->present)
    return optional;
  optional->elements[0] = unpackRows(ragged, info, NNCC_VALUE_SEQUENCE);
  if (optional->elements[0]) {
    optional->elements[0]->owned = true;
    return optional;
  }
  nncc_value_destroy(optional);
  return NULL;
}

/* The value of output `index`; `made` are those of its tensors that have one. */
static nncc_status takeValue(const nncc_instance *instance, const Tensors *side, int32_t index,
                             nncc_value **made, nncc_value **value) {
  const Values *values = &instance->model->outputs;
  const nncc_value_info *info = &values->infos[index];
  if (nnccIsOnePart(info)) {
    *value = made[info->first];
    made[info->first] = NULL;
    return *value ? NNCC_OK : nncc_value_create_tensor(&side->tensors[info->first], value);
  }
  Ragged ragged = raggedOf(side, info);
  nncc_status status = nnccCheckRagged(&instance->model->descriptor, values, index, &ragged,
                                       instance->dims, NNCC_INTERNAL);
  if (status)
    return status;
  *value = unpackValue(side, info, &ragged);
  return *value ? NNCC_OK : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for output '%s'", info->name);
}

static void destroyAll(nncc_value **values, int32_t count) {
  for (int32_t i = 0; values && i < count; ++i)
    nncc_value_destroy(values[i]);
  free(values);
}

/* Runs on packed inputs; `made` has room for the values of all output tensors, `results` for those
 * of all outputs. */
static nncc_status runPacked(nncc_instance *instance, const Tensors *inputs, Tensors *outputs,
                             nncc_value **made, nncc_value **results) {
  nncc_status status = nnccBindInputs(instance, inputs->tensors, inputs->count, false);
  for (int32_t i = 0; !status && i < outputs->count; ++i)
    status = prepareOutput(instance, outputs, i, &made[i]);
  if (!status)
    status =
        nnccRunTensors(instance, inputs->tensors, inputs->count, outputs->tensors, outputs->count);
  for (int32_t i = 0; !status && i < outputs->count; ++i)
    if (!made[i])
      status = nncc_instance_output(instance, i, &outputs->tensors[i]);
  for (int32_t i = 0; !status && i < instance->model->outputs.count; ++i)
    status = takeValue(instance, outputs, i, made, &results[i]);
  return status;
}

nncc_status nnccRunValues(nncc_instance *instance, const nncc_value *const *inputs,
                          int32_t num_inputs, nncc_value **outputs, int32_t num_outputs) {
  const Values *values = &instance->model->outputs;
  Tensors in = {0}, out = {0};
  int32_t tensors = instance->model->descriptor.num_outputs;
  if (num_outputs != values->count)
    return nnccWrongValues(values, num_outputs);
  if (num_outputs && !outputs)
    return nnccFail(NNCC_INVALID_ARGUMENT, "outputs are NULL");
  nncc_value **made = calloc((size_t)tensors + 1, sizeof *made);
  nncc_value **results = calloc((size_t)num_outputs + 1, sizeof *results);
  nncc_status status = nnccPackInputs(instance, inputs, num_inputs, &in);
  if (!status)
    status = nnccMakeTensors(&out, tensors);
  if (!status && (!made || !results))
    status = nnccFail(NNCC_OUT_OF_MEMORY, "no memory for the outputs of a run");
  if (!status)
    status = runPacked(instance, &in, &out, made, results);
  for (int32_t i = 0; !status && i < num_outputs; ++i) {
    outputs[i] = results[i];
    results[i] = NULL;
  }
  destroyAll(made, tensors);
  destroyAll(results, num_outputs);
  nnccFreeTensors(&in);
  nnccFreeTensors(&out);
  return status;
}
