#include "targets/kernel/Sequence.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/BodyEvaluator.h"

using namespace mlir;
using namespace nncc;

static bool isTensor(Type type) { return isa<RankedTensorType>(type); }

/// What result `i` begins as.
static Value initOf(Operation *op, unsigned i) {
  auto insert = dyn_cast<tensor::InsertOp>(op);
  return insert ? insert.getDest() : Value(cast<scf::ForOp>(op).getInitArgs()[i]);
}

Value TensorLoops::resolve(Value tensor) const {
  auto found = aliases.find(tensor);
  return found == aliases.end() ? tensor : found->second;
}

LogicalResult TensorLoops::begin(Operation *op, std::vector<Nest> &copies) {
  auto loop = dyn_cast<scf::ForOp>(op);
  auto bufferOf = [&](Value tensor) { return homes.bases[homes.of(tensor).base].buffer; };
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    Value init = initOf(op, i);
    if (!isTensor(init.getType()))
      return op->emitError("expects a loop of a kernel to carry tensors only");
    bool isInPlace = bufferOf(init) && bufferOf(init) == bufferOf(result);
    if (!isInPlace && !init.getDefiningOp<tensor::EmptyOp>())
      copies.push_back(copyNest(homes, op, init, homes.of(result)));
    if (loop)
      alias(loop.getRegionIterArgs()[i], result);
  }
  return success();
}

LogicalResult TensorLoops::emit(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return emitLoop(loop);
  auto insert = cast<tensor::InsertOp>(op);
  store(insert, insert.getResult());
  return success();
}

LogicalResult TensorLoops::emitInside(Operation *op) {
  if (auto insert = dyn_cast<tensor::InsertOp>(op)) {
    store(insert, insert.getDest());
    alias(insert.getResult(), insert.getDest());
    return success();
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return emitExtract(extract);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return emitLoop(loop);
  bool onTensors =
      llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor);
  if (onTensors || op->getNumRegions())
    return op->emitError("cannot be scheduled in a loop of a kernel");
  e.b.clone(*op, scalars);
  return success();
}

/// A single element of what is in the memory of `into`.
void TensorLoops::store(tensor::InsertOp op, Value into) {
  auto [buffer, at] = address(into, op.getIndices());
  Value value = scalars.lookupOrDefault(op.getScalar());
  Type memory = cast<MemRefType>(buffer.getType()).getElementType();
  memref::StoreOp::create(e.b, e.loc, toMemory(e, value, memory), buffer, at);
}

/// The buffer and the offset of an element.
std::pair<Value, Value> TensorLoops::address(Value tensor, ValueRange indices) {
  const Home &home = homes.of(resolve(tensor));
  const Base &base = homes.bases[home.base];
  SmallVector<Value> at;
  for (Value index : indices)
    at.push_back(scalars.lookupOrDefault(index));
  AffineExpr flat = simplified(linearize(home.indices, base.shape, e.b.getContext()));
  return {base.buffer, e.expand(flat, at)};
}

LogicalResult TensorLoops::emitExtract(tensor::ExtractOp op) {
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

LogicalResult TensorLoops::emitLoop(scf::ForOp op) {
  if (!llvm::all_of(op.getResultTypes(), isTensor))
    return op.emitError("expects a loop of a kernel to carry tensors only");
  for (auto [argument, init] : llvm::zip(op.getRegionIterArgs(), op.getInitArgs()))
    if (!aliases.contains(argument))
      alias(argument, init);
  auto bound = [&](Value value) { return scalars.lookupOrDefault(value); };
  Value low = bound(op.getLowerBound()), step = bound(op.getStep());
  if (op == shared)
    low = e.add(low, sharedFirst), step = e.constant(sharedStep);
  auto loop = scf::ForOp::create(e.b, e.loc, low, bound(op.getUpperBound()), step);
  scalars.map(op.getInductionVar(), loop.getInductionVar());
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(loop.getBody());
  for (Operation &inner : op.getBody()->without_terminator())
    if (failed(emitInside(&inner)))
      return failure();
  for (auto [result, argument, yielded] :
       llvm::zip(op.getResults(), op.getRegionIterArgs(), op.getYieldedValues())) {
    if (resolve(yielded) != resolve(argument))
      return op.emitError("expects a loop of a kernel to carry on each of its tensors");
    alias(result, argument);
  }
  return success();
}

/// Gives every intermediate memory. Each is whole: nothing is cut into units. One that is only
/// updated is in the memory of what it becomes.
static void placeIntermediates(ArrayRef<Operation *> ops, Homes &homes,
                               const SequenceParts &parts) {
  MLIRContext *context = homes.getContext();
  auto isWhole = [&](Value tensor) {
    const Home &home = homes.of(tensor);
    return shapeOf(tensor) == homes.bases[home.base].shape &&
           AffineMap::get(home.indices.size(), 0, home.indices, context).isIdentity();
  };
  for (Operation *op : llvm::reverse(ops))
    for (auto [i, result] : llvm::enumerate(op->getResults())) {
      Base &base = homes.bases[homes.of(result).base];
      if (!base.buffer)
        base.buffer = parts.allocate(elementCount(base.shape, context), base.element);
      Value init = TensorLoops::isOne(op) ? initOf(op, i) : Value();
      if (!init || !llvm::is_contained(ops, init.getDefiningOp()) || !init.hasOneUse() ||
          !isWhole(init) || !isWhole(result))
        continue;
      Base &before = homes.bases[homes.of(init).base];
      if (!before.buffer)
        before.buffer = base.buffer;
    }
}

LogicalResult nncc::emitSequence(Emitter &e, ArrayRef<Operation *> ops, Homes &homes,
                                 const SequenceParts &parts) {
  placeIntermediates(ops, homes, parts);
  for (Operation *op : ops) {
    e.loc = op->getLoc();
    std::vector<Nest> nests;
    if (TensorLoops::isOne(op)) {
      TensorLoops loops(e, homes);
      if (failed(loops.begin(op, nests)))
        return failure();
      parts.computeNests(std::move(nests));
      e.loc = op->getLoc();
      if (failed(parts.computeLoops(loops, op)))
        return failure();
      continue;
    }
    if (failed(buildNest(op, homes, nests)) || failed(checkReads(nests, homes)))
      return failure();
    parts.computeNests(std::move(nests));
  }
  std::vector<Nest> copies;
  buildResultCopies(homes, copies);
  if (failed(checkReads(copies, homes)))
    return failure();
  parts.computeNests(std::move(copies));
  return success();
}
