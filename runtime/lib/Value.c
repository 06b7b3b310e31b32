/* Values that the host makes, looks at and owns. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

/* A value with room for `words` of 8 bytes and then, aligned, for `bytes`. */
static nncc_value *newValue(int32_t kind, int64_t words, int64_t bytes, int64_t **firstWord,
                            char **firstByte) {
  int64_t head = sizeof(nncc_value), size;
  if (__builtin_mul_overflow(words, (int64_t)sizeof(int64_t), &size) ||
      __builtin_add_overflow(size, head + NNCC_ALIGNMENT - 1, &head))
    return NULL;
  head = head / NNCC_ALIGNMENT * NNCC_ALIGNMENT;
  if (__builtin_add_overflow(head, bytes, &size))
    return NULL;
  nncc_value *value = nnccAllocate((uint64_t)size);
  if (!value)
    return NULL;
  memset(value, 0, sizeof *value);
  value->kind = kind;
  *firstWord = (int64_t *)(value + 1);
  *firstByte = (char *)value + head;
  return value;
}

static void setTensor(nncc_value *value, nncc_type type, int32_t rank, const int64_t *shape,
                      int64_t *ownShape) {
  value->tensor.type = type;
  value->tensor.rank = rank;
  value->tensor.shape = ownShape;
  value->count = 1;
  bool empty = false;
  for (int32_t i = 0; i < rank; ++i) {
    ownShape[i] = shape[i];
    empty |= shape[i] == 0;
  }
  for (int32_t i = 0; i < rank && !empty; ++i)
    value->count *= shape[i];
  if (empty)
    value->count = 0;
}

nncc_value *nnccNewTensor(nncc_type type, int32_t rank, const int64_t *shape) {
  int64_t *words;
  char *bytes;
  nncc_value *value =
      newValue(NNCC_VALUE_TENSOR, rank, nncc_tensor_bytes(type, rank, shape), &words, &bytes);
  if (!value)
    return NULL;
  setTensor(value, type, rank, shape, words);
  value->tensor.data = bytes;
  return value;
}

/* How many strings a tensor has; -1: the shape is not one. */
static int64_t countStrings(int32_t rank, const int64_t *shape) {
  return nncc_tensor_bytes(NNCC_UINT8, rank, shape);
}

nncc_value *nnccNewStrings(int32_t rank, const int64_t *shape, int64_t size) {
  int64_t *words, count = countStrings(rank, shape), all;
  char *bytes;
  if (__builtin_add_overflow(count, (int64_t)rank + 1, &all))
    return NULL;
  nncc_value *value = newValue(NNCC_VALUE_TENSOR, all, size, &words, &bytes);
  if (!value)
    return NULL;
  setTensor(value, NNCC_STRING, rank, shape, words);
  value->bytes = bytes;
  value->offsets = words + rank;
  return value;
}

nncc_value *nnccNewList(int32_t kind, int64_t count) {
  int64_t *words;
  char *bytes;
  nncc_value *value = newValue(kind, count, 0, &words, &bytes);
  if (!value)
    return NULL;
  value->count = count;
  value->elements = (nncc_value **)words;
  memset(words, 0, (size_t)count * sizeof *words);
  return value;
}

static nncc_status noMemory(void) { return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a value"); }

/* Sets the result of a function that makes a value. */
static nncc_status give(nncc_value *made, nncc_value **value) {
  if (!made)
    return noMemory();
  *value = made;
  return NNCC_OK;
}

static nncc_status checkTensor(const char *function, const nncc_tensor *tensor,
                               nncc_value *const *value) {
  if (!tensor || !value)
    return nnccFail(NNCC_INVALID_ARGUMENT, "%s: tensor or value is NULL", function);
  int64_t bytes = nncc_tensor_bytes(tensor->type, tensor->rank, tensor->shape);
  if (bytes >= 0 && (!bytes || tensor->data))
    return NNCC_OK;
  Text found = {.size = 0};
  nnccAppendTensor(&found, NULL, tensor->type, tensor->rank, tensor->shape);
  return nnccFail(NNCC_INVALID_ARGUMENT, "%s: %s is not a dense tensor%s", function, found.data,
                  bytes > 0 ? ", its data is NULL" : "");
}

nncc_status nncc_value_create_tensor(const nncc_tensor *tensor, nncc_value **value) {
  nncc_status status = checkTensor("nncc_value_create_tensor", tensor, value);
  if (status)
    return status;
  nncc_value *made = nnccNewTensor(tensor->type, tensor->rank, tensor->shape);
  int64_t bytes = nncc_tensor_bytes(tensor->type, tensor->rank, tensor->shape);
  if (made && bytes)
    memcpy(made->tensor.data, tensor->data, (size_t)bytes);
  return give(made, value);
}

nncc_status nncc_value_borrow_tensor(const nncc_tensor *tensor, nncc_value **value) {
  int64_t *words;
  char *bytes;
  nncc_status status = checkTensor("nncc_value_borrow_tensor", tensor, value);
  if (status)
    return status;
  nncc_value *made = newValue(NNCC_VALUE_TENSOR, tensor->rank, 0, &words, &bytes);
  if (made) {
    setTensor(made, tensor->type, tensor->rank, tensor->shape, words);
    made->tensor.data = tensor->data;
  }
  return give(made, value);
}

/* The bytes of all strings; -1: one is NULL, or their sum is too large. */
static int64_t sumLengths(const char *const *strings, const int64_t *lengths, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t length = lengths ? lengths[i] : strings[i] ? (int64_t)strlen(strings[i]) : -1;
    if (length < 0 || (length && !strings[i]) || __builtin_add_overflow(sum, length, &sum))
      return -1;
  }
  return sum;
}

nncc_status nncc_value_create_strings(const char *const *strings, const int64_t *lengths,
                                      int32_t rank, const int64_t *shape, nncc_value **value) {
  int64_t count = countStrings(rank, shape);
  if (!value || count < 0 || (count && !strings))
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "nncc_value_create_strings: no such shape, or strings or value is NULL");
  int64_t sum = sumLengths(strings, lengths, count);
  if (sum < 0)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "nncc_value_create_strings: a string is NULL, or has a negative length");
  nncc_value *made = nnccNewStrings(rank, shape, sum);
  if (!made)
    return noMemory();
  made->offsets[0] = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t length = lengths ? lengths[i] : (int64_t)strlen(strings[i]);
    if (length)
      memcpy(made->bytes + made->offsets[i], strings[i], (size_t)length);
    made->offsets[i + 1] = made->offsets[i] + length;
  }
  return give(made, value);
}

/* Makes a sequence or an optional the owner of its elements. */
static nncc_status createList(const char *function, int32_t kind, nncc_value *const *elements,
                              int64_t count, nncc_value **value) {
  int32_t most = kind == NNCC_VALUE_OPTIONAL ? NNCC_VALUE_SEQUENCE : NNCC_VALUE_TENSOR;
  const char *reason = NULL;
  nncc_value *made = nnccNewList(kind, count);
  if (!made)
    return noMemory();
  int64_t taken = 0;
  for (; taken < count; ++taken) {
    nncc_value *element = elements[taken];
    reason = !element               ? "is NULL"
             : element->owned       ? "belongs to another value already"
             : element->kind > most ? "is of a kind that it cannot hold"
                                    : NULL;
    if (reason)
      break;
    element->owned = true;
    made->elements[taken] = element;
  }
  if (!reason)
    return give(made, value);
  for (int64_t i = 0; i < taken; ++i)
    elements[i]->owned = false;
  free(made);
  return nnccFail(NNCC_INVALID_ARGUMENT, "%s: element %lld %s", function, (long long)taken, reason);
}

nncc_status nncc_value_create_sequence(nncc_value *const *elements, int64_t count,
                                       nncc_value **value) {
  if (!value || count < 0 || (count && !elements))
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "nncc_value_create_sequence: elements or value is NULL, or %lld elements",
                    (long long)count);
  return createList("nncc_value_create_sequence", NNCC_VALUE_SEQUENCE, elements, count, value);
}

nncc_status nncc_value_create_optional(nncc_value *element, nncc_value **value) {
  if (!value)
    return nnccFail(NNCC_INVALID_ARGUMENT, "nncc_value_create_optional: value is NULL");
  return createList("nncc_value_create_optional", NNCC_VALUE_OPTIONAL, &element, element != NULL,
                    value);
}

static void release(nncc_value *value) {
  for (int64_t i = 0; value->elements && i < value->count; ++i)
    if (value->elements[i])
      release(value->elements[i]);
  free(value);
}

void nncc_value_destroy(nncc_value *value) {
  if (value && !value->owned)
    release(value);
}

int32_t nncc_value_kind(const nncc_value *value) { return value->kind; }

int64_t nncc_value_count(const nncc_value *value) { return value->count; }

const nncc_value *nncc_value_element(const nncc_value *value, int64_t index) {
  return value->elements && index >= 0 && index < value->count ? value->elements[index] : NULL;
}

const nncc_tensor *nncc_value_tensor(const nncc_value *value) {
  return value->kind == NNCC_VALUE_TENSOR ? &value->tensor : NULL;
}

const char *nncc_value_string(const nncc_value *value, int64_t index, int64_t *length) {
  if (!value->offsets || index < 0 || index >= value->count)
    return NULL;
  if (length)
    *length = value->offsets[index + 1] - value->offsets[index];
  return value->bytes + value->offsets[index];
}
