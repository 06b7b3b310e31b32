/* Sequences, optionals and strings: made, run through the model in values_model.c, looked at. */
#include "values_model.h"

#include "check.h"

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>

/* Making ------------------------------------------------------------------------------------------
 */

static nncc_value *floats(const float *data, int32_t rank, const int64_t *shape) {
  nncc_value *value = NULL;
  nncc_tensor tensor = {(void *)data, NNCC_FLOAT, rank, shape, NULL};
  CHECK_OK(nncc_value_create_tensor(&tensor, &value));
  return value;
}

static nncc_value *tensorOf(nncc_type type, void *data, int64_t size) {
  nncc_value *value = NULL;
  nncc_tensor tensor = {data, type, 1, &size, NULL};
  CHECK_OK(nncc_value_borrow_tensor(&tensor, &value));
  return value;
}

static nncc_value *strings(const char *const *texts, const int64_t *lengths, int32_t rank,
                           const int64_t *shape) {
  nncc_value *value = NULL;
  CHECK_OK(nncc_value_create_strings(texts, lengths, rank, shape, &value));
  return value;
}

static nncc_value *sequence(nncc_value *const *elements, int64_t count) {
  nncc_value *value = NULL;
  CHECK_OK(nncc_value_create_sequence(elements, count, &value));
  return value;
}

static nncc_value *optional(nncc_value *element) {
  nncc_value *value = NULL;
  CHECK_OK(nncc_value_create_optional(element, &value));
  return value;
}

static float x[] = {1, 2, 3};
static int64_t numbers[] = {INT64_MIN, 5, -7};
static char nibbles[][3] = {{0x21, 0x43, 0x05}, {0x76, 0x08}, {0x09}};
static const int64_t two3[] = {2, 3}, zero3[] = {0, 3}, one3[] = {1, 3}, pairs[] = {2, 2};
static const float counted[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
static const char *const texts[] = {"one", "", "th\0ree", "vier \xe2\x82\xac"};
static const int64_t lengths[] = {3, 0, 6, 8};

/* Every input; `size`: how many tensors are in the sequences. */
static void makeInputs(nncc_value *inputs[VALUES_COUNT], int size) {
  nncc_value *s[3] = {0}, *q[3] = {0}, *n[3] = {0};
  static const int64_t *const shapes[] = {two3, zero3, one3};
  for (int i = 0; i < size; ++i) {
    s[i] = floats(counted + (i ? 6 : 0), 2, shapes[i]);
    q[i] = i == 1 ? strings(texts, lengths, 2, pairs) : strings(texts + 3, lengths + 3, 0, NULL);
    n[i] = tensorOf(NNCC_INT4, nibbles[i], 5 - 2 * i);
  }
  inputs[VALUES_S] = sequence(s, size);
  inputs[VALUES_O] = optional(size ? tensorOf(NNCC_INT64, numbers, 3) : NULL);
  inputs[VALUES_T] = strings(texts, lengths, 2, pairs);
  inputs[VALUES_Q] = optional(size == 1 ? NULL : sequence(q, size));
  if (size == 1)
    nncc_value_destroy(q[0]);
  inputs[VALUES_N] = sequence(n, size);
  inputs[VALUES_X] = tensorOf(NNCC_FLOAT, x, 3);
}

static void destroyAll(nncc_value *values[VALUES_COUNT]) {
  for (int i = 0; i < VALUES_COUNT; ++i) {
    nncc_value_destroy(values[i]);
    values[i] = NULL;
  }
}

static bool equal(const nncc_value *a, const nncc_value *b) {
  if (nncc_value_kind(a) != nncc_value_kind(b) || nncc_value_count(a) != nncc_value_count(b))
    return false;
  const nncc_tensor *s = nncc_value_tensor(a), *t = nncc_value_tensor(b);
  for (int64_t i = 0; !s && i < nncc_value_count(a); ++i)
    if (!equal(nncc_value_element(a, i), nncc_value_element(b, i)))
      return false;
  if (!s)
    return true;
  size_t sizes = (size_t)s->rank * sizeof *s->shape;
  if (s->type != t->type || s->rank != t->rank || (sizes && memcmp(s->shape, t->shape, sizes)))
    return false;
  int64_t bytes = nncc_tensor_bytes(s->type, s->rank, s->shape), lengthA, lengthB;
  for (int64_t i = 0; s->type == NNCC_STRING && i < nncc_value_count(a); ++i) {
    const char *left = nncc_value_string(a, i, &lengthA),
               *right = nncc_value_string(b, i, &lengthB);
    if (lengthA != lengthB || memcmp(left, right, (size_t)lengthA))
      return false;
  }
  return bytes <= 0 || memcmp(s->data, t->data, (size_t)bytes) == 0;
}

static nncc_instance *newInstance(const nncc_descriptor *descriptor) {
  nncc_model *model = NULL;
  nncc_instance *instance = NULL;
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.threads = 1;
  CHECK_OK(nncc_model_from_descriptor(descriptor, NULL, &model));
  CHECK_OK(nncc_instance_create(model, &options, &instance));
  nncc_model_close(model);
  return instance;
}

static nncc_status run(nncc_instance *instance, nncc_value *const *inputs, nncc_value **outputs) {
  return nncc_instance_run_values(instance, (const nncc_value *const *)inputs, VALUES_COUNT,
                                  outputs, VALUES_COUNT);
}

/* Tests -------------------------------------------------------------------------------------------
 */

static void testLooking(void) {
  nncc_value *elements[] = {floats(counted, 2, two3), strings(texts, NULL, 1, one3 + 1)};
  const nncc_tensor *tensor = nncc_value_tensor(elements[0]);
  CHECK(tensor->type == NNCC_FLOAT && tensor->rank == 2 && tensor->shape[1] == 3);
  CHECK(tensor->data != counted && ((float *)tensor->data)[5] == 5);
  CHECK(nncc_value_count(elements[0]) == 6 && !nncc_value_element(elements[0], 0));
  CHECK(!nncc_value_string(elements[0], 0, NULL));
  CHECK(nncc_value_tensor(elements[1])->type == NNCC_STRING);
  CHECK(!nncc_value_tensor(elements[1])->data);
  int64_t length = -1;
  CHECK(nncc_value_string(elements[1], 2, &length) && length == 2); /* up to the zero byte */
  CHECK(!nncc_value_string(elements[1], 3, NULL) && !nncc_value_string(elements[1], -1, NULL));
  nncc_value *list = sequence(elements, 2), *some = optional(list), *none = optional(NULL);
  CHECK(nncc_value_kind(list) == NNCC_VALUE_SEQUENCE && nncc_value_count(list) == 2);
  CHECK(nncc_value_element(list, 1) == elements[1] && !nncc_value_element(list, 2));
  CHECK(nncc_value_kind(some) == NNCC_VALUE_OPTIONAL && nncc_value_element(some, 0) == list);
  CHECK(nncc_value_count(none) == 0 && !nncc_value_element(none, 0) && !nncc_value_tensor(none));
  nncc_value_destroy(list); /* belongs to another */
  CHECK(nncc_value_count(list) == 2);
  nncc_value_destroy(some);
  nncc_value_destroy(none);
  nncc_value_destroy(NULL);
}

static void testMakingFails(void) {
  int64_t negative[] = {-1}, huge[] = {INT64_MAX, 4}, shape[] = {2}, badLengths[] = {1, -1};
  const char *const missing[] = {"a", NULL};
  nncc_value *value = NULL;
  nncc_tensor bad = {x, NNCC_FLOAT, 1, negative, NULL}, text = {x, NNCC_STRING, 1, shape, NULL},
              large = {x, NNCC_FLOAT, 2, huge, NULL}, empty = {NULL, NNCC_FLOAT, 1, shape, NULL};
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_tensor(&bad, &value), "float32[-1]", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_tensor(&text, &value), "string[2]", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_borrow_tensor(&large, &value), "dense", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_borrow_tensor(&empty, &value), "NULL", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_tensor(NULL, &value), "NULL", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_strings(missing, NULL, 1, shape, &value),
              "NULL", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_strings(texts, badLengths, 1, shape, &value),
              "negative", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_strings(texts, NULL, 1, negative, &value),
              "shape", 0, 0);
  nncc_value *one = floats(counted, 2, two3), *none = optional(NULL);
  nncc_value *twice[] = {one, one}, *nested[] = {one, none}, *null[] = {one, NULL};
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_sequence(twice, 2, &value), "element 1",
              "already", 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_sequence(nested, 2, &value), "element 1",
              "kind", 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_sequence(null, 2, &value), "NULL", 0, 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_value_create_optional(none, &value), "kind", 0, 0);
  CHECK(!value);
  nncc_value_destroy(none);
  nncc_value_destroy(one); /* is the caller's still */
}

static void testDescription(void) {
  nncc_model *model = NULL;
  CHECK_OK(nncc_model_from_descriptor(nncc_model_values(), NULL, &model));
  CHECK(nncc_model_num_inputs(model) == VALUES_PARTS);
  CHECK(nncc_model_num_input_values(model) == VALUES_COUNT);
  CHECK(nncc_model_num_output_values(model) == VALUES_COUNT);
  CHECK(nncc_model_input_value(model, VALUES_Q)->kind == NNCC_VALUE_OPTIONAL_SEQUENCE);
  CHECK(!nncc_model_input_value(model, VALUES_COUNT) && !nncc_model_output_value(model, -1));
  CHECK(nncc_model_find_input_value(model, "t") == VALUES_T);
  CHECK(nncc_model_find_output_value(model, "x") == VALUES_X);
  CHECK(nncc_model_find_output_value(model, "t.bytes") == -1);
  nncc_model_close(model);
}

static void testEcho(void) {
  nncc_instance *instance = newInstance(nncc_model_values());
  nncc_value *inputs[VALUES_COUNT], *outputs[VALUES_COUNT];
  struct mallinfo2 before = {0};
  for (int round = 0; round < 3000; ++round) {
    makeInputs(inputs, round % 4);
    CHECK_OK(run(instance, inputs, outputs));
    for (int i = 0; i < VALUES_COUNT; ++i)
      CHECK(equal(inputs[i], outputs[i]));
    destroyAll(inputs);
    destroyAll(outputs);
    if (round == 23)
      before = mallinfo2();
  }
  struct mallinfo2 after = mallinfo2();
  /* What the allocator holds back in its caches varies; 24 bytes a round would be more than this.
   */
  CHECK(after.uordblks < before.uordblks + 65536 && after.hblkhd == before.hblkhd);
  nncc_instance_destroy(instance);
}

/* What an optional holds may be given in its place. */
static void testWithoutOptional(void) {
  nncc_instance *instance = newInstance(nncc_model_values());
  nncc_value *inputs[VALUES_COUNT], *outputs[VALUES_COUNT], *texts2[1];
  makeInputs(inputs, 0);
  nncc_value_destroy(inputs[VALUES_O]);
  nncc_value_destroy(inputs[VALUES_Q]);
  texts2[0] = strings(texts, lengths, 2, pairs);
  inputs[VALUES_O] = tensorOf(NNCC_INT64, numbers, 3);
  inputs[VALUES_Q] = sequence(texts2, 1);
  CHECK_OK(run(instance, inputs, outputs));
  CHECK(equal(nncc_value_element(outputs[VALUES_O], 0), inputs[VALUES_O]));
  CHECK(equal(nncc_value_element(outputs[VALUES_Q], 0), inputs[VALUES_Q]));
  destroyAll(outputs);
  destroyAll(inputs);
  nncc_instance_destroy(instance);
}

/* Runs with one input replaced, which is destroyed then. */
static void runWith(nncc_instance *instance, int32_t index, nncc_value *value, const char *first,
                    const char *second) {
  nncc_value *inputs[VALUES_COUNT], *outputs[VALUES_COUNT] = {0};
  makeInputs(inputs, 2);
  nncc_value_destroy(inputs[index]);
  inputs[index] = value;
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, run(instance, inputs, outputs), first, second, NULL);
  for (int i = 0; i < VALUES_COUNT; ++i)
    CHECK(!outputs[i]);
  destroyAll(inputs);
}

static void testWrongValues(void) {
  nncc_instance *instance = newInstance(nncc_model_values());
  nncc_value *elements[2] = {floats(counted, 2, two3), floats(counted, 1, two3)};
  runWith(instance, VALUES_S, sequence(elements, 2), "input 's' (number 0): expected",
          "sequence(float32[?,3]), found a sequence of 2 with float32[2] as element 1");
  elements[0] = floats(counted, 2, pairs);
  runWith(instance, VALUES_S, sequence(elements, 1), "float32[2,2] as element 0", NULL);
  runWith(instance, VALUES_S, floats(counted, 2, two3), "found float32[2,3]", NULL);
  runWith(instance, VALUES_S, NULL, "is NULL", NULL);
  elements[0] = strings(texts, lengths, 0, NULL);
  runWith(instance, VALUES_N, sequence(elements, 1), "sequence(int4)", "string[] as element 0");
  runWith(instance, VALUES_O, optional(floats(counted, 1, two3)),
          "expected optional(int64[batch]), found an optional with float32[2]", NULL);
  runWith(instance, VALUES_O, optional(tensorOf(NNCC_INT64, numbers, 2)), "input 'o'",
          "found in row 0 rank 1, int64[2]: a size is another one"); /* batch is 3 */
  runWith(instance, VALUES_X, optional(NULL), "expected float32[batch]",
          "an optional without a value");
  runWith(instance, VALUES_T, strings(texts, lengths, 1, two3), "string[names,2]",
          "found string[2]");
  int64_t nine[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  elements[0] = strings(texts, lengths, 9, nine);
  runWith(instance, VALUES_Q, sequence(elements, 1), "optional(sequence(string))",
          "string[1,1,1,1,1,1,1,1,1]");
  nncc_value *outputs[VALUES_COUNT];
  CHECK_FAILS(NNCC_INVALID_ARGUMENT,
              nncc_instance_run_values(instance, NULL, 1, outputs, VALUES_COUNT),
              "expected 6 inputs ('s', 'o'", "found 1", 0);
  CHECK_FAILS(NNCC_INVALID_ARGUMENT, nncc_instance_run_values(instance, NULL, 0, outputs, 1),
              "expected 6 outputs", "found 1", 0);
  CHECK(strstr(nncc_instance_error(instance), "expected 6 outputs"));
  nncc_instance_destroy(instance);
}

/* What a library of ours would never give. */
static void testWrongOutputs(void) {
  nncc_instance *instance = newInstance(nncc_model_values());
  nncc_value *inputs[VALUES_COUNT], *outputs[VALUES_COUNT] = {0};
  makeInputs(inputs, 2);
  float wrong[] = {VALUES_WRONG_ROWS, 0, 0};
  nncc_value_destroy(inputs[VALUES_X]);
  inputs[VALUES_X] = tensorOf(NNCC_FLOAT, wrong, 3);
  CHECK_FAILS(NNCC_INTERNAL, run(instance, inputs, outputs), "output 's'", "rank", 0);
  CHECK(!outputs[0]);
  destroyAll(inputs);
  nncc_instance_destroy(instance);
}

/* The parts as tensors ---------------------------------------------------------------------------
 */

typedef struct Flat {
  float elements[6];
  int64_t rows[2 * NNCC_VALUE_ROW], optional[2 * NNCC_VALUE_ROW], lengths[2],
      stringRows[NNCC_VALUE_ROW], sizes[VALUES_PARTS][2];
  char bytes[8], present;
  nncc_tensor inputs[VALUES_PARTS], outputs[VALUES_PARTS];
  int64_t room[VALUES_PARTS][2 * NNCC_VALUE_ROW];
} Flat;

static void setPart(Flat *f, int part, void *data, nncc_type type, int64_t first, int64_t second) {
  f->sizes[part][0] = first;
  f->sizes[part][1] = second;
  int32_t rank = first < 0 ? 0 : second < 0 ? 1 : 2;
  nncc_tensor tensor = {data, type, rank, f->sizes[part], NULL};
  f->inputs[part] = tensor;
  tensor.data = part < 2 || (part >= 7 && part < 10) ? NULL : f->room[part];
  f->outputs[part] = tensor;
}

/* Parts that are right: s of [1,3] and [0,3], o of [3], t [0,2], q of [2] with 2 strings, n empty.
 */
static void setFlat(Flat *f) {
  static const int64_t rows[] = {2, 1, 3, 1, 1, 1, 1, 1, 1, 2, 0, 3, 1, 1, 1, 1, 1, 1},
                       row[] = {1, 3, 1, 1, 1, 1, 1, 1, 1},
                       stringRow[] = {1, 2, 1, 1, 1, 1, 1, 1, 1};
  memset(f, 0, sizeof *f);
  memcpy(f->rows, rows, sizeof rows);
  memcpy(f->optional, row, sizeof row);
  memcpy(f->stringRows, stringRow, sizeof stringRow);
  f->lengths[0] = 3;
  f->lengths[1] = 5;
  f->present = 1;
  setPart(f, 0, f->elements, NNCC_FLOAT, 3, -1);
  setPart(f, 1, f->rows, NNCC_INT64, 2, NNCC_VALUE_ROW);
  setPart(f, 2, numbers, NNCC_INT64, 3, -1);
  setPart(f, 3, f->optional, NNCC_INT64, 1, NNCC_VALUE_ROW);
  setPart(f, 4, NULL, NNCC_UINT8, 0, -1);
  setPart(f, 5, NULL, NNCC_INT64, 0, 2);
  setPart(f, 6, &f->present, NNCC_BOOL, -1, -1);
  setPart(f, 7, f->bytes, NNCC_UINT8, 8, -1);
  setPart(f, 8, f->lengths, NNCC_INT64, 2, -1);
  setPart(f, 9, f->stringRows, NNCC_INT64, 1, NNCC_VALUE_ROW);
  setPart(f, 10, NULL, NNCC_INT4, 0, -1);
  setPart(f, 11, NULL, NNCC_INT64, 0, NNCC_VALUE_ROW);
  setPart(f, 12, x, NNCC_FLOAT, 3, -1);
}

static nncc_status runFlat(nncc_instance *instance, Flat *f) {
  return nncc_instance_run(instance, f->inputs, VALUES_PARTS, f->outputs, VALUES_PARTS);
}

static void testParts(void) {
  nncc_instance *instance = newInstance(nncc_model_values());
  static Flat f;
  setFlat(&f);
  CHECK_OK(runFlat(instance, &f));
  CHECK(f.room[3][1] == 3 && *(char *)f.room[6] == 1);
  nncc_tensor rows = {0};
  CHECK_OK(nncc_instance_output(instance, 1, &rows));
  CHECK(memcmp(rows.data, f.rows, sizeof f.rows) == 0);
#define CHECK_PARTS(change, first, second)                                                         \
  do {                                                                                             \
    setFlat(&f);                                                                                   \
    change;                                                                                        \
    CHECK_FAILS(NNCC_INVALID_ARGUMENT, runFlat(instance, &f), first, second, NULL);                \
  } while (0)
  CHECK_PARTS(f.rows[0] = 3, "input 's' (number 0)", "row 0 rank 3");
  CHECK_PARTS(f.rows[NNCC_VALUE_ROW] = -1, "input 's'", "row 1 rank -1");
  CHECK_PARTS(f.stringRows[0] = 9, "input 'q'", "rank 9");
  CHECK_PARTS(f.rows[1] = 2, "input 's'", "number of elements");
  CHECK_PARTS(f.rows[1] = -1, "input 's'", "a size is negative");
  CHECK_PARTS(f.rows[2] = 1, "input 's'", "a size is another one");
  CHECK_PARTS(f.rows[3] = 0, "input 's'", "is not 1");
  CHECK_PARTS(f.rows[1] = INT64_MAX / 2, "input 's'", "too large");
  CHECK_PARTS((f.rows[1] = INT64_MAX / 3, f.rows[NNCC_VALUE_ROW + 1] = INT64_MAX / 3), "input 's'",
              "together are too large");
  CHECK_PARTS(f.optional[1] = 2, "input 'o'", "a size is another one");
  CHECK_PARTS(f.lengths[0] = -3, "input 'q'", "negative");
  CHECK_PARTS(f.lengths[0] = 4, "input 'q'", "number of bytes");
  CHECK_PARTS((f.lengths[0] = f.lengths[1] = INT64_MAX), "input 'q'", "too large");
  CHECK_PARTS(f.present = 0, "input 'q'", "not present");
  CHECK_PARTS(f.present = 2, "input 'q'", "neither 0 nor 1");
  CHECK_PARTS(setPart(&f, 10, f.bytes, NNCC_INT4, 1, -1), "input 'n'", "number of elements");
  CHECK_PARTS(setPart(&f, 3, f.optional, NNCC_INT64, 2, NNCC_VALUE_ROW), "input 'o'",
              "more than one row");
  setFlat(&f);
  CHECK_OK(runFlat(instance, &f));
  nncc_instance_destroy(instance);
}

/* Damaged libraries -------------------------------------------------------------------------------
 */

typedef struct Damaged {
  nncc_descriptor descriptor;
  nncc_tensor_info tensors[VALUES_PARTS];
  nncc_value_info values[VALUES_COUNT];
} Damaged;

static void setDamaged(Damaged *d) {
  d->descriptor = *nncc_model_values();
  memcpy(d->tensors, d->descriptor.inputs, sizeof d->tensors);
  memcpy(d->values, d->descriptor.input_values, sizeof d->values);
  d->descriptor.inputs = d->tensors;
  d->descriptor.input_values = d->values;
}

static void testDamagedTables(void) {
  static const int64_t wrong[] = {-99, -99};
  nncc_model *model = NULL;
  Damaged d;
#define CHECK_DAMAGED(change, text)                                                                \
  do {                                                                                             \
    setDamaged(&d);                                                                                \
    change;                                                                                        \
    CHECK_FAILS(NNCC_ABI_MISMATCH, nncc_model_from_descriptor(&d.descriptor, NULL, &model),        \
                "model 'values'", text, NULL);                                                     \
  } while (0)
  CHECK_DAMAGED(d.descriptor.num_input_values = -1, "table of input values");
  CHECK_DAMAGED(d.descriptor.input_values = NULL, "table of input values");
  CHECK_DAMAGED(d.descriptor.output_values = NULL, "table of output values");
  CHECK_DAMAGED(d.descriptor.num_input_values = 5, "12 of its 13 inputs");
  CHECK_DAMAGED(d.values[VALUES_X].first = 11, "input value 5");
  CHECK_DAMAGED(d.values[VALUES_S].first = -1, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].first = INT32_MAX, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].count = 3, "input value 0");
  CHECK_DAMAGED(d.descriptor.num_inputs = 12, "input value 5");
  CHECK_DAMAGED(d.values[VALUES_S].kind = 4, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].kind = -1, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].name = NULL, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].type = NNCC_DOUBLE, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].type = NNCC_STRING, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].type = 77, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].rank = 9, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].rank = -2, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_T].rank = -1, "input value 2");
  CHECK_DAMAGED(d.values[VALUES_S].shape = NULL, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_S].shape = wrong, "input value 0");
  CHECK_DAMAGED(d.values[VALUES_T].shape = wrong, "input value 2");
  CHECK_DAMAGED(d.tensors[0].rank = 0, "input value 0");
  CHECK_DAMAGED(d.tensors[1].type = NNCC_INT32, "input value 0");
  CHECK_DAMAGED(d.tensors[1].shape = d.tensors[5].shape, "input value 0");
  CHECK_DAMAGED(d.tensors[4].type = NNCC_INT8, "input value 2");
  CHECK_DAMAGED(d.tensors[5].rank = 1, "input value 2");
  CHECK_DAMAGED(d.tensors[6].type = NNCC_UINT8, "input value 3");
  CHECK_DAMAGED(d.tensors[12].type = NNCC_INT32, "input value 5");
  CHECK(!model);
}

/* A library of ABI 1.1, and one that says nothing: the tensors stand for themselves. */
static void testOlderLibrary(void) {
  nncc_descriptor older = *nncc_model_values();
  older.struct_size = offsetof(nncc_descriptor, num_input_values);
  nncc_model *model = NULL;
  CHECK_OK(nncc_model_from_descriptor(&older, NULL, &model));
  CHECK(nncc_model_num_input_values(model) == VALUES_PARTS);
  CHECK(strcmp(nncc_model_output_value(model, 12)->name, "x") == 0);
  CHECK(nncc_model_input_value(model, 5)->first == 5);
  CHECK(nncc_model_input_value(model, 5)->kind == NNCC_VALUE_TENSOR);
  CHECK(nncc_model_descriptor(model)->num_input_values == 0);
  nncc_instance *instance = newInstance(&older);
  nncc_value *inputs[VALUES_PARTS], *outputs[VALUES_PARTS];
  static Flat f;
  setFlat(&f);
  for (int i = 0; i < VALUES_PARTS; ++i)
    CHECK_OK(nncc_value_borrow_tensor(&f.inputs[i], &inputs[i]));
  CHECK_OK(nncc_instance_run_values(instance, (const nncc_value *const *)inputs, VALUES_PARTS,
                                    outputs, VALUES_PARTS));
  for (int i = 0; i < VALUES_PARTS; ++i) {
    CHECK(equal(inputs[i], outputs[i]));
    nncc_value_destroy(inputs[i]);
    nncc_value_destroy(outputs[i]);
  }
  nncc_instance_destroy(instance);
  nncc_model_close(model);
}

int main(void) {
  testLooking();
  testMakingFails();
  testDescription();
  testEcho();
  testWithoutOptional();
  testWrongValues();
  testWrongOutputs();
  testParts();
  testDamagedTables();
  testOlderLibrary();
  return checkResult();
}
