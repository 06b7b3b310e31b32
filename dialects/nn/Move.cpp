// Pure movement: see Move.td.
#include "dialects/nn/Move.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace nncc::nn {

SmallVector<int64_t> rowMajorStrides(const Fact &fact) {
  SmallVector<int64_t> sizes;
  for (int64_t dim = 0; dim < fact.rank(); ++dim)
    sizes.push_back(fact.size(dim));
  return computeSuffixProduct(sizes);
}

void moveValues(const Fact &operand, int64_t origin, ArrayRef<int64_t> strides, Fact &result) {
  int64_t count = 1;
  for (int64_t dim = 0; dim < result.rank(); ++dim)
    count *= result.size(dim);
  SmallVector<int64_t> places = rowMajorStrides(result);
  result.value.emplace();
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = origin;
    for (int64_t dim = 0; dim < result.rank(); ++dim)
      from += i / places[dim] % result.size(dim) * strides[dim];
    result.value->push_back((*operand.value)[from]);
  }
}

LogicalResult TransposeOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &operand = operands[0];
  ArrayRef<int64_t> perm = op.getPerm();
  if (!isPermutationVector(perm) || static_cast<int64_t>(perm.size()) != operand.rank())
    return error("expects a permutation of " + Twine(operand.rank()) + " dims");
  Fact &result = results.emplace_back();
  result.element = operand.element;
  for (int64_t dim : perm)
    result.shape.push_back(operand.shape[dim]);
  if (operand.value) {
    SmallVector<int64_t> from = rowMajorStrides(operand), strides;
    for (int64_t dim : perm)
      strides.push_back(from[dim]);
    moveValues(operand, /*origin=*/0, strides, result);
  }
  return success();
}

LogicalResult ConcatOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  if (operands.empty())
    return error("expects one operand or more");
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), operands[0].rank(), error);
  if (failed(axis))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  for (const Fact &operand : operands.drop_front()) {
    if (operand.element != result.element)
      return error("expects operands of one element type, found " + typeName(result.element) +
                   " and " + typeName(operand.element));
    if (operand.rank() != result.rank())
      return error("expects operands of one rank, found " + Twine(result.rank()) + " and " +
                   Twine(operand.rank()));
    for (int64_t i = 0; i < result.rank(); ++i) {
      AffineExpr &known = result.shape[i], size = operand.shape[i];
      if (i == *axis)
        known = known + size;
      else if (!result.mayEqual(known, size))
        return error("expects operands of one size in dim " + Twine(i) + ", found " +
                     textOf(known) + " and " + textOf(size));
      else if (constantOf(size))
        known = size;
    }
    if (result.value && operand.value && result.rank() == 1)
      result.value->append(*operand.value);
    else
      result.value.reset();
  }
  if (result.value && result.value->size() > Fact::maxValues)
    result.value.reset();
  return success();
}

LogicalResult TileOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError error) {
  const Fact &operand = operands[0];
  const std::optional<Shape> &repeats = operands[1].value;
  if (!repeats)
    return error("expects repeats known before the program runs");
  if (static_cast<int64_t>(repeats->size()) != operand.rank())
    return error("expects " + Twine(operand.rank()) + " repeats, found " + Twine(repeats->size()));
  Fact &result = results.emplace_back();
  result.element = operand.element;
  for (auto [size, repeat] : llvm::zip(operand.shape, *repeats)) {
    std::optional<int64_t> known = constantOf(repeat);
    if (known && (*known < 0 || *known > int64_t(1) << 40))
      return error("expects repeats of 0 or more, found " + Twine(*known));
    result.shape.push_back(normalForm(size * repeat));
  }
  std::optional<int64_t> count = result.rank() == 1 ? constantOf(result.shape[0]) : std::nullopt;
  std::optional<int64_t> times = count ? constantOf(repeats->front()) : std::nullopt;
  if (operand.value && times && *count <= Fact::maxValues) {
    result.value.emplace();
    for (int64_t i = 0; i < *times; ++i)
      result.value->append(*operand.value);
  }
  return success();
}

/// What depth_to_space and space_to_depth expect alike.
static LogicalResult checkBlock(const Fact &operand, int64_t block, EmitError error) {
  if (operand.rank() != 4)
    return error("expects an operand of rank 4, found rank " + Twine(operand.rank()));
  if (block < 1 || block > int64_t(1) << 20)
    return error("expects a block of 1 or more, found " + Twine(block));
  return success();
}

LogicalResult DepthToSpaceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  int64_t block = op.getBlock();
  if (failed(checkBlock(operands[0], block, error)))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  int64_t area = block * block;
  if (!result.mayBeZero(result.shape[1] % area))
    return error("expects channels that are a multiple of " + Twine(area) + ", found " +
                 textOf(result.shape[1]));
  result.shape[1] = result.shape[1].floorDiv(area);
  result.shape[2] = result.shape[2] * block;
  result.shape[3] = result.shape[3] * block;
  return success();
}

LogicalResult SpaceToDepthOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  int64_t block = op.getBlock();
  if (failed(checkBlock(operands[0], block, error)))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  for (int64_t dim : {2, 3}) {
    AffineExpr &size = result.shape[dim];
    if (!result.mayBeZero(size % block))
      return error("expects sizes that are a multiple of " + Twine(block) + ", found " +
                   textOf(size) + " in dim " + Twine(dim));
    size = size.floorDiv(block);
  }
  result.shape[1] = result.shape[1] * (block * block);
  return success();
}

static Value transpose(OpBuilder &b, Location loc, Value operand, ArrayRef<int64_t> perm) {
  auto type = cast<RankedTensorType>(operand.getType());
  Shape shape = shapeOf(type);
  Value init =
      Generics(b, loc).empty(applyPermutation(ArrayRef(shape), perm), type.getElementType());
  return linalg::TransposeOp::create(b, loc, operand, init, perm)->getResult(0);
}

FailureOr<SmallVector<Value>> TransposeOp::lower(OpBuilder &b) {
  return asResult(b, *this,
                  transpose(b, getLoc(), toStorage(b, getLoc(), getOperand()), getPerm()));
}

FailureOr<SmallVector<Value>> ConcatOp::lower(OpBuilder &b) {
  int64_t axis = fromFront(getAxis(), getType().getRank());
  SmallVector<Value> parts;
  for (Value input : getInputs())
    parts.push_back(toStorage(b, getLoc(), input));
  RankedTensorType type = tensorOf(shapeOf(getType()), storageType(getType().getElementType()));
  return asResult(b, *this, tensor::ConcatOp::create(b, getLoc(), type, axis, parts));
}

/// A broadcast over [repeat, size] of each dim.
FailureOr<SmallVector<Value>> TileOp::lower(OpBuilder &b) {
  std::optional<Shape> repeats = factOf(getRepeats()).value;
  if (!repeats)
    return emitOpError("expects repeats known before the program runs");
  Shape loops;
  SmallVector<int64_t> read;
  for (auto [size, repeat] : llvm::zip(shapeOf(getOperand()), *repeats)) {
    if (constantOf(repeat) != 1)
      loops.push_back(repeat);
    read.push_back(loops.size());
    loops.push_back(size);
  }
  Generics g(b, getLoc());
  Value tiled = g.map(loops, storageType(getType().getElementType()),
                      Read{toStorage(b, getLoc(), getOperand()), g.select(loops.size(), read)},
                      [](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, *this, g.reshape(tiled, shapeOf(getType())));
}

/// A reshape, a transpose, a reshape.
static FailureOr<SmallVector<Value>>
lowerBlocks(OpBuilder &b, Operation *op, ArrayRef<AffineExpr> split, ArrayRef<int64_t> perm) {
  Generics g(b, op->getLoc());
  Value parts = g.reshape(toStorage(b, op->getLoc(), op->getOperand(0)), split);
  Value moved = transpose(b, op->getLoc(), parts, perm);
  return asResult(b, op, g.reshape(moved, shapeOf(op->getResult(0))));
}

FailureOr<SmallVector<Value>> DepthToSpaceOp::lower(OpBuilder &b) {
  Shape shape = shapeOf(getOperand());
  int64_t block = getBlock();
  AffineExpr k = b.getAffineConstantExpr(block), depth = shape[1].floorDiv(block * block);
  if (getColumnMajor())
    return lowerBlocks(b, *this, {shape[0], depth, k, k, shape[2], shape[3]}, {0, 1, 4, 2, 5, 3});
  return lowerBlocks(b, *this, {shape[0], k, k, depth, shape[2], shape[3]}, {0, 3, 4, 1, 5, 2});
}

FailureOr<SmallVector<Value>> SpaceToDepthOp::lower(OpBuilder &b) {
  Shape shape = shapeOf(getOperand());
  int64_t block = getBlock();
  AffineExpr k = b.getAffineConstantExpr(block), rows = shape[2].floorDiv(block),
             columns = shape[3].floorDiv(block);
  SmallVector<int64_t> perm{0, 3, 5, 1, 2, 4};
  if (getColumnMajor())
    perm = {0, 1, 3, 5, 2, 4};
  return lowerBlocks(b, *this, {shape[0], shape[1], rows, k, columns, k}, perm);
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  return isIdentityPermutation(getPerm()) ? getOperand() : OpFoldResult();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? getInputs()[0] : OpFoldResult();
}

OpFoldResult TileOp::fold(FoldAdaptor) {
  std::optional<SmallVector<int64_t>> repeats = constantIntegers(getRepeats());
  bool once = repeats && llvm::all_of(*repeats, [](int64_t repeat) { return repeat == 1; });
  return once && getType() == getOperand().getType() ? getOperand() : OpFoldResult();
}

namespace {
/// transpose(transpose(x)) -> transpose(x)
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto first = op.getOperand().getDefiningOp<TransposeOp>();
    if (!first)
      return rewriter.notifyMatchFailure(op, "its operand is no transpose");
    SmallVector<int64_t> perm;
    for (int64_t dim : op.getPerm())
      perm.push_back(first.getPerm()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), first.getOperand(), perm);
    return success();
  }
};

/// A transpose that moves no dim but those of size 1 -> reshape
struct TransposeOfUnits : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getOperand().getType();
    SmallVector<int64_t> moved;
    for (int64_t dim : op.getPerm())
      if (type.getDimSize(dim) != 1)
        moved.push_back(dim);
    if (!llvm::is_sorted(moved))
      return rewriter.notifyMatchFailure(op, "moves elements");
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getOperand(), shapeOf(op.getType()));
    return success();
  }
};
} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeTransposes, TransposeOfUnits>(context);
}

void NNDialect::addMoveOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Move.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Move.cpp.inc"
