// Arithmetic on the elements of small integer tensors, which may be sizes over symbols.
#include "dialects/nn/NN.h"

using namespace mlir;

namespace nncc::nn {

/// The remainder with the sign of `rhs`, or of `lhs`; 0 of a division by 0.
static int64_t remainder(int64_t lhs, int64_t rhs, bool likeDividend) {
  if (rhs == 0 || rhs == -1) // INT64_MIN % -1 traps
    return 0;
  int64_t result = lhs % rhs;
  return !likeDividend && result != 0 && (result < 0) != (rhs < 0) ? result + rhs : result;
}

/// Rounded towards 0; null where that cannot be expressed.
static AffineExpr divideSizes(AffineExpr lhs, AffineExpr rhs) {
  std::optional<int64_t> x = constantOf(lhs), y = constantOf(rhs);
  if (x && y)
    return *y == 0 || (*y == -1 && *x == INT64_MIN)
               ? AffineExpr()
               : getAffineConstantExpr(*x / *y, lhs.getContext());
  if (y ? *y < 1 : !isNeverNegative(rhs))
    return {};
  AffineExpr quotient = lhs.floorDiv(rhs), zero = getAffineConstantExpr(0, lhs.getContext());
  return quotient + isLess(lhs, zero) * isLess(zero, lhs % rhs);
}

static AffineExpr remainderOfSizes(AffineExpr lhs, AffineExpr rhs, bool likeDividend) {
  std::optional<int64_t> x = constantOf(lhs), y = constantOf(rhs);
  if (x && y)
    return getAffineConstantExpr(remainder(*x, *y, likeDividend), lhs.getContext());
  if ((y ? *y < 1 : !isNeverNegative(rhs)) || (likeDividend && !isNeverNegative(lhs)))
    return {};
  return lhs % rhs;
}

/// Of bools as expressions, of other integers where both are known.
static AffineExpr applyBitwise(StringRef mnemonic, AffineExpr lhs, AffineExpr rhs, bool onBools) {
  std::optional<int64_t> x = constantOf(lhs), y = constantOf(rhs);
  if (x && y)
    return getAffineConstantExpr(mnemonic == "and"  ? *x & *y
                                 : mnemonic == "or" ? *x | *y
                                                    : *x ^ *y,
                                 lhs.getContext());
  if (!onBools)
    return {};
  AffineExpr both = lhs * rhs;
  return mnemonic == "and" ? both : lhs + rhs - both * (mnemonic == "or" ? 1 : 2);
}

/// The operations on sizes that exporters leave in a graph. True is 1.
static AffineExpr applyOnSizes(StringRef mnemonic, ArrayRef<AffineExpr> x, bool toBools) {
  AffineExpr zero = getAffineConstantExpr(0, x[0].getContext());
  if (mnemonic == "cast")
    return x[0];
  if (mnemonic == "bool")
    return 1 - isEqual(x[0], zero);
  if (mnemonic == "neg")
    return constantOf(x[0]) == INT64_MIN ? AffineExpr() : -x[0];
  if (mnemonic == "not")
    return 1 - x[0];
  if (mnemonic == "where")
    return select(x[0], x[1], x[2]);
  if (x.size() != 2)
    return {};
  if (mnemonic == "add")
    return x[0] + x[1];
  if (mnemonic == "sub")
    return x[0] - x[1];
  if (mnemonic == "mul")
    return x[0] * x[1];
  if (mnemonic == "div")
    return divideSizes(x[0], x[1]);
  if (mnemonic == "mod" || mnemonic == "fmod")
    return remainderOfSizes(x[0], x[1], /*likeDividend=*/mnemonic == "fmod");
  if (mnemonic == "max")
    return maximum(x[0], x[1]);
  if (mnemonic == "min")
    return minimum(x[0], x[1]);
  if (mnemonic == "eq")
    return isEqual(x[0], x[1]);
  if (mnemonic == "lt")
    return isLess(x[0], x[1]);
  if (mnemonic == "le")
    return 1 - isLess(x[1], x[0]);
  if (mnemonic == "gt")
    return isLess(x[1], x[0]);
  if (mnemonic == "ge")
    return 1 - isLess(x[0], x[1]);
  if (mnemonic == "and" || mnemonic == "or" || mnemonic == "xor")
    return applyBitwise(mnemonic, x[0], x[1], toBools);
  return {};
}

/// Choices of choices grow fast; no size is like that.
constexpr int64_t maxLength = 200;

std::optional<Shape> inferValues(StringRef mnemonic, ArrayRef<Fact> operands, const Fact &result) {
  auto isExact = [](Type type) { // narrower integers wrap, which the expressions do not
    return type.isInteger(1) || (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() >= 32);
  };
  int64_t count = 1;
  for (AffineExpr size : result.shape) {
    std::optional<int64_t> known = constantOf(size);
    if (!known || *known > Fact::maxValues || (count *= *known) > Fact::maxValues)
      return std::nullopt;
  }
  // A scalar stands for all elements, other operands have the result's shape.
  bool known = isExact(result.element) && count > 0;
  for (const Fact &operand : operands)
    known = known && operand.value && !operand.value->empty() &&
            (operand.shape == result.shape || operand.value->size() == 1);
  if (!known)
    return std::nullopt;
  Shape value;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<AffineExpr> x;
    for (const Fact &operand : operands)
      x.push_back((*operand.value)[operand.value->size() == 1 ? 0 : i]);
    AffineExpr element = applyOnSizes(mnemonic, x, result.element.isInteger(1));
    if (!element || length(element = normalForm(element)) > maxLength)
      return std::nullopt;
    value.push_back(element);
  }
  return value;
}

} // namespace nncc::nn
