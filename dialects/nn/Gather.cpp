// Elements picked by index, and put by index: see Gather.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult GatherOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  const Fact &data = operands[0], &indices = operands[1];
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), data.rank(), error);
  if (failed(axis))
    return failure();
  Fact &result = results.emplace_back();
  result.element = data.element;
  result.shape = data.shape;
  result.shape.erase(result.shape.begin() + *axis);
  result.shape.insert(result.shape.begin() + *axis, indices.shape.begin(), indices.shape.end());
  std::optional<SmallVector<int64_t>> constants = indices.constants();
  int64_t size = data.size(*axis);
  if (!constants || ShapedType::isDynamic(size))
    return success();
  bool known = data.value && data.rank() == 1;
  if (known)
    result.value.emplace();
  for (int64_t index : *constants) {
    if (index < -size || index >= size)
      return error("expects indices from " + Twine(-size) + " to " + Twine(size - 1) + ", found " +
                   Twine(index));
    if (known)
      result.value->push_back((*data.value)[index < 0 ? index + size : index]);
  }
  return success();
}

/// Two operands of one rank that differ in size along `axis` at most, or are smaller.
static LogicalResult checkElementwiseIndices(int64_t axis, const Fact &data, const Fact &indices,
                                             EmitError error) {
  if (data.rank() != indices.rank())
    return error("expects data and indices of one rank, found " + Twine(data.rank()) + " and " +
                 Twine(indices.rank()));
  FailureOr<int64_t> normal = normalizeAxis(axis, data.rank(), error);
  if (failed(normal))
    return failure();
  for (int64_t i = 0; i < data.rank(); ++i) {
    int64_t most = data.size(i), size = indices.size(i);
    if (i != *normal && !ShapedType::isDynamic(most) && size > most)
      return error("expects indices of at most " + Twine(most) + " elements in dim " + Twine(i) +
                   ", found " + Twine(size));
  }
  return success();
}

LogicalResult GatherElementsOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                      SmallVectorImpl<Fact> &results, EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  result.shape = operands[1].shape;
  return checkElementwiseIndices(op.getAxis(), operands[0], operands[1], error);
}

/// The length of the tuples in the last dim of `indices`, which name dims of `data` after the first
/// `batch`.
static FailureOr<int64_t> tupleSize(const Fact &data, const Fact &indices, int64_t batch,
                                    EmitError error) {
  if (batch < 0 || batch >= std::min(data.rank(), indices.rank()))
    return error("expects data and indices of more dims than the batch, found " + Twine(data.rank()) +
                 " and " + Twine(indices.rank()));
  int64_t tuple = indices.size(indices.rank() - 1);
  if (ShapedType::isDynamic(tuple) || tuple < 1 || tuple > data.rank() - batch)
    return error("expects index tuples of 1 to " + Twine(data.rank() - batch) + " elements");
  return tuple;
}

LogicalResult GatherNDOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  const Fact &data = operands[0], &indices = operands[1];
  FailureOr<int64_t> tuple = tupleSize(data, indices, op.getBatchDims(), error);
  if (failed(tuple))
    return failure();
  Fact &result = results.emplace_back();
  result.element = data.element;
  result.shape = indices.shape;
  result.shape.pop_back();
  for (int64_t i = 0, batch = op.getBatchDims(); i < batch; ++i)
    if (!ShapedType::isDynamic(data.size(i)) && !ShapedType::isDynamic(indices.size(i)) &&
        data.size(i) != indices.size(i))
      return error("expects data and indices of one size in batch dim " + Twine(i));
  result.shape.append(data.shape.begin() + op.getBatchDims() + *tuple, data.shape.end());
  return success();
}

/// The result of a scatter is like `data`; `expected` is the shape that the updates must have.
static LogicalResult inferScatter(ArrayRef<Fact> operands, const Shape &expected,
                                  SmallVectorImpl<Fact> &results, EmitError error) {
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  const Fact &updates = operands[2];
  if (updates.element != result.element)
    return error("expects data and updates of one element type");
  bool matches = expected.size() == updates.shape.size();
  for (size_t i = 0; matches && i < expected.size(); ++i)
    matches = expected[i] == updates.shape[i] || !isa<AffineConstantExpr>(expected[i]) ||
              !isa<AffineConstantExpr>(updates.shape[i]);
  return matches ? success() : error("expects updates of the shape that the indices give");
}

LogicalResult ScatterElementsOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                       SmallVectorImpl<Fact> &results, EmitError error) {
  if (failed(checkElementwiseIndices(op.getAxis(), operands[0], operands[1], error)))
    return failure();
  return inferScatter(operands, operands[1].shape, results, error);
}

LogicalResult ScatterNDOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  FailureOr<int64_t> tuple = tupleSize(operands[0], operands[1], 0, error);
  if (failed(tuple))
    return failure();
  Shape expected = operands[1].shape;
  expected.pop_back();
  expected.append(operands[0].shape.begin() + *tuple, operands[0].shape.end());
  return inferScatter(operands, expected, results, error);
}

FailureOr<SmallVector<Value>> GatherOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> GatherElementsOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> GatherNDOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> ScatterElementsOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

FailureOr<SmallVector<Value>> ScatterNDOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

void NNDialect::addGatherOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Gather.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Gather.cpp.inc"
