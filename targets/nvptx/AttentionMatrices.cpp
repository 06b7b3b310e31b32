// Attention of f16 and bf16 by mma.sync: scores and results in the registers of warps, tiles of
// keys and values in a pipeline of asynchronous copies.
#include "mlir/Dialect/Math/IR/Math.h"
#include "targets/nvptx/AsyncCopies.h"
#include "targets/nvptx/AttentionEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// Steps of one product, and columns whose fragments are one load.
static constexpr int64_t mmaSteps = 2 * mmaWords, loadColumns = 2 * mmaColumns;

/// Tile i is multiplied while those up to i + stages - 1 are on their way. The barrier of i is
/// behind the products of i - 1 and what has come of i: the place of i - 1 is free then, and that
/// of the queries, which come first of all, in the place of tile stages - 1.
void AttentionEmitter::matrices() {
  const int64_t ahead = tile.stages - 1, size = tile.stageElements();
  slices = e.allocateShared(tile.stagedElements(), p.init.element());
  Value end = endOfKeys(), last = e.constant(ahead * size);
  const bool isAsync =
      groupOf(p.query, p.depth) > 1 || groupOf(p.key, p.depth) > 1 || groupOf(p.value, p.width) > 1;
  // What is stored by the threads themselves is there behind the barrier of the queries.
  const bool isSingle = constantOf(p.keyCount).value_or(INT64_MAX) <= tile.keys();
  auto endGroup = [&] {
    if (isAsync)
      endCopies(e);
  };
  auto wait = [&] {
    if (isAsync)
      waitForCopies(e, ahead - 1);
    e.barrier();
  };
  load(p.query,
       {firstQuery, e.size(p.length), e.constant(0), e.constant(p.depth), isWholeInQueries,
        p.depth == tile.depth, tile.queries(), tile.depth, tile.rowPitch()},
       slices, last);
  for (int64_t i = 0; i < ahead; ++i) {
    endGroup();
    startTile(e.constant(i * tile.keys()), end, e.constant(i * size));
  }
  wait();
  loadQueryFragments(last);
  Values carried = firstState();
  carried.push_back(e.constant(0)); // place of this tile
  carried.push_back(last);          // of the one to come
  carried =
      e.stride(e.constant(0), end, tile.keys(), carried, [&](Value firstKey, ValueRange values) {
        Value place = values.drop_back().back(), free = values.back();
        endGroup();
        if (isAsync || !isSingle)
          wait();
        startTile(e.add(firstKey, ahead * tile.keys()), end, free);
        Values after = matrixTile(firstKey, place, values.drop_back(2));
        Value next = e.add(place, size);
        Value isBehind = e.equals(next, tile.stages * size);
        after.push_back(arith::SelectOp::create(e.b, e.loc, isBehind, e.constant(0), next));
        after.push_back(place);
        return after;
      });
  finish(ValueRange(carried).drop_back(2));
}

/// Begins to copy keys and, behind them, their values; nothing behind the last tile.
void AttentionEmitter::startTile(Value firstKey, Value end, Value place) {
  auto copyBoth = [&] {
    load(p.key,
         {firstKey, e.size(p.keyCount), e.constant(0), e.constant(p.depth), isWholeInKeys,
          p.depth == tile.depth, tile.keys(), tile.depth, tile.rowPitch()},
         slices, place);
    bool isWhole = tile.isWholeInColumns() && p.width % tile.width == 0;
    load(p.value,
         {firstKey, e.size(p.keyCount), firstColumn, e.constant(p.width), isWholeInKeys, isWhole,
          tile.keys(), tile.slices() * tile.columns(), tile.valuePitch()},
         slices, e.add(place, tile.keys() * tile.rowPitch()));
  };
  e.branch(isLess(firstKey, end), copyBoth, [] {});
}

void AttentionEmitter::loadQueryFragments(Value place) {
  ownQueries.clear();
  Value row = e.add(place, e.mul(e.warp(), mmaRows * tile.rowPitch()));
  row = e.add(row, mma.lineOfA(tile.rowPitch()));
  for (int64_t step = 0; step < tile.depth; step += mmaSteps)
    ownQueries.append(
        mma.load(e.pointer(slices, e.add(row, step), sharedSpace), NVVM::MMALayout::row));
}

Values AttentionEmitter::matrixTile(Value firstKey, Value place, ValueRange before) {
  Values scores = matrixScores(place), state(before);
  maskIfNeeded(scores, firstKey);
  Values factors = nextState(scores, state, tile.columnThreads);
  addMatrixResults(place, scores, rescale(state, factors));
  return state;
}

/// Of the tile at `place`, before they are masked.
Values AttentionEmitter::matrixScores(Value place) {
  Values scores(tile.threadQueries * tile.threadKeys, number(0));
  Value row = e.add(place, mma.lineOfB(tile.rowPitch()));
  for (int64_t step = 0; step < tile.depth; step += mmaSteps) {
    Values keys;
    for (int64_t key = 0; key < tile.keys(); key += loadColumns) {
      Value at = e.add(row, key * tile.rowPitch() + step);
      keys.append(mma.load(e.pointer(slices, at, sharedSpace), NVVM::MMALayout::row));
    }
    mma.multiplyAll(ArrayRef(ownQueries).slice(step / mmaSteps * 4, 4), keys, scores);
  }
  if (!isScaledLate())
    for (Value &score : scores)
      score = arith::MulFOp::create(e.b, e.loc, score, number(p.op.getScale().convertToDouble()));
  return scores;
}

/// Most tiles have no key behind the last one, of the tensor or of a query.
void AttentionEmitter::maskIfNeeded(Values &scores, Value firstKey) {
  auto all = [&] {
    Values masked(scores);
    mask(masked, firstKey);
    return masked;
  };
  Value last = e.add(firstKey, tile.keys() - 1), isPart;
  auto addPart = [&](Value condition) {
    isPart = isPart ? arith::OrIOp::create(e.b, e.loc, isPart, condition).getResult() : condition;
  };
  if (!isWholeInKeys)
    addPart(isLess(e.sub(e.size(p.keyCount), e.constant(1)), last));
  if (p.op.getCausal())
    addPart(isLess(firstQuery, last));
  if (p.mask.buffer)
    scores = all();
  else if (isPart)
    scores = e.choose(isPart, ValueRange(scores).getTypes(), all, [&] { return scores; });
}

/// results += weights times values. The scores of 16 keys are where A has 16 steps.
void AttentionEmitter::addMatrixResults(Value place, ArrayRef<Value> weights,
                                        MutableArrayRef<Value> results) {
  Value row = e.add(place, tile.keys() * tile.rowPitch());
  row = e.add(row, mma.lineOfTransposedB(tile.valuePitch()));
  for (int64_t key = 0; key < tile.keys(); key += mmaSteps) {
    Values own, values;
    for (int64_t j : {0, 2})
      for (int64_t i = 0; i < tile.threadQueries; ++i) {
        int64_t first = i * tile.threadKeys + key / 4 + j;
        own.push_back(mma.roundPair(weights[first], weights[first + 1]));
      }
    for (int64_t column = 0; column < tile.slices() * tile.columns(); column += loadColumns) {
      Value at = e.add(row, key * tile.valuePitch() + column);
      values.append(mma.load(e.pointer(slices, at, sharedSpace), NVVM::MMALayout::col));
    }
    mma.multiplyAll(own, values, results);
  }
}

// Weights
// ---------------------------------------------------------------------------------------------------

/// Whether scores stay without their scale until they become weights: nothing is added to them, and
/// the largest one is the same.
bool AttentionEmitter::isScaledLate() {
  return !p.mask.buffer && p.op.getScale().convertToDouble() > 0;
}

/// exp(score - largest), of scaled scores, by the instruction for powers of two, whose error of
/// 2^-22 is less than that of rounding weights.
Value AttentionEmitter::powerOf(Value score, Value largest) {
  constexpr double log2e = 1.4426950408889634;
  Value exponent;
  if (isScaledLate()) {
    Value unit = number(log2e * p.op.getScale().convertToDouble());
    Value from =
        arith::NegFOp::create(e.b, e.loc, arith::MulFOp::create(e.b, e.loc, largest, unit));
    exponent = math::FmaOp::create(e.b, e.loc, score, unit, from);
  } else {
    exponent = arith::MulFOp::create(e.b, e.loc, arith::SubFOp::create(e.b, e.loc, score, largest),
                                     number(log2e));
  }
  return LLVM::CallIntrinsicOp::create(e.b, e.loc, e.b.getF32Type(),
                                       e.b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f32"), exponent)
      .getResult(0);
}
