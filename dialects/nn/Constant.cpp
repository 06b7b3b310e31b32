// nn.constant.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ConstantOp::infer(Adaptor op, ArrayRef<Fact>, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  auto type = dyn_cast<RankedTensorType>(op.getValue().getType());
  if (!type)
    return error("expects a ranked tensor");
  Fact &fact = results.emplace_back();
  fact.shape = makeShape(type.getShape(), type.getContext());
  fact.element = type.getElementType();
  return success();
}

FailureOr<SmallVector<Value>> ConstantOp::lower(OpBuilder &b) {
  auto dense = dyn_cast<DenseElementsAttr>(getValue());
  if (!dense)
    return emitOpError("of this size is an argument of a kernel, not a part of it");
  Type element = dense.getElementType();
  if (storageType(element) != element) // the same bytes
    dense = DenseElementsAttr::getFromRawBuffer(dense.getType().clone(storageType(element)),
                                                dense.getRawData());
  Value constant = arith::ConstantOp::create(b, getLoc(), cast<TypedAttr>(dense));
  return SmallVector<Value>{fromStorage(b, getLoc(), constant, element)};
}

void NNDialect::addConstantOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Constant.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Constant.cpp.inc"
