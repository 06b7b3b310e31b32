#include "targets/cpu/SweepEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/Lanes.h"

using namespace mlir;
using namespace nncc::cpu;

void SweepEmitter::emit() {
  Cursor cursor;
  cursor.offsets = origins;
  cursor.values.resize(states.size());
  cursor.loops.assign(shape.size(), nullptr);
  level(0, cursor, {});
}

Value SweepEmitter::extent(int loop) {
  return shape[loop].shared >= 0 ? unit.extent[shape[loop].shared] : e.constant(shape[loop].size);
}

/// At `index` of a loop that the cursor is outside of.
SweepEmitter::Cursor SweepEmitter::advance(const Cursor &cursor, int loop, Value index) const {
  Cursor result = cursor;
  result.loops[loop] = index;
  for (auto [state, offsets] : llvm::zip(states, result.offsets))
    for (auto [stream, offset] : llvm::zip(state.streams, offsets))
      if (stream.buffer && stream.strides[loop])
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
  if (loop == vector)
    return vectorLoop(depth, cursor, carried);
  return e.loop(extent(loop), 1, carried, [&](Value index, ValueRange inner) {
    return level(depth + 1, advance(cursor, loop, index), Values(inner));
  });
}

/// count steps of `copies` vectors from index `first` on.
SweepEmitter::Values SweepEmitter::vectorSteps(unsigned depth, const Cursor &cursor, Value first,
                                               Value count, int64_t copies, Values carried) {
  if (mlir::getConstantIntValue(count) == 0)
    return carried;
  // Of a reduction's accumulators, the first `copies` take part.
  Values part;
  int64_t all = accumulators(cursor);
  bool splits = reducesLanes() && copies < all;
  for (auto [i, value] : llvm::enumerate(carried))
    if (!splits || static_cast<int64_t>(i) % all < copies)
      part.push_back(value);
  Values results = e.loop(count, 1, part, [&](Value i, ValueRange inner) {
    Cursor at = advance(cursor, vector, e.add(first, e.mul(i, copies * lanes)));
    at.copies = copies;
    return level(depth + 1, at, Values(inner));
  });
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
  carried = vectorSteps(depth, cursor, e.constant(0), steps, unroll, carried);
  Value first = e.mul(steps, lanes * unroll);
  auto [vectors, lanesLeft] = e.divide(left, lanes);
  Value tail = lanesLeft;
  if (unroll > 1)
    carried = vectorSteps(depth, cursor, first, vectors, 1, carried);
  first = e.add(first, e.mul(vectors, lanes));
  std::optional<int64_t> rest = mlir::getConstantIntValue(tail);
  if (rest == 0)
    return carried;
  auto masked = [&](Value mask) {
    Cursor last = cursor;
    last.mask = mask;
    return vectorSteps(depth, last, first, e.constant(1), 1, carried);
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
      index = e.add(unit.start[shared], index);
    result.loops.push_back(index);
    if (at >= 0 && at == vector)
      result.vector = loop;
  }
  result.lanes = lanes;
  return result;
}
