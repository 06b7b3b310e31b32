/* Tensors for the model in model.c, and what it must compute from them. */
#ifndef NNCC_TEST_RUNTIME_ARGUMENTS_H
#define NNCC_TEST_RUNTIME_ARGUMENTS_H

#include "model.h"
#include "nncc/nncc.h"

#include <stdbool.h>

#define MOST_ROWS 512

typedef struct Arguments {
  float x[4 * MOST_ROWS], y[4 * MOST_ROWS], z[4 * MOST_ROWS], pairs[2 * MOST_ROWS];
  int64_t shape[2], pairsShape[1];
  nncc_tensor inputs[2], outputs[2];
} Arguments;

static inline void setArguments(Arguments *a, int64_t rows, int seed) {
  a->shape[0] = rows;
  a->shape[1] = 4;
  a->pairsShape[0] = 2 * rows;
  for (int64_t i = 0; i < 4 * rows; ++i) {
    a->x[i] = (float)((i + seed) % 17);
    a->y[i] = (float)((i * 3 + seed) % 5);
    a->z[i] = -1;
  }
  nncc_tensor x = {a->x, NNCC_FLOAT, 2, a->shape, 0}, y = {a->y, NNCC_FLOAT, 2, a->shape, 0};
  nncc_tensor z = {a->z, NNCC_FLOAT, 2, a->shape, 0};
  nncc_tensor pairs = {a->pairs, NNCC_FLOAT, 1, a->pairsShape, 0};
  a->inputs[0] = x;
  a->inputs[1] = y;
  a->outputs[0] = z;
  a->outputs[1] = pairs;
}

static inline bool resultsAreRight(const Arguments *a) {
  const float w[] = MODEL_WEIGHTS;
  for (int64_t i = 0; i < a->shape[0]; ++i) {
    float sum = 0;
    for (int64_t j = 0; j < 4; ++j) {
      float z = (a->x[4 * i + j] * w[j] + a->y[4 * i + j]) * 2 + w[4];
      if (a->z[4 * i + j] != z)
        return false;
      sum += z;
    }
    if (a->pairs[2 * i] != sum || a->pairs[2 * i + 1] != sum)
      return false;
  }
  return true;
}

#endif
