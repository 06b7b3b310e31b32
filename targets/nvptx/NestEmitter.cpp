#include "targets/nvptx/NestEmitter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "targets/nvptx/BlockDims.h"
#include "targets/nvptx/Hazards.h"
#include "targets/nvptx/RowSweep.h"
#include "targets/nvptx/SequenceEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {

/// Constants that are not one value repeated.
void placeConstants(ThreadBlock &e, Homes &homes) {
  for (Base &base : homes.bases) {
    auto elements = dyn_cast_or_null<DenseElementsAttr>(base.constant);
    if (elements && !elements.isSplat() && !elements.empty())
      base.buffer = e.constants(elements, base.element);
  }
}

class GroupEmitter {
public:
  GroupEmitter(NestGroup &group, Homes &homes, int64_t threads)
      : group(group), homes(homes), sweeps(formSweeps(group, homes)),
        row(Row::of(group, sweeps, threads)) {}

  void unit(ThreadBlock &e, Value number) {
    auto position = UnitPosition::of(e, group, number, [&](Value rest, AffineExpr blocks) {
      return e.divideBelow(group.units(), rest, blocks);
    });
    if (row) // all intermediates are in registers
      return emitRows(e, position);
    e.unlessSynchronized([&] { return !emitSweeps(e, position).reachNextUnit(); });
  }

private:
  Hazards emitSweeps(ThreadBlock &e, const UnitPosition &position) {
    allocateIntermediates(group, sweeps, homes, [&](AffineExpr elements, Type element) {
      return e.allocate(elements, element);
    });
    Hazards hazards(e);
    for (bool repeated : {true, false})
      for (const Sweep &sweep : sweeps)
        if (sweep.isRepeated == repeated) {
          BlockSweep next(e, sweep, group, homes, position);
          hazards.before(next);
          next.emit();
        }
    return hazards;
  }

  void emitRows(ThreadBlock &e, const UnitPosition &position) {
    Row mine = *row;
    const bool isWarp = mine.rows > 1;
    mine.number = isWarp ? e.warp() : e.constant(0);
    mine.first = isWarp ? e.lane() : e.thread;
    std::vector<BlockSweep> all;
    mine.width = mine.elements;
    for (const Sweep &sweep : sweeps) {
      all.emplace_back(e, sweep, group, homes, position);
      mine.width = std::min(mine.width, all.back().widestOfRow());
    }
    while (mine.width > 1 && mine.elements / mine.width < mine.threads)
      mine.width /= 2;
    auto emit = [&] {
      for (BlockSweep &sweep : all)
        sweep.emitRow(mine);
    };
    if (Value exists = all.front().hasRow(mine))
      e.branch(exists, emit, [] {});
    else
      emit();
  }

  NestGroup &group;
  Homes &homes;
  std::vector<Sweep> sweeps;
  std::optional<Row> row;
};

} // namespace

void nncc::nvptx::emitGroups(ThreadBlock &e, std::vector<Nest> nests, Homes &homes) {
  for (NestGroup &group : formGroups(std::move(nests), homes)) {
    e.loc = group.nests.front().op->getLoc();
    shareDims(group, homes);
    if (isZero(group.units()))
      continue;
    chooseBlocks(group, e.threads);
    GroupEmitter emitter(group, homes, e.threads);
    e.repeat(group.units(), [&](Value unit) { emitter.unit(e, unit); });
  }
}

/// Operations of which some write where their data say.
static FailureOr<int64_t> emitInOneBlock(KernelFrame &frame, ArrayRef<Operation *> ops) {
  ThreadBlock e(frame.b, frame.kernel, manyThreads);
  placeConstants(e, *frame.homes);
  LogicalResult result = success();
  e.units(e.b.getAffineConstantExpr(1),
          [&](Value) { result = emitSequence(e, ops, *frame.homes); });
  if (failed(result))
    return failure();
  return e.threads;
}

FailureOr<int64_t> nncc::nvptx::emitNests(KernelFrame &frame, ArrayRef<Operation *> ops) {
  Homes &homes = *frame.homes;
  if (llvm::any_of(ops, TensorLoops::isOne))
    return emitInOneBlock(frame, ops);
  std::vector<Nest> nests;
  if (failed(buildNests(ops, homes, nests)))
    return failure();
  std::vector<NestGroup> groups = formGroups(std::move(nests), homes);
  for (NestGroup &group : groups)
    shareDims(group, homes);
  llvm::erase_if(groups, [](const NestGroup &group) { return isZero(group.units()); });
  int64_t threads = chooseThreads(groups);
  std::vector<GroupEmitter> emitters;
  AffineExpr all = frame.b.getAffineConstantExpr(0);
  SmallVector<AffineExpr> firsts;
  for (NestGroup &group : groups) {
    chooseBlocks(group, threads);
    emitters.emplace_back(group, homes, threads);
    firsts.push_back(all);
    all = normalForm(all + group.units());
  }
  ThreadBlock e(frame.b, frame.kernel, threads);
  placeConstants(e, homes);
  e.units(all, [&](Value unit) {
    for (auto [i, emitter] : llvm::enumerate(emitters)) {
      e.loc = groups[i].nests.front().op->getLoc();
      auto emit = [&, &emitter = emitter, i = i] {
        emitter.unit(e, e.sub(unit, e.size(firsts[i])));
      };
      if (emitters.size() == 1) {
        emit();
        continue;
      }
      Value begins =
          arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge, unit, e.size(firsts[i]));
      Value ends = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, unit,
                                         e.size(i + 1 < firsts.size() ? firsts[i + 1] : all));
      e.branch(arith::AndIOp::create(e.b, e.loc, begins, ends), emit, [] {});
    }
  });
  return threads;
}
