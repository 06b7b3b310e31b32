/* The kernels of the models in device_model.c: what each launch computes, over all of its blocks.
 * Parameters are pointers to their values. */
#include "fake_driver.h"

#define ADDRESS(i) (*(uint64_t *)parameters[i])
#define SIZE(i) (*(int64_t *)parameters[i])
#define FLOATS(i, count) ((float *)fakeMemory(ADDRESS(i), 4 * (uint64_t)(count)))

/* x, y, w, h; batch, pairs; scratch, stride: h = x * w + y, with a use of each block's scratch. */
static void multiplyAdd(void **parameters, unsigned blocks) {
  int64_t rows = SIZE(4);
  const float *x = FLOATS(0, 4 * rows), *y = FLOATS(1, 4 * rows), *w = FLOATS(2, 5);
  float *h = FLOATS(3, 4 * rows);
  for (unsigned block = 0; block < blocks; ++block) {
    int64_t *scratch = fakeMemory(ADDRESS(6) + block * (uint64_t)SIZE(7), sizeof *scratch);
    for (int64_t row = block; row < rows; row += blocks) {
      *scratch = row;
      for (int j = 0; j < 4; ++j)
        h[4 * *scratch + j] = x[4 * row + j] * w[j] + y[4 * row + j];
    }
  }
}

/* h, w, z; batch */
static void scale(void **parameters, unsigned blocks) {
  int64_t count = 4 * SIZE(3);
  const float *h = FLOATS(0, count), *w = FLOATS(1, 5);
  float *z = FLOATS(2, count);
  for (int64_t i = 0; i < count; ++i)
    z[i] = h[i] * 2 + w[4];
}

/* z, sums; batch */
static void sumRows(void **parameters, unsigned blocks) {
  int64_t rows = SIZE(2);
  const float *z = FLOATS(0, 4 * rows);
  float *sums = FLOATS(1, rows);
  for (int64_t i = 0; i < rows; ++i)
    sums[i] = z[4 * i] + z[4 * i + 1] + z[4 * i + 2] + z[4 * i + 3];
}

/* sums, pairs; batch */
static void spread(void **parameters, unsigned blocks) {
  int64_t rows = SIZE(2);
  const float *sums = FLOATS(0, rows);
  float *pairs = FLOATS(1, 2 * rows);
  for (int64_t i = 0; i < 2 * rows; ++i)
    pairs[i] = sums[i / 2];
}

/* x, count (int64); n: how many are positive */
static void countPositive(void **parameters, unsigned blocks) {
  const float *x = FLOATS(0, SIZE(2));
  int64_t *count = fakeMemory(ADDRESS(1), sizeof *count);
  *count = 0;
  for (int64_t i = 0; i < SIZE(2); ++i)
    *count += x[i] > 0;
}

/* x, found; n: those that are positive */
static void gatherPositive(void **parameters, unsigned blocks) {
  const float *x = FLOATS(0, SIZE(2));
  int64_t count = 0;
  for (int64_t i = 0; i < SIZE(2); ++i)
    if (x[i] > 0)
      FLOATS(1, count + 1)[count] = x[i], ++count;
}

const FakeKernel fakeKernels[NUM_FAKE_KERNELS] = {
    {"multiply_add", 8, multiplyAdd},
    {"scale", 4, scale},
    {"sum_rows", 3, sumRows},
    {"spread", 3, spread},
    {"count_positive", 3, countPositive},
    {"gather_positive", 3, gatherPositive},
};
