/* Names, sizes and the thread's last error. */
#include "Internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char lastError[NNCC_MESSAGE_SIZE];

nncc_status nnccFail(nncc_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(lastError, sizeof lastError, format, arguments);
  va_end(arguments);
  return status;
}

const char *nncc_last_error(void) { return lastError; }

void nnccAppend(Text *text, const char *format, ...) {
  size_t room = sizeof text->data - text->size;
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(text->data + text->size, room, format, arguments);
  va_end(arguments);
  if (written > 0)
    text->size += (size_t)written < room ? (size_t)written : room - 1;
}

void nnccAppendName(Text *names, const char *name) {
  nnccAppend(names, "%s'%s'", names->size ? ", " : "", name);
}

nncc_status nnccWrongCount(const char *side, int32_t expected, const Text *names, int32_t found) {
  return nnccFail(NNCC_INVALID_ARGUMENT, "expected %d %s%s (%s), found %d", expected, side,
                  expected == 1 ? "" : "s", names->data, found);
}

void nnccAppendTensor(Text *text, const nncc_descriptor *descriptor, nncc_type type, int32_t rank,
                      const int64_t *shape) {
  nnccAppend(text, "%s%s", nncc_type_name(type), rank < 0 ? "" : "[");
  for (int32_t i = 0; i < rank && shape; ++i) {
    const char *comma = i ? "," : "";
    const char *name = NULL;
    if (descriptor && shape[i] < 0 && shape[i] >= -(int64_t)descriptor->num_dims)
      name = descriptor->dims[-1 - shape[i]].name;
    if (!descriptor || shape[i] >= 0)
      nnccAppend(text, "%s%lld", comma, (long long)shape[i]);
    else
      nnccAppend(text, "%s%s", comma, name && *name ? name : "?");
  }
  nnccAppend(text, rank < 0 ? "" : "]");
}

nncc_status nnccReadStruct(void *destination, size_t size, const void *source) {
  if (!source)
    return NNCC_OK;
  uint32_t known;
  memcpy(&known, source, sizeof known);
  if (known < sizeof known)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "options: struct_size is %u; initialise them with their *_INIT macro", known);
  memcpy(destination, source, known < size ? known : size);
  return NNCC_OK;
}

const char *nncc_version(void) { return "0.1.0"; }

const char *nncc_status_name(nncc_status status) {
  static const char *const names[] = {
      "ok",        "invalid argument", "not supported", "data error",           "out of memory",
      "cancelled", "I/O error",        "ABI mismatch",  "instructions missing", "internal error"};
  if (status < 0 || status >= (nncc_status)(sizeof names / sizeof *names))
    return "unknown status";
  return names[status];
}

typedef struct TypeInfo {
  const char *name;
  int32_t bits;
} TypeInfo;

/* By the numbers of onnx.TensorProto.DataType. */
static const TypeInfo types[] = {{"unknown", 0},
                                 {"float32", 32},
                                 {"uint8", 8},
                                 {"int8", 8},
                                 {"uint16", 16},
                                 {"int16", 16},
                                 {"int32", 32},
                                 {"int64", 64},
                                 {"string", 0},
                                 {"bool", 8},
                                 {"float16", 16},
                                 {"float64", 64},
                                 {"uint32", 32},
                                 {"uint64", 64},
                                 {"complex64", 64},
                                 {"complex128", 128},
                                 {"bfloat16", 16},
                                 {"float8_e4m3fn", 8},
                                 {"float8_e4m3fnuz", 8},
                                 {"float8_e5m2", 8},
                                 {"float8_e5m2fnuz", 8},
                                 {"uint4", 4},
                                 {"int4", 4},
                                 {"float4_e2m1fn", 4},
                                 {"float8_e8m0fnu", 8},
                                 {"uint2", 2},
                                 {"int2", 2},
                                 {"float6_e2m3fn", 6},
                                 {"float6_e3m2fn", 6}};

static const TypeInfo *typeInfo(nncc_type type) {
  return &types[type > 0 && type < (nncc_type)(sizeof types / sizeof *types) ? type : 0];
}

const char *nncc_type_name(nncc_type type) { return typeInfo(type)->name; }

int32_t nncc_type_bits(nncc_type type) { return typeInfo(type)->bits; }

int64_t nncc_tensor_bytes(nncc_type type, int32_t rank, const int64_t *shape) {
  int64_t elements = 1, bits;
  bool empty = false;
  if (!nncc_type_bits(type) || rank < 0 || (rank && !shape))
    return -1;
  for (int32_t i = 0; i < rank; ++i) {
    if (shape[i] < 0)
      return -1;
    empty |= shape[i] == 0;
  }
  if (empty)
    return 0;
  for (int32_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(elements, shape[i], &elements))
      return -1;
  if (__builtin_mul_overflow(elements, (int64_t)nncc_type_bits(type), &bits) ||
      __builtin_add_overflow(bits, (int64_t)7, &bits))
    return -1;
  return bits / 8;
}
