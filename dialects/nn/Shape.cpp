// Shapes as values, and the same elements under another shape: see Shape.td.
#include "dialects/nn/Generics.h"
#include "dialects/rt/RT.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace nncc::nn {

static Type indexType(const Fact &fact) { return IntegerType::get(fact.element.getContext(), 64); }

LogicalResult ShapeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                             EmitError) {
  int64_t rank = operands[0].rank();
  auto clamp = [&](int64_t dim) {
    return std::clamp<int64_t>(dim < 0 ? dim + rank : dim, 0, rank);
  };
  int64_t start = clamp(op.getStart()), end = clamp(op.getEnd().value_or(rank));
  int64_t count = std::max<int64_t>(end - start, 0);
  Fact &result = results.emplace_back();
  result.element = indexType(operands[0]);
  result.shape = makeShape(count, result.element.getContext());
  result.value.emplace(ArrayRef(operands[0].shape).slice(count ? start : 0, count));
  return success();
}

LogicalResult SizesOp::infer(Adaptor op, ArrayRef<Fact>, SmallVectorImpl<Fact> &results,
                             EmitError error) {
  auto type = cast<RankedTensorType>(op.getType());
  AffineMap elements = op.getElements();
  if (!type.hasStaticShape() || elements.getNumDims() ||
      elements.getNumResults() > Fact::maxValues ||
      static_cast<int64_t>(elements.getNumResults()) != type.getNumElements())
    return error("expects as many expressions over symbols as there are elements");
  Fact &result = results.emplace_back();
  result.shape = shapeOf(type);
  result.element = type.getElementType();
  result.value.emplace(elements.getResults());
  return success();
}

LogicalResult SizeOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError) {
  Fact &result = results.emplace_back();
  result.element = indexType(operands[0]);
  AffineExpr count = getAffineConstantExpr(1, result.element.getContext());
  for (AffineExpr size : operands[0].shape)
    count = count * size;
  result.value = Shape{count};
  return success();
}

/// What is left of the elements of `sizes` after those of `others`; null if that is not known.
static AffineExpr quotient(ArrayRef<AffineExpr> sizes, ArrayRef<AffineExpr> others,
                           MLIRContext *context) {
  Shape left(sizes), divisors;
  for (AffineExpr other : others)
    if (auto *equal = llvm::find(left, other); equal != left.end() && constantOf(other) != 0)
      left.erase(equal);
    else
      divisors.push_back(other);
  AffineExpr dividend = elementCount(left, context), divisor = elementCount(divisors, context);
  if (constantOf(divisor) && *constantOf(divisor) < 1)
    return {};
  if (AffineExpr exact = exactQuotient(dividend, divisor))
    return exact;
  return constantOf(dividend) && constantOf(divisor) ? AffineExpr() : dividend.floorDiv(divisor);
}

/// The sizes that a reshape to `shape` means.
static LogicalResult resolveShape(const Fact &operand, const Fact &shape, bool allowZero,
                                  Fact &result, EmitError error) {
  if (shape.rank() != 1)
    return error("expects a shape of rank 1, found rank " + Twine(shape.rank()));
  if (!shape.value)
    return error("expects a shape known at compile time");
  std::optional<size_t> open;
  Shape others;
  for (auto [i, size] : llvm::enumerate(*shape.value)) {
    std::optional<int64_t> constant = constantOf(size);
    if (constant && *constant < -1)
      return error("expects sizes of -1 or more, found " + Twine(*constant));
    if (constant == -1 && open)
      return error("expects one size of -1, found two");
    if (constant == 0 && !allowZero && static_cast<int64_t>(i) >= operand.rank())
      return error("expects a size for dim " + Twine(i) + ", which the operand does not have");
    result.shape.push_back(constant == 0 && !allowZero ? operand.shape[i] : size);
    if (constant == -1)
      open = i;
    else
      others.push_back(result.shape.back());
  }
  MLIRContext *context = operand.element.getContext();
  if (open && !(result.shape[*open] = quotient(operand.shape, others, context)))
    return error("expects a shape whose other sizes divide the number of elements");
  AffineExpr from = elementCount(operand.shape, context), to = elementCount(result.shape, context);
  if (!result.mayEqual(from, to))
    return error("expects a shape of " + textOf(from) + " elements, found one of " + textOf(to));
  return success();
}

LogicalResult ReshapeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  result.value = operands[0].value;
  return resolveShape(operands[0], operands[1], op.getAllowZero(), result, error);
}

LogicalResult SqueezeOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  const Fact &operand = operands[0];
  SmallVector<int64_t> axes;
  if (isPresent(operands, 1)) {
    FailureOr<SmallVector<int64_t>> given = expectConstants(operands[1], "axes", error);
    if (failed(given))
      return failure();
    given = normalizeAxes(*given, operand.rank(), error);
    if (failed(given))
      return failure();
    axes = *given;
  }
  Fact &result = results.emplace_back();
  result.element = operand.element;
  result.value = operand.value;
  MLIRContext *context = operand.element.getContext();
  for (int64_t i = 0; i < operand.rank(); ++i) {
    int64_t size = operand.size(i);
    bool dropped = isPresent(operands, 1) ? llvm::is_contained(axes, i) : size == 1;
    if (dropped && !result.mayEqual(operand.shape[i], getAffineConstantExpr(1, context)))
      return error("expects a size of 1 in dim " + Twine(i) + ", found " + Twine(size));
    if (!dropped)
      result.shape.push_back(operand.shape[i]);
  }
  return success();
}

LogicalResult UnsqueezeOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  FailureOr<SmallVector<int64_t>> axes = expectConstants(operands[1], "axes", error);
  if (failed(axes))
    return failure();
  axes = normalizeAxes(*axes, operands[0].rank() + axes->size(), error);
  if (failed(axes))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  for (int64_t axis : *axes)
    result.shape.insert(result.shape.begin() + axis,
                        getAffineConstantExpr(1, result.element.getContext()));
  return success();
}

LogicalResult ExpandOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  const Fact &operand = operands[0];
  if (operands[1].rank() != 1)
    return error("expects a shape of rank 1, found rank " + Twine(operands[1].rank()));
  if (!operands[1].value)
    return error("expects a shape known at compile time");
  Fact target, &result = results.emplace_back();
  target.shape = *operands[1].value;
  result.element = operand.element;
  if (failed(broadcast({operand, target}, result, error)))
    return failure();
  int64_t count = 1;
  for (AffineExpr size : result.shape)
    count = constantOf(size) && *constantOf(size) <= Fact::maxValues
                ? std::min(count * *constantOf(size), Fact::maxValues + 1)
                : Fact::maxValues + 1;
  if (result.shape == operand.shape)
    result.value = operand.value;
  else if (operand.value && operand.value->size() == 1 && count >= 0 && count <= Fact::maxValues)
    result.value.emplace(count, operand.value->front());
  return success();
}

void ReshapeOp::build(OpBuilder &b, OperationState &state, Value operand,
                      ArrayRef<AffineExpr> sizes) {
  build(b, state, operand, buildSizes(b, state.location, sizes), /*allow_zero=*/true);
}

FailureOr<SmallVector<Value>> SizesOp::lower(OpBuilder &b) {
  RankedTensorType type = getResult().getType();
  Type element = storageType(type.getElementType());
  return asResult(b, *this,
                  Generics(b, getLoc()).integers(type.clone(element), getElements().getResults()));
}

FailureOr<SmallVector<Value>> ShapeOp::lower(OpBuilder &b) {
  int64_t rank = getOperand().getType().getRank(), start = getStart(),
          count = getType().getDimSize(0);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  Shape shape = shapeOf(getOperand());
  return SmallVector<Value>{
      Generics(b, getLoc()).integers(getType(), ArrayRef(shape).slice(count ? start : 0, count))};
}

FailureOr<SmallVector<Value>> SizeOp::lower(OpBuilder &b) {
  AffineExpr count = elementCount(shapeOf(getOperand()), getContext());
  return SmallVector<Value>{Generics(b, getLoc()).integers(getType(), count)};
}

/// Reshape, squeeze and unsqueeze differ in how they say the shape.
static FailureOr<SmallVector<Value>> lowerReshape(OpBuilder &b, Operation *op) {
  Value operand = toStorage(b, op->getLoc(), op->getOperand(0));
  return asResult(b, op, Generics(b, op->getLoc()).reshape(operand, shapeOf(op->getResult(0))));
}

FailureOr<SmallVector<Value>> ReshapeOp::lower(OpBuilder &b) { return lowerReshape(b, *this); }
FailureOr<SmallVector<Value>> SqueezeOp::lower(OpBuilder &b) { return lowerReshape(b, *this); }
FailureOr<SmallVector<Value>> UnsqueezeOp::lower(OpBuilder &b) { return lowerReshape(b, *this); }

FailureOr<SmallVector<Value>> ExpandOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  Generics g(b, getLoc());
  Value operand = g.repeat(toStorage(b, getLoc(), getOperand()), shapeOf(type));
  Read read{operand, broadcastMap(cast<RankedTensorType>(operand.getType()), type)};
  Value result = g.map(shapeOf(type), storageType(type.getElementType()), read,
                       [](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, *this, result);
}

/// Whether two equal types say that all sizes are equal.
static bool isSame(RankedTensorType lhs, RankedTensorType rhs) {
  return lhs == rhs && (lhs.hasStaticShape() || lhs.getEncoding());
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  // With one size that is not known it is what the others leave.
  bool isKnown = getType().getEncoding() || getType().getNumDynamicDims() <= 1;
  return isKnown && getType() == getOperand().getType() ? getOperand() : OpFoldResult();
}

OpFoldResult ExpandOp::fold(FoldAdaptor) {
  return isSame(getType(), getOperand().getType()) ? getOperand() : OpFoldResult();
}

namespace {
/// An op that only changes the shape -> nn.reshape to a known shape.
template <typename Op> struct ToReshape : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getType();
    bool isKnown = type.hasStaticShape() || type.getEncoding();
    bool isReshape = isa<ReshapeOp>(op.getOperation());
    if (!isKnown &&
        (isReshape || type.getNumDynamicDims() > 1 || llvm::is_contained(type.getShape(), 0)))
      return rewriter.notifyMatchFailure(op, "has sizes that are not known");
    Shape sizes = shapeOf(type);
    if (!isKnown)
      for (AffineExpr &size : sizes)
        size = constantOf(size) ? size : getAffineConstantExpr(-1, rewriter.getContext());
    Value operand = op.getOperand();
    if (auto first = operand.getDefiningOp<ReshapeOp>(); first && isKnown)
      operand = first.getOperand();
    else if (isReshape && factOf(op->getOperand(1)).value == sizes)
      return rewriter.notifyMatchFailure(op, "is in this form already");
    Value shape = buildSizes(rewriter, op.getLoc(), sizes);
    Value result =
        ReshapeOp::create(rewriter, op.getLoc(), type, operand, shape, /*allow_zero=*/true);
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ToReshape<ReshapeOp>>(context);
}
void SqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ToReshape<SqueezeOp>>(context);
}
void UnsqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ToReshape<UnsqueezeOp>>(context);
}

void NNDialect::addShapeOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Shape.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Shape.cpp.inc"
