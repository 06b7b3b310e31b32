/* A program with the model m linked into it: its input from x.bin, its output to y.bin. */
#include "m.h"

#include <nncc/nncc.h>
#include <stdio.h>

static float x[2 * 64], y[2 * 10];

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, nncc_last_error());
  return 1;
}

int main(void) {
  nncc_model *model;
  nncc_instance *instance;
  FILE *input = fopen("x.bin", "rb"), *output = fopen("y.bin", "wb");
  if (!input || !output || fread(x, sizeof x, 1, input) != 1)
    return fail("files");
  if (nncc_model_from_descriptor(nncc_model_m(), NULL, &model))
    return fail("model");
  if (nncc_instance_create(model, NULL, &instance))
    return fail("instance");
  int64_t in[] = {2, 1, 8, 8}, out[] = {2, 10};
  nncc_tensor from = {x, NNCC_FLOAT, 4, in, NULL}, to = {y, NNCC_FLOAT, 2, out, NULL};
  if (nncc_instance_run(instance, &from, 1, &to, 1))
    return fail("run");
  nncc_instance_destroy(instance);
  nncc_model_close(model);
  fwrite(y, sizeof y, 1, output);
  return fclose(output) != 0;
}
