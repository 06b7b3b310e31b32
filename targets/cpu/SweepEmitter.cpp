#include "targets/cpu/SweepEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

void SweepEmitter::emit() {
  Cursor cursor;
  cursor.offsets = origins;
  cursor.values.resize(states.size());
  cursor.loops.assign(shape.size(), nullptr);
  level(0, cursor, {});
}

Value SweepEmitter::extent(int loop) {
  if (part)
    return part->length;
  return shape[loop].shared >= 0 ? positions[0].extent[shape[loop].shared]
                                 : e.size(shape[loop].size);
}

/// At `index` of a loop that the cursor is outside of.
SweepEmitter::Cursor SweepEmitter::advance(const Cursor &cursor, int loop, Value index) const {
  Cursor result = cursor;
  result.loops[loop] = index;
  for (auto [state, offsets] : llvm::zip(states, result.offsets))
    for (auto [stream, offset] : llvm::zip(state.streams, offsets))
      if (stream.buffer && !isZero(stream.strides[loop]))
        offset = e.add(offset, e.mul(index, stream.strides[loop]));
  return result;
}

SweepEmitter::Values SweepEmitter::level(unsigned depth, Cursor cursor, Values carried) {
  hoist(depth, cursor);
  bool hasReduction = llvm::any_of(states, [](auto &s) { return s.statement->isReduction; });
  if (depth != firstReduced || !hasReduction)
    return loops(depth, cursor, carried);
  finish(cursor, loops(depth, cursor, initial(cursor)));
  return carried;
}

SweepEmitter::Values SweepEmitter::loops(unsigned depth, const Cursor &cursor, Values carried) {
  if (depth == order.size())
    return leaf(cursor, carried);
  int loop = order[depth];
  if (loop == across) {
    tiles(cursor);
    return carried;
  }
  if (loop == vector)
    return vectorLoop(depth, cursor, carried);
  if (shape[loop].reduced)
    return reductionLoop(depth, cursor, carried);
  return e.loop(extent(loop), 1, carried, [&](Value index, ValueRange inner) {
    return level(depth + 1, advance(cursor, loop, index), Values(inner));
  });
}

/// In a sum of n numbers one after the other the error grows with n: some at a time are summed
/// apart.
static constexpr int64_t summedApart = 128;

/// A loop of a reduction that is not on vectors.
SweepEmitter::Values SweepEmitter::reductionLoop(unsigned depth, const Cursor &cursor,
                                                 Values carried) {
  int loop = order[depth];
  std::optional<int64_t> size = constantOf(shape[loop].size);
  int64_t inside = 1;
  for (int inner : ArrayRef(order).drop_front(depth + 1))
    inside *= std::max<int64_t>(nominal(shape[inner].size), 1);
  auto steps = [&](Value first, Value count, const Values &from) {
    return e.loop(count, 1, from, [&](Value i, ValueRange inner) {
      Cursor at = advance(cursor, loop, e.add(first, i));
      auto body = [&](Values values) { return level(depth + 1, at, values); };
      bool isLong = sumsApart && inside >= summedApart / 2;
      return isLong ? accumulate(Values(inner), body) : body(Values(inner));
    });
  };
  if (!sumsApart || size.value_or(INT64_MAX) <= 2 * summedApart)
    return steps(e.constant(0), e.size(shape[loop].size), carried);
  return sumApart(e.size(shape[loop].size), carried, steps);
}

/// count steps, some at a time apart.
SweepEmitter::Values SweepEmitter::sumApart(Value count, Values carried, Steps steps) {
  std::optional<int64_t> known = mlir::getConstantIntValue(count);
  Value chunks = known ? e.constant(*known / summedApart) : e.divideCeil(count, summedApart);
  carried = e.loop(chunks, 1, carried, [&](Value chunk, ValueRange inner) {
    return accumulate(Values(inner), [&](Values from) {
      Value first = e.mul(chunk, summedApart), length = e.constant(summedApart);
      return steps(first, known ? length : e.minimum(length, e.sub(count, first)), from);
    });
  });
  if (!known || *known % summedApart == 0)
    return carried;
  int64_t whole = *known / summedApart * summedApart;
  return steps(e.constant(whole), e.constant(*known - whole), carried);
}

/// count steps of `copies` vectors from index `first` on; `isLong`: they may be many.
SweepEmitter::Values SweepEmitter::vectorSteps(unsigned depth, const Cursor &cursor, Value first,
                                               Value count, int64_t copies, bool isLong,
                                               Values carried) {
  if (mlir::getConstantIntValue(count) == 0)
    return carried;
  // Of a reduction's accumulators, the first `copies` take part.
  Values part;
  int64_t all = accumulators(cursor);
  bool splits = reducesLanes() && copies < all;
  for (auto [i, value] : llvm::enumerate(carried))
    if (!splits || static_cast<int64_t>(i) % all < copies)
      part.push_back(value);
  auto steps = [&](Value start, Value number, const Values &from) {
    return e.loop(number, 1, from, [&](Value i, ValueRange inner) {
      Value step = isBackward() ? e.sub(e.sub(number, e.constant(1)), i) : e.add(start, i);
      Cursor at = advance(cursor, vector, e.add(first, e.mul(step, copies * lanes)));
      at.copies = copies;
      return level(depth + 1, at, Values(inner));
    });
  };
  if (auto known = mlir::getConstantIntValue(count))
    isLong = *known > 2 * summedApart;
  Values results = reducesLanes() && sumsApart && isLong ? sumApart(count, part, steps)
                                                         : steps(e.constant(0), count, part);
  if (!splits)
    return results;
  for (size_t i = 0, next = 0; i < carried.size(); ++i)
    if (static_cast<int64_t>(i) % all < copies)
      carried[i] = results[next++];
  return carried;
}

/// Whole steps, then vector by vector, then the rest under a mask.
SweepEmitter::Values SweepEmitter::vectorLoop(unsigned depth, const Cursor &cursor,
                                              Values carried) {
  Value length = extent(vector);
  auto [steps, left] = e.divide(length, lanes * unroll);
  carried = vectorSteps(depth, cursor, e.constant(0), steps, unroll, /*isLong=*/true, carried);
  Value first = e.mul(steps, lanes * unroll);
  auto [vectors, lanesLeft] = e.divide(left, lanes);
  Value tail = lanesLeft;
  if (unroll > 1)
    carried = vectorSteps(depth, cursor, first, vectors, 1, /*isLong=*/false, carried);
  first = e.add(first, e.mul(vectors, lanes));
  std::optional<int64_t> rest = mlir::getConstantIntValue(tail);
  if (rest == 0)
    return carried;
  auto masked = [&](Value mask) {
    Cursor last = cursor;
    last.mask = mask;
    return vectorSteps(depth, last, first, e.constant(1), 1, /*isLong=*/false, carried);
  };
  if (rest)
    return masked(firstLanes(e, *rest, lanes));
  // A block that is not the last one has no rest.
  Value hasRest = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne, tail, e.constant(0));
  auto branch = scf::IfOp::create(e.b, e.loc, ValueRange(carried).getTypes(), hasRest,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  auto yield = [&](Block *block, llvm::function_ref<Values()> values) {
    if (block->mightHaveTerminator())
      block->getTerminator()->erase();
    e.b.setInsertionPointToEnd(block);
    Values yielded = values();
    scf::YieldOp::create(e.b, e.loc, yielded);
  };
  yield(branch.thenBlock(), [&] {
    auto type = VectorType::get({lanes}, e.b.getI1Type());
    return masked(vector::CreateMaskOp::create(e.b, e.loc, type, tail));
  });
  yield(branch.elseBlock(), [&] { return carried; });
  return Values(branch.getResults());
}

Points SweepEmitter::points(const State &state, const Cursor &cursor, int64_t copy) {
  const Statement &statement = *state.statement;
  const Nest &nest = *statement.nest;
  Points result;
  result.mask = cursor.mask;
  for (auto [loop, size] : llvm::enumerate(nest.sizes)) {
    int at = statement.loops[loop], shared = nest.shared[loop];
    Value index = at >= 0 ? cursor.loops[at] : e.constant(0);
    if (index && at >= 0 && at == vector)
      index = e.add(index, copy * lanes);
    if (index && shared >= 0)
      index = e.add(state.unit->start[shared], index);
    if (index && at >= 0 && part)
      index = e.add(isAhead(state) ? part->firstAhead : part->first, index);
    result.loops.push_back(index);
    if (at >= 0 && at == vector)
      result.vector = loop;
  }
  result.lanes = lanes;
  return result;
}

/// Elements that are read or written soon: their lines arrive before anything waits for one.
static constexpr int64_t usedSoon = 512;

/// Functions like exp leave time to fetch lines of rows that follow each other: those of the next
/// row, whose maximum, one instruction for each vector, would wait for them, and those of results.
/// In a long row, what is ahead is fetched instead of what was read there before.
void SweepEmitter::fetchRows(const Cursor &cursor, int64_t copy) {
  if (!sweep.isHeavy || !reducesLanes())
    return;
  int64_t length = constantOf(shape[vector].size).value_or(INT64_MAX);
  if (length > longestKept && !part)
    return;
  int64_t nextRows = length * static_cast<int64_t>(positions.size());
  for (auto [s, state] : llvm::enumerate(states))
    for (size_t i = 0; i < state.inputs() + state.outputs(); ++i) {
      const Stream &stream = state.streams[i];
      bool isWritten = i >= state.inputs();
      bool follow = part ? isWritten != isAhead(state)
                         : stream.nextRow && constantOf(stream.nextRow) == nextRows;
      if (!isRead(state, i) || !isOne(stream.strides[vector]) || !follow)
        continue;
      int64_t ahead = (isWritten || part ? usedSoon : nextRows) + copy * lanes;
      memref::PrefetchOp::create(e.b, e.loc, stream.buffer, e.add(cursor.offsets[s][i], ahead),
                                 isWritten, /*localityHint=*/3, /*isDataCache=*/true);
    }
}
