// Normalizations: see Norm.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// The result is like the operand; `axis` has to be one of its dims.
static LogicalResult inferAlongAxis(int64_t axis, const Fact &operand,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  results.push_back(operand);
  return success(succeeded(normalizeAxis(axis, operand.rank(), error)));
}

LogicalResult SoftmaxOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  return inferAlongAxis(op.getAxis(), operands[0], results, error);
}

LogicalResult LogSoftmaxOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                  SmallVectorImpl<Fact> &results, EmitError error) {
  return inferAlongAxis(op.getAxis(), operands[0], results, error);
}

LogicalResult LpNormOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  if (op.getP() != 1 && op.getP() != 2)
    return error("expects p of 1 or 2, found " + Twine(op.getP()));
  return inferAlongAxis(op.getAxis(), operands[0], results, error);
}

/// Scales and biases: each broadcasts to the operand without making it larger.
static LogicalResult inferScaled(int64_t axis, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  for (const Fact &scale : operands.drop_front()) {
    Shape shape;
    if (!scale.element)
      continue;
    if (failed(broadcast({operands[0], scale}, shape, error)))
      return failure();
    if (shape != operands[0].shape)
      return error("expects a scale and bias that broadcast to the operand");
  }
  return inferAlongAxis(axis, operands[0], results, error);
}

LogicalResult LayerNormOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  return inferScaled(op.getAxis(), operands, results, error);
}

LogicalResult RMSNormOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  return inferScaled(op.getAxis(), operands, results, error);
}

/// Operands after the first have one element for each channel, dim 1 of the first.
static LogicalResult inferPerChannel(ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                     EmitError error) {
  if (operands[0].rank() < 2)
    return error("expects an operand of rank 2 or more, found rank " + Twine(operands[0].rank()));
  int64_t channels = operands[0].size(1);
  for (const Fact &fact : operands.drop_front()) {
    if (fact.rank() != 1)
      return error("expects parameters of rank 1, found rank " + Twine(fact.rank()));
    int64_t size = fact.size(0);
    if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(channels) && size != channels)
      return error("expects parameters of " + Twine(channels) + " channels, found " + Twine(size));
  }
  results.push_back(operands[0]);
  return success();
}

LogicalResult BatchNormOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  return inferPerChannel(operands, results, error);
}

LogicalResult InstanceNormOp::infer(Adaptor, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  return inferPerChannel(operands, results, error);
}

LogicalResult GroupNormOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  if (failed(inferPerChannel(operands, results, error)))
    return failure();
  int64_t groups = op.getGroups(), channels = operands[0].size(1);
  if (groups < 1 || (!ShapedType::isDynamic(channels) && channels % groups))
    return error("expects groups that divide the channels, found " + Twine(groups) + " groups");
  return success();
}

LogicalResult MeanVarianceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  results.push_back(operands[0]);
  return success(succeeded(normalizeAxes(op.getAxes(), operands[0].rank(), error)));
}

LogicalResult LRNOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                           EmitError error) {
  if (operands[0].rank() < 2)
    return error("expects an operand of rank 2 or more, found rank " + Twine(operands[0].rank()));
  if (op.getSize() < 1)
    return error("expects a size of 1 or more, found " + Twine(op.getSize()));
  results.push_back(operands[0]);
  return success();
}

FailureOr<SmallVector<Value>> SoftmaxOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> LogSoftmaxOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> LpNormOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> LayerNormOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> RMSNormOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> BatchNormOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> InstanceNormOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> GroupNormOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> MeanVarianceOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> LRNOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

void NNDialect::addNormOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Norm.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Norm.cpp.inc"
