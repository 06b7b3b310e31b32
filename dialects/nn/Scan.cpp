// Scans along an axis: see Reduce.td.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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

static Value accumulate(bool isProduct, OpBuilder &b, Location loc, Value x, Value y) {
  Value both[] = {x, y};
  if (isProduct)
    return byType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(x.getType(), b, loc, both);
  return byType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(x.getType(), b, loc, both);
}

/// Along an axis whose size is known when the program runs: one element after the other.
template <typename Op>
static SmallVector<Value> lowerOpenScan(Op op, int64_t axis, bool isProduct, OpBuilder &b) {
  RankedTensorType type = op.getType();
  Type storage = storageType(type.getElementType()), compute = computeType(storage);
  Generics g(b, op.getLoc());
  Shape shape = shapeOf(type);
  Value source = toStorage(b, op.getLoc(), op.getOperand());
  IndexMath outside{b, op.getLoc()};
  SmallVector<Value> sizes =
      llvm::map_to_vector(g.bounds(shape), [&](OpFoldResult size) { return outside.value(size); });
  SmallVector<Value> lows(sizes.size(), outside.constant(0)),
      steps(sizes.size(), outside.constant(1));
  auto step = [&](OpBuilder &inner, Location loc, ValueRange loops, ValueRange carried) {
    IndexMath m{inner, loc};
    SmallVector<Value> here(loops), before(loops);
    Value last = m.add(sizes[axis], -1), previous = m.add(loops[axis], -1);
    previous = arith::MaxSIOp::create(inner, loc, previous, m.constant(0));
    if (op.getReverse())
      here[axis] = m.sub(last, loops[axis]), before[axis] = m.sub(last, previous);
    else
      before[axis] = previous;
    Value isFirst =
        arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq, loops[axis], m.constant(0));
    Value neutral = scalar(inner, loc, compute, isProduct);
    Value sum = tensor::ExtractOp::create(inner, loc, carried[0], before);
    sum = arith::SelectOp::create(inner, loc, isFirst, neutral, sum);
    Value x = tensor::ExtractOp::create(inner, loc, source, op.getExclusive() ? before : here);
    x = widen(inner, loc, x);
    if (op.getExclusive())
      x = arith::SelectOp::create(inner, loc, isFirst, neutral, x);
    Value value = accumulate(isProduct, inner, loc, sum, x);
    return scf::ValueVector{tensor::InsertOp::create(inner, loc, value, carried[0], here)};
  };
  Value empty = g.empty(shape, compute);
  Value result = scf::buildLoopNest(b, op.getLoc(), lows, sizes, steps, empty, step).results[0];
  if (compute != storage)
    result = g.map(shape, storage, Read{result, g.identity(shape.size())},
                   [&](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, op, result);
}

/// In log2(n) steps: after step s each element is the sum or product of the 2^s ones up to it.
template <typename Op>
static FailureOr<SmallVector<Value>> lowerScan(Op op, bool isProduct, OpBuilder &b) {
  std::optional<SmallVector<int64_t>> axes = constantIntegers(op.getAxis());
  if (!axes)
    return op.emitOpError("expects axis known at compile time");
  RankedTensorType type = op.getType();
  if (ShapedType::isDynamic(type.getDimSize(fromFront(axes->front(), type.getRank()))))
    return lowerOpenScan(op, fromFront(axes->front(), type.getRank()), isProduct, b);
  Type element = type.getElementType(), storage = storageType(element),
       compute = computeType(storage);
  int64_t rank = type.getRank(), axis = fromFront(axes->front(), rank);
  int64_t size = type.getDimSize(axis);
  Shape shape = shapeOf(type);
  Generics g(b, op.getLoc());
  OpFoldResult bound = b.getIndexAttr(size);
  // The element `distance` before this one, what changes nothing where there is none.
  auto before = [&](OpBuilder &inner, Location loc, Value tensor, int64_t distance) -> Value {
    IndexMath m{inner, loc};
    SmallVector<Value> indices;
    for (int64_t dim = 0; dim < rank; ++dim)
      indices.push_back(m.loop(dim));
    Value place = m.add(indices[axis], op.getReverse() ? distance : -distance);
    indices[axis] = m.clamp(place, bound);
    Value x = widen(inner, loc, tensor::ExtractOp::create(inner, loc, tensor, indices));
    return arith::SelectOp::create(inner, loc, m.inside(place, bound), x,
                                   scalar(inner, loc, compute, isProduct));
  };
  Value result = toStorage(b, op.getLoc(), op.getOperand());
  if (op.getExclusive())
    result =
        g.map(shape, compute, {}, [&, from = result](OpBuilder &inner, Location loc, ValueRange) {
          return before(inner, loc, from, 1);
        });
  for (int64_t distance = 1; distance < size; distance *= 2)
    result = g.map(shape, compute, Read{result, g.identity(rank)},
                   [&, from = result](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                     Value part = before(inner, loc, from, distance),
                           here = widen(inner, loc, x[0]);
                     return accumulate(isProduct, inner, loc, here, part);
                   });
  if (compute != storage && result.getType() != type)
    result = g.map(shape, storage, Read{result, g.identity(rank)},
                   [&](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, op, result);
}

FailureOr<SmallVector<Value>> CumSumOp::lower(OpBuilder &b) { return lowerScan(*this, false, b); }
FailureOr<SmallVector<Value>> CumProdOp::lower(OpBuilder &b) { return lowerScan(*this, true, b); }

} // namespace nncc::nn
