// The one lowering of all elementwise operations.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

AffineMap broadcastMap(RankedTensorType operand, RankedTensorType result) {
  MLIRContext *context = operand.getContext();
  SmallVector<AffineExpr> exprs;
  for (auto [i, size] : llvm::enumerate(operand.getShape())) {
    int64_t dim = result.getRank() - operand.getRank() + i;
    exprs.push_back(size == 1 && result.getDimSize(dim) != 1 ? getAffineConstantExpr(0, context)
                                                             : getAffineDimExpr(dim, context));
  }
  return AffineMap::get(result.getRank(), 0, exprs, context);
}

FailureOr<SmallVector<Value>> lowerElementwise(ScalarOpInterface op, OpBuilder &b) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value init = Generics(b, loc).empty(shapeOf(type), storageType(type.getElementType()));
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (Value operand : op->getOperands()) {
    Value stored = Generics(b, loc).repeat(toStorage(b, loc, operand), shapeOf(type));
    operands.push_back(stored);
    maps.push_back(broadcastMap(cast<RankedTensorType>(stored.getType()), type));
  }
  maps.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &body, Location at, ValueRange x) {
        linalg::YieldOp::create(body, at, buildElement(op, body, at, x.drop_back()));
      });
  return SmallVector<Value>{fromStorage(b, loc, generic.getResult(0), type.getElementType())};
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getType() == getOperand().getType() ? getOperand() : OpFoldResult();
}

LogicalResult CastOp::verify() {
  Type from = getOperand().getType().getElementType();
  if (from != getTo() && (!from.isIntOrFloat() || !getTo().isIntOrFloat()))
    return emitOpError("converts real numbers, found ") << from << " to " << getTo();
  return success();
}

LogicalResult BitCastOp::verify() {
  Type from = getOperand().getType().getElementType();
  auto width = [](Type type) { return storageType(type).getIntOrFloatBitWidth(); };
  auto bits = [&](Type type) {
    return isCode(type) ? type.getIntOrFloatBitWidth() : std::max(width(type), 8u);
  };
  bool isNumber = getTo().isIntOrFloat() || isa<ComplexType>(getTo());
  if (!isNumber || bits(from) != bits(getTo()))
    return emitOpError("expects a type of the width of ") << from << ", found " << getTo();
  return success();
}

void NNDialect::addElementwiseOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Elementwise.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Elementwise.cpp.inc"
