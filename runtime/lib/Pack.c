/* From values to the tensors of a run. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

nncc_status nnccMakeTensors(Tensors *side, int32_t count) {
  size_t least = count ? (size_t)count : 1;
  side->count = count;
  side->tensors = calloc(least, sizeof *side->tensors);
  side->sizes = calloc(least, sizeof *side->sizes);
  side->memory = calloc(least, sizeof *side->memory);
  return side->tensors && side->sizes && side->memory
             ? NNCC_OK
             : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for the arguments of a run");
}

void nnccFreeTensors(Tensors *side) {
  for (int32_t i = 0; side->memory && i < side->count; ++i)
    free(side->memory[i]);
  free(side->tensors);
  free(side->sizes);
  free(side->memory);
}

void *nnccReserve(Tensors *side, int32_t index, int64_t bytes) {
  side->memory[index] = malloc(bytes ? (size_t)bytes : 1);
  if (!side->memory[index])
    nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an argument of %lld bytes", (long long)bytes);
  return side->memory[index];
}

void nnccCopyElements(char *to, int64_t at, const char *from, int64_t first, int64_t count,
                      int64_t bits) {
  if (bits % 8 == 0) {
    if (count)
      memcpy(to + at * (bits / 8), from + first * (bits / 8), (size_t)(count * (bits / 8)));
    return;
  }
  for (int64_t i = 0; i < count * bits; ++i) {
    int64_t source = first * bits + i, target = at * bits + i;
    int bit = (unsigned char)from[source / 8] >> (source % 8) & 1;
    to[target / 8] = (char)(to[target / 8] | bit << (target % 8));
  }
}

/* The tensors that a value holds, whatever is around them. */
typedef struct Items {
  const nncc_value *const *items;
  int64_t count;
  bool present;
} Items;

static Items itemsOf(const nncc_value *const *value) {
  Items items = {value, 1, true};
  if ((*value)->kind == NNCC_VALUE_OPTIONAL) {
    items.present = items.count = (*value)->count;
    items.items = (const nncc_value *const *)(*value)->elements;
    value = items.items;
  }
  if (items.present && (*value)->kind == NNCC_VALUE_SEQUENCE) {
    items.count = (*value)->count;
    items.items = (const nncc_value *const *)(*value)->elements;
  }
  return items;
}

/* Whether a value of this kind may be given: an optional also by what it holds. */
static bool fitsKind(const nncc_value_info *info, const nncc_value *value) {
  bool optional = info->kind == NNCC_VALUE_OPTIONAL || info->kind == NNCC_VALUE_OPTIONAL_SEQUENCE;
  bool sequence = info->kind == NNCC_VALUE_SEQUENCE || info->kind == NNCC_VALUE_OPTIONAL_SEQUENCE;
  if (optional && value->kind == NNCC_VALUE_OPTIONAL) {
    if (!value->count)
      return true;
    value = value->elements[0];
  }
  return value->kind == (sequence ? NNCC_VALUE_SEQUENCE : NNCC_VALUE_TENSOR);
}

static bool fitsTensor(const nncc_value_info *info, const nncc_tensor *tensor) {
  if (tensor->type != info->type || (info->rank >= 0 && tensor->rank != info->rank))
    return false;
  for (int32_t i = 0; i < info->rank; ++i)
    if (info->shape[i] >= 0 && tensor->shape[i] != info->shape[i])
      return false;
  return info->kind == NNCC_VALUE_TENSOR || tensor->rank <= NNCC_VALUE_MAX_RANK;
}

/* "a sequence with float32[2] as element 3". `element`: the one that is wrong, or -1. */
static void appendFound(Text *text, const nncc_value *value, int64_t element) {
  if (value->kind == NNCC_VALUE_OPTIONAL) {
    nnccAppend(text, value->count ? "an optional with " : "an optional without a value");
    if (!value->count)
      return;
    value = value->elements[0];
  }
  const nncc_value *tensor = value;
  if (value->kind == NNCC_VALUE_SEQUENCE) {
    nnccAppend(text, "a sequence of %lld%s", (long long)value->count, element < 0 ? "" : " with ");
    if (element < 0)
      return;
    tensor = value->elements[element];
  }
  nnccAppendTensor(text, NULL, tensor->tensor.type, tensor->tensor.rank, tensor->tensor.shape);
  if (tensor != value)
    nnccAppend(text, " as element %lld", (long long)element);
}

static nncc_status wrongValue(const nncc_descriptor *d, const nncc_value_info *info, int32_t index,
                              const nncc_value *value, int64_t element) {
  Text expected = {.size = 0}, found = {.size = 0};
  nnccAppendValue(&expected, d, info);
  appendFound(&found, value, element);
  return nnccFail(NNCC_INVALID_ARGUMENT, "input '%s' (number %d): expected %s, found %s",
                  info->name, index, expected.data, found.data);
}

/* Kind, type, rank and static sizes; the sizes of dims are compared when they are bound. */
static nncc_status checkValue(const nncc_descriptor *d, const nncc_value_info *info, int32_t index,
                              const nncc_value *const *value) {
  if (!*value)
    return nnccFail(NNCC_INVALID_ARGUMENT, "input '%s' (number %d): is NULL", info->name, index);
  if (!fitsKind(info, *value))
    return wrongValue(d, info, index, *value, -1);
  Items items = itemsOf(value);
  for (int64_t i = 0; i < items.count; ++i)
    if (!fitsTensor(info, &items.items[i]->tensor))
      return wrongValue(d, info, index, *value, i);
  return NNCC_OK;
}

static const char *dataOf(const nncc_value *tensor) {
  return tensor->offsets ? tensor->bytes : tensor->tensor.data;
}

/* How much of the elements part is the tensor's: elements, or bytes of strings. */
static int64_t amountOf(const nncc_value *tensor) {
  return tensor->offsets ? tensor->offsets[tensor->count] : tensor->count;
}

/* A lone tensor's memory is taken as it is. */
static nncc_status packElements(Tensors *side, int32_t part, nncc_type type, const Items *items,
                                int64_t *strings) {
  int64_t total = 0, done = 0;
  const nncc_value *lone = NULL;
  *strings = 0;
  for (int64_t i = 0; i < items->count; ++i) {
    int64_t amount = amountOf(items->items[i]);
    lone = amount && !total ? items->items[i] : amount ? NULL : lone;
    if (__builtin_add_overflow(total, amount, &total) ||
        __builtin_add_overflow(*strings, items->items[i]->count, strings))
      return nnccFail(NNCC_OUT_OF_MEMORY, "the elements of a sequence are larger than memory");
  }
  side->sizes[part][0] = total;
  side->tensors[part] = (nncc_tensor){NULL, type, 1, side->sizes[part], NULL};
  if (lone)
    side->tensors[part].data = (void *)dataOf(lone);
  if (lone || !total)
    return NNCC_OK;
  int64_t bytes = nncc_tensor_bytes(type, 1, &total);
  if (bytes < 0)
    return nnccFail(NNCC_OUT_OF_MEMORY, "the elements of a sequence are larger than memory");
  char *memory = nnccReserve(side, part, bytes);
  if (!memory)
    return NNCC_OUT_OF_MEMORY;
  if (nncc_type_bits(type) % 8)
    memset(memory, 0, (size_t)bytes);
  for (int64_t i = 0; i < items->count; done += amountOf(items->items[i]), ++i)
    nnccCopyElements(memory, done, dataOf(items->items[i]), 0, amountOf(items->items[i]),
                     nncc_type_bits(type));
  side->tensors[part].data = memory;
  return NNCC_OK;
}

static nncc_status packLengths(Tensors *side, int32_t part, const nncc_value_info *info,
                               const Items *items, int64_t strings) {
  int64_t bytes = nncc_tensor_bytes(NNCC_INT64, 1, &strings);
  int64_t *lengths = bytes < 0 ? NULL : nnccReserve(side, part, bytes);
  if (!lengths)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for the lengths of strings");
  side->sizes[part][0] = strings;
  side->tensors[part] = (nncc_tensor){lengths, NNCC_INT64, 1, side->sizes[part], NULL};
  if (info->kind == NNCC_VALUE_TENSOR) {
    side->tensors[part].rank = items->items[0]->tensor.rank;
    side->tensors[part].shape = items->items[0]->tensor.shape;
  }
  for (int64_t i = 0; i < items->count; ++i)
    for (int64_t j = 0; j < items->items[i]->count; ++j)
      *lengths++ = items->items[i]->offsets[j + 1] - items->items[i]->offsets[j];
  return NNCC_OK;
}

static nncc_status packRows(Tensors *side, int32_t part, const Items *items) {
  int64_t shape[] = {items->count, NNCC_VALUE_ROW};
  int64_t bytes = nncc_tensor_bytes(NNCC_INT64, 2, shape);
  int64_t *row = bytes < 0 ? NULL : nnccReserve(side, part, bytes);
  if (!row)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for the shapes of a sequence");
  memcpy(side->sizes[part], shape, sizeof shape);
  side->tensors[part] = (nncc_tensor){row, NNCC_INT64, 2, side->sizes[part], NULL};
  for (int64_t i = 0; i < items->count; ++i, row += NNCC_VALUE_ROW) {
    const nncc_tensor *tensor = &items->items[i]->tensor;
    row[0] = tensor->rank;
    for (int32_t j = 0; j < NNCC_VALUE_MAX_RANK; ++j)
      row[1 + j] = j < tensor->rank ? tensor->shape[j] : 1;
  }
  return NNCC_OK;
}

static nncc_status packValue(Tensors *side, const nncc_value_info *info,
                             const nncc_value *const *value) {
  Parts parts = nnccPartsOf(info);
  Items items = itemsOf(value);
  int64_t strings;
  if (nnccIsOnePart(info)) {
    side->tensors[parts.elements] = items.items[0]->tensor;
    return NNCC_OK;
  }
  nncc_type type = info->type == NNCC_STRING ? NNCC_UINT8 : info->type;
  nncc_status status = packElements(side, parts.elements, type, &items, &strings);
  if (!status && parts.lengths >= 0)
    status = packLengths(side, parts.lengths, info, &items, strings);
  if (!status && parts.rows >= 0)
    status = packRows(side, parts.rows, &items);
  if (parts.present >= 0) {
    char *present = (char *)side->sizes[parts.present];
    *present = items.present;
    side->tensors[parts.present] = (nncc_tensor){present, NNCC_BOOL, 0, NULL, NULL};
  }
  return status;
}

nncc_status nnccPackInputs(const nncc_instance *instance, const nncc_value *const *inputs,
                           int32_t count, Tensors *side) {
  const nncc_descriptor *d = &instance->model->descriptor;
  const Values *values = &instance->model->inputs;
  if (count != values->count)
    return nnccWrongValues(values, count);
  if (count && !inputs)
    return nnccFail(NNCC_INVALID_ARGUMENT, "inputs are NULL");
  nncc_status status = nnccMakeTensors(side, d->num_inputs);
  for (int32_t i = 0; !status && i < count; ++i) {
    status = checkValue(d, &values->infos[i], i, &inputs[i]);
    if (!status)
      status = packValue(side, &values->infos[i], &inputs[i]);
  }
  return status;
}
