// What the rows of arithmetic have in common.
#ifndef NNCC_TEST_GPU_EMULATOR_VARIANTS_H
#define NNCC_TEST_GPU_EMULATOR_VARIANTS_H

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace emulator {

/// Bits of the param of a row.
enum Variant { Ftz = 1, Saturate = 2, Relu = 4, PropagateNan = 8, ModeShift = 4 };
enum Mode { Nearest, Zero, Down, Up };

inline float flush(float value, int param) {
  return (param & Ftz) && std::fabs(value) < std::numeric_limits<float>::min()
             ? std::copysign(0.0f, value)
             : value;
}
inline double flush(double value, int) { return value; }

template <typename T> T finish(T value, int param) {
  if (param & Saturate)
    value = value > 0 ? std::min(value, T(1)) : T(0); // NaN: 0
  if (param & Relu)
    value = value < 0 ? T(0) : value;
  return flush(value, param);
}

/// -0 is less than 0.
template <typename T, bool isMax> T select(T a, T b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? b : a;
  if (a == b)
    return std::signbit(a) == isMax ? b : a;
  return (a < b) == isMax ? b : a;
}
template <typename T, bool isMax> T selectNan(T a, T b) {
  return std::isnan(a) || std::isnan(b) ? std::numeric_limits<T>::quiet_NaN()
                                        : select<T, isMax>(a, b);
}

inline std::string nvvm(const std::string &name) { return "llvm.nvvm." + name; }

} // namespace emulator

#endif
