// Elements chosen by their values: see Select.td.
#include "dialects/kern/Kern.h"
#include "dialects/nn/Loops.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace nncc::nn {

/// The one element of a count.
static FailureOr<AffineExpr> countOf(const Fact &fact, EmitError error) {
  if (!fact.value || fact.value->size() != 1)
    return error("expects a count of one element known before the program runs");
  return fact.value->front();
}

LogicalResult ArgSortOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  const Fact &operand = operands[0];
  if (operand.rank() != 3)
    return error("expects an operand of rank 3, found rank " + Twine(operand.rank()));
  FailureOr<AffineExpr> count = countOf(operands[1], error);
  if (failed(count))
    return failure();
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(operand.element.getContext(), 64);
  result.shape = {operand.shape[0], *count};
  if (!result.mayBeZero(isLess(operand.shape[1], *count)))
    return error("expects a count of at most " + textOf(operand.shape[1]) + ", found " +
                 textOf(*count));
  return success();
}

LogicalResult PositionsOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  if (operands[0].rank() != 1)
    return error("expects a mask of rank 1, found rank " + Twine(operands[0].rank()));
  FailureOr<AffineExpr> count = countOf(operands[1], error);
  if (failed(count))
    return failure();
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(operands[0].element.getContext(), 64);
  result.shape = {*count};
  return success();
}

LogicalResult SuppressOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  const Fact &boxes = operands[0], &scores = operands[1], &order = operands[2];
  if (boxes.rank() != 3 || boxes.size(2) != 4 || scores.rank() != 3 || order.rank() != 3)
    return error("expects boxes [B, N, 4], scores [B, C, N] and their order");
  for (const Fact &limit : operands.drop_front(3))
    if (limit.rank() > 1 || (limit.rank() == 1 && limit.size(0) != 1))
      return error("expects limits of one element");
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(boxes.element.getContext(), 64);
  result.shape = scores.shape;
  bool fits = result.mayEqual(boxes.shape[0], scores.shape[0]) &&
              result.mayEqual(boxes.shape[1], scores.shape[2]);
  for (int64_t dim = 0; dim < 3; ++dim)
    fits = fits && result.mayEqual(order.shape[dim], scores.shape[dim]);
  return fits ? success() : error("expects a score and a place in the order for each box");
}

FailureOr<SmallVector<Value>> ArgSortOp::lower(OpBuilder &b) {
  Value init = Generics(b, getLoc()).empty(shapeOf(getType()), b.getI64Type());
  if (constantOf(elementCount(shapeOf(getType()), getContext())) == 0)
    return asResult(b, *this, init);
  Type element = getOperand().getType().getElementType();
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  Value sorted =
      kern::ArgSortOp::create(b, getLoc(), init.getType(), toStorage(b, getLoc(), getOperand()),
                              init, getDescending(), isUnsigned);
  return asResult(b, *this, sorted);
}

FailureOr<SmallVector<Value>> PositionsOp::lower(OpBuilder &b) {
  Value init = Generics(b, getLoc()).empty(shapeOf(getType()), b.getI64Type());
  if (constantOf(shapeOf(getType())[0]) == 0)
    return asResult(b, *this, init);
  Value mask = toStorage(b, getLoc(), getMask());
  return asResult(b, *this,
                  kern::PositionsOp::create(b, getLoc(), init.getType(), mask, init).getResult());
}

FailureOr<SmallVector<Value>> SuppressOp::lower(OpBuilder &b) {
  Location loc = getLoc();
  Value init = Generics(b, loc).empty(shapeOf(getType()), b.getI64Type());
  if (constantOf(elementCount(shapeOf(getType()), getContext())) == 0)
    return asResult(b, *this, init);
  Value first = arith::ConstantIndexOp::create(b, loc, 0);
  auto read = [&](Value limit) {
    SmallVector<Value> at(cast<RankedTensorType>(limit.getType()).getRank(), first);
    return tensor::ExtractOp::create(b, loc, limit, at).getResult();
  };
  Value most = arith::IndexCastOp::create(b, loc, b.getIndexType(), read(getMost()));
  Value chosen = kern::SuppressOp::create(b, loc, init.getType(), getBoxes(), getScores(),
                                          getOrder(), most, read(getIouThreshold()),
                                          read(getScoreThreshold()), init, getCenterPoint());
  return asResult(b, *this, chosen);
}

void NNDialect::addSelectOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Select.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Select.cpp.inc"
