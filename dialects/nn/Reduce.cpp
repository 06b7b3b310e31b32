// Reductions and scans over axes: see Reduce.td.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
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

namespace {
/// The steps of a reduction: each element is prepared, combined, and the whole is finished.
struct Reduction {
  ReduceKind kind;
  Type element;    // of nn
  Type accumulate; // storage

  Value init(OpBuilder &b, Location loc) const;
  Value prepare(OpBuilder &b, Location loc, Value x) const;
  Value combine(OpBuilder &b, Location loc, Value x, Value sum) const;
  Value finish(OpBuilder &b, Location loc, Value sum, OpFoldResult count) const;
  bool isFinal() const {
    return kind == ReduceKind::Sum || kind == ReduceKind::Max || kind == ReduceKind::Min ||
           kind == ReduceKind::Prod;
  }
};
} // namespace

/// Roots and logarithms of integers are those of floats.
static Type accumulateType(ReduceKind kind, Type element) {
  if (isa<FloatType>(element))
    return computeType(element);
  if (kind == ReduceKind::L2 || kind == ReduceKind::LogSum || kind == ReduceKind::LogSumExp)
    return Float32Type::get(element.getContext());
  return storageType(element);
}

Value Reduction::init(OpBuilder &b, Location loc) const {
  bool isMax = kind == ReduceKind::Max, isMin = kind == ReduceKind::Min;
  if (auto type = dyn_cast<FloatType>(accumulate); type && (isMax || isMin))
    return scalar(b, loc, type, isMax ? -INFINITY : INFINITY);
  if (isMax || isMin) {
    unsigned width = accumulate.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
    APInt least = isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(accumulate, isMax ? least : ~least));
  }
  return scalar(b, loc, accumulate, kind == ReduceKind::Prod ? 1 : 0);
}

Value Reduction::prepare(OpBuilder &b, Location loc, Value x) const {
  x = isa<FloatType>(element)
          ? widen(b, loc, x)
          : buildCast(element, isa<FloatType>(accumulate) ? accumulate : element, b, loc, x);
  if (kind == ReduceKind::L1)
    return buildAbs(element, b, loc, x);
  if (kind != ReduceKind::L2 && kind != ReduceKind::SumSquare)
    return x;
  if (isa<FloatType>(accumulate))
    return arith::MulFOp::create(b, loc, x, x);
  return arith::MulIOp::create(b, loc, x, x);
}

Value Reduction::combine(OpBuilder &b, Location loc, Value x, Value sum) const {
  SmallVector<Value> both{x, sum};
  Type type = isa<FloatType>(accumulate) ? accumulate
              : element.isInteger(1)     ? b.getIntegerType(1, false)
                                         : element;
  if (kind == ReduceKind::Max)
    return byType<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(type, b, loc, both);
  if (kind == ReduceKind::Min)
    return byType<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(type, b, loc, both);
  if (kind == ReduceKind::Prod)
    return byType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(type, b, loc, both);
  return byType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(type, b, loc, both);
}

/// The number of elements, of the type that they are accumulated in.
static Value countAs(Type type, OpBuilder &b, Location loc, OpFoldResult count) {
  if (isa<FloatType>(type))
    return IndexMath{b, loc}.toFloat(count, type);
  if (std::optional<int64_t> known = knownSize(count))
    return scalar(b, loc, type, *known);
  return arith::IndexCastOp::create(b, loc, type, cast<Value>(count));
}

Value Reduction::finish(OpBuilder &b, Location loc, Value sum, OpFoldResult count) const {
  if (kind == ReduceKind::Mean)
    sum = buildDiv(isa<FloatType>(accumulate) ? accumulate : element, b, loc, sum,
                   countAs(accumulate, b, loc, count));
  if (kind == ReduceKind::L2)
    sum = math::SqrtOp::create(b, loc, sum);
  if (kind == ReduceKind::LogSum || kind == ReduceKind::LogSumExp)
    sum = math::LogOp::create(b, loc, sum);
  if (isa<FloatType>(accumulate) && !isa<FloatType>(element))
    return buildCast(accumulate, element, b, loc, sum);
  return sum;
}

/// log(sum(exp(x))) = m + log(sum(exp(x - m))) with the largest m, 0 where that is infinite.
static Value lowerLogSumExp(Generics &g, Reduction reduction, Read read, ArrayRef<AffineExpr> loops,
                            ArrayRef<int64_t> axes, ArrayRef<AffineExpr> shape) {
  Reduction largest{ReduceKind::Max, reduction.accumulate, reduction.accumulate};
  AffineMap outer = g.without(loops.size(), axes);
  Value most = g.reduce(loops, axes, largest.init(g.b, g.loc), read,
                        [&](OpBuilder &b, Location loc, ValueRange x) {
                          return largest.combine(b, loc, reduction.prepare(b, loc, x[0]), x[1]);
                        });
  Value shift = g.map(shape, reduction.accumulate, Read{most, g.identity(shape.size())},
                      [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                        Value infinite = buildIsInf(b, loc, x[0], true, true);
                        Value zero = scalar(b, loc, reduction.accumulate, 0);
                        return arith::SelectOp::create(b, loc, infinite, zero, x[0]);
                      });
  Value sum =
      g.reduce(loops, axes, reduction.init(g.b, g.loc), {read, {shift, outer}},
               [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                 Value part = reduction.prepare(b, loc, x[0]);
                 part = arith::SubFOp::create(b, loc, part, x[1]);
                 return arith::AddFOp::create(b, loc, math::ExpOp::create(b, loc, part), x[2]);
               });
  Type storage = storageType(reduction.element);
  AffineMap all = g.identity(shape.size());
  return g.map(shape, storage, {{sum, all}, {shift, all}},
               [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                 Value result =
                     arith::AddFOp::create(b, loc, math::LogOp::create(b, loc, x[0]), x[1]);
                 if (isa<FloatType>(reduction.element))
                   return result;
                 return buildCast(reduction.accumulate, reduction.element, b, loc, result);
               });
}

FailureOr<SmallVector<Value>> ReduceOp::lower(OpBuilder &b) {
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<SmallVector<int64_t>> axes = reducedAxes(factsOf(getOperands()), error);
  if (failed(axes))
    return failure();
  RankedTensorType type = getOperand().getType();
  Type element = type.getElementType(), storage = storageType(element);
  Reduction reduction{getKind(), element, accumulateType(getKind(), element)};
  Shape loops = shapeOf(type), shape, reduced;
  for (auto [dim, size] : llvm::enumerate(loops))
    (llvm::is_contained(*axes, dim) ? reduced : shape).push_back(size);
  Generics g(b, getLoc());
  Read read{toStorage(b, getLoc(), getOperand()), g.identity(loops.size())};
  Value result;
  if (getKind() == ReduceKind::LogSumExp) {
    result = lowerLogSumExp(g, reduction, read, loops, *axes, shape);
  } else {
    result =
        g.reduce(loops, *axes, reduction.init(b, getLoc()), read,
                 [&](OpBuilder &inner, Location loc, ValueRange x) {
                   return reduction.combine(inner, loc, reduction.prepare(inner, loc, x[0]), x[1]);
                 });
    if (!reduction.isFinal() || reduction.accumulate != storage) {
      OpFoldResult count = g.bound(elementCount(reduced, getContext()));
      result = g.map(shape, storage, Read{result, g.identity(shape.size())},
                     [&](OpBuilder &inner, Location loc, ValueRange x) {
                       return reduction.finish(inner, loc, x[0], count);
                     });
    }
  }
  return asResult(b, *this, g.reshape(result, shapeOf(getType())));
}

/// A reduction over dims of size 1 is nothing where it does not change the elements.
OpFoldResult ReduceOp::fold(FoldAdaptor) {
  Reduction reduction{getKind(), {}, {}};
  auto silent = [](const Twine &) { return failure(); };
  FailureOr<SmallVector<int64_t>> axes = reducedAxes(factsOf(getOperands()), silent);
  bool keeps = reduction.isFinal() || getKind() == ReduceKind::Mean;
  RankedTensorType type = getOperand().getType();
  if (failed(axes) || !keeps || getType() != type ||
      llvm::any_of(*axes, [&](int64_t axis) { return type.getDimSize(axis) != 1; }))
    return {};
  return getOperand();
}

/// The largest element, then the first or last index that has it: two plain reductions.
FailureOr<SmallVector<Value>> ArgReduceOp::lower(OpBuilder &b) {
  RankedTensorType type = getOperand().getType();
  int64_t rank = type.getRank(), axis = fromFront(getAxis(), rank);
  Type element = type.getElementType();
  Reduction best{getKind() == ArgReduceKind::Max ? ReduceKind::Max : ReduceKind::Min, element,
                 storageType(element)};
  Location loc = getLoc();
  Generics g(b, loc);
  Read read{toStorage(b, loc, getOperand()), g.identity(rank)};
  Shape loops = shapeOf(type);
  Value value = g.reduce(loops, axis, best.init(b, loc), read,
                         [&](OpBuilder &inner, Location at, ValueRange x) {
                           return best.combine(inner, at, x[0], x[1]);
                         });
  bool last = getSelectLast();
  Type index = b.getI64Type();
  // What no element is: where the size is open, any index is smaller.
  int64_t most = constantOf(loops[axis]).value_or(INT64_MAX) - 1;
  Value none = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(last ? 0 : most));
  Value result = g.reduce(
      loops, axis, none, {read, {value, g.without(rank, axis)}},
      [&](OpBuilder &inner, Location at, ValueRange x) -> Value {
        Value here =
            arith::IndexCastOp::create(inner, at, index, linalg::IndexOp::create(inner, at, axis));
        Value isBest;
        if (isa<FloatType>(element)) { // if there is a NaN, that is the best
          Value equal = arith::CmpFOp::create(inner, at, arith::CmpFPredicate::OEQ, x[0], x[1]);
          Value isNaN = arith::CmpFOp::create(inner, at, arith::CmpFPredicate::UNO, x[0], x[0]);
          isBest = arith::OrIOp::create(inner, at, equal, isNaN);
        } else {
          isBest = arith::CmpIOp::create(inner, at, arith::CmpIPredicate::eq, x[0], x[1]);
        }
        Value candidate = arith::SelectOp::create(inner, at, isBest, here, x[2]);
        if (last)
          return arith::MaxSIOp::create(inner, at, candidate, x[2]);
        return arith::MinSIOp::create(inner, at, candidate, x[2]);
      });
  return asResult(b, *this, g.reshape(result, shapeOf(getType())));
}

void NNDialect::addReduceOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Reduce.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Reduce.cpp.inc"
