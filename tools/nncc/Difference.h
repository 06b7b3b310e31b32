// How far a result is from its reference.
#pragma once

#include "tools/nncc/Tensor.h"

namespace nncc::tool {

/// |result - reference| <= rtol * |reference| + atol * max|reference|, the largest over the
/// tensor's finite elements. NaN agrees with NaN, an infinity with itself, integers, bools and
/// strings with equal ones.
struct Tolerance {
  double rtol = 1e-4, atol = 1e-5;
};

/// Of two tensors of one shape.
struct Difference {
  int64_t elements = 0;
  double maxAbs = 0;   ///< largest |result - reference|; infinite where only one is finite
  double maxRel = 0;   ///< largest |result - reference| / |reference| where the reference is not 0
  double sqnr = 0;     ///< signal to noise in dB: 10 log10(sum of reference^2 / of error^2)
  double share = 0;    ///< of the tolerance that the worst element takes; above 1: too far
  int64_t worst = -1;  ///< row-major index of that element; -1: all agree exactly
  double result = 0;   ///< the element there
  double expected = 0; ///< and its reference
  /// The same of strings, between quotation marks.
  std::string resultText, expectedText;

  bool agrees() const { return share <= 1; }
};

/// Why the two cannot be compared element by element: other shapes, or numbers of another kind
/// (floats of any width compare, and integers of any width); "" when they can.
std::string incomparable(const Tensor &result, const Tensor &reference);

/// Of tensors that can be compared.
Difference difference(const Tensor &result, const Tensor &reference, const Tolerance &tolerance);

} // namespace nncc::tool
