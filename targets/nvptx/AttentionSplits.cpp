#include "targets/nvptx/AttentionSplits.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/AttentionEmitter.h"
#include "targets/nvptx/Chip.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// Two blocks have room on a multiprocessor: one computes while the other waits for its keys.
static constexpr int64_t blocksOfMultiprocessor = 2;
static constexpr int64_t mostSplits = 32;
/// So many tiles of keys should be passed sooner than a second launch begins, some microseconds.
static constexpr int64_t fewTiles = 2;

KeySplits KeySplits::choose(const Attention &p, const AttentionTile &tile, int64_t capability) {
  kern::AttentionOp op = p.op;
  MLIRContext *context = op.getContext();
  auto constant = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  KeySplits whole{constant(1), p.keyCount, 1};
  // With `causal` few queries have as few keys.
  if (!tile.isStreamed() || op.getCausal())
    return whole;
  AffineExpr blocks = normalForm(p.batches * p.heads * llvm::divideCeil(p.width, tile.width));
  AffineExpr wanted = constant(blocksOfMultiprocessor * multiprocessorsOf(capability));
  AffineExpr most = minimum(constant(mostSplits), normalForm(wanted.ceilDiv(blocks)));
  // One tile each, where a block for each is on the chip at a time, but not of only two.
  AffineExpr areFew = isLess(p.keyCount, constant(fewTiles * tile.keys() + 1));
  AffineExpr keys = (p.keyCount.ceilDiv(most * tile.keys()) + areFew) * tile.keys();
  AffineExpr count = (maximum(p.keyCount, constant(1)) - 1).floorDiv(keys) + 1;
  keys = normalForm(keys), count = normalForm(count);
  int64_t bound = constantOf(count).value_or(constantOf(most).value_or(mostSplits));
  return bound == 1 ? whole : KeySplits{count, keys, bound};
}

int64_t KeySplits::resultThreads(const AttentionTile &tile) {
  constexpr int64_t most = 256;
  return std::min<int64_t>(most, llvm::alignTo(tile.queries() * tile.width, warpLanes));
}

// What splits have
// ---------------------------------------------------------------------------------------------------

void AttentionEmitter::allocateSplits() {
  if (splits.areSeveral())
    memory = e.kernel.allocateWorkspace(
        e.b, e.loc, units * splits.count * (tile.queries() * splitPitch()), e.b.getF32Type());
}

/// Where a split of the unit has a row: its largest score, its sum and its results.
Value AttentionEmitter::splitAt(Value split, Value query) {
  Value row = e.add(e.mul(e.add(e.mul(split, units), unitNumber), tile.queries()), query);
  return e.mul(row, splitPitch());
}

void AttentionEmitter::storeSplit(Value query, Value column, const Part &part) {
  Value at = splitAt(split, query);
  auto put = [&](Value value, Value at) { memref::StoreOp::create(e.b, e.loc, value, memory, at); };
  auto putRow = [&] {
    put(part.largest, at);
    put(part.sum, e.add(at, 1));
  };
  e.branch(e.equals(column, 0), putRow, [] {});
  put(part.result, e.add(e.add(at, 2), column));
}

/// Of one element of the result; several splits are on their way at once.
AttentionEmitter::Part AttentionEmitter::loadSplits(Value query, Value column) {
  constexpr int64_t mostAtOnce = 16;
  const int64_t atOnce = llvm::divideCeil(splits.most, llvm::divideCeil(splits.most, mostAtOnce));
  std::optional<int64_t> known = constantOf(splits.count);
  const bool areWhole = known && *known % atOnce == 0;
  Value count = e.size(splits.count), last = e.sub(count, e.constant(1));
  auto load = [&](Value split) {
    Value at = splitAt(areWhole ? split : e.minimum(split, last), query);
    Part part;
    for (auto [to, offset] : {std::pair(&part.largest, e.constant(0)),
                              {&part.sum, e.constant(1)},
                              {&part.result, e.add(column, 2)}})
      *to = memref::LoadOp::create(e.b, e.loc, memory, e.add(at, offset));
    if (areWhole)
      return part;
    Value isThere = isLess(split, count);
    auto unlessBehind = [&](Value &x, double other) {
      x = arith::SelectOp::create(e.b, e.loc, isThere, x, number(other));
    };
    unlessBehind(part.largest, -INFINITY);
    unlessBehind(part.sum, 0);
    unlessBehind(part.result, 0);
    return part;
  };
  Values none{number(-INFINITY), number(0), number(0)};
  Values all = e.loop(count, atOnce, none, [&](Value first, ValueRange before) {
    SmallVector<Part> parts{{before[0], before[1], before[2]}};
    for (int64_t i = 0; i < atOnce; ++i)
      parts.push_back(load(e.add(first, i)));
    Part all = joined(parts);
    return Values{all.largest, all.sum, all.result};
  });
  return {all[0], all[1], all[2]};
}

void AttentionEmitter::emitResults() {
  allocateSplits();
  // Of one split the first launch has made results.
  AffineExpr areSplit = nncc::isLess(splits.keys, p.keyCount);
  e.units(units * areSplit, [&](Value unit) {
    enter(unit);
    e.distribute(e.constant(tile.queries() * tile.width), [&](Value index) {
      auto [query, column] = e.divide(index, tile.width);
      Part all = loadSplits(query, column);
      store(Row{query, all.largest, all.sum}, column, all.result);
    });
  });
}
