#include "dialects/Sizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <map>

using namespace mlir;

namespace nncc {

namespace {

int compare(AffineExpr a, AffineExpr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  auto order = [](int64_t x, int64_t y) { return x < y ? -1 : x > y; };
  if (auto dim = dyn_cast<AffineDimExpr>(a))
    return order(dim.getPosition(), cast<AffineDimExpr>(b).getPosition());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(a))
    return order(symbol.getPosition(), cast<AffineSymbolExpr>(b).getPosition());
  if (auto constant = dyn_cast<AffineConstantExpr>(a))
    return order(constant.getValue(), cast<AffineConstantExpr>(b).getValue());
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  int first = compare(x.getLHS(), y.getLHS());
  return first ? first : compare(x.getRHS(), y.getRHS());
}

int64_t wrappingMul(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
}
int64_t wrappingAdd(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
}

/// Factors that cannot be taken apart, in order: symbols, dims, quotients, remainders.
using Monomial = SmallVector<AffineExpr, 4>;
struct MonomialOrder {
  bool operator()(const Monomial &a, const Monomial &b) const {
    if (a.size() != b.size())
      return a.size() > b.size(); // the constant comes last
    for (auto [x, y] : llvm::zip(a, b))
      if (int order = compare(x, y))
        return order < 0;
    return false;
  }
};

/// A sum of multiples of monomials.
class Polynomial {
public:
  static Polynomial of(AffineExpr expression) {
    Polynomial result;
    if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
      result.add({}, constant.getValue());
      return result;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
    if (!binary) {
      result.add({expression}, 1);
      return result;
    }
    Polynomial lhs = of(binary.getLHS()), rhs = of(binary.getRHS());
    if (binary.getKind() == AffineExprKind::Add)
      return lhs.plus(rhs, 1);
    if (binary.getKind() == AffineExprKind::Mul)
      return lhs.times(rhs);
    return divided(binary.getKind(), lhs, rhs, expression.getContext());
  }

  void add(const Monomial &monomial, int64_t factor) {
    int64_t &known = terms[monomial];
    known = wrappingAdd(known, factor);
    if (known == 0)
      terms.erase(monomial);
  }

  Polynomial plus(const Polynomial &other, int64_t factor) const {
    Polynomial result = *this;
    for (auto &[monomial, coefficient] : other.terms)
      result.add(monomial, wrappingMul(coefficient, factor));
    return result;
  }

  Polynomial times(const Polynomial &other) const {
    Polynomial result;
    for (auto &[a, x] : terms)
      for (auto &[b, y] : other.terms) {
        Monomial product = a;
        product.append(b);
        llvm::sort(product, [](AffineExpr x, AffineExpr y) { return compare(x, y) < 0; });
        result.add(product, wrappingMul(x, y));
      }
    return result;
  }

  /// The terms that the monomial `divisor`, times `factor`, divides: divided; `rest`: the others.
  Polynomial takeMultiples(const Monomial &divisor, int64_t factor, Polynomial &rest) const {
    Polynomial result;
    for (auto &[monomial, coefficient] : terms) {
      Monomial left = monomial;
      bool divides = coefficient % factor == 0;
      for (AffineExpr part : divisor) {
        auto *found = llvm::find(left, part);
        divides &= found != left.end();
        if (found != left.end())
          left.erase(found);
      }
      if (divides)
        result.add(left, coefficient / factor);
      else
        rest.add(monomial, coefficient);
    }
    return result;
  }

  std::optional<int64_t> constant() const {
    if (terms.empty())
      return 0;
    if (terms.size() == 1 && terms.begin()->first.empty())
      return terms.begin()->second;
    return std::nullopt;
  }

  AffineExpr build(MLIRContext *context) const {
    AffineExpr sum = getAffineConstantExpr(0, context);
    for (auto &[monomial, coefficient] : terms) {
      AffineExpr product = getAffineConstantExpr(1, context);
      for (AffineExpr part : monomial)
        product = product * part;
      sum = sum + product * coefficient;
    }
    return sum;
  }

  /// Lowest value over all symbols of 1 or more is above 0: so it is if no term is negative with
  /// every symbol written as 1 + something.
  bool isAlwaysPositive() const {
    Polynomial shifted;
    for (auto &[monomial, coefficient] : terms) {
      Polynomial product;
      product.add({}, coefficient);
      for (AffineExpr part : monomial) {
        Polynomial sum;
        sum.add({part}, 1);
        if (isa<AffineSymbolExpr>(part))
          sum.add({}, 1);
        product = product.times(sum);
      }
      shifted = shifted.plus(product, 1);
    }
    bool hasConstant = false;
    for (auto &[monomial, coefficient] : shifted.terms) {
      if (coefficient < 0)
        return false;
      hasConstant |= monomial.empty();
    }
    return hasConstant;
  }

  std::map<Monomial, int64_t, MonomialOrder> terms;

private:
  static Polynomial divided(AffineExprKind kind, const Polynomial &lhs, const Polynomial &rhs,
                            MLIRContext *context) {
    Polynomial multiples, rest = lhs;
    if (rhs.terms.size() == 1 && rhs.terms.begin()->second > 0) {
      rest = Polynomial();
      multiples = lhs.takeMultiples(rhs.terms.begin()->first, rhs.terms.begin()->second, rest);
    }
    if (kind == AffineExprKind::Mod)
      multiples = Polynomial();
    if (rest.terms.empty())
      return multiples;
    AffineExpr part = getAffineBinaryOpExpr(kind, rest.build(context), rhs.build(context));
    bool isSame = part.getKind() == kind;
    if (isSame || !isa<AffineBinaryOpExpr>(part)) {
      Polynomial one;
      if (auto constant = constantOf(part))
        one.add({}, *constant);
      else
        one.add({part}, 1);
      return multiples.plus(one, 1);
    }
    return multiples.plus(of(part), 1);
  }
};

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

int64_t evaluateWith(AffineExpr expression, llvm::function_ref<int64_t(unsigned)> symbol) {
  if (auto constant = constantOf(expression))
    return *constant;
  if (auto known = dyn_cast<AffineSymbolExpr>(expression))
    return symbol(known.getPosition());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return 0;
  return evaluateBinary(binary.getKind(), evaluateWith(binary.getLHS(), symbol),
                        evaluateWith(binary.getRHS(), symbol));
}

} // namespace

std::optional<int64_t> constantOf(AffineExpr expression) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return constant.getValue();
  return std::nullopt;
}

AffineExpr normalForm(AffineExpr expression) {
  if (!isa<AffineBinaryOpExpr>(expression))
    return expression;
  return Polynomial::of(expression).build(expression.getContext());
}

AffineExpr exactQuotient(AffineExpr dividend, AffineExpr divisor) {
  MLIRContext *context = dividend.getContext();
  dividend = normalForm(dividend), divisor = normalForm(divisor);
  if (constantOf(divisor) == 0)
    return {};
  if (dividend == divisor)
    return getAffineConstantExpr(1, context);
  Polynomial below = Polynomial::of(divisor), rest;
  if (below.terms.size() != 1)
    return {};
  auto &[monomial, factor] = *below.terms.begin();
  Polynomial result = Polynomial::of(dividend).takeMultiples(monomial, factor, rest);
  return rest.terms.empty() ? result.build(context) : AffineExpr();
}

bool isAlwaysLess(AffineExpr lhs, AffineExpr rhs) {
  return Polynomial::of(rhs).plus(Polynomial::of(lhs), -1).isAlwaysPositive();
}

int64_t evaluate(AffineExpr expression, ArrayRef<int64_t> symbols) {
  return evaluateWith(expression,
                      [&](unsigned i) { return i < symbols.size() ? symbols[i] : int64_t(0); });
}

int64_t nominal(AffineExpr expression) {
  return evaluateWith(expression, [](unsigned) { return nominalSymbol; });
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
  auto map = AffineMap::get(0, symbolCount(normal), normal, element.getContext());
  return RankedTensorType::get(sizes, element, AffineMapAttr::get(map));
}

Attribute sizeAttr(AffineExpr size) {
  size = normalForm(size);
  if (auto constant = constantOf(size))
    return IntegerAttr::get(IntegerType::get(size.getContext(), 64), *constant);
  return AffineMapAttr::get(AffineMap::get(0, symbolCount(size), size));
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
