/* Errors of functions of f32, in units in the last place, against libm in f64, whose own errors do
 * not show at that scale. check_math.py compiles this and calls it. */
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 1024 };

static int64_t bitsOf(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static double doubleOf(int64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* 1 / what the last bit of an f32 next to x is worth: 2^-149 below the normal numbers. */
static double perLastPlace(double x) {
  int64_t exponent = (bitsOf(x) >> 52 & 0x7FF) - 1023;
  exponent = exponent < -126 ? -126 : exponent;
  exponent = exponent > 127 ? 127 : exponent;
  return doubleOf((int64_t)(1023 + 23 - exponent) << 52);
}

/* Infinity stands where the floats would go on: at 2^128. */
static double bounded(double x) {
  x = x > 0x1p128 ? 0x1p128 : x;
  return x < -0x1p128 ? -0x1p128 : x;
}

/* Infinite where one is NaN and the other is not, and where signs differ, those of zeros too. */
static double errorOf(double want, double got) {
  double error = fabs(bounded(got) - bounded(want)) * perLastPlace(want);
  error = (bitsOf(want) ^ bitsOf(got)) < 0 ? INFINITY : error;
  int oneIsNan = isnan(want) | isnan(got), bothAre = isnan(want) & isnan(got);
  error = oneIsNan ? INFINITY : error;
  return bothAre ? 0 : error;
}

/* Results below the normal numbers may be 0. */
static double errorOfNormal(double want, double got) {
  return (want < 0x1p-126) & (bitsOf(got) == 0) ? 0 : errorOf(want, got);
}

/* want[0..BLOCK) = name(x[0..BLOCK)); the functions of glibc's libmvec take eight at a time. */
#if defined(__GLIBC__) && defined(__AVX512F__)
typedef double Eight __attribute__((vector_size(64), aligned(8)));
#define FILL(name)                                                                                 \
  Eight _ZGVeN8v_##name(Eight);                                                                    \
  static void fill_##name(const double *x, double *want) {                                         \
    for (int i = 0; i < BLOCK; i += 8)                                                             \
      *(Eight *)(want + i) = _ZGVeN8v_##name(*(const Eight *)(x + i));                             \
  }
#else
#define FILL(name)                                                                                 \
  static void fill_##name(const double *x, double *want) {                                         \
    for (int i = 0; i < BLOCK; ++i)                                                                \
      want[i] = name(x[i]);                                                                        \
  }
#endif

/* The greatest error of got[0..n), the results of x[i], or of x[i] and y[i]; *at: the first i that
 * has it. n is a multiple of BLOCK. Errors, which are not negative, compare like their bits. */
#define GREATEST(name, fill, error)                                                                \
  double errors_##name(const float *x, const float *y, const float *got, int64_t n, int64_t *at) { \
    int64_t greatest = -1;                                                                         \
    for (int64_t first = 0; first < n; first += BLOCK, x += BLOCK, y += BLOCK, got += BLOCK) {     \
      double wide[BLOCK], want[BLOCK];                                                             \
      int64_t found = -1;                                                                          \
      for (int i = 0; i < BLOCK; ++i)                                                              \
        wide[i] = x[i];                                                                            \
      fill;                                                                                        \
      for (int i = 0; i < BLOCK; ++i) {                                                            \
        int64_t one = bitsOf(error(want[i], got[i]));                                              \
        found = one > found ? one : found;                                                         \
      }                                                                                            \
      for (int i = 0; found > greatest && i < BLOCK; ++i)                                          \
        if (bitsOf(error(want[i], got[i])) == found) {                                             \
          greatest = found;                                                                        \
          *at = first + i;                                                                         \
        }                                                                                          \
    }                                                                                              \
    return doubleOf(greatest);                                                                     \
  }
#define UNARY(name) FILL(name) GREATEST(name, fill_##name(wide, want), errorOf)

UNARY(exp)
UNARY(exp2)
UNARY(expm1)
UNARY(log)
UNARY(log2)
UNARY(log10)
UNARY(log1p)
UNARY(sinh)
UNARY(cosh)
UNARY(tanh)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(asinh)
UNARY(acosh)
UNARY(atanh)
UNARY(erfc)
UNARY(erf)
GREATEST(exp_normal, fill_exp(wide, want), errorOfNormal)

static void fillPow(const double *x, const float *y, double *want) {
  for (int i = 0; i < BLOCK; ++i)
    want[i] = pow(x[i], y[i]);
}
GREATEST(pow, fillPow(wide, y, want), errorOf)
