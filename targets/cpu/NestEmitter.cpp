#include "targets/cpu/NestEmitter.h"
#include "targets/cpu/NestBlocks.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/OnlineSoftmax.h"
#include "targets/kernel/Sequence.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// Rows of which one waits for its sum while the other one computes.
constexpr int64_t interleavedRows = 2;
/// Longer ones do not wait for long.
constexpr int64_t longestInterleaved = 1024;

/// Constants that are not one value repeated go to scratch first.
void storeConstants(Emitter &e, Homes &homes, Kernel &kernel) {
  for (Base &base : homes.bases) {
    auto elements = dyn_cast_or_null<DenseElementsAttr>(base.constant);
    if (!elements || elements.isSplat() || elements.empty())
      continue;
    base.buffer = kernel.allocateScratch(e.b, e.loc, elements.size(), base.element);
    auto type = VectorType::get({elements.getNumElements()}, elements.getElementType());
    Value values = arith::ConstantOp::create(e.b, e.loc, elements.reshape(type));
    if (type.getElementType().isInteger(1))
      values = arith::ExtUIOp::create(e.b, e.loc, type.clone(base.element), values);
    vector::StoreOp::create(e.b, e.loc, values, base.buffer, e.constant(0));
  }
}

class GroupEmitter {
public:
  GroupEmitter(Emitter &e, NestGroup &group, const Homes &homes, int64_t l1Bytes)
      : e(e), group(group), homes(homes), sweeps(formSweeps(group, homes)),
        online(OnlineSoftmax::find(sweeps, group, l1Bytes)) {}

  /// The memory of what lies between the sweeps.
  void allocate(Homes &homes, Allocate allocate) {
    auto ofRows = [&](AffineExpr elements, Type element) {
      return allocate(elements * rowsAtOnce(), element);
    };
    allocateIntermediates(group, sweeps, homes, ofRows);
    if (online)
      online->allocate(allocate);
  }

  void unit(Value number) {
    position = UnitPosition::of(
        e, group, number, [&](Value unit, AffineExpr blocks) { return e.divide(unit, blocks); });
    for (const Sweep &sweep : sweeps)
      if (sweep.isRepeated)
        SweepEmitter(e, sweep, group, homes, position).emit();
    outerLoops(0);
  }

private:
  Emitter &e;
  NestGroup &group;
  const Homes &homes;
  std::vector<Sweep> sweeps;
  std::optional<OnlineSoftmax> online;
  UnitPosition position;

  int64_t rowsAtOnce() const {
    for (unsigned d = 0; d < group.dims.size(); ++d)
      if (!group.dims[d].inner && !isOne(group.dims[d].size) && interleaves(d))
        return interleavedRows;
    return 1;
  }

  void outerLoops(unsigned d) {
    while (d < group.dims.size() && (group.dims[d].inner || isOne(group.dims[d].size)))
      ++d;
    if (d == group.dims.size()) {
      runSweeps(position);
      return;
    }
    Value first = position.start[d];
    if (interleaves(d)) {
      std::pair<Value, Value> divided = e.divide(position.extent[d], interleavedRows);
      Value pairs = divided.first, odd = divided.second;
      e.loop(pairs, [&](Value i) {
        SmallVector<UnitPosition> rows;
        for (int64_t row = 0; row < interleavedRows; ++row) {
          rows.push_back(position);
          rows.back().start[d] = e.add(first, e.add(e.mul(i, interleavedRows), row));
        }
        runSweeps(rows);
      });
      auto last = [&] {
        position.start[d] = e.add(first, e.mul(pairs, interleavedRows));
        runSweeps(position);
        position.start[d] = first;
      };
      if (!constantOf(group.dims[d].size))
        e.branch(e.equals(odd, 1), last, [] {});
      return;
    }
    e.loop(position.extent[d], [&](Value i) {
      position.start[d] = e.add(first, i);
      outerLoops(d + 1);
    });
    position.start[d] = first;
  }

  void runSweeps(ArrayRef<UnitPosition> positions) {
    for (auto [i, sweep] : llvm::enumerate(sweeps))
      if (!sweep.isRepeated && !(online && online->emit(i, e, group, homes, positions.front())))
        SweepEmitter(e, sweep, group, homes, positions).emit();
  }

  /// Whether to run over two rows of dim d at once: it is the innermost one, the rows are short and
  /// end in sums or the like, and there is no odd row: of an unknown number, the last one may be.
  bool interleaves(unsigned d) const {
    const SharedDim &dim = group.dims[d];
    for (unsigned inner = d + 1; inner < group.dims.size(); ++inner)
      if (!group.dims[inner].inner && !isOne(group.dims[inner].size))
        return false;
    if (dim.block % interleavedRows || (constantOf(dim.size) && !dim.hasEqualBlocks()))
      return false;
    bool hasRows = false;
    for (const Sweep &sweep : sweeps) {
      int64_t points = 1;
      for (const SweepLoop &loop : sweep.loops) {
        points *= nominal(loop.size);
        if (loop.shared >= 0 || !sweep.isVector)
          return false;
        hasRows |= loop.reduced;
      }
      if (points > longestInterleaved)
        return false;
    }
    return hasRows;
  }
};

} // namespace

AffineExpr nncc::cpu::emitGroups(Emitter &e, std::vector<Nest> nests, Homes &homes, Kernel &kernel,
                                 Value begin, Value end) {
  AffineExpr all = e.b.getAffineConstantExpr(0);
  computeInPlace(nests, homes);
  for (NestGroup &group : formGroups(std::move(nests), homes)) {
    e.loc = group.nests.front().op->getLoc();
    shareDims(group, homes);
    chooseBlocks(group, homes);
    AffineExpr first = all, units = group.units();
    if (isZero(units))
      continue;
    all = normalForm(all + units);
    GroupEmitter emitter(e, group, homes, kernel.l1Bytes);
    emitter.allocate(homes, [&](AffineExpr elements, Type element) {
      return kernel.allocateScratch(e.b, e.loc, elements, element);
    });
    Value low = begin ? e.maximum(begin, e.size(first)) : e.size(first);
    Value high = end ? e.minimum(end, e.size(all)) : e.size(all);
    auto loop = scf::ForOp::create(e.b, e.loc, low, high, e.constant(1));
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(loop.getBody());
    emitter.unit(e.sub(loop.getInductionVar(), e.size(first)));
  }
  return all;
}

/// Operations of which some write where their data say.
static LogicalResult emitInOneUnit(Emitter &e, ArrayRef<Operation *> ops, Homes &homes,
                                   Kernel &kernel) {
  kernel.setUnits(1);
  auto unit = scf::ForOp::create(e.b, e.loc, kernel.begin, kernel.end, e.constant(1));
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(unit.getBody());
  auto allocate = [&](AffineExpr elements, Type element) {
    return kernel.allocateScratch(e.b, e.loc, elements, element);
  };
  auto computeNests = [&](std::vector<Nest> nests) {
    emitGroups(e, std::move(nests), homes, kernel, nullptr, nullptr);
  };
  auto computeLoops = [](TensorLoops &loops, Operation *op) { return loops.emit(op); };
  return emitSequence(e, ops, homes, {allocate, computeNests, computeLoops});
}

LogicalResult nncc::cpu::emitNests(OpBuilder &b, ArrayRef<Operation *> ops, Homes &homes,
                                   Kernel &kernel) {
  Emitter e{b, kernel.function.getLoc(), &kernel.sizes};
  storeConstants(e, homes, kernel);
  if (llvm::any_of(ops, TensorLoops::isOne))
    return emitInOneUnit(e, ops, homes, kernel);
  std::vector<Nest> nests;
  if (failed(buildNests(ops, homes, nests)))
    return failure();
  kernel.units = emitGroups(e, std::move(nests), homes, kernel, kernel.begin, kernel.end);
  return success();
}
