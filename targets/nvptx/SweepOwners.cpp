// Which thread reads and writes which element in a sweep. This says of BlockSweep's distribution
// what its loops do.
#include "targets/nvptx/BlockSweep.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

Rendezvous BlockSweep::rendezvous() const {
  if (mode == ReducedBy::Part)
    return Rendezvous::Once;
  std::optional<int64_t> sums = constantOf(pointsOf(parallel));
  if (mode != ReducedBy::Block || !sums || *sums == 0)
    return Rendezvous::None;
  return *sums == 1 ? Rendezvous::Once : Rendezvous::Repeated;
}

AffineExpr BlockSweep::numberOf(ArrayRef<int> loops, int64_t width) const {
  AffineExpr number = e.b.getAffineConstantExpr(0);
  for (int loop : loops)
    number = number * inUnit(sweep.loops[loop], group) + e.b.getAffineDimExpr(loop);
  return number.floorDiv(width);
}

AffineExpr BlockSweep::threadOf(bool isResult, int64_t width) const {
  auto part = [&](int64_t step) {
    return isResult ? e.b.getAffineConstantExpr(0) : numberOf(reduced, elementsAtOnce(step)) % step;
  };
  switch (mode) {
  case ReducedBy::Thread:
    return numberOf(parallel, width) % e.threads;
  case ReducedBy::Part: {
    const int64_t columns = *constantOf(pointsOf(parallel));
    return numberOf(parallel, 1) + part(e.threads / columns) * columns;
  }
  case ReducedBy::Warp:
    return numberOf(parallel, 1) % (e.threads / warpLanes) * warpLanes + part(warpLanes);
  case ReducedBy::Block:
    return part(e.threads);
  }
  llvm_unreachable("a way to reduce");
}

/// The thread in terms of the element's indices, of which dims stand for those within the unit, and
/// as many behind them for those of the whole tensor; null: others touch the element as well.
AffineExpr BlockSweep::ownerOf(const Statement &statement, const Access &access,
                               AffineExpr thread) const {
  Shape sizes, points(sweep.loops.size());
  for (const SweepLoop &loop : sweep.loops)
    sizes.push_back(inUnit(loop, group));
  thread = simplifiedInRange(thread, sizes);
  for (auto [d, dim] : llvm::enumerate(access.dims)) {
    if (!dim || llvm::count_if(dim->factors, [](AffineExpr f) { return !isZero(f); }) != 1)
      continue;
    size_t loop =
        llvm::find_if(dim->factors, [](AffineExpr f) { return !isZero(f); }) - dim->factors.begin();
    const bool isInUnit = statement.nest->shared[loop] >= 0;
    AffineExpr index = e.b.getAffineDimExpr(isInUnit ? d : access.dims.size() + d);
    if (int at = statement.loops[loop]; at >= 0)
      points[at] = normalForm((index - dim->constant).floorDiv(dim->factors[loop]));
  }
  for (size_t loop = 0; loop < points.size(); ++loop)
    if (!points[loop] && thread.isFunctionOfDim(loop))
      return {};
  return normalForm(thread.replaceDims(points));
}

SweepAccess BlockSweep::accessOf(const State &state, const Access &access, bool isWrite,
                                 bool isResult) const {
  const bool areUnitsAlike = llvm::all_of(sweep.loops, [&](const SweepLoop &loop) {
    return loop.shared < 0 || group.dims[loop.shared].hasEqualBlocks();
  });
  auto owner = [&](int64_t width) {
    return ownerOf(*state.statement, access, threadOf(isResult, width));
  };
  SweepAccess result{
      &memory.baseOf(access.base), isWrite, isResult, group.scratch.contains(access.base), {}};
  if (isWrite || !mayStage(state, access))
    result.owner = {owner(pointsAtOnce()), owner(areUnitsAlike ? pointsAtOnce() : 1)};
  return result;
}

std::vector<SweepAccess> BlockSweep::accesses() const {
  std::vector<SweepAccess> result;
  bool hasShared = mode == ReducedBy::Part || mode == ReducedBy::Block;
  auto add = [&](const State &state, const Access &access, bool isWrite, bool isResult) {
    if (!access.isMemory())
      return;
    result.push_back(accessOf(state, access, isWrite, isResult));
    hasShared |= !isWrite && mayStage(state, access);
  };
  for (const State &state : states) {
    const Statement &statement = *state.statement;
    for (unsigned base : state.nest().extracted)
      result.push_back({&memory.baseOf(base),
                        /*isWrite=*/false,
                        /*isResult=*/false,
                        group.scratch.contains(base),
                        {}});
    NestMemory::forEachRead(statement, [&](Value, const Access &access) {
      add(state, access, /*isWrite=*/false, /*isResult=*/false);
    });
    for (const Access &init : state.nest().inits)
      if (statement.isReduction)
        add(state, init, /*isWrite=*/false, /*isResult=*/true);
    for (auto [output, isStored] : llvm::zip(state.nest().outputs, statement.isStored))
      if (isStored)
        add(state, output, /*isWrite=*/true, statement.isReduction);
  }
  if (hasShared)
    for (bool isRead : {false, true})
      result.push_back({&sweep, !isRead, /*isResult=*/isRead, /*isInBlock=*/true, {}});
  return result;
}
