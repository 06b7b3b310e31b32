// Sizes as sums of products of symbols: what the normal form and the proofs of Sizes.h compute
// with.
#pragma once

#include "dialects/Sizes.h"

#include <map>

namespace nncc {

int64_t wrappingMul(int64_t x, int64_t y);
int64_t wrappingAdd(int64_t x, int64_t y);

/// No two sizes are as far apart.
constexpr int64_t testDivisor = int64_t(1) << 40;

/// -1 or 0: see isLess.
bool isTest(mlir::AffineExpr part);

/// A choice between sizes as one factor, x mod 2^40: no size is as great. Multiplied out, the
/// elements of a tensor of rank r whose sizes are choices between n terms are n^r products.
bool isWhole(mlir::AffineExpr part);

/// Factors that cannot be taken apart, in order: symbols, dims, quotients, remainders.
using Monomial = llvm::SmallVector<mlir::AffineExpr, 4>;
/// By their degree, the constant last.
struct MonomialOrder {
  bool operator()(const Monomial &a, const Monomial &b) const;
};

/// A sum of multiples of monomials.
class SizePolynomial {
public:
  /// Arithmetic wraps around, as that of the expressions does.
  static SizePolynomial of(mlir::AffineExpr expression);
  /// The same of an expression in normal form, whose factors are taken as they are.
  static SizePolynomial ofNormal(mlir::AffineExpr expression);
  /// The expression that it stands for: equal polynomials give equal ones.
  mlir::AffineExpr build(mlir::MLIRContext *context) const;
  /// The value, if it has no symbols.
  std::optional<int64_t> constant() const;

  void add(const Monomial &monomial, int64_t factor);
  /// this + other * factor
  SizePolynomial plus(const SizePolynomial &other, int64_t factor) const;
  SizePolynomial times(const SizePolynomial &other) const;

  /// The terms that the monomial `divisor`, times `factor`, divides: divided; `rest`: the others.
  SizePolynomial takeMultiples(const Monomial &divisor, int64_t factor, SizePolynomial &rest) const;

  /// Whether this holds for each outcome of the tests in the polynomial; no, if they are many.
  bool allOutcomes(llvm::function_ref<bool(const SizePolynomial &)> holds,
                   int64_t mostTests = 6) const;

  /// With a number in place of a factor.
  SizePolynomial withPart(mlir::AffineExpr part, int64_t value) const;

  /// Whether the value is at least `bound` for all symbols of `least` or more: so it is if no term
  /// but the constant is negative with every symbol written as `least` + something, whatever the
  /// tests in it say.
  bool isAtLeast(int64_t bound, int64_t least) const;

  std::map<Monomial, int64_t, MonomialOrder> terms;

private:
  /// Known to be 0 or more: symbols, dims (which count from 0), and what is divided of such.
  static bool isCount(mlir::AffineExpr part);

  /// With -d * (x floordiv d) written as x mod d - x: what is left may have a bound.
  SizePolynomial withoutNegativeQuotients() const;

  /// isAtLeast() of a polynomial without tests.
  bool isOutcomeAtLeast(int64_t bound, int64_t least) const;

  /// (x floordiv a + r) floordiv b as (x + r * a) floordiv (a * b), which is the same; whether
  /// there is such a term.
  static bool joinQuotients(SizePolynomial &dividend, SizePolynomial &divisor);

  /// The quotient or remainder: multiples of the divisor are taken out of it.
  static SizePolynomial divided(mlir::AffineExprKind kind, const SizePolynomial &lhs,
                                const SizePolynomial &rhs, mlir::MLIRContext *context);
};

} // namespace nncc
