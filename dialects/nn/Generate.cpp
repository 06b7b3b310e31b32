// Elements that follow from their place: see Generate.td.
#include "dialects/nn/Generics.h"

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
  if (std::optional<SmallVector<int64_t>> integers = fact.constants();
      integers && !integers->empty())
    return integers->front();
  return constantScalar(value);
}

/// The number of elements of a range between sizes over symbols.
static std::optional<AffineExpr> openCount(ArrayRef<Fact> operands) {
  for (const Fact &fact : operands)
    if (!fact.value || fact.value->size() != 1)
      return std::nullopt;
  AffineExpr start = operands[0].value->front(), limit = operands[1].value->front();
  std::optional<int64_t> delta = constantOf(operands[2].value->front());
  if ((constantOf(start) && constantOf(limit)) || !delta || *delta == 0)
    return std::nullopt;
  AffineExpr distance = *delta > 0 ? limit - start : start - limit;
  AffineExpr count = distance.ceilDiv(std::abs(*delta));
  return isNeverNegative(count) ? count
                                : maximum(count, getAffineConstantExpr(0, count.getContext()));
}

LogicalResult RangeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                             EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  for (const Fact &fact : operands)
    if (!isScalar(fact) || fact.element != result.element)
      return error("expects three scalars of one element type");
  if (std::optional<AffineExpr> count = openCount(operands)) {
    result.shape.push_back(*count);
    return success();
  }
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
      result.value->push_back(getAffineConstantExpr(first + i * step, result.element.getContext()));
  }
  return success();
}

LogicalResult EyeLikeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  if (operands[0].rank() != 2)
    return error("expects an operand of rank 2, found rank " + Twine(operands[0].rank()));
  if (!op.getTo().isIntOrFloat())
    return error("expects a type of numbers");
  Fact &result = results.emplace_back();
  result.shape = operands[0].shape;
  result.element = op.getTo();
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
  std::optional<double> known = constantScalar(op.getDepth());
  AffineExpr size;
  if (depth.value && depth.value->size() == 1)
    size = depth.value->front();
  else if (known && *known < 1e15)
    size = getAffineConstantExpr(static_cast<int64_t>(*known), values.element.getContext());
  if (!isScalar(depth) || !size)
    return error("expects a scalar depth known at compile time");
  if (constantOf(size).value_or(1) < 1 || constantOf(size).value_or(1) >= int64_t(1e15))
    return error("expects a depth of 1 or more");
  Fact &result = results.emplace_back();
  result.element = values.element;
  result.shape = indices.shape;
  result.shape.insert(result.shape.begin() + *axis, size);
  return success();
}

FailureOr<SmallVector<Value>> RangeOp::lower(OpBuilder &b) {
  Type element = getType().getElementType(), storage = storageType(element);
  Type compute = isa<FloatType>(element) ? computeType(element) : b.getI64Type();
  Generics g(b, getLoc());
  // Numbers of the type it is computed in: floats are constants, integers may be sizes.
  auto number = [&](Value operand) -> FailureOr<OpFoldResult> {
    Fact fact = factOf(operand);
    if (fact.value && fact.value->size() == 1)
      return g.bound(fact.value->front());
    if (std::optional<double> constant = constantScalar(operand))
      return OpFoldResult(b.getF64FloatAttr(*constant));
    return emitOpError("expects start and delta known at compile time");
  };
  FailureOr<OpFoldResult> start = number(getStart()), delta = number(getDelta());
  if (failed(start) || failed(delta))
    return failure();
  auto build = [&](OpBuilder &inner, Location loc, OpFoldResult number) -> Value {
    if (auto value = dyn_cast<Value>(number))
      return arith::IndexCastOp::create(inner, loc, compute, value);
    if (auto real = dyn_cast<FloatAttr>(cast<Attribute>(number)))
      return scalar(inner, loc, compute, real.getValueAsDouble());
    return scalar(inner, loc, compute, cast<IntegerAttr>(cast<Attribute>(number)).getInt());
  };
  Value result = g.map(
      shapeOf(getType()), storage, {}, [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
        Value place = arith::IndexCastOp::create(inner, loc, b.getI64Type(),
                                                 linalg::IndexOp::create(inner, loc, 0));
        Value step = build(inner, loc, *delta), first = build(inner, loc, *start);
        place = buildCast(b.getI64Type(), compute, inner, loc, place);
        if (isa<FloatType>(compute))
          return arith::AddFOp::create(inner, loc, arith::MulFOp::create(inner, loc, place, step),
                                       first);
        place = arith::AddIOp::create(inner, loc, arith::MulIOp::create(inner, loc, place, step),
                                      first);
        return buildCast(compute, element, inner, loc, place);
      });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> EyeLikeOp::lower(OpBuilder &b) {
  Type storage = storageType(getTo());
  Value result = Generics(b, getLoc())
                     .map(shapeOf(getType()), storage, {},
                          [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
                            IndexMath m{inner, loc};
                            Value onDiagonal =
                                arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq,
                                                      m.loop(1), m.add(m.loop(0), getK()));
                            if (storage.isInteger(1))
                              return onDiagonal;
                            return arith::SelectOp::create(inner, loc, onDiagonal,
                                                           scalar(inner, loc, storage, 1),
                                                           scalar(inner, loc, storage, 0));
                          });
  return asResult(b, *this, result);
}

/// Reads the one element `place` of a tensor of rank 0 or 1 in `loops` loops.
static Read readElement(OpBuilder &b, Value tensor, int64_t loops, int64_t place = 0) {
  SmallVector<AffineExpr> exprs(cast<RankedTensorType>(tensor.getType()).getRank(),
                                b.getAffineConstantExpr(place));
  return {tensor, AffineMap::get(loops, 0, exprs, b.getContext())};
}

FailureOr<SmallVector<Value>> TriluOp::lower(OpBuilder &b) {
  int64_t rank = getType().getRank();
  Generics g(b, getLoc());
  SmallVector<Read> reads{{toStorage(b, getLoc(), getOperand()), g.identity(rank)}};
  if (getK())
    reads.push_back(readElement(b, getK(), rank));
  Type storage = storageType(getType().getElementType());
  Value result = g.map(
      shapeOf(getType()), storage, reads,
      [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        IndexMath m{inner, loc};
        Value diagonal = m.loop(rank - 2);
        if (getK()) {
          Value k = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), x[1]);
          diagonal = m.add(diagonal, k);
        }
        Value keep = arith::CmpIOp::create(
            inner, loc, getUpper() ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
            m.loop(rank - 1), diagonal);
        return arith::SelectOp::create(inner, loc, keep, x[0], scalar(inner, loc, storage, 0));
      });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> OneHotOp::lower(OpBuilder &b) {
  int64_t rank = getType().getRank(), axis = fromFront(getAxis(), rank);
  Type index = getIndices().getType().getElementType();
  Generics g(b, getLoc());
  OpFoldResult toBack = g.bound(-shapeOf(getType())[axis]);
  Value values = toStorage(b, getLoc(), getValues());
  Read reads[] = {{toStorage(b, getLoc(), getIndices()), g.without(rank, axis)},
                  readElement(b, values, rank, 0),
                  readElement(b, values, rank, 1)};
  Value result = g.map(
      shapeOf(getType()), storageType(getType().getElementType()), reads,
      [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        Value wide = buildCast(index, inner.getI64Type(), inner, loc, x[0]);
        Value wanted = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), wide);
        IndexMath m{inner, loc};
        Value place = m.loop(axis);
        Value front = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq, wanted, place);
        Value back = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq, wanted,
                                           m.add(place, toBack));
        return arith::SelectOp::create(inner, loc, arith::OrIOp::create(inner, loc, front, back),
                                       x[2], x[1]);
      });
  return asResult(b, *this, result);
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
