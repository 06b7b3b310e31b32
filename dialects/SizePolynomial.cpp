#include "dialects/SizePolynomial.h"

using namespace mlir;

namespace nncc {

int64_t wrappingMul(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
}
int64_t wrappingAdd(int64_t x, int64_t y) {
  return static_cast<int64_t>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
}

static int compare(AffineExpr a, AffineExpr b) {
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

bool isTest(AffineExpr part) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(part);
  return binary && binary.getKind() == AffineExprKind::FloorDiv &&
         constantOf(binary.getRHS()) == testDivisor;
}

bool isWhole(AffineExpr part) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(part);
  return binary && binary.getKind() == AffineExprKind::Mod &&
         constantOf(binary.getRHS()) == testDivisor;
}

bool MonomialOrder::operator()(const Monomial &a, const Monomial &b) const {
  if (a.size() != b.size())
    return a.size() > b.size();
  for (auto [x, y] : llvm::zip(a, b))
    if (int order = compare(x, y))
      return order < 0;
  return false;
}

SizePolynomial SizePolynomial::of(AffineExpr expression) {
  SizePolynomial result;
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    result.add({}, constant.getValue());
    return result;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary) {
    result.add({expression}, 1);
    return result;
  }
  SizePolynomial lhs = of(binary.getLHS()), rhs = of(binary.getRHS());
  if (binary.getKind() == AffineExprKind::Add)
    return lhs.plus(rhs, 1);
  if (binary.getKind() == AffineExprKind::Mul)
    return lhs.times(rhs);
  return divided(binary.getKind(), lhs, rhs, expression.getContext());
}

SizePolynomial SizePolynomial::ofNormal(AffineExpr expression) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (binary && binary.getKind() == AffineExprKind::Add)
    return ofNormal(binary.getLHS()).plus(ofNormal(binary.getRHS()), 1);
  if (binary && binary.getKind() == AffineExprKind::Mul)
    return ofNormal(binary.getLHS()).times(ofNormal(binary.getRHS()));
  SizePolynomial result;
  if (auto constant = constantOf(expression))
    result.add({}, *constant);
  else
    result.add({expression}, 1);
  return result;
}

void SizePolynomial::add(const Monomial &monomial, int64_t factor) {
  int64_t &known = terms[monomial];
  known = wrappingAdd(known, factor);
  if (known == 0)
    terms.erase(monomial);
}

SizePolynomial SizePolynomial::plus(const SizePolynomial &other, int64_t factor) const {
  SizePolynomial result = *this;
  for (auto &[monomial, coefficient] : other.terms)
    result.add(monomial, wrappingMul(coefficient, factor));
  return result;
}

SizePolynomial SizePolynomial::times(const SizePolynomial &other) const {
  SizePolynomial result;
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

SizePolynomial SizePolynomial::takeMultiples(const Monomial &divisor, int64_t factor,
                                             SizePolynomial &rest) const {
  SizePolynomial result;
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

bool SizePolynomial::allOutcomes(llvm::function_ref<bool(const SizePolynomial &)> holds,
                                 int64_t mostTests) const {
  for (auto &[monomial, coefficient] : terms)
    for (AffineExpr part : monomial)
      if (isTest(part))
        return mostTests > 0 && withPart(part, 0).allOutcomes(holds, mostTests - 1) &&
               withPart(part, -1).allOutcomes(holds, mostTests - 1);
  return holds(*this);
}

std::optional<int64_t> SizePolynomial::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

AffineExpr SizePolynomial::build(MLIRContext *context) const {
  AffineExpr sum = getAffineConstantExpr(0, context);
  for (auto &[monomial, coefficient] : terms) {
    AffineExpr product = getAffineConstantExpr(1, context);
    for (AffineExpr part : monomial)
      product = product * part;
    sum = sum + product * coefficient;
  }
  return sum;
}

bool SizePolynomial::isAtLeast(int64_t bound, int64_t least) const {
  return allOutcomes(
      [&](const SizePolynomial &outcome) { return outcome.isOutcomeAtLeast(bound, least); });
}

bool SizePolynomial::isCount(AffineExpr part) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(part);
  return !binary || binary.getKind() == AffineExprKind::Mod || of(binary.getLHS()).isAtLeast(0, 0);
}

SizePolynomial SizePolynomial::withoutNegativeQuotients() const {
  SizePolynomial result;
  for (auto &[monomial, coefficient] : terms) {
    SizePolynomial term, rest;
    term.add(monomial, coefficient);
    for (AffineExpr part : monomial) {
      if (coefficient >= 0 || part.getKind() != AffineExprKind::FloorDiv)
        continue;
      auto binary = cast<AffineBinaryOpExpr>(part);
      SizePolynomial x = of(binary.getLHS()), divisor = of(binary.getRHS());
      if (divisor.terms.size() != 1 || divisor.terms.begin()->second <= 0)
        continue;
      Monomial whole = divisor.terms.begin()->first;
      whole.push_back(part);
      SizePolynomial factor = term.takeMultiples(whole, divisor.terms.begin()->second, rest);
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

bool SizePolynomial::isOutcomeAtLeast(int64_t bound, int64_t least) const {
  SizePolynomial shifted;
  for (auto &[monomial, coefficient] : withoutNegativeQuotients().terms) {
    SizePolynomial product;
    product.add({}, coefficient);
    for (AffineExpr part : monomial) {
      if (!isCount(part))
        return false;
      SizePolynomial sum;
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

SizePolynomial SizePolynomial::withPart(AffineExpr part, int64_t value) const {
  SizePolynomial result;
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

bool SizePolynomial::joinQuotients(SizePolynomial &dividend, SizePolynomial &divisor) {
  // Of one term that is not negative: its coefficient, else 0.
  auto coefficientOf = [](const SizePolynomial &p) -> int64_t {
    return p.terms.size() == 1 ? std::max<int64_t>(p.terms.begin()->second, 0) : 0;
  };
  int64_t outer = coefficientOf(divisor);
  if (!outer || divisor.constant() == testDivisor)
    return false;
  for (auto &[monomial, coefficient] : dividend.terms) {
    bool isQuotient = coefficient == 1 && monomial.size() == 1 &&
                      monomial[0].getKind() == AffineExprKind::FloorDiv && !isTest(monomial[0]);
    if (!isQuotient)
      continue;
    auto quotient = cast<AffineBinaryOpExpr>(monomial[0]);
    SizePolynomial inner = of(quotient.getRHS());
    if (!coefficientOf(inner) || coefficientOf(inner) >= testDivisor / outer)
      continue;
    SizePolynomial rest = dividend;
    rest.add({quotient}, -1);
    dividend = of(quotient.getLHS()).plus(rest.times(inner), 1);
    divisor = inner.times(divisor);
    return true;
  }
  return false;
}

SizePolynomial SizePolynomial::divided(AffineExprKind kind, const SizePolynomial &lhs,
                                       const SizePolynomial &rhs, MLIRContext *context) {
  SizePolynomial multiples, rest = lhs;
  if (rhs.terms.size() == 1 && rhs.terms.begin()->second > 0) {
    rest = SizePolynomial();
    multiples = lhs.takeMultiples(rhs.terms.begin()->first, rhs.terms.begin()->second, rest);
  }
  if (kind == AffineExprKind::Mod)
    multiples = SizePolynomial();
  if (rest.terms.empty())
    return multiples;
  SizePolynomial divisor = rhs;
  if (kind == AffineExprKind::FloorDiv && joinQuotients(rest, divisor))
    return multiples.plus(divided(kind, rest, divisor, context), 1);
  AffineExpr part = getAffineBinaryOpExpr(kind, rest.build(context), divisor.build(context));
  bool isSame = part.getKind() == kind;
  if (isSame || !isa<AffineBinaryOpExpr>(part)) {
    SizePolynomial one;
    if (auto constant = constantOf(part))
      one.add({}, *constant);
    else
      one.add({part}, 1);
    return multiples.plus(one, 1);
  }
  return multiples.plus(of(part), 1);
}

} // namespace nncc
