#include "targets/kernel/Indices.h"

#include "mlir/IR/AffineExprVisitor.h"

using namespace mlir;
using namespace nncc;

using Indices = SmallVector<AffineExpr>;

AffineExpr nncc::linearize(ArrayRef<AffineExpr> indices, ArrayRef<AffineExpr> shape,
                           MLIRContext *context) {
  AffineExpr result = getAffineConstantExpr(0, context);
  for (auto [index, size] : llvm::zip(indices, shape))
    result = result * size + index;
  return result;
}

Indices nncc::delinearize(AffineExpr index, ArrayRef<AffineExpr> shape) {
  Indices result(shape.size(), getAffineConstantExpr(0, index.getContext()));
  if (llvm::any_of(shape, isZero))
    return result;
  AffineExpr below = getAffineConstantExpr(1, index.getContext());
  int64_t outermost = 0;
  while (outermost + 1 < static_cast<int64_t>(shape.size()) && isOne(shape[outermost]))
    ++outermost;
  for (int64_t d = shape.size() - 1; d >= outermost; --d) {
    AffineExpr part = index.floorDiv(below);
    result[d] = d == outermost ? part : part % shape[d];
    below = normalForm(below * shape[d]);
  }
  return result;
}

namespace {
bool isDivision(AffineExpr expression) {
  AffineExprKind kind = expression.getKind();
  return kind == AffineExprKind::FloorDiv || kind == AffineExprKind::Mod;
}

bool hasSymbols(AffineExpr expression) {
  bool result = false;
  expression.walk([&](AffineExpr part) { result |= isa<AffineSymbolExpr>(part); });
  return result;
}

/// Applies `visit` to all parts, innermost first; a part that it gives null for stays.
AffineExpr rewrite(AffineExpr expression,
                   llvm::function_ref<AffineExpr(AffineBinaryOpExpr)> visit) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return expression;
  AffineExpr lhs = rewrite(binary.getLHS(), visit), rhs = rewrite(binary.getRHS(), visit);
  AffineExpr same = getAffineBinaryOpExpr(binary.getKind(), lhs, rhs);
  auto result = dyn_cast<AffineBinaryOpExpr>(same);
  AffineExpr changed = result ? visit(result) : AffineExpr();
  return changed ? changed : same;
}

unsigned countDivisions(AffineExpr expression) {
  unsigned result = 0;
  expression.walk([&](AffineExpr part) { result += isDivision(part); });
  return result;
}

/// For expressions with symbols. A remainder x mod a = x - a * (x floordiv a) meets its quotient in
/// flat indices: there both go.
AffineExpr simplifiedOpen(AffineExpr expression) {
  expression = normalForm(expression);
  for (bool changed = true; changed;) {
    changed = false;
    SmallVector<AffineExpr> remainders;
    expression.walk([&](AffineExpr part) {
      if (part.getKind() == AffineExprKind::Mod)
        remainders.push_back(part);
    });
    for (AffineExpr remainder : remainders) {
      auto binary = cast<AffineBinaryOpExpr>(remainder);
      AffineExpr x = binary.getLHS(), a = binary.getRHS();
      AffineExpr without = normalForm(expression.replace(remainder, x - a * x.floorDiv(a)));
      if (countDivisions(without) >= countDivisions(expression))
        continue;
      expression = without, changed = true;
      break;
    }
  }
  return expression;
}

/// The greatest value where all parts are 0 or more and dims run up to their size; null: unknown.
AffineExpr greatest(AffineExpr expression, ArrayRef<AffineExpr> sizes) {
  if (expression.isSymbolicOrConstant()) {
    AffineExpr below = getAffineConstantExpr(-1, expression.getContext());
    return isAlwaysLess(below, expression) ? expression : AffineExpr();
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return dim.getPosition() < sizes.size() ? sizes[dim.getPosition()] - 1 : AffineExpr();
  auto binary = cast<AffineBinaryOpExpr>(expression);
  AffineExpr lhs = greatest(binary.getLHS(), sizes), rhs = greatest(binary.getRHS(), sizes);
  if (!lhs || !rhs)
    return {};
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return normalForm(lhs + rhs);
  case AffineExprKind::Mul:
    return normalForm(lhs * rhs);
  case AffineExprKind::FloorDiv: {
    AffineExpr parts = exactQuotient(lhs + 1, binary.getRHS());
    return parts ? parts - 1 : lhs.floorDiv(binary.getRHS());
  }
  case AffineExprKind::Mod:
    return binary.getRHS() - 1;
  default:
    return {};
  }
}

/// Least and greatest value of an expression whose dims run from 0 to their size; none: unknown.
std::optional<std::pair<int64_t, int64_t>> rangeOf(AffineExpr expression,
                                                   ArrayRef<AffineExpr> sizes) {
  if (hasSymbols(expression))
    return std::nullopt;
  SmallVector<std::optional<int64_t>> low(sizes.size(), 0), high;
  for (AffineExpr size : sizes) {
    std::optional<int64_t> known = constantOf(size);
    high.push_back(known ? std::make_optional(std::max<int64_t>(*known - 1, 0)) : std::nullopt);
  }
  auto least = getBoundForAffineExpr(expression, sizes.size(), 0, low, high, /*isUpper=*/false);
  auto most = getBoundForAffineExpr(expression, sizes.size(), 0, low, high, /*isUpper=*/true);
  if (!least || !most)
    return std::nullopt;
  return std::make_pair(*least, *most);
}

/// Whether 0 <= expression < divisor.
bool isBelow(AffineExpr expression, AffineExpr divisor, ArrayRef<AffineExpr> sizes) {
  auto range = rangeOf(expression, sizes);
  if (auto known = constantOf(divisor); known && range)
    return range->first >= 0 && range->second < *known;
  AffineExpr most = greatest(expression, sizes);
  return most && isAlwaysLess(most, divisor);
}

AffineExpr dropIdle(AffineExpr expression, ArrayRef<AffineExpr> sizes) {
  return rewrite(expression, [&](AffineBinaryOpExpr part) -> AffineExpr {
    if (!isDivision(part) || !isBelow(part.getLHS(), part.getRHS(), sizes))
      return {};
    return part.getKind() == AffineExprKind::Mod ? part.getLHS()
                                                 : getAffineConstantExpr(0, part.getContext());
  });
}

/// A sum of multiples of dims, of an expression with symbols.
bool addMultiple(AffineExpr expression, AffineExpr factor, Linear &sum) {
  if (expression.isSymbolicOrConstant()) {
    sum.constant = sum.constant + expression * factor;
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    if (dim.getPosition() >= sum.factors.size())
      return false;
    AffineExpr &known = sum.factors[dim.getPosition()];
    known = known + factor;
    return true;
  }
  auto binary = cast<AffineBinaryOpExpr>(expression);
  AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
  if (binary.getKind() == AffineExprKind::Add)
    return addMultiple(lhs, factor, sum) && addMultiple(rhs, factor, sum);
  if (binary.getKind() != AffineExprKind::Mul)
    return false;
  if (lhs.isSymbolicOrConstant())
    std::swap(lhs, rhs);
  return rhs.isSymbolicOrConstant() && addMultiple(lhs, factor * rhs, sum);
}
} // namespace

AffineExpr nncc::simplified(AffineExpr expression) {
  if (hasSymbols(expression))
    return simplifiedOpen(expression);
  unsigned rank = 0;
  expression.walk([&](AffineExpr part) {
    if (auto dim = dyn_cast<AffineDimExpr>(part))
      rank = std::max(rank, dim.getPosition() + 1);
  });
  return simplifyAffineExpr(expression, rank, 0);
}

AffineExpr nncc::simplifiedInRange(AffineExpr expression, ArrayRef<AffineExpr> sizes) {
  return dropIdle(simplified(expression), sizes);
}

std::optional<Linear> nncc::linearOf(AffineExpr expression, unsigned rank) {
  MLIRContext *context = expression.getContext();
  if (hasSymbols(expression)) {
    AffineExpr zero = getAffineConstantExpr(0, context);
    Linear sum{zero, Indices(rank, zero)};
    if (!addMultiple(simplified(expression), getAffineConstantExpr(1, context), sum))
      return std::nullopt;
    sum.constant = normalForm(sum.constant);
    for (AffineExpr &factor : sum.factors)
      factor = normalForm(factor);
    return sum;
  }
  SimpleAffineExprFlattener flattener(rank, 0);
  if (failed(flattener.walkPostOrder(simplifyAffineExpr(expression, rank, 0))) ||
      !flattener.localExprs.empty())
    return std::nullopt;
  ArrayRef<int64_t> row = flattener.operandExprStack.back();
  return Linear{getAffineConstantExpr(row.back(), context),
                makeShape(row.take_front(rank), context)};
}
