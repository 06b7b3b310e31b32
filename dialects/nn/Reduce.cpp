// Reductions and scans over axes: see Reduce.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// The shape without, or with 1 in place of, the axes that are reduced.
static Shape reduceShape(const Fact &operand, ArrayRef<int64_t> axes, bool keepdims) {
  Shape shape;
  for (auto [dim, size] : llvm::enumerate(operand.shape)) {
    if (!llvm::is_contained(axes, dim))
      shape.push_back(size);
    else if (keepdims)
      shape.push_back(getAffineConstantExpr(1, operand.element.getContext()));
  }
  return shape;
}

/// The axes that `operands` of a reduction name, counted from the front.
static FailureOr<SmallVector<int64_t>> reducedAxes(ArrayRef<Fact> operands, EmitError error) {
  int64_t rank = operands[0].rank();
  if (!isPresent(operands, 1))
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  FailureOr<SmallVector<int64_t>> axes = expectConstants(operands[1], "axes", error);
  if (failed(axes))
    return failure();
  return normalizeAxes(*axes, rank, error);
}

LogicalResult ReduceOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  FailureOr<SmallVector<int64_t>> axes = reducedAxes(operands, error);
  if (failed(axes))
    return failure();
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  result.shape = reduceShape(operands[0], *axes, op.getKeepdims());
  return success();
}

LogicalResult ArgReduceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), operands[0].rank(), error);
  if (failed(axis))
    return failure();
  if (operands[0].size(*axis) == 0)
    return error("expects elements to choose from, found none in dim " + Twine(*axis));
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(operands[0].element.getContext(), 64);
  result.shape = reduceShape(operands[0], *axis, op.getKeepdims());
  return success();
}

LogicalResult CumSumOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  FailureOr<SmallVector<int64_t>> axis = expectConstants(operands[1], "axis", error);
  if (failed(axis))
    return failure();
  if (axis->size() != 1)
    return error("expects one axis, found " + Twine(axis->size()));
  if (failed(normalizeAxis(axis->front(), operands[0].rank(), error)))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  return success();
}

FailureOr<SmallVector<Value>> ReduceOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> ArgReduceOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> CumSumOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

OpFoldResult ReduceOp::fold(FoldAdaptor) { return {}; }

void NNDialect::addReduceOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Reduce.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Reduce.cpp.inc"
