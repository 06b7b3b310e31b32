#include "targets/cpu/NestEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/SweepEmitter.h"

using namespace mlir;
using namespace nncc::cpu;

namespace {

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

void allocateIntermediates(Emitter &e, NestGroup &group, ArrayRef<Sweep> sweeps, const Homes &homes,
                           Kernel &kernel) {
  for (const Sweep &sweep : sweeps)
    for (const Statement &statement : sweep.statements)
      for (auto [output, isStored] : llvm::zip(statement.nest->outputs, statement.isStored)) {
        auto found = group.scratch.find(output.base);
        if (found == group.scratch.end() || !isStored || found->second.buffer)
          continue;
        found->second.buffer = kernel.allocateScratch(e.b, e.loc, found->second.elements(),
                                                      homes.bases[output.base].element);
      }
}

class GroupEmitter {
public:
  GroupEmitter(Emitter &e, NestGroup &group, const Homes &homes)
      : e(e), group(group), homes(homes), sweeps(formSweeps(group, homes)) {}

  ArrayRef<Sweep> getSweeps() const { return sweeps; }

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
                                  [](const SharedDim &outer) { return outer.blocks() == 1; });
      auto [rest, block] =
          isFirst ? std::make_pair(e.constant(0), number) : e.divide(number, dim.blocks());
      if (dim.blocks() == 1)
        rest = number, block = e.constant(0);
      position.start[d] = e.mul(block, dim.block);
      position.extent[d] = e.constant(dim.block);
      if (dim.size % dim.block)
        position.extent[d] =
            e.minimum(e.constant(dim.block), e.sub(e.constant(dim.size), position.start[d]));
      number = rest;
    }
  }

  void outerLoops(unsigned d) {
    while (d < group.dims.size() && (group.dims[d].inner || group.dims[d].size == 1))
      ++d;
    if (d == group.dims.size()) {
      for (const Sweep &sweep : sweeps)
        if (!sweep.isRepeated)
          SweepEmitter(e, sweep, group, homes, position).emit();
      return;
    }
    Value first = position.start[d];
    e.loop(position.extent[d], [&](Value i) {
      position.start[d] = e.add(first, i);
      outerLoops(d + 1);
    });
    position.start[d] = first;
  }
};

} // namespace

LogicalResult nncc::cpu::emitNests(OpBuilder &b, ArrayRef<Operation *> ops, Homes &homes,
                                   Kernel &kernel) {
  std::vector<Nest> nests;
  if (failed(buildNests(ops, homes, nests)))
    return failure();
  Emitter e{b, kernel.function.getLoc()};
  storeConstants(e, homes, kernel);
  kernel.units = 0;
  for (NestGroup &group : formGroups(std::move(nests), homes)) {
    e.loc = group.nests.front().op->getLoc();
    shareDims(group, homes);
    chooseBlocks(group, homes);
    int64_t first = kernel.units, units = group.units();
    if (units == 0)
      continue;
    kernel.units += units;
    GroupEmitter emitter(e, group, homes);
    allocateIntermediates(e, group, emitter.getSweeps(), homes, kernel);
    Value low = e.maximum(kernel.begin, e.constant(first));
    Value high = e.minimum(kernel.end, e.constant(first + units));
    auto loop = scf::ForOp::create(b, e.loc, low, high, e.constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    emitter.unit(e.sub(loop.getInductionVar(), e.constant(first)));
  }
  return success();
}
