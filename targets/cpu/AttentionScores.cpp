// The scores of a block of queries and a block of keys, and what soft-max makes of them.
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/AttentionEmitter.h"
#include "targets/cpu/PackPanels.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;
using Values = SmallVector<Value>;

/// Where the mask is by query, its lines go to where the scores will be.
void AttentionEmitter::transposeMask(const Block &block, const Keys &keys) {
  if (!mask.buffer || constantOf(mask.strides[2]) == 0)
    return;
  Value at = add(add(mask.at, mul(block.first, mask.strides[2])), mul(keys.first, mask.strides[3]));
  packPanels(*this, {mask.buffer, at, mask.strides[2], mask.strides[3], block.rows}, keys.all,
             keyCount, vector, scoreRows, scorePitch);
}

/// The mask and what `causal` says, for a key and the 16 queries from `query` on, whose scores are
/// stored `at`.
Value AttentionEmitter::masked(Value score, Value at, Value key, Value query) {
  if (mask.buffer) {
    Value element = constantOf(mask.strides[2]) == 0
                        ? broadcast(memref::LoadOp::create(b, loc, mask.buffer,
                                                           add(mask.at, mul(key, mask.strides[3]))))
                        : load(scoreRows, at);
    if (op.getFill())
      score = arith::SelectOp::create(b, loc, compare(arith::CmpFPredicate::UNE, element, 0), score,
                                      splat(op.getFill()->convertToDouble()));
    else
      score = arith::AddFOp::create(b, loc, score, element);
  }
  if (op.getCausal()) {
    auto narrow = [&](Value index) {
      return broadcast(arith::IndexCastOp::create(b, loc, b.getI32Type(), index));
    };
    SmallVector<int32_t> lanes = llvm::to_vector(llvm::seq<int32_t>(0, panel));
    Value lane = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(VectorType::get({panel}, b.getI32Type()), ArrayRef(lanes)));
    Value row = arith::AddIOp::create(b, loc, narrow(query), lane);
    Value past = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, row, narrow(key));
    score = arith::SelectOp::create(b, loc, past, score, splat(-INFINITY));
  }
  return score;
}

/// A score that is NaN may be passed over, its power is NaN again, but where the largest one tells
/// whether a query has any key.
Value AttentionEmitter::larger(Value x, Value y) {
  auto flags =
      op.getGuard() == kern::Guard::Empty ? arith::FastMathFlags::none : arith::FastMathFlags::nnan;
  return arith::MaximumFOp::create(b, loc, x, y, flags);
}

/// The scores of `count` keys from `next` on, and the largest ones so far.
Values AttentionEmitter::scoreTile(const Block &block, int64_t count, const Keys &keys, Value next,
                                   Values max) {
  Values open; // strides
  int64_t rowStride = strideOf(key.strides[2], open), step = strideOf(key.strides[3], open);
  Values sums(count * block.panels, splat(0));
  Value first = add(keys.first, next), at = add(key.at, mul(first, key.strides[2]));
  auto product = kern::BrgemmOp::create(
      b, loc, ValueRange(sums).getTypes(), key.buffer, at, queries, constant(0), constant(depth),
      open, sums, ArrayRef(step), ArrayRef(panel), rowStride,
      /*panelStride=*/queryPitch, block.panels, unroll, kern::BlocksAttr());
  for (int64_t q = 0; q < block.panels; ++q) {
    Values scores;
    for (int64_t i = 0; i < count; ++i) {
      Value score = product.getResult(i * block.panels + q);
      Value to = add(mul(add(next, i), panel), q * scorePitch);
      score = masked(score, to, add(first, i), add(block.first, q * panel));
      store(score, scoreRows, to);
      scores.push_back(score);
    }
    for (size_t i = 0; i + 1 < scores.size(); i += 2) // pairwise
      scores.push_back(larger(scores[i], scores[i + 1]));
    max[q] = larger(scores.back(), max[q]);
  }
  return max;
}

/// Keys of tiles that together are any number of keys that a block has: as many of the first ones
/// as there is room for, then at most one of each other.
SmallVector<int64_t> AttentionEmitter::tileSizes(Value keys) {
  int64_t tile = plan.getKeys();
  SmallVector<int64_t> sizes{tile};
  std::optional<int64_t> rest = getConstantIntValue(keys);
  // Ends of blocks of queries and of keys are multiples of 16, but for the last one.
  if (!rest && (panel % tile == 0 || (!op.getCausal() && plan.getKeyBlock() % tile == 0)))
    rest = constantOf(keyCount);
  if (rest) {
    if (*rest % tile)
      sizes.push_back(*rest % tile);
  } else {
    while (sizes.back() > 1)
      sizes.push_back(llvm::divideCeilSigned(sizes.back(), 2));
  }
  return sizes;
}

/// -> the largest score of each query so far
Values AttentionEmitter::scores(const Block &block, const Keys &keys, Values max) {
  Value next = constant(0);
  for (int64_t count : tileSizes(keys.count)) {
    Value tiles = divide(sub(keys.count, next), count).first;
    if (getConstantIntValue(tiles) == 0)
      continue;
    max = loop(tiles, 1, max, [&](Value i, ValueRange carried) {
      return scoreTile(block, count, keys, add(next, mul(i, count)), Values(carried));
    });
    next = add(next, mul(tiles, count));
  }
  return max;
}

/// Of numbers that are not positive; 0 in place of numbers below the normal ones.
Value AttentionEmitter::exponential(Value x) {
  auto flags = arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::ninf |
                                                                 arith::FastMathFlags::afn);
  return math::ExpOp::create(b, loc, x, flags);
}

/// scores = exp(scores - max), of 16 queries, from `first` on -> their sums
Value AttentionEmitter::powers(Value first, Value keys, Value max) {
  auto rows = [&](Value key, int64_t count) {
    Values parts;
    for (int64_t i = 0; i < count; ++i) {
      Value at = add(first, mul(add(key, i), panel));
      parts.push_back(exponential(arith::SubFOp::create(b, loc, load(scoreRows, at), max)));
      store(parts.back(), scoreRows, at);
    }
    for (size_t i = 0; i + 1 < parts.size(); i += 2) // pairwise
      parts.push_back(arith::AddFOp::create(b, loc, parts[i], parts[i + 1]));
    return parts.back();
  };
  auto all = [&](Value from, Value count, int64_t step, Value sum) {
    return loop(count, step, sum,
                [&](Value i, ValueRange carried) {
                  Value part = rows(add(from, i), step);
                  return Values{arith::AddFOp::create(b, loc, carried.front(), part)};
                })
        .front();
  };
  Value whole = mul(divide(keys, unroll).first, unroll), rest = sub(keys, whole), sum = splat(0);
  if (getConstantIntValue(whole) != 0)
    sum = all(constant(0), whole, unroll, sum);
  if (getConstantIntValue(rest) != 0)
    sum = all(whole, rest, 1, sum);
  return sum;
}
