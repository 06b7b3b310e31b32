// Weights times values, and what becomes of their sums.
#include "dialects/nn/Generics.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/AttentionEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// Keys whose weights are loaded at once.
static constexpr int64_t steps = 4;

/// The thread's column `i` of a slice, in the unit.
Value AttentionEmitter::columnOf(int64_t slice, int64_t i) {
  return e.add(threadColumn, slice * tile.columns() + i);
}

/// results += weights times the values of a tile
void AttentionEmitter::addResults(Value firstKey, MutableArrayRef<Value> results) {
  const int64_t columns = tile.slices() * tile.group;
  for (int64_t slice = 0; slice < tile.slices(); ++slice) {
    if (slice || numDepthSlices() == 1)
      e.barrier(); // nobody reads the slice before
    load(p.value,
         {firstKey, e.size(p.keyCount), e.add(firstColumn, slice * tile.columns()),
          e.constant(p.width), isWholeInKeys, p.width % tile.columns() == 0, tile.keys(),
          tile.columns(), tile.columns()},
         slices, e.constant(0));
    e.barrier();
    Values sums;
    for (int64_t i = 0; i < tile.threadQueries; ++i)
      llvm::append_range(sums, results.slice(i * columns + slice * tile.group, tile.group));
    for (auto [n, sum] : llvm::enumerate(addWeighted(sums)))
      results[n / tile.group * columns + slice * tile.group + n % tile.group] = sum;
  }
}

/// Of the slice that is in shared memory.
Values AttentionEmitter::addWeighted(ValueRange results) {
  return e.loop(e.constant(tile.keys()), steps, results, [&](Value key, ValueRange carried) {
    Values sums(carried);
    std::vector<Values> values, own;
    for (int64_t step = 0; step < steps; ++step) {
      Value row = e.mul(e.add(key, step), tile.columns());
      values.push_back(e.loadNeighbours(slices, e.add(row, threadColumn), tile.group));
    }
    for (int64_t q = 0; q < tile.threadQueries; ++q)
      own.push_back(
          e.loadNeighbours(weights, e.add(e.mul(queryOf(q), tile.weightPitch()), key), steps));
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t q = 0; q < tile.threadQueries; ++q)
        for (int64_t column = 0; column < tile.group; ++column) {
          Value &sum = sums[q * tile.group + column];
          sum = math::FmaOp::create(e.b, e.loc, own[q][step], values[step][column], sum);
        }
    return sums;
  });
}

void AttentionEmitter::finish(ValueRange state) {
  SmallVector<Row> rows;
  for (int64_t i = 0; i < tile.threadQueries; ++i) {
    Value sum = state[tile.threadQueries + i];
    for (int64_t mask = tile.columnThreads / 2; mask > 0; mask /= 2)
      sum = arith::AddFOp::create(e.b, e.loc, sum, e.shuffleXor(sum, mask));
    rows.push_back({queryOf(i), state[i], sum});
  }
  ValueRange results = state.drop_front(2 * tile.threadQueries);
  Values columns;
  for (int64_t slice = 0; slice < tile.slices(); ++slice)
    for (int64_t i = 0; i < tile.group; ++i)
      columns.push_back(columnOf(slice, i));
  store(rows, columns, results);
}

// Parts
// ---------------------------------------------------------------------------------------------------

/// Where a part has a row: its largest score, its sum and its results.
Value AttentionEmitter::joinedAt(Value part, Value query) {
  return e.mul(e.add(e.mul(part, tile.queries()), query), tile.slices() * tile.columns() + 2);
}

/// By the first lanes of each part, which have all of its results.
void AttentionEmitter::join(ValueRange state) {
  auto put = [&](Value value, Value at) { memref::StoreOp::create(e.b, e.loc, value, slices, at); };
  const int64_t columns = tile.slices() * tile.group;
  auto putAll = [&] {
    for (int64_t i = 0; i < tile.threadQueries; ++i) {
      Value at = joinedAt(part, queryOf(i));
      e.branch(
          e.equals(threadColumn, 0),
          [&] {
            put(state[i], at);
            put(state[tile.threadQueries + i], e.add(at, 1));
          },
          [] {});
      for (int64_t n = 0; n < columns; ++n)
        put(state[2 * tile.threadQueries + i * columns + n],
            e.add(e.add(at, 2), columnOf(n / tile.group, n % tile.group)));
    }
  };
  e.branch(isLess(e.lane(), e.constant(tile.keyLanes)), putAll, [] {});
  e.barrier();
  e.distribute(e.constant(tile.queries() * tile.width), [&](Value index) { joinOne(index); });
}

/// One element of the result, or of what the split has of it.
void AttentionEmitter::joinOne(Value index) {
  auto [query, column] = e.divide(index, tile.width);
  auto get = [&](Value at) { return memref::LoadOp::create(e.b, e.loc, slices, at).getResult(); };
  SmallVector<Part> parts;
  for (int64_t i = 0; i < tile.parts; ++i) {
    Value at = joinedAt(e.constant(i), query);
    parts.push_back({get(at), get(e.add(at, 1)), get(e.add(e.add(at, 2), column))});
  }
  Part all = joined(parts);
  auto toResult = [&, query = query, column = column] {
    store(Row{query, all.largest, all.sum}, column, all.result);
  };
  auto toSplit = [&, query = query, column = column] { storeSplit(query, column, all); };
  if (!splits.areSeveral())
    toResult();
  else if (constantOf(splits.count))
    toSplit();
  else
    e.branch(isLess(e.size(splits.keys), e.size(p.keyCount)), toSplit, toResult);
}

/// Each part counts by its largest score.
AttentionEmitter::Part AttentionEmitter::joined(ArrayRef<Part> parts) {
  Value largest = parts.front().largest;
  for (const Part &part : parts.drop_front())
    largest = maximum(largest, part.largest);
  Value from = unlessNone(largest), sum = number(0), result = number(0);
  for (const Part &part : parts) {
    Value factor = exponential(arith::SubFOp::create(e.b, e.loc, part.largest, from));
    sum = math::FmaOp::create(e.b, e.loc, part.sum, factor, sum);
    result = math::FmaOp::create(e.b, e.loc, part.result, factor, result);
  }
  return {largest, sum, result};
}

// The result
// ---------------------------------------------------------------------------------------------------

/// Where `condition` holds, the sum over all keys of 0 times their value, for each column; else 0.
Values AttentionEmitter::zeroSums(Value condition, ArrayRef<Value> columns) {
  Value zero = number(0);
  Values zeros(columns.size(), zero);
  auto sums = [&] {
    return e.stride(
        e.constant(0), e.size(p.keyCount), 1, zeros, [&](Value key, ValueRange carried) {
          Value row = e.add(p.value.at, e.mul(key, p.value.strides[2]));
          Values next;
          for (auto [column, sum] : llvm::zip(columns, carried)) {
            Value inside = e.minimum(e.add(firstColumn, column), e.constant(p.width - 1));
            Value value = load(p.value, e.add(row, e.mul(inside, p.value.strides[3])));
            next.push_back(math::FmaOp::create(e.b, e.loc, zero, value, sum));
          }
          return next;
        });
  };
  return e.choose(condition, ValueRange(zeros).getTypes(), sums, [&] { return zeros; });
}

/// results / sums, or what `guard` says of queries whose weights are NaN; row by row.
void AttentionEmitter::store(ArrayRef<Row> rows, ArrayRef<Value> columns, ValueRange results) {
  Values bad, guarded;
  if (p.op.getGuard() != kern::Guard::None) {
    Value any;
    for (const Row &row : rows) {
      // All scores are -infinity: no key takes part.
      Value isBad = isEqual(row.largest, -INFINITY);
      if (p.op.getGuard() == kern::Guard::NaN)
        isBad = arith::OrIOp::create(
            e.b, e.loc, isBad,
            arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO, row.sum, row.sum));
      bad.push_back(isBad);
      any = any ? arith::OrIOp::create(e.b, e.loc, any, isBad).getResult() : isBad;
    }
    guarded = zeroSums(any, columns);
  }
  for (auto [i, row] : llvm::enumerate(rows)) {
    Value sum = row.sum, one = number(1);
    if (!constantOf(p.keyCount).value_or(0)) // sums of no key at all are 0
      sum = arith::SelectOp::create(e.b, e.loc, e.equals(e.size(p.keyCount), 0), one, sum);
    Value factor = arith::DivFOp::create(e.b, e.loc, one, sum);
    Value query = e.add(firstQuery, row.query);
    Value at = e.add(p.init.at, e.mul(query, p.init.strides[2]));
    auto columnsOfRow = [&, i = i] {
      Values own;
      for (size_t n = 0; n < columns.size(); ++n) {
        own.push_back(arith::MulFOp::create(e.b, e.loc, results[i * columns.size() + n], factor));
        if (!bad.empty())
          own[n] = arith::SelectOp::create(e.b, e.loc, bad[i], guarded[n], own[n]);
        own[n] = nn::narrow(e.b, e.loc, own[n], p.init.element());
      }
      storeRow(at, columns, own);
    };
    if (isWholeInQueries)
      columnsOfRow();
    else
      e.branch(isLess(query, e.size(p.length)), columnsOfRow, [] {});
  }
}

/// Of matrices pairs of columns, where they are neighbours and aligned.
void AttentionEmitter::storeRow(Value at, ArrayRef<Value> columns, ArrayRef<Value> results) {
  auto inPairs = [&] { storeColumns(at, columns, results, 2); };
  auto oneByOne = [&] { storeColumns(at, columns, results, 1); };
  if (tile.isOfMatrices() && groupOf(p.init, p.width) > 1)
    e.branch(isAligned, inPairs, oneByOne);
  else
    oneByOne();
}

/// Of a row that begins at `at`, `atOnce` columns by one access.
void AttentionEmitter::storeColumns(Value at, ArrayRef<Value> columns, ArrayRef<Value> results,
                                    int64_t atOnce) {
  for (size_t n = 0; n < columns.size(); n += atOnce) {
    Value index = e.add(firstColumn, columns[n]);
    auto put = [&] {
      Value place = e.add(at, e.mul(index, p.init.strides[3]));
      if (atOnce == 1)
        memref::StoreOp::create(e.b, e.loc, results[n], p.init.buffer, place);
      else
        e.storeNeighbours(results.slice(n, atOnce), p.init.buffer, place);
    };
    if (tile.isWholeInColumns() && p.width % tile.width == 0)
      put();
    else
      e.branch(
          e.both(isLess(columns[n], e.constant(tile.width)), isLess(index, e.constant(p.width))),
          put, [] {});
  }
}
