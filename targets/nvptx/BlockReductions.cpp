// The reductions of a sweep: by threads, parts of a block, warps or the whole block.
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "targets/nvptx/BlockSweep.h"
#include <functional>

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Sums of fewer elements are not split.
static constexpr int64_t fewestSplit = 32;

ReducedBy BlockSweep::chooseMode() const {
  bool canSplit = !accumulators.empty() && llvm::all_of(accumulators, [&](Accumulator a) {
    return combinerOf(a) != nullptr;
  });
  int64_t sums = nominalPoints(sweep, group, false), elements = nominalPoints(sweep, group, true);
  if (!canSplit || elements < fewestSplit || sums >= e.threads)
    return ReducedBy::Thread;
  // Neighbouring threads read neighbouring elements.
  std::optional<int64_t> columns = constantOf(pointsOf(parallel));
  if (!parallel.empty() && score[parallel.back()] > score[reduced.back()] && columns &&
      *columns > 1)
    return 2 * *columns <= e.threads ? ReducedBy::Part : ReducedBy::Thread;
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

BlockSweep::Values BlockSweep::initial(const PointVector &points) {
  std::vector<Values> inits; // per reduction
  for (Accumulator a : accumulators) {
    const State &state = states[a.state];
    inits.push_back(memory.read(*state.statement, state.nest().inits[a.output], points, false));
  }
  Values result;
  for (int64_t lane = 0; lane < points.width; ++lane)
    for (const Values &values : inits)
      result.push_back(values[lane]);
  return result;
}

BlockSweep::Values BlockSweep::neutral(int64_t width) {
  Values result;
  for (int64_t lane = 0; lane < width; ++lane)
    for (Accumulator a : accumulators)
      result.push_back(
          arith::ConstantOp::create(e.b, e.loc, *arith::getNeutralElement(combinerOf(a))));
  return result;
}

BlockSweep::Values BlockSweep::foldNeighbours(Values sums, int64_t width) {
  const size_t count = accumulators.size();
  for (int64_t apart = width / 2; apart > 0; apart /= 2)
    for (size_t i = 0; i < apart * count; ++i)
      sums[i] = combine(combinerOf(accumulators[i % count]), sums[i], sums[i + apart * count]);
  sums.truncate(count);
  return sums;
}

/// A fixed tree over the lanes; all of them get the result.
void BlockSweep::acrossLanes(Values &sums) {
  for (int64_t mask = warpLanes / 2; mask > 0; mask /= 2)
    for (auto [sum, accumulator] : llvm::zip(sums, accumulators))
      sum = combine(combinerOf(accumulator), sum, e.shuffleXor(sum, mask));
}

BlockSweep::Values BlockSweep::sharedParts(int64_t count) {
  Values parts;
  for (Accumulator a : accumulators)
    parts.push_back(e.allocateShared(count, memoryType(typeOf(a))));
  return parts;
}

void BlockSweep::storeParts(ValueRange parts, Value at, ValueRange sums) {
  for (auto [part, sum] : llvm::zip(parts, sums)) {
    Type memory = cast<MemRefType>(part.getType()).getElementType();
    memref::StoreOp::create(e.b, e.loc, toMemory(e, sum, memory), part, at);
  }
}

BlockSweep::Values BlockSweep::sumOfParts(ValueRange parts, Value first, int64_t step,
                                          int64_t count) {
  auto load = [&](size_t i, int64_t part) {
    Value value = memref::LoadOp::create(e.b, e.loc, parts[i], e.add(first, part * step));
    return fromMemory(e, value, typeOf(accumulators[i]));
  };
  Values sums;
  for (size_t i = 0; i < accumulators.size(); ++i) {
    Value sum = load(i, 0);
    for (int64_t part = 1; part < count; ++part)
      sum = combine(combinerOf(accumulators[i]), sum, load(i, part));
    sums.push_back(sum);
  }
  return sums;
}

/// From each warp's to those of the block, one warp after the other; all threads get the result.
void BlockSweep::acrossWarps(Values &sums) {
  const int64_t warps = e.threads / warpLanes;
  Values parts = sharedParts(warps);
  e.branch(
      e.equals(e.lane(), 0), [&] { storeParts(parts, e.warp(), sums); }, [] {});
  e.barrier();
  sums = sumOfParts(parts, e.constant(0), 1, warps);
}

BlockSweep::Values BlockSweep::withInitial(const PointVector &points, Values sums) {
  for (auto [i, first] : llvm::enumerate(initial(points))) {
    Operation *combiner = combinerOf(accumulators[i % accumulators.size()]);
    Attribute known;
    if (!matchPattern(first, m_Constant(&known)) || known != *arith::getNeutralElement(combiner))
      sums[i] = combine(combiner, first, sums[i]);
  }
  return sums;
}

void BlockSweep::finish(const PointVector &points, Values sums) {
  const size_t count = accumulators.size();
  ifAligned(points.width, {}, [&](bool isAligned) {
    for (auto [i, a] : llvm::enumerate(accumulators)) {
      Values values;
      for (int64_t lane = 0; lane < points.width; ++lane)
        values.push_back(sums[lane * count + i]);
      memory.write(*states[a.state].statement, a.output, points, values, isAligned);
    }
    return Values();
  });
}

/// Loops one inside the other: no index is divided. Of the innermost one, several iterations load
/// before they add.
void BlockSweep::reduceByThread(PointVector points) {
  const int64_t most = std::max<int64_t>(1, pointsTogether() / points.width);
  auto innermost = [&](int loop, ValueRange carried) {
    auto together = [&](Value first, int64_t count, ValueRange values) {
      std::vector<PointVector> batch(count, points);
      for (int64_t i = 0; i < count; ++i)
        batch[i].first[loop] = e.add(first, i);
      return evaluate(batch, values);
    };
    std::optional<int64_t> size = constantOf(sweep.loops[loop].size);
    if (!size)
      return e.stride(e.constant(0), e.size(sweep.loops[loop].size), 1, carried,
                      [&](Value i, ValueRange values) { return together(i, 1, values); });
    const int64_t whole = *size / most * most;
    Values sums(carried);
    if (whole)
      sums = e.loop(e.constant(whole), most, sums,
                    [&](Value i, ValueRange values) { return together(i, most, values); });
    return *size > whole ? together(e.constant(whole), *size - whole, sums) : sums;
  };
  std::function<Values(size_t, ValueRange)> level = [&](size_t depth, ValueRange carried) {
    int loop = reduced[depth];
    if (depth + 1 == reduced.size())
      return innermost(loop, carried);
    return e.stride(e.constant(0), e.size(sweep.loops[loop].size), 1, carried,
                    [&](Value i, ValueRange values) {
                      points.first[loop] = i;
                      return level(depth + 1, values);
                    });
  };
  finish(points, level(0, initial(points)));
}

void BlockSweep::reduceByThreads() {
  const Values none(sweep.loops.size());
  auto single = [&](const PointVector &point) { reduceByThread(point); };
  const int64_t width = pointsAtOnce();
  if (width == 1)
    return eachPoint(parallel, single);
  auto inVectors = [&] {
    aligned = memory.areBuffersAligned(parallel.back(), width);
    e.distribute(e.constant(*constantOf(pointsOf(parallel)) / width),
                 [&](Value number) { reduceByThread(locate(number, parallel, none, width)); });
  };
  inVectorsOr(parallel, inVectors, single);
}

int64_t BlockSweep::elementsAtOnce(int64_t step) const {
  std::optional<int64_t> elements = constantOf(pointsOf(reduced));
  int64_t width = elements ? memory.widest(reduced.back()) : 1;
  while (width > 1 && *elements / width < step)
    width /= 2;
  return width;
}

/// Of the elements first, first + step, ... of what is reduced.
BlockSweep::Values BlockSweep::partOf(Value first, int64_t step, ArrayRef<Value> point) {
  if (!constantOf(pointsOf(reduced)))
    return e.stride(first, count(reduced), step, neutral(1), [&](Value number, ValueRange values) {
      return evaluate(locate(number, reduced, point, 1), values);
    });
  const int64_t width = elementsAtOnce(step);
  aligned = memory.areBuffersAligned(reduced.back(), width);
  Values sums = inRounds(
      first, step, reduced, point, width, neutral(width),
      [&](ArrayRef<PointVector> points, ValueRange values) { return evaluate(points, values); });
  return foldNeighbours(std::move(sums), width);
}

void BlockSweep::reduceByWarp(Values point) {
  Values sums = partOf(e.lane(), warpLanes, point);
  acrossLanes(sums);
  e.branch(
      e.equals(e.lane(), 0), [&] { finish({point}, withInitial({point}, sums)); }, [] {});
}

void BlockSweep::reduceByBlock(Values point) {
  Values sums = partOf(e.thread, e.threads, point);
  acrossLanes(sums);
  acrossWarps(sums);
  e.branch(
      e.equals(e.thread, 0), [&] { finish({point}, withInitial({point}, sums)); }, [] {});
}

/// Neighbouring threads have neighbouring sums; each of the block's parts has some elements of all.
void BlockSweep::reduceByParts() {
  const int64_t columns = *constantOf(pointsOf(parallel)), parts = e.threads / columns;
  Value part, column;
  std::tie(part, column) = e.divide(e.thread, columns);
  PointVector point = locate(column, parallel, Values(sweep.loops.size()), 1);
  Value exists = isInside(parallel, point.first);
  if (parts * columns < e.threads) {
    Value hasPart =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, part, e.constant(parts));
    exists = e.both(exists, hasPart);
  }
  Values shared = sharedParts(parts * columns);
  auto sum = [&] { storeParts(shared, e.thread, partOf(part, parts, point.first)); };
  if (exists)
    e.branch(exists, sum, [] {});
  else
    sum();
  e.barrier();
  Value isFirst = e.equals(part, 0);
  if (exists)
    isFirst = arith::AndIOp::create(e.b, e.loc, isFirst, exists);
  e.branch(
      isFirst,
      [&] { finish(point, withInitial(point, sumOfParts(shared, column, columns, parts))); },
      [] {});
}
