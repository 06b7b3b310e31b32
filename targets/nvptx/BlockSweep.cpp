#include "targets/nvptx/BlockSweep.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include <functional>

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
/// Sums of fewer elements are not split.
constexpr int64_t fewestSplit = 32;

/// The points of a loop that a unit has at most.
AffineExpr inUnit(const SweepLoop &loop, const NestGroup &group) {
  return loop.shared >= 0 ? group.dims[loop.shared].blockSize() : loop.size;
}

} // namespace

int64_t nncc::nvptx::nominalPoints(const Sweep &sweep, const NestGroup &group, bool reduced) {
  int64_t points = 1;
  for (const SweepLoop &loop : sweep.loops)
    if (loop.reduced == reduced)
      points *= std::max<int64_t>(nominal(inUnit(loop, group)), 1);
  return points;
}

BlockSweep::BlockSweep(ThreadBlock &block, const Sweep &sweep, const NestGroup &group,
                       const Homes &homes, const UnitPosition &unit)
    : e(block), sweep(sweep), group(group), homes(homes), unit(unit) {
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
}

/// Those in whose direction more accesses touch neighbouring elements come last.
void BlockSweep::orderLoops() {
  SmallVector<int64_t> score(sweep.loops.size(), 0);
  for (const State &state : states)
    for (const Access *access : state.nest().accesses())
      if (access->flat && !group.scratch.contains(access->base))
        for (auto [loop, factor] : llvm::enumerate(access->flat->factors))
          if (int at = state.statement->loops[loop]; at >= 0)
            score[at] += isOne(factor) ? 16 : isZero(factor) ? 1 : 0;
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

void BlockSweep::locate(Value number, ArrayRef<int> loops, Values &point) {
  for (int loop : llvm::reverse(loops)) {
    if (loop == loops.front()) {
      point[loop] = number;
      return;
    }
    std::tie(number, point[loop]) =
        e.divideBelow(pointsOf(loops), number, inUnit(sweep.loops[loop], group));
  }
}

void BlockSweep::guarded(ArrayRef<int> loops, ArrayRef<Value> point,
                         llvm::function_ref<void()> body) {
  Value inside;
  for (int loop : loops) {
    int shared = sweep.loops[loop].shared;
    if (shared < 0 || group.dims[shared].hasEqualBlocks())
      continue;
    Value isLess = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, point[loop],
                                         unit.extent[shared]);
    inside = inside ? arith::AndIOp::create(e.b, e.loc, inside, isLess).getResult() : isLess;
  }
  if (inside)
    e.branch(inside, body, [] {});
  else
    body();
}

// One point
// ---------------------------------------------------------------------------------------------------

BlockSweep::Values BlockSweep::loopsOf(const State &state, ArrayRef<Value> point, bool inUnit) {
  const Nest &nest = state.nest();
  Values result;
  for (auto [loop, size] : llvm::enumerate(nest.sizes)) {
    int at = state.statement->loops[loop], shared = nest.shared[loop];
    Value index = at >= 0 ? point[at] : e.constant(0);
    if (shared >= 0 && !isOne(size) && !inUnit)
      index = e.add(unit.start[shared], index);
    result.push_back(index);
  }
  return result;
}

std::pair<Value, Value> BlockSweep::address(const State &state, const Access &access,
                                            ArrayRef<Value> point) {
  const Base &base = homes.bases[access.base];
  auto scratch = group.scratch.find(access.base);
  bool isIntermediate = scratch != group.scratch.end();
  bool isBlocked = isIntermediate && scratch->second.isBlocked;
  Values loops = loopsOf(state, point, isBlocked);
  Value buffer = isIntermediate ? scratch->second.buffer : base.buffer;
  auto sumOf = [&](const Linear &sum) {
    Value result = e.size(sum.constant);
    for (auto [factor, loop] : llvm::zip(sum.factors, loops))
      if (!isZero(factor))
        result = e.add(result, e.mul(loop, factor));
    return result;
  };
  if (!isBlocked && access.flat)
    return {buffer, sumOf(*access.flat)};
  Shape strides = denseStrides(base.shape, e.b.getContext());
  if (isBlocked)
    strides = scratch->second.strides;
  Value offset = e.constant(0);
  for (auto [index, sum, stride] : llvm::zip(access.indices, access.dims, strides))
    if (!isZero(stride))
      offset = e.add(offset, e.mul(sum ? sumOf(*sum) : e.expand(index, loops), stride));
  return {buffer, offset};
}

Value BlockSweep::read(const State &state, const Access &access, ArrayRef<Value> point) {
  if (!access.isMemory())
    return access.scalar;
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(homes.bases[access.base].constant)) {
    Value value = arith::ConstantOp::create(e.b, e.loc, splat.getSplatValue<TypedAttr>());
    return value.getType() == access.element
               ? value
               : arith::BitcastOp::create(e.b, e.loc, access.element, value).getResult();
  }
  auto [buffer, offset] = address(state, access, point);
  return fromMemory(e, memref::LoadOp::create(e.b, e.loc, buffer, offset), access.element);
}

void BlockSweep::write(const State &state, size_t output, ArrayRef<Value> point, Value value) {
  if (!state.statement->isStored[output])
    return;
  const Access &access = state.nest().outputs[output];
  auto [buffer, offset] = address(state, access, point);
  memref::StoreOp::create(e.b, e.loc, toMemory(e, value, homes.bases[access.base].element), buffer,
                          offset);
}

BlockSweep::Values BlockSweep::evaluate(ArrayRef<Value> point, ValueRange carried) {
  Values next;
  std::vector<Values> computed;
  for (const State &state : states) {
    const Nest &nest = state.nest();
    LaneMap values;
    Value first;
    for (auto [i, input] : llvm::enumerate(nest.inputs)) {
      Value argument = nest.body ? Value(nest.body->getArgument(i)) : Value();
      if (argument && argument.use_empty())
        continue;
      auto [statement, output] = state.statement->forwarded[i];
      Value value = statement >= 0 ? computed[statement][output] : read(state, input, point);
      if (argument)
        values[argument] = Lanes{value, nullptr, false};
      first = first ? first : value;
    }
    for (size_t o = 0; nest.body && o < nest.outputs.size(); ++o) {
      BlockArgument argument = nest.body->getArgument(nest.inputs.size() + o);
      if (state.statement->isReduction)
        values[argument] = Lanes{carried[next.size() + o], nullptr, false};
      else if (nest.inits[o].isMemory() || nest.inits[o].scalar)
        values[argument] = Lanes{read(state, nest.inits[o], point), nullptr, false};
    }
    Points at;
    at.loops = loopsOf(state, point, /*inUnit=*/false);
    state.evaluator.evaluate(e, values, at, /*scalarOnly=*/false);
    computed.emplace_back();
    for (size_t o = 0; o < nest.outputs.size(); ++o) {
      Value value =
          nest.body
              ? state.evaluator.lookup(nest.body->getTerminator()->getOperand(o), values)->scalar
              : first;
      computed.back().push_back(value);
      if (!state.statement->isReduction)
        write(state, o, point, value);
    }
    if (state.statement->isReduction)
      llvm::append_range(next, computed.back());
  }
  return next;
}

// Reductions
// ---------------------------------------------------------------------------------------------------

ReducedBy BlockSweep::chooseMode() const {
  bool canSplit =
      llvm::all_of(accumulators, [&](Accumulator a) { return combinerOf(a) != nullptr; });
  int64_t sums = nominalPoints(sweep, group, false), elements = nominalPoints(sweep, group, true);
  if (!canSplit || elements < fewestSplit || sums >= e.threads)
    return ReducedBy::Thread;
  return sums >= e.threads / warpLanes ? ReducedBy::Warp : ReducedBy::Block;
}

Value BlockSweep::combine(Operation *combiner, Value x, Value y) {
  IRMapping map;
  map.map(combiner->getOperand(0), x);
  map.map(combiner->getOperand(1), y);
  Operation *clone = e.b.clone(*combiner, map);
  relaxZeros(clone);
  return clone->getResult(0);
}

BlockSweep::Values BlockSweep::initial(ArrayRef<Value> point) {
  Values result;
  for (Accumulator a : accumulators)
    result.push_back(read(states[a.state], states[a.state].nest().inits[a.output], point));
  return result;
}

BlockSweep::Values BlockSweep::neutral() {
  Values result;
  for (Accumulator a : accumulators)
    result.push_back(
        arith::ConstantOp::create(e.b, e.loc, *arith::getNeutralElement(combinerOf(a))));
  return result;
}

/// A fixed tree over the lanes; all of them get the result.
void BlockSweep::acrossLanes(Values &sums) {
  for (int64_t mask = warpLanes / 2; mask > 0; mask /= 2)
    for (auto [sum, accumulator] : llvm::zip(sums, accumulators))
      sum = combine(combinerOf(accumulator), sum, e.shuffleXor(sum, mask));
}

/// From each warp's to those of the block, one warp after the other; all threads get the result.
void BlockSweep::acrossWarps(Values &sums) {
  const int64_t warps = e.threads / warpLanes;
  Values parts;
  for (Accumulator a : accumulators)
    parts.push_back(e.allocateShared(warps, memoryType(typeOf(a))));
  e.branch(
      e.equals(e.lane(), 0),
      [&] {
        for (auto [part, sum] : llvm::zip(parts, sums)) {
          Type memory = cast<MemRefType>(part.getType()).getElementType();
          memref::StoreOp::create(e.b, e.loc, toMemory(e, sum, memory), part, e.warp());
        }
      },
      [] {});
  e.barrier();
  auto load = [&](size_t i, int64_t warp) {
    Value value = memref::LoadOp::create(e.b, e.loc, parts[i], e.constant(warp));
    return fromMemory(e, value, typeOf(accumulators[i]));
  };
  for (auto [i, sum] : llvm::enumerate(sums)) {
    sum = load(i, 0);
    for (int64_t warp = 1; warp < warps; ++warp)
      sum = combine(combinerOf(accumulators[i]), sum, load(i, warp));
  }
}

/// Stores the results; `withInits`: combined with what the outputs began with.
void BlockSweep::finish(ArrayRef<Value> point, Values sums, bool withInits) {
  for (auto [sum, a] : llvm::zip(sums, accumulators)) {
    const State &state = states[a.state];
    if (withInits) {
      Value first = read(state, state.nest().inits[a.output], point);
      Attribute known;
      if (!matchPattern(first, m_Constant(&known)) ||
          known != *arith::getNeutralElement(combinerOf(a)))
        sum = combine(combinerOf(a), first, sum);
    }
    write(state, a.output, point, sum);
  }
}

/// Loops one inside the other: no index is divided.
void BlockSweep::reduceByThread(Values point) {
  std::function<Values(size_t, ValueRange)> level = [&](size_t depth, ValueRange carried) {
    if (depth == reduced.size())
      return evaluate(point, carried);
    int loop = reduced[depth];
    return e.stride(e.constant(0), e.size(sweep.loops[loop].size), 1, carried,
                    [&](Value i, ValueRange values) {
                      point[loop] = i;
                      return level(depth + 1, values);
                    });
  };
  finish(point, level(0, initial(point)), /*withInits=*/false);
}

void BlockSweep::reduceByWarp(Values point) {
  Values sums = e.stride(e.lane(), count(reduced), warpLanes, neutral(),
                         [&](Value number, ValueRange values) {
                           locate(number, reduced, point);
                           return evaluate(point, values);
                         });
  acrossLanes(sums);
  e.branch(
      e.equals(e.lane(), 0), [&] { finish(point, sums, /*withInits=*/true); }, [] {});
}

void BlockSweep::reduceByBlock(Values point) {
  Values sums = e.stride(e.thread, count(reduced), e.threads, neutral(),
                         [&](Value number, ValueRange values) {
                           locate(number, reduced, point);
                           return evaluate(point, values);
                         });
  acrossLanes(sums);
  acrossWarps(sums);
  e.branch(
      e.equals(e.thread, 0), [&] { finish(point, sums, /*withInits=*/true); }, [] {});
}

void BlockSweep::emit() {
  e.loc = sweep.statements.front().nest->op->getLoc();
  Values point(sweep.loops.size());
  auto each = [&](llvm::function_ref<void()> body) {
    return [&, body](Value number) {
      locate(number, parallel, point);
      guarded(parallel, point, body);
    };
  };
  if (accumulators.empty()) {
    // A loop that only other sweeps reduce over does not exist here: all are parallel.
    e.distribute(count(parallel), each([&] { evaluate(point, {}); }));
    return;
  }
  switch (chooseMode()) {
  case ReducedBy::Thread:
    e.distribute(count(parallel), each([&] { reduceByThread(point); }));
    return;
  case ReducedBy::Warp:
    e.distributeWarps(count(parallel), each([&] { reduceByWarp(point); }));
    return;
  case ReducedBy::Block:
    Value sums = count(parallel);
    e.loop(sums, [&](Value number) {
      each([&] { reduceByBlock(point); })(number);
      if (getConstantIntValue(sums) == 1)
        return;
      Value next = e.add(number, 1); // its sums come to the place of these
      Value isThere = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, next, sums);
      e.branch(
          isThere, [&] { e.barrier(); }, [] {});
    });
  }
}
