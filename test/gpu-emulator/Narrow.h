// Floats of 16 bits.
#ifndef NNCC_TEST_GPU_EMULATOR_NARROW_H
#define NNCC_TEST_GPU_EMULATOR_NARROW_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace emulator {

struct Half {
  static float widen(uint16_t bits) {
    _Float16 value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  static uint16_t round(double value) {
    _Float16 narrow = value;
    uint16_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
  }
};

struct Bfloat {
  static float widen(uint16_t bits) {
    uint32_t wide = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
  }
  static uint16_t round(double value) {
    // First to odd, so that the second rounding, to even, sees what the first has cut off.
    float narrow = value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (value != value)
      return bits >> 16 | 0x40;
    if (std::isfinite(narrow) && double(narrow) != value && !(bits & 1))
      bits += std::fabs(double(narrow)) > std::fabs(value) ? -1 : 1;
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  }
};

} // namespace emulator

#endif
