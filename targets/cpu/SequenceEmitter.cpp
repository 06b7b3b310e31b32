// Kernels that write where their data say: loops over single elements.
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "targets/cpu/BodyEvaluator.h"
#include "targets/cpu/NestEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
bool isTensor(Type type) { return isa<RankedTensorType>(type); }

/// Loops that carry a tensor -> loops over memory.
class TensorLoops {
public:
  TensorLoops(Emitter &e, const Homes &homes) : e(e), homes(homes) {}

  LogicalResult emit(Operation *op) {
    if (auto insert = dyn_cast<tensor::InsertOp>(op))
      return emitInsert(insert);
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      return emitExtract(extract);
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return emitLoop(loop);
    bool onTensors = llvm::any_of(op->getOperandTypes(), isTensor) ||
                     llvm::any_of(op->getResultTypes(), isTensor);
    if (onTensors || op->getNumRegions())
      return op->emitError("cannot be scheduled in a loop of a kernel for a CPU");
    e.b.clone(*op, scalars);
    return success();
  }

  /// The tensor has the memory of another one.
  void alias(Value tensor, Value of) { aliases[tensor] = resolve(of); }

  /// A single element of what is in the memory of `into`.
  void store(tensor::InsertOp op, Value into) {
    auto [buffer, at] = address(into, op.getIndices());
    Value value = scalars.lookupOrDefault(op.getScalar());
    Type memory = cast<MemRefType>(buffer.getType()).getElementType();
    memref::StoreOp::create(e.b, e.loc, toMemory(e, value, memory), buffer, at);
  }

private:
  Emitter &e;
  const Homes &homes;
  IRMapping scalars;
  DenseMap<Value, Value> aliases;

  Value resolve(Value tensor) const {
    auto found = aliases.find(tensor);
    return found == aliases.end() ? tensor : found->second;
  }

  /// The buffer and the offset of an element.
  std::pair<Value, Value> address(Value tensor, ValueRange indices) {
    const Home &home = homes.of(resolve(tensor));
    const Base &base = homes.bases[home.base];
    SmallVector<Value> at;
    for (Value index : indices)
      at.push_back(scalars.lookupOrDefault(index));
    AffineExpr flat = simplified(linearize(home.indices, base.shape, e.b.getContext()));
    return {base.buffer, e.expand(flat, at)};
  }

  LogicalResult emitInsert(tensor::InsertOp op) {
    store(op, op.getDest());
    alias(op.getResult(), op.getDest());
    return success();
  }

  LogicalResult emitExtract(tensor::ExtractOp op) {
    const Home &home = homes.of(resolve(op.getTensor()));
    if (auto splat = dyn_cast_or_null<SplatElementsAttr>(homes.bases[home.base].constant)) {
      scalars.map(op.getResult(),
                  arith::ConstantOp::create(e.b, e.loc, splat.getSplatValue<TypedAttr>()));
      return success();
    }
    auto [buffer, at] = address(op.getTensor(), op.getIndices());
    if (!buffer)
      return op.emitError("reads a tensor that nothing has written");
    Value value = memref::LoadOp::create(e.b, e.loc, buffer, at);
    scalars.map(op.getResult(), fromMemory(e, value, op.getType()));
    return success();
  }

  LogicalResult emitLoop(scf::ForOp op) {
    if (!llvm::all_of(op.getResultTypes(), isTensor))
      return op.emitError("expects a loop of a kernel to carry tensors only");
    for (auto [argument, init] : llvm::zip(op.getRegionIterArgs(), op.getInitArgs()))
      if (!aliases.contains(argument))
        alias(argument, init);
    auto bound = [&](Value value) { return scalars.lookupOrDefault(value); };
    auto loop = scf::ForOp::create(e.b, e.loc, bound(op.getLowerBound()), bound(op.getUpperBound()),
                                   bound(op.getStep()));
    scalars.map(op.getInductionVar(), loop.getInductionVar());
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(loop.getBody());
    for (Operation &inner : op.getBody()->without_terminator())
      if (failed(emit(&inner)))
        return failure();
    for (auto [result, argument, yielded] :
         llvm::zip(op.getResults(), op.getRegionIterArgs(), op.getYieldedValues())) {
      if (resolve(yielded) != resolve(argument))
        return op.emitError("expects a loop of a kernel to carry on each of its tensors");
      alias(result, argument);
    }
    return success();
  }
};

/// The loops of one operation; its result begins as a copy of what it updates.
LogicalResult emitUpdate(Emitter &e, Operation *op, Homes &homes, Kernel &kernel) {
  TensorLoops loops(e, homes);
  auto insert = dyn_cast<tensor::InsertOp>(op);
  auto loop = dyn_cast<scf::ForOp>(op);
  std::vector<Nest> copies;
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    Value init = insert ? insert.getDest() : Value(loop.getInitArgs()[i]);
    if (!isTensor(init.getType()))
      return op->emitError("expects a loop of a kernel to carry tensors only");
    if (!init.getDefiningOp<tensor::EmptyOp>())
      copies.push_back(copyNest(homes, op, init, homes.of(result)));
    if (loop)
      loops.alias(loop.getRegionIterArgs()[i], result);
  }
  emitGroups(e, std::move(copies), homes, kernel, nullptr, nullptr);
  if (loop)
    return loops.emit(loop);
  loops.store(insert, insert.getResult());
  return success();
}
} // namespace

LogicalResult nncc::cpu::emitSequence(Emitter &e, ArrayRef<Operation *> ops, Homes &homes,
                                      Kernel &kernel) {
  kernel.setUnits(1);
  // Every intermediate is whole: nothing is cut into units.
  for (Operation *op : ops)
    for (Value result : op->getResults()) {
      Base &base = homes.bases[homes.of(result).base];
      if (!base.buffer)
        base.buffer = kernel.allocateScratch(e.b, e.loc, elementCount(base.shape, e.b.getContext()),
                                             base.element);
    }
  auto unit = scf::ForOp::create(e.b, e.loc, kernel.begin, kernel.end, e.constant(1));
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(unit.getBody());
  for (Operation *op : ops) {
    e.loc = op->getLoc();
    if (isa<scf::ForOp, tensor::InsertOp>(op)) {
      if (failed(emitUpdate(e, op, homes, kernel)))
        return failure();
      continue;
    }
    std::vector<Nest> nests;
    if (failed(buildNest(op, homes, nests)) || failed(checkReads(nests, homes)))
      return failure();
    emitGroups(e, std::move(nests), homes, kernel, nullptr, nullptr);
  }
  std::vector<Nest> copies;
  buildResultCopies(homes, copies);
  if (failed(checkReads(copies, homes)))
    return failure();
  emitGroups(e, std::move(copies), homes, kernel, nullptr, nullptr);
  return success();
}
