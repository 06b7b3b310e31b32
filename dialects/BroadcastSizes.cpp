#include "dialects/BroadcastSizes.h"

#include "dialects/SizePolynomial.h"

using namespace mlir;

namespace nncc {

/// 1 for a size of 1, 0 for any other.
static AffineExpr isOne(AffineExpr size) { return size.floorDiv(size * 2 - 1); }

/// `other` where `size` is 1, else `size`, in which `other` occurs once: chains of broadcasts grow
/// by a constant length.
static AffineExpr broadcastPair(AffineExpr other, AffineExpr size) {
  return normalForm(((other - 1) * isOne(size) + size) % testDivisor);
}

/// The sizes that `size` is the broadcast of; itself, if it is none.
static void collectBroadcast(AffineExpr size, Shape &sizes) {
  if (isWhole(size)) {
    SizePolynomial chosen = SizePolynomial::of(cast<AffineBinaryOpExpr>(size).getLHS());
    for (auto &[monomial, coefficient] : chosen.terms)
      for (AffineExpr part : monomial) {
        auto quotient = dyn_cast<AffineBinaryOpExpr>(part);
        if (!quotient || part != normalForm(isOne(quotient.getLHS())))
          continue;
        AffineExpr last = quotient.getLHS();
        AffineExpr other = normalForm(chosen.withPart(part, 1).build(size.getContext()) - last + 1);
        if (broadcastPair(other, last) != size)
          continue;
        collectBroadcast(other, sizes);
        return collectBroadcast(last, sizes);
      }
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
      collectBroadcast(normalForm(size), sizes);
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
    result = broadcastPair(result, size);
  return result;
}

} // namespace nncc
