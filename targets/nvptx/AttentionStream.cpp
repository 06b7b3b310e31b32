// Attention of few queries: keys and values pass once from memory to registers.
#include "dialects/nn/Generics.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/AttentionEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// A matrix whose rows go to registers, and the columns of it that a block has.
AttentionEmitter::Lines AttentionEmitter::linesOf(const Operand &from, int64_t columns,
                                                  int64_t width) const {
  const int64_t elementBytes = from.elementBytes();
  Lines lines{&from, columns, width, elementBytes, false};
  lines.hasGroups =
      constantOf(from.strides[3]) == 1 && columns % tile.group == 0 && width % tile.group == 0;
  if (lines.hasGroups)
    lines.alignment = alignmentOf({from.offset, from.strides[0], from.strides[1], from.strides[2]},
                                  elementBytes, tile.group * elementBytes);
  return lines;
}

void AttentionEmitter::stream() {
  slices = e.allocateShared(tile.sliceElements(), e.b.getF32Type());
  ownQueries.clear();
  for (int64_t i = 0; i < tile.threadQueries; ++i) {
    Value query = e.add(firstQuery, queryOf(i));
    for (Value element :
         loadRow(linesOf(p.query, p.depth, p.depth), query, threadColumn, /*isAligned=*/false))
      ownQueries.push_back(arith::MulFOp::create(e.b, e.loc, nn::widen(e.b, e.loc, element),
                                                 number(p.op.getScale().convertToDouble())));
  }
  Values first = firstState();
  auto overKeys = [&](bool isAligned) {
    auto ofTile = [&](Value firstKey, ValueRange before) {
      return streamTile(firstKey, before, isAligned);
    };
    auto [begin, end] = keysOfSplit();
    if (splits.areSeveral() && constantOf(splits.keys) == tile.keys()) // none of them is empty
      return ofTile(begin, first);
    return e.stride(begin, end, tile.keys(), first, ofTile);
  };
  Lines keys = linesOf(p.key, p.depth, p.depth), values = linesOf(p.value, p.width, tile.width);
  if (keys.isOfSingles() && values.isOfSingles())
    return join(joinLanes(overKeys(/*isAligned=*/false)));
  Value isAligned =
      e.areAligned({{p.key.buffer, keys.alignment}, {p.value.buffer, values.alignment}});
  AttentionTile single = tile;
  single.threadKeys = 1;
  // One key after the other: the same loads in both branches would become one, of no alignment.
  auto oneByOne = [&] {
    std::swap(tile, single);
    auto state = overKeys(/*isAligned=*/false);
    std::swap(tile, single);
    return state;
  };
  join(joinLanes(e.choose(
      isAligned, ValueRange(first).getTypes(), [&] { return overKeys(/*isAligned=*/true); },
      oneByOne)));
}

/// The first key of the block, and the one behind its last one.
std::pair<Value, Value> AttentionEmitter::keysOfSplit() {
  Value count = e.size(p.keyCount);
  if (p.op.getCausal())
    count = e.minimum(count, e.constant(tile.queries()));
  if (!splits.areSeveral())
    return {e.constant(0), count};
  Value begin = e.mul(split, splits.keys);
  return {begin, e.minimum(count, e.add(begin, e.size(splits.keys)))};
}

// Rows
// ---------------------------------------------------------------------------------------------------

/// The lane's groups of a row as they are stored, the first one at `firstColumn`; zeros behind the
/// last column.
Values AttentionEmitter::loadRow(const Lines &lines, Value row, Value firstColumn, bool isAligned) {
  const Operand &from = *lines.from;
  Value begin = e.add(from.at, e.mul(row, from.strides[2]));
  auto place = [&](Value column, int64_t count) {
    column = e.minimum(column, e.constant(lines.columns - count));
    return e.add(begin, e.mul(column, from.strides[3]));
  };
  Values result;
  for (int64_t first = 0; first < lines.width; first += tile.columns()) {
    Value column = e.add(firstColumn, first);
    Values group;
    if (lines.hasGroups)
      group = e.loadNeighbours(from.buffer, place(column, tile.group), tile.group,
                               isAligned ? lines.alignment : from.elementBytes());
    else
      for (int64_t i = 0; i < tile.group; ++i)
        group.push_back(
            memref::LoadOp::create(e.b, e.loc, from.buffer, place(e.add(column, i), 1)));
    for (auto [i, element] : llvm::enumerate(group)) {
      if (lines.width % tile.columns() != 0)
        element =
            arith::SelectOp::create(e.b, e.loc, isLess(e.add(column, i), e.constant(lines.columns)),
                                    element, nn::scalar(e.b, e.loc, from.element(), 0));
      result.push_back(element);
    }
  }
  return result;
}

/// Of each of the thread's keys of a tile. What a key behind the last one has is not used, or zero.
std::vector<Values> AttentionEmitter::loadRows(const Lines &lines, Value firstKey,
                                               Value firstColumn, bool isAligned,
                                               bool isZeroBehind) {
  std::vector<Values> rows;
  for (int64_t j = 0; j < tile.threadKeys; ++j) {
    Value key = e.add(firstKey, keyOf(j));
    if (isWholeInKeys) {
      rows.push_back(loadRow(lines, key, firstColumn, isAligned));
      continue;
    }
    Value last = e.sub(e.size(p.keyCount), e.constant(1));
    rows.push_back(loadRow(lines, e.minimum(key, last), firstColumn, isAligned));
    for (Value &element : rows.back())
      if (isZeroBehind)
        element = arith::SelectOp::create(e.b, e.loc, isLess(last, key),
                                          nn::scalar(e.b, e.loc, element.getType(), 0), element);
  }
  return rows;
}

// Tiles of keys
// ---------------------------------------------------------------------------------------------------

/// As tileOfKeys, of this lane's part of the rows of its keys. Values are on their way before
/// scores are there.
Values AttentionEmitter::streamTile(Value firstKey, ValueRange before, bool isAligned) {
  std::vector<Values> keys = loadRows(linesOf(p.key, p.depth, p.depth), firstKey, threadColumn,
                                      isAligned, /*isZeroBehind=*/false);
  std::vector<Values> values =
      loadRows(linesOf(p.value, p.width, tile.width), firstKey, e.add(firstColumn, threadColumn),
               isAligned, /*isZeroBehind=*/true);
  Values scores = streamScores(firstKey, keys), state(before);
  Values factors = nextState(scores, state, /*lanes=*/1);
  const int64_t columns = tile.slices() * tile.group;
  for (auto [i, sum] : llvm::enumerate(rescale(state, factors)))
    for (int64_t j = 0; j < tile.threadKeys; ++j)
      sum = math::FmaOp::create(e.b, e.loc, scores[i / columns * tile.threadKeys + j],
                                nn::widen(e.b, e.loc, values[j][i % columns]), sum);
  return state;
}

/// All lanes of a key have its scores in the end.
Values AttentionEmitter::streamScores(Value firstKey, const std::vector<Values> &keys) {
  const int64_t own = keys.front().size();
  Values scores;
  for (int64_t i = 0; i < tile.threadQueries; ++i)
    for (const Values &key : keys) {
      Value sum = number(0);
      for (int64_t n = 0; n < own; ++n)
        sum = math::FmaOp::create(e.b, e.loc, ownQueries[i * own + n],
                                  nn::widen(e.b, e.loc, key[n]), sum);
      for (int64_t lane = 1; lane < tile.keyLanes; lane *= 2)
        sum = arith::AddFOp::create(e.b, e.loc, sum, e.shuffleXor(sum, lane));
      scores.push_back(sum);
    }
  mask(scores, firstKey);
  return scores;
}

/// The state of all keys of the warp.
Values AttentionEmitter::joinLanes(ValueRange state) {
  Values result(state);
  const int64_t columns = tile.slices() * tile.group;
  auto joined = [&](Value x, llvm::function_ref<Value(Value, Value)> both) {
    for (int64_t lane = tile.keyLanes; lane < warpLanes; lane *= 2)
      x = both(x, e.shuffleXor(x, lane));
    return x;
  };
  for (int64_t i = 0; i < tile.threadQueries; ++i) {
    Value &largest = result[i], own = largest;
    largest = joined(own, [&](Value x, Value y) { return maximum(x, y); });
    Value factor = exponential(arith::SubFOp::create(e.b, e.loc, own, unlessNone(largest)));
    auto add = [&](Value &x) {
      x = joined(arith::MulFOp::create(e.b, e.loc, x, factor), [&](Value x, Value y) {
        return arith::AddFOp::create(e.b, e.loc, x, y).getResult();
      });
    };
    add(result[tile.threadQueries + i]);
    for (int64_t n = 0; n < columns; ++n)
      add(result[2 * tile.threadQueries + i * columns + n]);
  }
  return result;
}
