// Batch normalisation of inference is a line per channel: folds it, and other factors per channel,
// into the constant weights before it.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FOLDBATCHNORM
#include "passes/Passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// [C, 1..1] that broadcasts to [N, C, x1..xs].
RankedTensorType perChannelType(RankedTensorType image, int64_t channels) {
  SmallVector<int64_t> sizes(std::max<int64_t>(image.getRank() - 1, 1), 1);
  sizes[0] = channels;
  return image.clone(sizes);
}

/// batch_norm -> x * a + b.
struct ExpandBatchNorm : OpRewritePattern<nn::BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::BatchNormOp op, PatternRewriter &rewriter) const override {
    std::optional<SmallVector<double>> scale = readFloats(op.getScale()),
                                       bias = readFloats(op.getBias()),
                                       mean = readFloats(op.getMean()),
                                       variance = readFloats(op.getVariance());
    if (!scale || !bias || !mean || !variance)
      return rewriter.notifyMatchFailure(
          op, "its parameters are not constants of at most 64 Ki elements");
    RankedTensorType image = typeOf(op.getOperand());
    if (image.getRank() < 2)
      return rewriter.notifyMatchFailure(op, "its input has no channels");
    SmallVector<double> factors, offsets;
    for (size_t i = 0; i < scale->size(); ++i) {
      factors.push_back((*scale)[i] /
                        std::sqrt((*variance)[i] + op.getEpsilon().convertToDouble()));
      offsets.push_back((*bias)[i] - (*mean)[i] * factors[i]);
    }
    RankedTensorType type = perChannelType(image, scale->size());
    Value product = nn::MulOp::create(rewriter, op.getLoc(), op.getOperand(),
                                      makeFloats(rewriter, op.getLoc(), type, factors));
    rewriter.replaceOpWithNewOp<nn::AddOp>(op, product,
                                           makeFloats(rewriter, op.getLoc(), type, offsets));
    return success();
  }
};

/// The other operand of an op with one constant operand, and that.
template <typename Op> std::pair<Value, Value> splitConstant(Op op) {
  if (isConstant(op.getRhs()))
    return {op.getLhs(), op.getRhs()};
  return isConstant(op.getLhs()) ? std::pair<Value, Value>(op.getRhs(), op.getLhs())
                                 : std::pair<Value, Value>();
}

/// The elements of `constant` for each of `count` channels, which are dim `axis` of `image`; fails
/// if it is not the same everywhere else.
std::optional<SmallVector<double>> readPerChannel(Value constant, RankedTensorType image,
                                                  int64_t axis, int64_t count) {
  RankedTensorType type = typeOf(constant);
  int64_t offset = image.getRank() - type.getRank();
  if (offset < 0)
    return std::nullopt;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (size != 1 && (offset + static_cast<int64_t>(i) != axis || size != count))
      return std::nullopt;
  std::optional<SmallVector<double>> elements = readFloats(constant);
  if (elements && elements->size() == 1)
    elements->assign(count, elements->front());
  return elements;
}

/// Where an operation with constant weights has its output channels.
struct Weights {
  Value weights;
  int64_t axis;     // of the result
  int64_t channels; // of the result
};

std::optional<Weights> findWeights(Operation *op) {
  if (auto conv = dyn_cast_or_null<nn::ConvOp>(op))
    if (!conv.getChannelsLast())
      return Weights{conv.getWeights(), 1, typeOf(conv.getWeights()).getDimSize(0)};
  if (auto conv = dyn_cast_or_null<nn::ConvTransposeOp>(op))
    return Weights{conv.getWeights(), 1,
                   typeOf(conv.getWeights()).getDimSize(1) *
                       static_cast<int64_t>(conv.getGroups())};
  if (auto matmul = dyn_cast_or_null<nn::MatMulOp>(op))
    if (typeOf(matmul.getRhs()).getRank() == 2 && typeOf(matmul.getLhs()).getRank() >= 2)
      return Weights{matmul.getRhs(), typeOf(matmul.getResult()).getRank() - 1,
                     typeOf(matmul.getRhs()).getDimSize(1)};
  return std::nullopt;
}

/// `factors`, one per output channel, in a shape that broadcasts to the weights of `op`.
Value makeFactors(OpBuilder &b, Operation *op, RankedTensorType weights, ArrayRef<double> factors) {
  SmallVector<int64_t> sizes(weights.getRank(), 1);
  auto transposed = dyn_cast<nn::ConvTransposeOp>(op);
  if (!transposed) {
    sizes[isa<nn::MatMulOp>(op) ? 1 : 0] = factors.size();
    return makeFloats(b, op->getLoc(), weights.clone(sizes), factors);
  }
  // [C, O / groups, ...]: input channel c is of group c / (C / groups).
  int64_t inputs = weights.getDimSize(0), outputs = weights.getDimSize(1);
  int64_t perGroup = inputs / static_cast<int64_t>(transposed.getGroups());
  sizes[0] = inputs;
  sizes[1] = outputs;
  SmallVector<double> matrix;
  for (int64_t i = 0; i < inputs; ++i)
    for (int64_t j = 0; j < outputs; ++j)
      matrix.push_back(factors[i / perGroup * outputs + j]);
  return makeFloats(b, op->getLoc(), weights.clone(sizes), matrix);
}

/// conv(x, w) * a -> conv(x, w * a), also with a bias between.
struct FoldFactors : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MulOp mul, PatternRewriter &rewriter) const override {
    auto [source, factorsValue] = splitConstant(mul);
    if (!source || source.getType() != mul.getType() || !source.hasOneUse())
      return rewriter.notifyMatchFailure(
          mul, "not a value used once times a constant that broadcasts to it");
    Value root = source, bias;
    if (auto add = source.getDefiningOp<nn::AddOp>())
      std::tie(root, bias) = splitConstant(add);
    Operation *op = root ? root.getDefiningOp() : nullptr;
    std::optional<Weights> found = findWeights(op);
    if (!found || !isConstant(found->weights) || !root.hasOneUse() ||
        root.getType() != mul.getType())
      return rewriter.notifyMatchFailure(mul, "no operation with constant weights before it");
    if (isa<nn::MatMulOp>(op) && typeOf(factorsValue).getNumElements() == 1)
      return rewriter.notifyMatchFailure(mul, "a scalar costs nothing behind a matrix product");
    auto [weights, axis, channels] = *found;
    RankedTensorType type = typeOf(mul);
    std::optional<SmallVector<double>> factors = readPerChannel(factorsValue, type, axis, channels);
    std::optional<SmallVector<double>> offsets;
    if (bias)
      offsets = readPerChannel(bias, type, axis, channels);
    if (!factors || (bias && !offsets))
      return rewriter.notifyMatchFailure(mul, "the constants are not one element per channel");

    Value scale = makeFactors(rewriter, op, typeOf(weights), *factors);
    Value scaled = nn::MulOp::create(rewriter, mul.getLoc(), weights, scale);
    rewriter.setInsertionPoint(mul);
    Operation *folded = rewriter.clone(*op);
    folded->setOperand(1, scaled);
    remark::passed(mul.getLoc(),
                   remark::RemarkOpts::name("Folded").category("nncc-fold-batch-norm"))
        << remark::add("a factor per channel became part of the weights")
        << remark::metric("Channels", channels);
    if (!bias) {
      rewriter.replaceOp(mul, folded);
      return success();
    }
    for (auto [offset, factor] : llvm::zip(*offsets, *factors))
      offset *= factor;
    RankedTensorType offsetsType =
        axis == 1 ? perChannelType(type, channels) : type.clone(ArrayRef<int64_t>(channels));
    rewriter.replaceOpWithNewOp<nn::AddOp>(
        mul, folded->getResult(0), makeFloats(rewriter, mul.getLoc(), offsetsType, *offsets));
    return success();
  }
};

/// x + a + b -> x + (a + b) for constants per channel.
struct MergeOffsets : OpRewritePattern<nn::AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::AddOp add, PatternRewriter &rewriter) const override {
    auto [source, second] = splitConstant(add);
    auto inner = source ? source.getDefiningOp<nn::AddOp>() : nullptr;
    if (!inner || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(add, "not the sum of two constants and a value");
    auto [root, first] = splitConstant(inner);
    if (!root || root.getType() != add.getType() || isConstant(root))
      return rewriter.notifyMatchFailure(add, "not the sum of two constants and a value");
    RankedTensorType wide =
        typeOf(first).getRank() > typeOf(second).getRank() ? typeOf(first) : typeOf(second);
    if (typeOf(first).getNumElements() > typeOf(second).getNumElements())
      wide = typeOf(first);
    std::optional<SmallVector<double>> a = readFloats(first), b = readFloats(second);
    bool aligned =
        a && b &&
        (typeOf(first).getShape() == typeOf(second).getShape() || a->size() == 1 || b->size() == 1);
    if (!aligned)
      return rewriter.notifyMatchFailure(add, "the constants are not of one shape");
    SmallVector<double> sum;
    for (size_t i = 0; i < std::max(a->size(), b->size()); ++i)
      sum.push_back((*a)[a->size() == 1 ? 0 : i] + (*b)[b->size() == 1 ? 0 : i]);
    rewriter.replaceOpWithNewOp<nn::AddOp>(add, root,
                                           makeFloats(rewriter, add.getLoc(), wide, sum));
    return success();
  }
};

struct FoldBatchNorm : impl::FoldBatchNormBase<FoldBatchNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandBatchNorm, FoldFactors, MergeOffsets>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
