// What a sweep reads with strides is transposed in shared memory.
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/BlockSweep.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Of a tile: more would leave too few blocks on a multiprocessor.
static constexpr int64_t mostTileBytes = 36 << 10;

SmallVector<int> BlockSweep::stagedLoops(const State &state, const Access &access) const {
  int last = parallel.back(), contiguous = -1;
  if (!access.isMemory() || group.scratch.contains(access.base) ||
      memory.stepOf(*state.statement, access, last) != Step::Other)
    return {};
  SmallVector<int> loops;
  int64_t bytes = llvm::divideCeil(access.element.getIntOrFloatBitWidth(), 8);
  for (int loop : parallel) {
    Step step = memory.stepOf(*state.statement, access, loop);
    if (step == Step::None)
      continue;
    bytes *= *constantOf(inUnit(sweep.loops[loop], group));
    if (step == Step::Neighbour)
      contiguous = loop;
    else
      loops.push_back(loop);
  }
  if (contiguous < 0 || bytes > mostTileBytes)
    return {};
  loops.push_back(contiguous);
  return loops;
}

bool BlockSweep::canStage() const {
  return accumulators.empty() && !parallel.empty() && constantOf(pointsOf(parallel));
}

bool BlockSweep::mayStage(const State &state, const Access &access) const {
  return canStage() && !stagedLoops(state, access).empty();
}

bool BlockSweep::stage(const State &state, const Access &access, ArrayRef<int> loops) {
  // Rows in the direction of the sweep; one element more keeps columns off each other's banks.
  SmallVector<int64_t> strides(sweep.loops.size(), 0);
  int64_t elements = 1, last = parallel.back();
  auto place = [&](int64_t loop, int64_t padding) {
    strides[loop] = elements;
    elements *= *constantOf(inUnit(sweep.loops[loop], group)) + padding;
  };
  place(last, 1);
  place(loops.back(), 0);
  for (int loop : loops.drop_back())
    if (loop != last)
      place(loop, 0);
  Type element = memoryType(access.element);
  if (!e.canShare(elements, element))
    return false;
  Value tile = e.allocateShared(elements, element);
  const int64_t width = memory.widest(*state.statement, access, loops.back());
  aligned = memory.isBufferAligned(access, width);
  auto copy = [&](ArrayRef<PointVector> points, ValueRange) {
    SmallVector<Type> types(points.size() * width, access.element);
    int64_t each = points.front().width;
    Values values = ifAligned(each, types, [&](bool isAligned) {
      Values all;
      for (const PointVector &point : points)
        llvm::append_range(all, memory.read(*state.statement, access, point, isAligned));
      return all;
    });
    for (auto [i, value] : llvm::enumerate(values)) {
      Values at = points[i / each].first;
      if (i % each)
        at[loops.back()] = e.add(at[loops.back()], i % each);
      Value offset = memory.offsetInTile(at, strides);
      memref::StoreOp::create(e.b, e.loc, toMemory(e, value, element), tile, offset);
    }
    return Values();
  };
  const Values none(sweep.loops.size());
  auto inVectors = [&] { inRounds(e.thread, e.threads, loops, none, width, {}, copy); };
  inVectorsOr(loops, inVectors, [&](const PointVector &point) { copy(point, {}); });
  memory.setTile(access, {tile, strides});
  return true;
}

void BlockSweep::stageTransposed() {
  bool any = false;
  for (const State &state : states)
    NestMemory::forEachRead(*state.statement, [&](Value, const Access &access) {
      SmallVector<int> loops = stagedLoops(state, access);
      any |= !loops.empty() && stage(state, access, loops);
    });
  if (any)
    e.barrier();
}
