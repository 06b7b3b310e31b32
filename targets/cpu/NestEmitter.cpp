#include "targets/cpu/NestEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/Sequence.h"
#include "targets/cpu/SweepEmitter.h"

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

void allocateIntermediates(Emitter &e, NestGroup &group, ArrayRef<Sweep> sweeps, int64_t rowsAtOnce,
                           const Homes &homes, Kernel &kernel) {
  MLIRContext *context = e.b.getContext();
  for (const Sweep &sweep : sweeps)
    for (const Statement &statement : sweep.statements)
      for (auto [output, isStored] : llvm::zip(statement.nest->outputs, statement.isStored)) {
        auto found = group.scratch.find(output.base);
        if (found == group.scratch.end() || !isStored || found->second.buffer)
          continue;
        found->second.buffer =
            kernel.allocateScratch(e.b, e.loc, found->second.elements(context) * rowsAtOnce,
                                   homes.bases[output.base].element);
      }
}

/// What a body reads at indices that it computes has all its elements in scratch, in order.
void exposeExtracted(const NestGroup &group, Homes &homes) {
  for (const Nest &nest : group.nests)
    for (unsigned base : nest.extracted)
      if (auto found = group.scratch.find(base); found != group.scratch.end())
        homes.bases[base].buffer = found->second.buffer;
}

class GroupEmitter {
public:
  GroupEmitter(Emitter &e, NestGroup &group, const Homes &homes)
      : e(e), group(group), homes(homes), sweeps(formSweeps(group, homes)) {}

  ArrayRef<Sweep> getSweeps() const { return sweeps; }

  int64_t rowsAtOnce() const {
    for (unsigned d = 0; d < group.dims.size(); ++d)
      if (!group.dims[d].inner && !isOne(group.dims[d].size) && interleaves(d))
        return interleavedRows;
    return 1;
  }

  void unit(Value number) {
    locate(number);
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
  UnitPosition position;

  /// The blocks of the unit, the last dim's fastest.
  void locate(Value number) {
    position.start.assign(group.dims.size(), nullptr);
    position.extent.assign(group.dims.size(), nullptr);
    for (int d = static_cast<int>(group.dims.size()) - 1; d >= 0; --d) {
      const SharedDim &dim = group.dims[d];
      bool isFirst = llvm::all_of(ArrayRef(group.dims).take_front(d),
                                  [](const SharedDim &outer) { return isOne(outer.blocks()); });
      auto [rest, block] =
          isFirst ? std::make_pair(e.constant(0), number) : e.divide(number, dim.blocks());
      if (isOne(dim.blocks()))
        rest = number, block = e.constant(0);
      position.start[d] = e.mul(block, dim.block);
      position.extent[d] = e.constant(dim.block);
      if (!dim.hasEqualBlocks())
        position.extent[d] =
            e.minimum(e.constant(dim.block), e.sub(e.size(dim.size), position.start[d]));
      number = rest;
    }
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
    for (const Sweep &sweep : sweeps)
      if (!sweep.isRepeated)
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
    GroupEmitter emitter(e, group, homes);
    allocateIntermediates(e, group, emitter.getSweeps(), emitter.rowsAtOnce(), homes, kernel);
    exposeExtracted(group, homes);
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
