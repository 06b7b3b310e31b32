#include "compiler/import/RandomState.h"

#include <cmath>

using namespace nncc;

double RandomState::uniform() {
  const uint32_t high = uint32_t(engine()) >> 5, low = uint32_t(engine()) >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double RandomState::normal() {
  if (second) {
    const double value = *second;
    second.reset();
    return value;
  }
  double x, y, square;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  second = factor * x;
  return factor * y;
}
