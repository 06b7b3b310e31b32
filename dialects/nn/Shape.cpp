// Shapes as values, and the same elements under another shape: see Shape.td.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/CheckedArithmetic.h"

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
  Shape left(sizes);
  int64_t divisor = 1;
  for (AffineExpr other : others) {
    if (auto *equal = llvm::find(left, other); equal != left.end() && constantOf(other) != 0)
      left.erase(equal);
    else if (!constantOf(other) || llvm::MulOverflow(divisor, *constantOf(other), divisor))
      return {};
  }
  int64_t dividend = 1;
  AffineExpr symbols = getAffineConstantExpr(1, context);
  for (AffineExpr size : left) {
    if (!constantOf(size))
      symbols = symbols * size;
    else if (llvm::MulOverflow(dividend, *constantOf(size), dividend))
      return {};
  }
  if (divisor < 1)
    return {};
  if (dividend % divisor == 0)
    return symbols * (dividend / divisor);
  return constantOf(symbols) ? AffineExpr() : (symbols * dividend).floorDiv(divisor);
}

/// The sizes that a reshape to `shape` means.
static LogicalResult resolveShape(const Fact &operand, const Fact &shape, bool allowZero,
                                  Shape &result, EmitError error) {
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
    result.push_back(constant == 0 && !allowZero ? operand.shape[i] : size);
    if (constant == -1)
      open = i;
    else
      others.push_back(result.back());
  }
  AffineExpr left = quotient(operand.shape, others, operand.element.getContext());
  auto count = [](ArrayRef<AffineExpr> sizes) {
    std::optional<int64_t> product = 1;
    for (AffineExpr size : sizes)
      product = product && constantOf(size) ? llvm::checkedMul(*product, *constantOf(size))
                                            : std::nullopt;
    return product;
  };
  if (open && !left)
    return error("expects a shape whose other sizes divide the number of elements");
  if (open)
    result[*open] = left;
  std::optional<int64_t> from = count(operand.shape), to = count(result);
  if (from && to && *from != *to)
    return error("expects a shape of " + Twine(*from) + " elements, found one of " + Twine(*to));
  return success();
}

LogicalResult ReshapeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  result.value = operands[0].value;
  return resolveShape(operands[0], operands[1], op.getAllowZero(), result.shape, error);
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
  for (int64_t i = 0; i < operand.rank(); ++i) {
    int64_t size = operand.size(i);
    bool dropped = isPresent(operands, 1) ? llvm::is_contained(axes, i) : size == 1;
    if (dropped && size != 1 && !ShapedType::isDynamic(size))
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
  if (failed(broadcast({operand, target}, result.shape, error)))
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

void ReshapeOp::build(OpBuilder &b, OperationState &state, Value operand, ArrayRef<int64_t> sizes) {
  auto type = RankedTensorType::get(static_cast<int64_t>(sizes.size()), b.getI64Type());
  Value shape = ConstantOp::create(b, state.location, DenseIntElementsAttr::get(type, sizes));
  build(b, state, operand, shape, /*allow_zero=*/true);
}

/// Integers as a constant tensor.
static SmallVector<Value> lowerToConstant(OpBuilder &b, Operation *op, ArrayRef<int64_t> values) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return {arith::ConstantOp::create(b, op->getLoc(), DenseIntElementsAttr::get(type, values))};
}

FailureOr<SmallVector<Value>> ShapeOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  int64_t rank = getOperand().getType().getRank(), start = getStart(),
          count = getType().getDimSize(0);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  return lowerToConstant(b, *this,
                         getOperand().getType().getShape().slice(count ? start : 0, count));
}

FailureOr<SmallVector<Value>> SizeOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  return lowerToConstant(b, *this, getOperand().getType().getNumElements());
}

/// Reshape, squeeze and unsqueeze differ in how they say the shape.
static FailureOr<SmallVector<Value>> lowerReshape(OpBuilder &b, Operation *op) {
  if (failed(expectStatic(op)))
    return failure();
  Value operand = toStorage(b, op->getLoc(), op->getOperand(0));
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return asResult(b, op, Generics(b, op->getLoc()).reshape(operand, type.getShape()));
}

FailureOr<SmallVector<Value>> ReshapeOp::lower(OpBuilder &b) { return lowerReshape(b, *this); }
FailureOr<SmallVector<Value>> SqueezeOp::lower(OpBuilder &b) { return lowerReshape(b, *this); }
FailureOr<SmallVector<Value>> UnsqueezeOp::lower(OpBuilder &b) { return lowerReshape(b, *this); }

FailureOr<SmallVector<Value>> ExpandOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType();
  Read read{toStorage(b, getLoc(), getOperand()), broadcastMap(getOperand().getType(), type)};
  Value result = Generics(b, getLoc())
                     .map(type.getShape(), storageType(type.getElementType()), read,
                          [](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, *this, result);
}

/// Whether two equal types say that all sizes are equal.
static bool isSame(RankedTensorType lhs, RankedTensorType rhs) {
  return lhs == rhs && lhs.hasStaticShape();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  // With one dynamic size it is what the others leave.
  bool same = getType() == getOperand().getType() && getType().getNumDynamicDims() <= 1;
  return same ? getOperand() : OpFoldResult();
}

OpFoldResult ExpandOp::fold(FoldAdaptor) {
  return isSame(getType(), getOperand().getType()) ? getOperand() : OpFoldResult();
}

namespace {
/// An op that only changes the shape -> nn.reshape to a constant shape.
template <typename Op> struct ToReshape : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getType();
    bool isStatic = type.hasStaticShape(), isReshape = isa<ReshapeOp>(op.getOperation());
    if (!isStatic &&
        (isReshape || type.getNumDynamicDims() > 1 || llvm::is_contained(type.getShape(), 0)))
      return rewriter.notifyMatchFailure(op, "has sizes that are not known");
    SmallVector<int64_t> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
    Value operand = op.getOperand();
    if (auto first = operand.getDefiningOp<ReshapeOp>(); first && isStatic)
      operand = first.getOperand();
    else if (isReshape && constantIntegers(op->getOperand(1)) == sizes)
      return rewriter.notifyMatchFailure(op, "is canonical");
    auto shapeType =
        RankedTensorType::get(static_cast<int64_t>(sizes.size()), rewriter.getI64Type());
    Value shape =
        ConstantOp::create(rewriter, op.getLoc(), DenseIntElementsAttr::get(shapeType, sizes));
    auto reshape =
        ReshapeOp::create(rewriter, op.getLoc(), type, operand, shape, /*allow_zero=*/true);
    rewriter.replaceOp(op, reshape);
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
