#include "dialects/BroadcastSizes.h"

#include "dialects/SizePolynomial.h"

using namespace mlir;

namespace nncc {

/// 1 for a size of 1, 0 for any other.
static AffineExpr isOne(AffineExpr size) { return normalForm(size.floorDiv(size * 2 - 1)); }

/// (other - 1) * isOne(size) + size: `other` where `size` is 1, else `size`. That `other` occurs
/// once makes chains of broadcasts grow by a constant length.
static SizePolynomial choose(const SizePolynomial &other, AffineExpr size) {
  SizePolynomial factor, one;
  factor.add({isOne(size)}, 1);
  one.add({}, 1);
  return other.plus(one, -1).times(factor).plus(SizePolynomial::ofNormal(size), 1);
}

/// The sizes that `size` is the broadcast of; itself, if it is none.
static void collectSizes(AffineExpr size, Shape &sizes) {
  SizePolynomial chosen;
  if (isWhole(size))
    chosen = SizePolynomial::ofNormal(cast<AffineBinaryOpExpr>(size).getLHS());
  for (auto &[monomial, coefficient] : chosen.terms)
    for (AffineExpr part : monomial) {
      auto quotient = dyn_cast<AffineBinaryOpExpr>(part);
      if (!quotient || part != isOne(quotient.getLHS()))
        continue;
      AffineExpr last = quotient.getLHS();
      SizePolynomial other = chosen.withPart(part, 1).plus(SizePolynomial::ofNormal(last), -1);
      other.add({}, 1);
      if (choose(other, last).terms != chosen.terms)
        continue;
      collectSizes(other.build(size.getContext()), sizes);
      return collectSizes(last, sizes);
    }
  if (!llvm::is_contained(sizes, size))
    sizes.push_back(size);
}

AffineExpr broadcastSize(AffineExpr lhs, AffineExpr rhs) {
  Shape sizes;
  for (AffineExpr size : {lhs, rhs}) {
    if (constantOf(size) && constantOf(size) != 1)
      return size;
    if (constantOf(size) != 1)
      collectSizes(normalForm(size), sizes);
  }
  if (sizes.empty())
    return lhs;
  // All but the first occur more than once.
  llvm::sort(sizes, [](AffineExpr a, AffineExpr b) {
    int64_t first = length(a), second = length(b);
    return first != second ? first > second : MonomialOrder()({a}, {b});
  });
  AffineExpr result = sizes.front();
  for (AffineExpr size : llvm::drop_begin(sizes))
    result = choose(SizePolynomial::ofNormal(result), size).build(lhs.getContext()) % testDivisor;
  return result;
}

} // namespace nncc
