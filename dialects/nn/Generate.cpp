// Elements that follow from their place: see Generate.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// Whether this is a scalar, or a tensor of one element that stands for one.
static bool isScalar(const Fact &fact) {
  return fact.rank() == 0 || (fact.rank() == 1 && fact.size(0) == 1);
}

static std::optional<double> constantNumber(const Fact &fact, Value value) {
  if (std::optional<SmallVector<int64_t>> integers = fact.constants(); integers && !integers->empty())
    return integers->front();
  return constantScalar(value);
}

LogicalResult RangeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                             EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  for (const Fact &fact : operands)
    if (!isScalar(fact) || fact.element != result.element)
      return error("expects three scalars of one element type");
  std::optional<double> start = constantNumber(operands[0], op.getStart()),
                        limit = constantNumber(operands[1], op.getLimit()),
                        delta = constantNumber(operands[2], op.getDelta());
  if (!start || !limit || !delta)
    return error("expects start, limit and delta known at compile time");
  if (*delta == 0)
    return error("expects a delta other than 0");
  double count = std::max(std::ceil((*limit - *start) / *delta), 0.0);
  if (!(count < 1e15))
    return error("expects a finite number of elements");
  result.shape = makeShape(static_cast<int64_t>(count), result.element.getContext());
  if (result.element.isInteger() && count <= Fact::maxValues) {
    result.value.emplace();
    int64_t first = operands[0].constants()->front(), step = operands[2].constants()->front();
    for (int64_t i = 0; i < result.size(0); ++i)
      result.value->push_back(
          getAffineConstantExpr(first + i * step, result.element.getContext()));
  }
  return success();
}

LogicalResult EyeLikeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  if (operands[0].rank() != 2)
    return error("expects an operand of rank 2, found rank " + Twine(operands[0].rank()));
  if (!op.getType().isIntOrFloat())
    return error("expects a type of numbers");
  Fact &result = results.emplace_back();
  result.shape = operands[0].shape;
  result.element = op.getType();
  return success();
}

LogicalResult TriluOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                             EmitError error) {
  if (operands[0].rank() < 2)
    return error("expects an operand of rank 2 or more, found rank " + Twine(operands[0].rank()));
  if (isPresent(operands, 1) && !isScalar(operands[1]))
    return error("expects a scalar k");
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  return success();
}

LogicalResult OneHotOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  const Fact &indices = operands[0], &depth = operands[1], &values = operands[2];
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), indices.rank() + 1, error);
  if (failed(axis))
    return failure();
  if (values.rank() != 1 || values.size(0) != 2)
    return error("expects two values");
  std::optional<double> size = constantNumber(depth, op.getDepth());
  if (!isScalar(depth) || !size)
    return error("expects a scalar depth known at compile time");
  if (!(*size >= 1 && *size < 1e15))
    return error("expects a depth of 1 or more");
  Fact &result = results.emplace_back();
  result.element = values.element;
  result.shape = indices.shape;
  result.shape.insert(result.shape.begin() + *axis,
                      getAffineConstantExpr(static_cast<int64_t>(*size), values.element.getContext()));
  return success();
}

FailureOr<SmallVector<Value>> RangeOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> EyeLikeOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> TriluOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> OneHotOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

void NNDialect::addGenerateOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Generate.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Generate.cpp.inc"
