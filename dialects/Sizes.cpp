#include "dialects/Sizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallSet.h"

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

/// No two sizes are as far apart.
constexpr int64_t testDivisor = int64_t(1) << 40;

/// -1 or 0: see isLess.
bool isTest(AffineExpr part) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(part);
  return binary && binary.getKind() == AffineExprKind::FloorDiv &&
         constantOf(binary.getRHS()) == testDivisor;
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
        int64_t factor = wrappingMul(x, y);
        for (size_t i = 1; i < product.size(); ++i)
          if (product[i] == product[i - 1] && isTest(product[i])) { // -1 * -1, or 0
            product.erase(product.begin() + i--);
            factor = wrappingMul(factor, -1);
          }
        result.add(product, factor);
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

  /// Whether this holds for each outcome of the tests in the polynomial; no, if they are many.
  bool allOutcomes(llvm::function_ref<bool(const Polynomial &)> holds,
                   int64_t mostTests = 6) const {
    for (auto &[monomial, coefficient] : terms)
      for (AffineExpr part : monomial)
        if (isTest(part))
          return mostTests > 0 && withPart(part, 0).allOutcomes(holds, mostTests - 1) &&
                 withPart(part, -1).allOutcomes(holds, mostTests - 1);
    return holds(*this);
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

  /// Whether the value is at least `bound` for all symbols of `least` or more: so it is if no term
  /// but the constant is negative with every symbol written as `least` + something, whatever the
  /// tests in it say.
  bool isAtLeast(int64_t bound, int64_t least) const {
    return allOutcomes(
        [&](const Polynomial &outcome) { return outcome.isOutcomeAtLeast(bound, least); });
  }

  std::map<Monomial, int64_t, MonomialOrder> terms;

private:
  /// Known to be 0 or more: symbols, dims (which count from 0), and what is divided of such.
  static bool isCount(AffineExpr part) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(part);
    return !binary || binary.getKind() == AffineExprKind::Mod ||
           of(binary.getLHS()).isAtLeast(0, 0);
  }

  /// With -d * (x floordiv d) written as x mod d - x: what is left may have a bound.
  Polynomial withoutNegativeQuotients() const {
    Polynomial result;
    for (auto &[monomial, coefficient] : terms) {
      Polynomial term, rest;
      term.add(monomial, coefficient);
      for (AffineExpr part : monomial) {
        if (coefficient >= 0 || part.getKind() != AffineExprKind::FloorDiv)
          continue;
        auto binary = cast<AffineBinaryOpExpr>(part);
        Polynomial x = of(binary.getLHS()), divisor = of(binary.getRHS());
        if (divisor.terms.size() != 1 || divisor.terms.begin()->second <= 0)
          continue;
        Monomial whole = divisor.terms.begin()->first;
        whole.push_back(part);
        Polynomial factor = term.takeMultiples(whole, divisor.terms.begin()->second, rest);
        if (factor.terms.empty())
          continue;
        x.add({binary.getLHS() % binary.getRHS()}, -1);
        term = factor.times(x);
        break;
      }
      result = result.plus(term, 1);
    }
    return result;
  }

  bool isOutcomeAtLeast(int64_t bound, int64_t least) const {
    Polynomial shifted;
    for (auto &[monomial, coefficient] : withoutNegativeQuotients().terms) {
      Polynomial product;
      product.add({}, coefficient);
      for (AffineExpr part : monomial) {
        if (!isCount(part))
          return false;
        Polynomial sum;
        sum.add({part}, 1);
        if (isa<AffineSymbolExpr>(part))
          sum.add({}, least);
        product = product.times(sum);
      }
      shifted = shifted.plus(product, 1);
    }
    shifted.add({}, wrappingMul(bound, -1));
    return llvm::all_of(shifted.terms, [](auto &term) { return term.second >= 0; });
  }

  Polynomial withPart(AffineExpr part, int64_t value) const {
    Polynomial result;
    for (auto &[monomial, coefficient] : terms) {
      Monomial rest;
      int64_t factor = coefficient;
      for (AffineExpr other : monomial)
        if (other == part)
          factor = wrappingMul(factor, value);
        else
          rest.push_back(other);
      result.add(rest, factor);
    }
    return result;
  }

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
  return Polynomial::of(rhs).plus(Polynomial::of(lhs), -1).isAtLeast(1, /*least=*/1);
}

bool isNeverNegative(AffineExpr expression, int64_t least) {
  return Polynomial::of(expression).isAtLeast(0, least);
}

AffineExpr isLess(AffineExpr lhs, AffineExpr rhs) {
  MLIRContext *context = lhs.getContext();
  std::optional<int64_t> x = constantOf(lhs), y = constantOf(rhs);
  if (x && y)
    return getAffineConstantExpr(*x < *y, context);
  // Numbers that stand for "to the end" are beyond all sizes.
  if ((x && std::abs(*x / 2) >= testDivisor / 2) || (y && std::abs(*y / 2) >= testDivisor / 2))
    return getAffineConstantExpr(x ? *x < 0 : *y > 0, context);
  Polynomial difference = Polynomial::of(lhs).plus(Polynomial::of(rhs), -1);
  if (difference.isAtLeast(0, /*least=*/0))
    return getAffineConstantExpr(0, context);
  if (Polynomial().plus(difference, -1).isAtLeast(1, /*least=*/0))
    return getAffineConstantExpr(1, context);
  return normalForm(-(difference.build(context).floorDiv(testDivisor)));
}

AffineExpr isEqual(AffineExpr lhs, AffineExpr rhs) {
  return select(isLess(lhs, rhs), getAffineConstantExpr(0, lhs.getContext()), 1 - isLess(rhs, lhs));
}

AffineExpr select(AffineExpr condition, AffineExpr ifTrue, AffineExpr ifFalse) {
  return normalForm(ifFalse + (ifTrue - ifFalse) * condition);
}

bool hasChoice(AffineExpr expression) {
  bool found = false;
  expression.walk([&](AffineExpr part) { found |= isTest(part); });
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
