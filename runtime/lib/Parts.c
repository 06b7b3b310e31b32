/* Values that are no tensors: the tensors that they are handed over as, and what has to hold of
 * these. See nncc_value_info. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

Parts nnccPartsOf(const nncc_value_info *info) {
  int32_t next = info->first;
  Parts parts = {-1, -1, -1, -1, 0};
  if (info->kind == NNCC_VALUE_OPTIONAL_SEQUENCE)
    parts.present = next++;
  parts.elements = next++;
  if (info->type == NNCC_STRING)
    parts.lengths = next++;
  if (info->kind != NNCC_VALUE_TENSOR)
    parts.rows = next++;
  parts.count = next - info->first;
  return parts;
}

bool nnccIsOnePart(const nncc_value_info *info) {
  return info->kind == NNCC_VALUE_TENSOR && info->type != NNCC_STRING;
}

void nnccAppendValue(Text *text, const nncc_descriptor *descriptor, const nncc_value_info *info) {
  static const char *const before[] = {"", "sequence(", "optional(", "optional(sequence("};
  static const char *const after[] = {"", ")", ")", "))"};
  nnccAppend(text, "%s", before[info->kind]);
  nnccAppendTensor(text, descriptor, info->type, info->rank, info->shape);
  nnccAppend(text, "%s", after[info->kind]);
}

nncc_status nnccWrongValues(const Values *values, int32_t found) {
  Text names = {.size = 0};
  for (int32_t i = 0; i < values->count; ++i)
    nnccAppendName(&names, values->infos[i].name);
  return nnccWrongCount(values->side, values->count, &names, found);
}

/* The table of the descriptor --------------------------------------------------------------------
 */

static bool isTensorOf(const nncc_tensor_info *tensor, nncc_type type, int32_t rank) {
  return tensor->type == type && tensor->rank == rank;
}

static bool sameShape(const nncc_tensor_info *tensor, const nncc_value_info *info) {
  size_t bytes = (size_t)info->rank * sizeof(int64_t);
  return tensor->rank == info->rank && (!bytes || memcmp(tensor->shape, info->shape, bytes) == 0);
}

/* Whether the value says well what it is. */
static bool isDescribed(const nncc_descriptor *d, const nncc_value_info *info) {
  bool tensor = info->kind == NNCC_VALUE_TENSOR;
  if (!info->name || info->kind < NNCC_VALUE_TENSOR || info->kind > NNCC_VALUE_OPTIONAL_SEQUENCE ||
      (info->type != NNCC_STRING && !nncc_type_bits(info->type)) ||
      info->rank < (tensor ? 0 : -1) || (!tensor && info->rank > NNCC_VALUE_MAX_RANK) ||
      (info->rank > 0 && !info->shape))
    return false;
  for (int32_t i = 0; i < info->rank; ++i)
    if (info->shape[i] < -(int64_t)d->num_dims && (tensor || info->shape[i] != INT64_MIN))
      return false;
  return true;
}

/* Whether the value's parts are the tensors that it should have; all of them are in range. */
static bool hasItsParts(const nncc_value_info *info, const nncc_tensor_info *tensors) {
  Parts parts = nnccPartsOf(info);
  bool tensor = info->kind == NNCC_VALUE_TENSOR, strings = info->type == NNCC_STRING;
  if (nnccIsOnePart(info))
    return tensors[parts.elements].type == info->type && sameShape(&tensors[parts.elements], info);
  if (!isTensorOf(&tensors[parts.elements], strings ? NNCC_UINT8 : info->type, 1))
    return false;
  if (strings && !isTensorOf(&tensors[parts.lengths], NNCC_INT64, tensor ? info->rank : 1))
    return false;
  if (strings && tensor && !sameShape(&tensors[parts.lengths], info))
    return false;
  if (!tensor && (!isTensorOf(&tensors[parts.rows], NNCC_INT64, 2) ||
                  tensors[parts.rows].shape[1] != NNCC_VALUE_ROW))
    return false;
  return parts.present < 0 || isTensorOf(&tensors[parts.present], NNCC_BOOL, 0);
}

/* Values that stand for the tensors themselves. */
static nncc_status makeTable(const nncc_tensor_info *tensors, int32_t count, Values *values) {
  values->made = calloc(count ? (size_t)count : 1, sizeof *values->made);
  if (!values->made)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a model");
  for (int32_t i = 0; i < count; ++i) {
    const nncc_tensor_info *t = &tensors[i];
    values->made[i] =
        (nncc_value_info){t->name, NNCC_VALUE_TENSOR, t->type, t->rank, t->shape, i, 1};
  }
  values->infos = values->made;
  values->count = count;
  values->areTensors = true;
  return NNCC_OK;
}

nncc_status nnccReadValues(const nncc_descriptor *d, bool input, Values *values) {
  const nncc_tensor_info *tensors = input ? d->inputs : d->outputs;
  int32_t count = input ? d->num_inputs : d->num_outputs;
  values->side = input ? "input" : "output";
  values->infos = input ? d->input_values : d->output_values;
  values->count = input ? d->num_input_values : d->num_output_values;
  if (!values->count)
    return makeTable(tensors, count, values);
  if (values->count < 0 || !values->infos)
    return nnccFail(NNCC_ABI_MISMATCH, "model '%s': bad table of %s values", d->name, values->side);
  int32_t next = 0;
  values->areTensors = true;
  for (int32_t i = 0; i < values->count; ++i) {
    const nncc_value_info *info = &values->infos[i];
    if (!isDescribed(d, info) || info->first != next || info->count != nnccPartsOf(info).count ||
        info->count > count - next || !hasItsParts(info, tensors))
      return nnccFail(NNCC_ABI_MISMATCH, "model '%s': bad %s value %d", d->name, values->side, i);
    next += info->count;
    values->areTensors &= nnccIsOnePart(info);
  }
  if (next != count)
    return nnccFail(NNCC_ABI_MISMATCH, "model '%s': %d of its %d %ss are parts of values", d->name,
                    next, count, values->side);
  return NNCC_OK;
}

/* Parts in memory ---------------------------------------------------------------------------------
 */

void nnccReadRow(const Ragged *ragged, int64_t index, int64_t *row) {
  size_t bytes = NNCC_VALUE_ROW * sizeof *row;
  memcpy(row, ragged->rows + (size_t)index * bytes, bytes);
}

int64_t nnccReadLength(const Ragged *ragged, int64_t index) {
  int64_t length;
  memcpy(&length, ragged->lengths + (size_t)index * sizeof length, sizeof length);
  return length;
}

/* Why a row is not one of a tensor that the value may hold; NULL: it is. Sets its elements. */
static const char *checkRow(const nncc_descriptor *d, const nncc_value_info *info,
                            const int64_t *row, const int64_t *dims, int64_t *elements) {
  int64_t rank = row[0];
  bool empty = false;
  if (rank < 0 || rank > NNCC_VALUE_MAX_RANK || (info->rank >= 0 && rank != info->rank))
    return "its rank";
  for (int64_t i = rank; i < NNCC_VALUE_MAX_RANK; ++i)
    if (row[1 + i] != 1)
      return "a size behind its rank is not 1";
  for (int64_t i = 0; i < rank; ++i) {
    int64_t declared = info->rank >= 0 ? info->shape[i] : INT64_MIN;
    if (declared < 0 && declared >= -(int64_t)d->num_dims)
      declared = dims[-1 - declared];
    if (row[1 + i] < 0)
      return "a size is negative";
    if (declared >= 0 && row[1 + i] != declared)
      return "a size is another one";
    empty |= row[1 + i] == 0;
  }
  *elements = !empty;
  for (int64_t i = 0; i < rank && !empty; ++i)
    if (__builtin_mul_overflow(*elements, row[1 + i], elements))
      return "it is too large";
  return NULL;
}

static nncc_status wrongRow(const nncc_descriptor *d, const Values *values, int32_t index,
                            int64_t number, const int64_t *row, const char *reason,
                            nncc_status failure) {
  const nncc_value_info *info = &values->infos[index];
  Text expected = {.size = 0}, found = {.size = 0};
  nnccAppendValue(&expected, d, info);
  bool hasShape = row[0] >= 0 && row[0] <= NNCC_VALUE_MAX_RANK;
  nnccAppendTensor(&found, NULL, info->type, hasShape ? (int32_t)row[0] : -1, row + 1);
  return nnccFail(failure, "%s '%s' (number %d): expected %s, found in row %lld rank %lld, %s: %s",
                  values->side, info->name, index, expected.data, (long long)number,
                  (long long)row[0], found.data, reason);
}

static nncc_status wrongParts(const Values *values, int32_t index, const char *what,
                              nncc_status failure) {
  return nnccFail(failure, "%s '%s' (number %d): its parts do not fit each other: %s", values->side,
                  values->infos[index].name, index, what);
}

nncc_status nnccCheckRagged(const nncc_descriptor *d, const Values *values, int32_t index,
                            const Ragged *ragged, const int64_t *dims, nncc_status failure) {
  const nncc_value_info *info = &values->infos[index];
  int64_t row[NNCC_VALUE_ROW], elements = 0, sum = 0;
  bool strings = info->type == NNCC_STRING;
  if (ragged->present && (unsigned char)*ragged->present > 1)
    return wrongParts(values, index, "present is neither 0 nor 1", failure);
  if (ragged->present && !*ragged->present && ragged->count)
    return wrongParts(values, index, "it is not present, but has rows", failure);
  if (info->kind == NNCC_VALUE_OPTIONAL && ragged->count > 1)
    return wrongParts(values, index, "an optional has more than one row", failure);
  for (int64_t i = 0; i < ragged->count; ++i) {
    nnccReadRow(ragged, i, row);
    const char *reason = checkRow(d, info, row, dims, &elements);
    if (!reason && __builtin_add_overflow(sum, elements, &sum))
      reason = "all of them together are too large";
    if (reason)
      return wrongRow(d, values, index, i, row, reason, failure);
  }
  if (info->kind != NNCC_VALUE_TENSOR && sum != (strings ? ragged->strings : ragged->total))
    return wrongParts(values, index, "the rows say another number of elements", failure);
  sum = 0;
  for (int64_t i = 0; strings && i < ragged->strings; ++i) {
    int64_t length = nnccReadLength(ragged, i);
    if (length < 0 || __builtin_add_overflow(sum, length, &sum))
      return wrongParts(values, index, "the length of a string is negative or too large", failure);
  }
  if (strings && sum != ragged->total)
    return wrongParts(values, index, "the lengths say another number of bytes", failure);
  return NNCC_OK;
}
