#include "targets/kernel/KernelFrame.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace nncc;

static bool isTensor(Type type) { return isa<RankedTensorType>(type); }

/// Whether the op is a kernel by itself.
static bool isWhole(Operation *op) {
  return isa<kern::ContractOp, kern::AttentionOp, kern::RecurrenceOp, kern::WindowOp,
             kern::ArgSortOp, kern::PositionsOp, kern::SuppressOp>(op);
}

LogicalResult KernelFrame::open(AddArguments addArguments) {
  if (failed(checkTypes()) || failed(generalize()))
    return failure();
  dropCasts();
  addArguments(body());
  kernel.sizes = KernelSizes(&body(), kernel.call);
  kernel.setUnits(1);
  kernel.scratch = b.getAffineConstantExpr(0);
  bindBuffers();
  resolveSymbols();
  FailureOr<Homes> found = Homes::of(function, arguments, results);
  if (failed(found))
    return failure();
  homes = std::move(*found);
  b.setInsertionPoint(body().getTerminator());
  return resolveScalars();
}

LogicalResult KernelFrame::checkTypes() {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("expects a kernel of one block");
  for (TypeRange types : {function.getArgumentTypes(), function.getResultTypes()})
    for (Type type : types) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || (!tensor.hasStaticShape() && !tensor.getEncoding()))
        return function.emitError("expects a kernel on tensors of sizes that are constants or "
                                  "expressions over symbols, found ")
               << type;
      if (!tensor.getElementType().isIntOrFloat())
        return function.emitError("a kernel cannot store elements of type ")
               << tensor.getElementType();
    }
  return success();
}

/// linalg.matmul, linalg.reduce, ... -> linalg.generic.
LogicalResult KernelFrame::generalize() {
  IRRewriter rewriter(function.getContext());
  for (Operation &op : llvm::make_early_inc_range(body())) {
    auto named = dyn_cast<linalg::LinalgOp>(op);
    if (!named ||
        isa<linalg::GenericOp, linalg::FillOp, linalg::TransposeOp, linalg::BroadcastOp>(op))
      continue;
    rewriter.setInsertionPoint(&op);
    if (failed(linalg::generalizeNamedOp(rewriter, named)))
      return op.emitError("has no general form");
  }
  return success();
}

void KernelFrame::bindBuffers() {
  Location loc = function.getLoc();
  b.setInsertionPointToStart(&body());
  int64_t next = 0;
  auto buffer = [&](Type type) {
    auto tensor = cast<RankedTensorType>(type);
    int64_t elements = tensor.hasStaticShape() ? tensor.getNumElements() : ShapedType::kDynamic;
    auto flat = MemRefType::get({elements}, memoryType(tensor.getElementType()));
    return rt::BufferOp::create(b, loc, flat, kernel.call, next++).getResult();
  };
  for (Type type : function.getArgumentTypes())
    arguments.push_back(buffer(type));
  for (Type type : function.getResultTypes())
    results.push_back(buffer(type));
}

/// Casts to types that do not tell the sizes, as canonicalization leaves them around tensor ops:
/// all tensors get the types that do.
void KernelFrame::dropCasts() {
  auto tells = [](Value tensor) {
    auto type = cast<RankedTensorType>(tensor.getType());
    return type.hasStaticShape() || type.getEncoding();
  };
  for (Operation &op : llvm::make_early_inc_range(body())) {
    auto cast = dyn_cast<tensor::CastOp>(op);
    if (!cast || !isTensor(cast.getType()) || !isTensor(cast.getSource().getType()) ||
        (tells(cast.getSource()) && tells(cast.getResult())) ||
        (isa<BlockArgument>(cast.getSource()) && !tells(cast.getSource())))
      continue;
    if (!tells(cast.getSource()))
      cast.getSource().setType(cast.getType());
    cast.replaceAllUsesWith(cast.getSource());
    cast.erase();
  }
}

/// rt.symbol -> the value that the call hands over.
void KernelFrame::resolveSymbols() {
  function.walk([&](rt::SymbolOp op) {
    AffineExpr symbol = b.getAffineSymbolExpr(op.getNumber());
    op.replaceAllUsesWith(kernel.sizes.value(symbol, op.getLoc()));
    op.erase();
  });
}

/// Single elements that the function itself reads: loads at its beginning.
LogicalResult KernelFrame::resolveScalars() {
  for (Operation &op : llvm::make_early_inc_range(body())) {
    auto extract = dyn_cast<tensor::ExtractOp>(op);
    if (!extract)
      continue;
    const Home &home = homes->of(extract.getTensor());
    const Base &base = homes->bases[home.base];
    if (!base.buffer)
      return op.emitError("reads an element of a tensor that the same kernel computes");
    OpBuilder at(&op);
    AffineExpr flat = simplified(linearize(home.indices, base.shape, at.getContext()));
    SmallVector<Value> indices(extract.getIndices());
    Value index = kernel.sizes.expand(at, op.getLoc(), flat, indices);
    Value element = memref::LoadOp::create(at, op.getLoc(), base.buffer, index);
    if (element.getType() != extract.getType())
      return op.emitError("cannot read a scalar of type ") << extract.getType();
    extract.replaceAllUsesWith(element);
    extract.erase();
  }
  return success();
}

void KernelFrame::findRoots(SmallVectorImpl<Operation *> &wholes,
                            SmallVectorImpl<Operation *> &others) {
  auto onlyInits = [](Operation &fill) { return llvm::all_of(fill.getUsers(), isWhole); };
  for (Operation &op : body().without_terminator()) {
    bool isOnTensors = llvm::any_of(op.getResultTypes(), isTensor);
    if (!isOnTensors || Homes::isView(&op))
      continue;
    if (isWhole(&op))
      wholes.push_back(&op);
    else if (!isa<linalg::FillOp>(op) || !onlyInits(op))
      others.push_back(&op);
  }
}

LogicalResult KernelFrame::placeOperands(Operation *op) {
  auto destination = cast<DestinationStyleOpInterface>(op);
  auto place = [&](Value tensor) -> LogicalResult {
    std::optional<Place> place = homes->place(tensor);
    if (!place || !place->buffer)
      return op->emitError("has an operand or result that is not a view of an argument or result "
                           "of the kernel: ")
             << tensor.getType();
    kernel.places[tensor] = *place;
    return success();
  };
  for (OpOperand &operand : op->getOpOperands())
    if (!destination.isDpsInit(&operand) && isTensor(operand.get().getType()) &&
        failed(place(operand.get())))
      return failure();
  for (OpResult result : op->getResults()) {
    if (failed(place(result)))
      return failure();
    kernel.places[destination.getTiedOpOperand(result)->get()] = kernel.places[result];
  }
  return success();
}

void KernelFrame::close(ValueRange results) {
  auto terminator = cast<func::ReturnOp>(body().getTerminator());
  terminator.getOperandsMutable().assign(results);
  SmallVector<Operation *> onTensors;
  for (Operation &op : body().without_terminator())
    if (llvm::any_of(op.getResultTypes(), isTensor))
      onTensors.push_back(&op);
  for (Operation *op : llvm::reverse(onTensors))
    op->erase();
  body().eraseArguments(0, function.getNumArguments());
  function.removeArgAttrsAttr();
  function.removeResAttrsAttr();
  function.setFunctionType(b.getFunctionType(body().getArgumentTypes(), results.getTypes()));
  function->setAttr("rt.units", sizeAttr(kernel.units));
  function->setAttr("rt.scratch", sizeAttr(kernel.scratch));
  if (kernel.workspace)
    function->setAttr("rt.workspace", sizeAttr(kernel.workspace));
}
