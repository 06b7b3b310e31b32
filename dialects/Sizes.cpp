#include "dialects/SizePolynomial.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;

namespace nncc {

namespace {

int64_t evaluateBinary(AffineExprKind kind, int64_t lhs, int64_t rhs) {
  switch (kind) {
  case AffineExprKind::Add:
    return wrappingAdd(lhs, rhs);
  case AffineExprKind::Mul:
    return wrappingMul(lhs, rhs);
  case AffineExprKind::FloorDiv:
    return rhs > 0 ? llvm::divideFloorSigned(lhs, rhs) : 0;
  case AffineExprKind::CeilDiv:
    return rhs > 0 ? llvm::divideCeilSigned(lhs, rhs) : 0;
  default:
    return rhs > 0 ? llvm::mod(lhs, rhs) : 0;
  }
}

} // namespace

std::optional<int64_t> constantOf(AffineExpr expression) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return constant.getValue();
  return std::nullopt;
}

int64_t length(AffineExpr expression) {
  int64_t parts = 0;
  expression.walk([&](AffineExpr) { ++parts; });
  return parts;
}

AffineExpr normalForm(AffineExpr expression) {
  if (!isa<AffineBinaryOpExpr>(expression))
    return expression;
  return SizePolynomial::of(expression).build(expression.getContext());
}

AffineExpr exactQuotient(AffineExpr dividend, AffineExpr divisor) {
  MLIRContext *context = dividend.getContext();
  dividend = normalForm(dividend), divisor = normalForm(divisor);
  if (constantOf(divisor) == 0)
    return {};
  if (dividend == divisor)
    return getAffineConstantExpr(1, context);
  SizePolynomial below = SizePolynomial::of(divisor), rest;
  if (below.terms.size() != 1)
    return {};
  auto &[monomial, factor] = *below.terms.begin();
  SizePolynomial result = SizePolynomial::of(dividend).takeMultiples(monomial, factor, rest);
  return rest.terms.empty() ? result.build(context) : AffineExpr();
}

bool isAlwaysLess(AffineExpr lhs, AffineExpr rhs) {
  return SizePolynomial::of(rhs).plus(SizePolynomial::of(lhs), -1).isAtLeast(1, /*least=*/1);
}

bool isNeverNegative(AffineExpr expression, int64_t least) {
  return SizePolynomial::of(expression).isAtLeast(0, least);
}

AffineExpr isLess(AffineExpr lhs, AffineExpr rhs) {
  MLIRContext *context = lhs.getContext();
  std::optional<int64_t> x = constantOf(lhs), y = constantOf(rhs);
  if (x && y)
    return getAffineConstantExpr(*x < *y, context);
  // Numbers that stand for "to the end" are beyond all sizes.
  if ((x && std::abs(*x / 2) >= testDivisor / 2) || (y && std::abs(*y / 2) >= testDivisor / 2))
    return getAffineConstantExpr(x ? *x < 0 : *y > 0, context);
  SizePolynomial difference = SizePolynomial::of(lhs).plus(SizePolynomial::of(rhs), -1);
  if (difference.isAtLeast(0, /*least=*/0))
    return getAffineConstantExpr(0, context);
  if (SizePolynomial().plus(difference, -1).isAtLeast(1, /*least=*/0))
    return getAffineConstantExpr(1, context);
  return normalForm(-(difference.build(context).floorDiv(testDivisor)));
}

AffineExpr isEqual(AffineExpr lhs, AffineExpr rhs) {
  return normalForm(1 - isLess(lhs, rhs) - isLess(rhs, lhs));
}

AffineExpr select(AffineExpr condition, AffineExpr ifTrue, AffineExpr ifFalse) {
  return normalForm(ifFalse + (ifTrue - ifFalse) * condition);
}

bool hasChoice(AffineExpr expression) {
  bool found = false;
  expression.walk([&](AffineExpr part) { found |= isTest(part) || isWhole(part); });
  return found;
}

AffineExpr minimum(AffineExpr lhs, AffineExpr rhs) { return select(isLess(lhs, rhs), lhs, rhs); }
AffineExpr maximum(AffineExpr lhs, AffineExpr rhs) { return select(isLess(lhs, rhs), rhs, lhs); }

bool areOfSameSymbols(AffineExpr lhs, AffineExpr rhs) {
  auto symbolsOf = [](AffineExpr expression) {
    llvm::SmallSet<unsigned, 4> symbols;
    expression.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
        symbols.insert(symbol.getPosition());
    });
    return symbols;
  };
  auto left = symbolsOf(lhs), right = symbolsOf(rhs);
  return !left.empty() && left == right;
}

int64_t nominal(AffineExpr expression) {
  if (auto constant = constantOf(expression))
    return *constant;
  if (isa<AffineSymbolExpr>(expression))
    return nominalSymbol;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  return binary
             ? evaluateBinary(binary.getKind(), nominal(binary.getLHS()), nominal(binary.getRHS()))
             : 0;
}

Shape makeShape(ArrayRef<int64_t> sizes, MLIRContext *context) {
  Shape shape;
  for (int64_t size : sizes)
    shape.push_back(getAffineConstantExpr(size, context));
  return shape;
}

Shape shapeOf(RankedTensorType type) {
  Shape shape;
  auto encoding = dyn_cast_or_null<AffineMapAttr>(type.getEncoding());
  bool isEncoded = encoding && encoding.getAffineMap().getNumResults() == type.getRank();
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      shape.push_back(getAffineConstantExpr(size, type.getContext()));
    else if (isEncoded)
      shape.push_back(encoding.getAffineMap().getResult(dim));
    else
      shape.push_back(getAffineSymbolExpr(dim, type.getContext()));
  return shape;
}

RankedTensorType tensorOf(ArrayRef<AffineExpr> shape, Type element) {
  Shape normal = llvm::map_to_vector(shape, normalForm);
  SmallVector<int64_t> sizes;
  for (AffineExpr size : normal)
    sizes.push_back(constantOf(size).value_or(ShapedType::kDynamic));
  if (!ShapedType::isDynamicShape(sizes))
    return RankedTensorType::get(sizes, element);
  AffineMap map = sizeMap(normal, element.getContext());
  return RankedTensorType::get(sizes, element, AffineMapAttr::get(map));
}

AffineMap sizeMap(ArrayRef<AffineExpr> sizes, MLIRContext *context) {
  return AffineMap::get(0, symbolCount(sizes), sizes, context);
}

Attribute sizeAttr(AffineExpr size) {
  size = normalForm(size);
  if (auto constant = constantOf(size))
    return IntegerAttr::get(IntegerType::get(size.getContext(), 64), *constant);
  return AffineMapAttr::get(sizeMap(size, size.getContext()));
}

AffineExpr sizeOf(Attribute attribute) {
  if (auto integer = dyn_cast_or_null<IntegerAttr>(attribute))
    return getAffineConstantExpr(integer.getInt(), attribute.getContext());
  auto map = dyn_cast_or_null<AffineMapAttr>(attribute);
  bool isSize = map && map.getAffineMap().getNumResults() == 1 && !map.getAffineMap().getNumDims();
  return isSize ? map.getAffineMap().getResult(0) : AffineExpr();
}

AffineExpr elementCount(ArrayRef<AffineExpr> shape, MLIRContext *context) {
  AffineExpr count = getAffineConstantExpr(1, context);
  for (AffineExpr size : shape)
    count = count * size;
  return normalForm(count);
}

unsigned symbolCount(ArrayRef<AffineExpr> expressions) {
  unsigned count = 0;
  for (AffineExpr expression : expressions)
    expression.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
        count = std::max(count, symbol.getPosition() + 1);
    });
  return count;
}

Value buildSize(OpBuilder &b, Location loc, AffineExpr expression,
                llvm::function_ref<Value(unsigned)> symbol) {
  if (auto constant = constantOf(expression))
    return arith::ConstantIndexOp::create(b, loc, *constant);
  if (auto known = dyn_cast<AffineSymbolExpr>(expression))
    return symbol(known.getPosition());
  auto binary = cast<AffineBinaryOpExpr>(expression);
  constexpr auto exact = arith::IntegerOverflowFlags::nsw;
  Value lhs = buildSize(b, loc, binary.getLHS(), symbol);
  Value rhs = buildSize(b, loc, binary.getRHS(), symbol);
  if (binary.getKind() == AffineExprKind::Add)
    return arith::AddIOp::create(b, loc, lhs, rhs, exact);
  if (binary.getKind() == AffineExprKind::Mul)
    return arith::MulIOp::create(b, loc, lhs, rhs, exact);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  if (!constantOf(binary.getRHS())) // an empty tensor must not trap
    rhs = arith::MaxSIOp::create(b, loc, rhs, one);
  if (binary.getKind() == AffineExprKind::CeilDiv) {
    Value most = arith::SubIOp::create(b, loc, rhs, one, exact);
    lhs = arith::AddIOp::create(b, loc, lhs, most, exact);
  }
  Value rest = arith::RemSIOp::create(b, loc, lhs, rhs);
  Value isNegative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, rest,
                                           arith::ConstantIndexOp::create(b, loc, 0));
  if (binary.getKind() == AffineExprKind::Mod) {
    Value wrapped = arith::AddIOp::create(b, loc, rest, rhs, exact);
    return arith::SelectOp::create(b, loc, isNegative, wrapped, rest);
  }
  Value quotient = arith::DivSIOp::create(b, loc, lhs, rhs);
  Value below = arith::SubIOp::create(b, loc, quotient, one, exact);
  return arith::SelectOp::create(b, loc, isNegative, below, quotient);
}

} // namespace nncc
