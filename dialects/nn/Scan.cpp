// Scans along an axis: see Reduce.td.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

static LogicalResult inferScan(ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
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

LogicalResult CumSumOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  return inferScan(operands, results, error);
}

LogicalResult CumProdOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  return inferScan(operands, results, error);
}

/// In log2(n) steps: after step s each element is the sum or product of the 2^s ones up to it.
template <typename Op>
static FailureOr<SmallVector<Value>> lowerScan(Op op, bool isProduct, OpBuilder &b) {
  std::optional<SmallVector<int64_t>> axes = constantIntegers(op.getAxis());
  if (!axes)
    return op.emitOpError("expects axis known at compile time");
  if (failed(expectStatic(op)))
    return failure();
  RankedTensorType type = op.getType();
  Type element = type.getElementType(), storage = storageType(element),
       compute = computeType(storage);
  int64_t rank = type.getRank(), axis = fromFront(axes->front(), rank);
  int64_t size = type.getDimSize(axis);
  Generics g(b, op.getLoc());
  // The element `distance` before this one, what changes nothing where there is none.
  auto before = [&](OpBuilder &inner, Location loc, Value tensor, int64_t distance) -> Value {
    IndexMath m{inner, loc};
    SmallVector<Value> indices;
    for (int64_t dim = 0; dim < rank; ++dim)
      indices.push_back(m.loop(dim));
    Value place = m.add(indices[axis], op.getReverse() ? distance : -distance);
    indices[axis] = m.clamp(place, 0, size - 1);
    Value x = widen(inner, loc, tensor::ExtractOp::create(inner, loc, tensor, indices));
    return arith::SelectOp::create(inner, loc, m.inside(place, 0, size), x,
                                   scalar(inner, loc, compute, isProduct));
  };
  Value result = toStorage(b, op.getLoc(), op.getOperand());
  if (op.getExclusive())
    result = g.map(type.getShape(), compute, {},
                   [&, from = result](OpBuilder &inner, Location loc, ValueRange) {
                     return before(inner, loc, from, 1);
                   });
  for (int64_t distance = 1; distance < size; distance *= 2)
    result = g.map(
        type.getShape(), compute, Read{result, g.identity(rank)},
        [&, from = result](OpBuilder &inner, Location loc, ValueRange x) -> Value {
          Value part = before(inner, loc, from, distance), here = widen(inner, loc, x[0]);
          Value both[] = {here, part};
          if (isProduct)
            return byType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(compute, inner, loc, both);
          return byType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(compute, inner, loc, both);
        });
  if (compute != storage && result.getType() != type)
    result = g.map(type.getShape(), storage, Read{result, g.identity(rank)},
                   [&](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, op, result);
}

FailureOr<SmallVector<Value>> CumSumOp::lower(OpBuilder &b) { return lowerScan(*this, false, b); }
FailureOr<SmallVector<Value>> CumProdOp::lower(OpBuilder &b) { return lowerScan(*this, true, b); }

} // namespace nncc::nn
