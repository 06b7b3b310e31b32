#include "targets/nvptx/BlockSweep.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

int64_t nncc::nvptx::nominalPoints(const Sweep &sweep, const NestGroup &group, bool reduced) {
  int64_t points = 1;
  for (const SweepLoop &loop : sweep.loops)
    if (loop.reduced == reduced)
      points *= std::max<int64_t>(nominal(inUnit(loop, group)), 1);
  return points;
}

BlockSweep::BlockSweep(ThreadBlock &block, const Sweep &sweep, const NestGroup &group,
                       const Homes &homes, const UnitPosition &unit)
    : e(block), sweep(sweep), group(group), unit(unit), memory(block, sweep, group, homes, unit) {
  for (auto [s, statement] : llvm::enumerate(sweep.statements)) {
    State state{&statement, BodyEvaluator(homes, *statement.nest), {}};
    for (size_t o = 0; o < statement.nest->outputs.size(); ++o) {
      state.combiners.push_back(statement.nest->combiner(o));
      if (statement.isReduction)
        accumulators.push_back({s, o});
    }
    states.push_back(std::move(state));
  }
  orderLoops();
  mode = chooseMode();
}

/// Those in whose direction more accesses touch neighbouring elements come last.
void BlockSweep::orderLoops() {
  score.assign(sweep.loops.size(), 0);
  auto count = [&](const Statement &statement, const Access &access, int64_t weight) {
    if (access.isMemory() && access.flat && !group.scratch.contains(access.base))
      for (auto [loop, factor] : llvm::enumerate(access.flat->factors))
        if (int at = statement.loops[loop]; at >= 0)
          score[at] += isOne(factor) ? 16 * weight : isZero(factor) ? 1 : 0;
  };
  for (const State &state : states) {
    for (const auto *list : {&state.nest().inputs, &state.nest().inits})
      for (const Access &access : *list)
        count(*state.statement, access, 1);
    // What is written counts for more: what is read otherwise can be transposed before.
    for (const Access &access : state.nest().outputs)
      count(*state.statement, access, accumulators.empty() ? 16 : 1);
  }
  for (auto [i, loop] : llvm::enumerate(sweep.loops))
    (loop.reduced ? reduced : parallel).push_back(i);
  for (auto *loops : {&parallel, &reduced})
    llvm::sort(*loops,
               [&](int a, int b) { return std::pair(score[a], a) < std::pair(score[b], b); });
}

AffineExpr BlockSweep::pointsOf(ArrayRef<int> loops) const {
  AffineExpr points = e.b.getAffineConstantExpr(1);
  for (int loop : loops)
    points = points * inUnit(sweep.loops[loop], group);
  return normalForm(points);
}

PointVector BlockSweep::locate(Value number, ArrayRef<int> loops, ArrayRef<Value> point,
                               int64_t width) {
  PointVector result{Values(point), width > 1 ? loops.back() : -1, width};
  AffineExpr count = pointsOf(loops).floorDiv(width);
  for (int loop : llvm::reverse(loops)) {
    bool isLast = loop == loops.back();
    Value index = number;
    if (loop != loops.front()) {
      AffineExpr size = inUnit(sweep.loops[loop], group);
      std::tie(number, index) = e.divideBelow(count, number, isLast ? size.floorDiv(width) : size);
    }
    result.first[loop] = isLast ? e.mul(index, width) : index;
  }
  return result;
}

void BlockSweep::guarded(ArrayRef<int> loops, ArrayRef<Value> point,
                         llvm::function_ref<void()> body) {
  if (Value inside = isInside(loops, point))
    e.branch(inside, body, [] {});
  else
    body();
}

Value BlockSweep::isInside(ArrayRef<int> loops, ArrayRef<Value> point) {
  Value inside;
  for (int loop : loops) {
    int shared = sweep.loops[loop].shared;
    if (shared < 0 || group.dims[shared].hasEqualBlocks())
      continue;
    Value isLess = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, point[loop],
                                         unit.extent[shared]);
    inside = e.both(inside, isLess);
  }
  return inside;
}

Value BlockSweep::isWhole(ArrayRef<int> loops) {
  Value whole;
  for (int loop : loops) {
    int shared = sweep.loops[loop].shared;
    if (shared < 0 || group.dims[shared].hasEqualBlocks())
      continue;
    Value isEqual = e.equals(unit.extent[shared], group.dims[shared].block);
    whole = e.both(whole, isEqual);
  }
  return whole;
}

// Points
// ---------------------------------------------------------------------------------------------------

BlockSweep::Values BlockSweep::ifAligned(int64_t width, TypeRange types,
                                         llvm::function_ref<Values(bool)> body) {
  if (width == 1 || !aligned)
    return body(true);
  return e.choose(
      aligned, types, [&] { return body(true); }, [&] { return body(false); });
}

void BlockSweep::eachPoint(ArrayRef<int> loops,
                           llvm::function_ref<void(const PointVector &)> body) {
  e.distribute(count(loops), [&](Value number) {
    PointVector point = locate(number, loops, Values(sweep.loops.size()), 1);
    guarded(loops, point.first, [&] { body(point); });
  });
}

void BlockSweep::inVectorsOr(ArrayRef<int> loops, llvm::function_ref<void()> inVectors,
                             llvm::function_ref<void(const PointVector &)> body) {
  if (Value whole = isWhole(loops))
    e.branch(whole, inVectors, [&] { eachPoint(loops, body); });
  else
    inVectors();
}

std::vector<BlockSweep::Loaded> BlockSweep::load(ArrayRef<PointVector> points) {
  std::vector<Loaded> result(points.size(), Loaded(states.size()));
  const int64_t width = points.front().width;
  auto visit = [&](bool neighbours,
                   llvm::function_ref<void(size_t, size_t, Value, const Access &)> f) {
    for (size_t k = 0; k < points.size(); ++k)
      for (auto [s, state] : llvm::enumerate(states))
        NestMemory::forEachRead(*state.statement, [&, s = s](Value argument, const Access &access) {
          Step step = width == 1 ? Step::None
                                 : memory.stepOf(*states[s].statement, access, points[k].along);
          if ((step == Step::Neighbour) == neighbours)
            f(k, s, argument, access);
        });
  };
  visit(false, [&](size_t k, size_t s, Value argument, const Access &access) {
    result[k][s].push_back({argument, memory.read(*states[s].statement, access, points[k], false)});
  });
  std::vector<RowAtPoints> rows = gatheredRows(points, result);
  SmallVector<Type> types;
  visit(true,
        [&](size_t, size_t, Value, const Access &access) { types.append(width, access.element); });
  for (const RowAtPoints &at : rows)
    types.append(width, at.row.access.element);
  if (types.empty())
    return result;
  Values values = ifAligned(width, types, [&](bool isAligned) {
    Values all;
    visit(true, [&](size_t k, size_t s, Value, const Access &access) {
      llvm::append_range(all, memory.read(*states[s].statement, access, points[k], isAligned));
    });
    for (const RowAtPoints &at : rows)
      llvm::append_range(all, memory.read(at.row, at.first, width, isAligned));
    return all;
  });
  ArrayRef<Value> rest = values;
  auto enter = [&](size_t k, size_t s, Value value) {
    result[k][s].push_back({value, Values(rest.take_front(width))});
    rest = rest.drop_front(width);
  };
  visit(true, [&](size_t k, size_t s, Value argument, const Access &) { enter(k, s, argument); });
  for (RowAtPoints &at : rows)
    enter(at.points, at.state, at.row.op.getResult());
  return result;
}

std::vector<BlockSweep::RowAtPoints> BlockSweep::gatheredRows(ArrayRef<PointVector> points,
                                                              const std::vector<Loaded> &loaded) {
  std::vector<RowAtPoints> result;
  for (auto [k, vector] : llvm::enumerate(points))
    for (auto [s, state] : llvm::enumerate(states)) {
      LaneMap values;
      for (const auto &[inBody, elements] : loaded[k][s])
        if (inBody)
          values[inBody] = Lanes{elements.front(), nullptr, false};
      Points at;
      at.loops = memory.loopsOf(*state.statement, vector.first, /*inUnit=*/false);
      for (GatheredRow &row : memory.rowsOf(*state.statement, vector.along, vector.width)) {
        for (Operation *op : row.indices)
          state.evaluator.evaluate(e, *op, values, at, /*scalarOnly=*/false);
        Value first = e.size(row.place.offset);
        for (auto [index, stride] : llvm::zip(row.op.getIndices(), row.place.strides))
          first = e.add(first, e.mul(state.evaluator.lookup(index, values)->scalar, stride));
        result.push_back({k, s, row, first});
      }
    }
  return result;
}

void BlockSweep::store(ArrayRef<PointVector> points, const std::vector<Computed> &computed) {
  bool any = llvm::any_of(states, [](const State &state) {
    return !state.statement->isReduction && llvm::is_contained(state.statement->isStored, true);
  });
  if (!any)
    return;
  ifAligned(points.front().width, {}, [&](bool isAligned) {
    for (auto [point, values] : llvm::zip(points, computed))
      for (auto [state, outputs] : llvm::zip(states, values))
        for (size_t o = 0; !state.statement->isReduction && o < outputs.size(); ++o)
          memory.write(*state.statement, o, point, outputs[o], isAligned);
    return Values();
  });
}

BlockSweep::Values BlockSweep::evaluate(const State &state, const Arguments &arguments,
                                        ArrayRef<Value> point, ValueRange carried) {
  const Nest &nest = state.nest();
  LaneMap values;
  for (auto [inBody, value] : arguments)
    if (inBody)
      values[inBody] = Lanes{value, nullptr, false};
  for (auto [o, value] : llvm::enumerate(carried))
    values[nest.body->getArgument(nest.inputs.size() + o)] = Lanes{value, nullptr, false};
  Points at;
  at.loops = memory.loopsOf(*state.statement, point, /*inUnit=*/false);
  state.evaluator.evaluate(e, values, at, /*scalarOnly=*/false);
  if (!nest.body)
    return Values(nest.outputs.size(), arguments.front().second);
  Values results;
  for (Value result : nest.body->getTerminator()->getOperands())
    results.push_back(state.evaluator.lookup(result, values)->scalar);
  return results;
}

BlockSweep::Values BlockSweep::compute(const PointVector &vector, const Loaded &loaded,
                                       ValueRange carried, Computed &results) {
  Values next(carried);
  for (int64_t lane = 0; lane < vector.width; ++lane) {
    Values point = vector.first;
    if (lane)
      point[vector.along] = e.add(point[vector.along], lane);
    size_t first = lane * accumulators.size();
    for (auto [s, state] : llvm::enumerate(states)) {
      Arguments arguments;
      for (auto [i, from] : llvm::enumerate(state.statement->forwarded))
        if (from.first >= 0)
          arguments.push_back({state.nest().body ? state.nest().body->getArgument(i) : Value(),
                               results[from.first][from.second][lane]});
      for (const auto &[inBody, values] : loaded[s])
        arguments.push_back({inBody, values[lane]});
      size_t count = state.nest().outputs.size();
      auto sums = MutableArrayRef(next).slice(first, state.statement->isReduction ? count : 0);
      Values outputs = evaluate(state, arguments, point, sums);
      results[s].resize(count);
      for (size_t o = 0; o < count; ++o)
        results[s][o].push_back(outputs[o]);
      llvm::copy(ArrayRef(outputs).take_front(sums.size()), sums.begin());
      first += sums.size();
    }
  }
  return next;
}

BlockSweep::Values BlockSweep::evaluate(ArrayRef<PointVector> points, ValueRange carried) {
  Values next(carried);
  std::vector<Loaded> loaded = load(points);
  std::vector<Computed> computed(points.size(), Computed(states.size()));
  for (auto [vector, read, results] : llvm::zip(points, loaded, computed))
    next = compute(vector, read, next, results);
  store(points, computed);
  return next;
}

BlockSweep::Values BlockSweep::inRounds(Value first, int64_t step, ArrayRef<int> loops,
                                        ArrayRef<Value> point, int64_t width, ValueRange carried,
                                        Together body) {
  const int64_t count = *constantOf(pointsOf(loops)) / width;
  const int64_t most = std::max<int64_t>(1, pointsTogether() / width);
  auto together = [&](Value at, int64_t points, ValueRange values) {
    std::vector<PointVector> batch;
    for (int64_t i = 0; i < points; ++i)
      batch.push_back(locate(e.add(at, i * step), loops, point, width));
    return body(batch, values);
  };
  const int64_t rounds = count / step, whole = rounds / most * most;
  Values sums(carried);
  if (whole)
    sums = e.loop(e.constant(whole * step), most * step, sums, [&](Value i, ValueRange values) {
      return together(e.add(i, first), most, values);
    });
  if (rounds > whole)
    sums = together(e.add(first, whole * step), rounds - whole, sums);
  if (count == rounds * step)
    return sums;
  Value at = e.add(first, rounds * step);
  Value exists =
      arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, at, e.constant(count));
  return e.choose(
      exists, ValueRange(sums).getTypes(), [&] { return together(at, 1, sums); },
      [&] { return sums; });
}

int64_t BlockSweep::pointsAtOnce() const {
  std::optional<int64_t> points = constantOf(pointsOf(parallel));
  int64_t width = points && !parallel.empty() ? memory.widest(parallel.back()) : 1;
  // Sums are long: rather one for each thread.
  while (!accumulators.empty() && width > 1 && *points / width < e.threads)
    width /= 2;
  return width;
}

void BlockSweep::emitPoints() {
  // A loop that only other sweeps reduce over does not exist here: all are parallel.
  auto single = [&](const PointVector &point) { evaluate(point, {}); };
  if (!canStage())
    return eachPoint(parallel, single);
  stageTransposed();
  auto inVectors = [&] {
    const int64_t width = pointsAtOnce();
    aligned = memory.areBuffersAligned(parallel.back(), width);
    inRounds(e.thread, e.threads, parallel, Values(sweep.loops.size()), width, {},
             [&](ArrayRef<PointVector> points, ValueRange none) { return evaluate(points, none); });
  };
  inVectorsOr(parallel, inVectors, single);
}

void BlockSweep::emit() {
  e.loc = sweep.statements.front().nest->op->getLoc();
  if (accumulators.empty())
    return emitPoints();
  auto each = [&](llvm::function_ref<void(Values)> body) {
    return [&, body](Value number) {
      Values point = locate(number, parallel, Values(sweep.loops.size()), 1).first;
      guarded(parallel, point, [&] { body(point); });
    };
  };
  switch (mode) {
  case ReducedBy::Thread:
    return reduceByThreads();
  case ReducedBy::Part:
    return reduceByParts();
  case ReducedBy::Warp:
    return e.distributeWarps(count(parallel), each([&](Values point) { reduceByWarp(point); }));
  case ReducedBy::Block:
    Value sums = count(parallel);
    e.loop(sums, [&](Value number) {
      each([&](Values point) { reduceByBlock(point); })(number);
      if (getConstantIntValue(sums) == 1)
        return;
      Value next = e.add(number, 1); // its sums come to the place of these
      Value isThere = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, next, sums);
      e.branch(
          isThere, [&] { e.barrier(); }, [] {});
    });
  }
}
