#include "tools/nncc/Difference.h"

#include "tools/nncc/CommandLine.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;

namespace nncc::tool {

namespace {
enum class Kind { Float, Integer, Bool, Complex, String };
} // namespace

static Kind kindOf(nncc_type type) {
  switch (type) {
  case NNCC_BOOL:
    return Kind::Bool;
  case NNCC_STRING:
    return Kind::String;
  case NNCC_COMPLEX64:
  case NNCC_COMPLEX128:
    return Kind::Complex;
  case NNCC_INT4:
  case NNCC_UINT4:
  case NNCC_INT8:
  case NNCC_INT16:
  case NNCC_INT32:
  case NNCC_INT64:
  case NNCC_UINT8:
  case NNCC_UINT16:
  case NNCC_UINT32:
  case NNCC_UINT64:
    return Kind::Integer;
  default:
    return Kind::Float;
  }
}

std::string incomparable(const Tensor &result, const Tensor &reference) {
  if (result.shape == reference.shape && !reference.opaqueBytes &&
      kindOf(result.type) == kindOf(reference.type) && kindOf(result.type) != Kind::Complex)
    return "";
  return "is " + result.typeText() + ", the reference is " + reference.typeText();
}

/// Whether two 64-bit integers are equal, which their values as doubles need not tell.
static bool sameBits(const Tensor &a, const Tensor &b, int64_t index) {
  size_t size = nncc_type_bits(a.type) / 8;
  return a.bytes().substr(index * size, size) == b.bytes().substr(index * size, size);
}

static constexpr double infinity = std::numeric_limits<double>::infinity();

static Difference stringDifference(const Tensor &result, const Tensor &reference) {
  Difference d;
  d.elements = reference.elements();
  d.sqnr = infinity;
  for (auto [index, found, wanted] : enumerate(result.strings, reference.strings)) {
    if (found == wanted)
      continue;
    d.maxAbs = d.maxRel = d.share = infinity;
    d.sqnr = 0;
    d.worst = index;
    d.resultText = quoted(found);
    d.expectedText = quoted(wanted);
    break;
  }
  return d;
}

Difference difference(const Tensor &result, const Tensor &reference, const Tolerance &tolerance) {
  if (kindOf(result.type) == Kind::String)
    return stringDifference(result, reference);
  Difference d;
  d.elements = reference.elements();
  bool exact = kindOf(result.type) != Kind::Float;
  bool wide = exact && result.type == reference.type && nncc_type_bits(result.type) == 64;
  double largest = 0, signal = 0, noise = 0;
  for (int64_t i = 0; i < d.elements; ++i)
    if (double value = reference.value(i); std::isfinite(value))
      largest = std::max(largest, std::abs(value));
  for (int64_t i = 0; i < d.elements; ++i) {
    double a = result.value(i), b = reference.value(i);
    bool same = wide ? sameBits(result, reference, i) : a == b || (std::isnan(a) && std::isnan(b));
    double error = same ? 0 : std::abs(a - b);
    if (!std::isfinite(error))
      error = infinity;
    double allowed = exact ? 0 : tolerance.rtol * std::abs(b) + tolerance.atol * largest;
    double share = same ? 0 : std::isfinite(b) && allowed > 0 ? error / allowed : infinity;
    d.maxAbs = std::max(d.maxAbs, error);
    if (b != 0)
      d.maxRel = std::max(d.maxRel, std::isfinite(b) ? error / std::abs(b) : error);
    if (std::isfinite(b))
      signal += b * b;
    noise += error * error;
    if (same || (d.worst >= 0 && !(share > d.share)))
      continue;
    d.share = share;
    d.worst = i;
    d.result = a;
    d.expected = b;
  }
  d.sqnr = noise == 0 ? infinity : 10 * std::log10(signal / noise);
  return d;
}

} // namespace nncc::tool
