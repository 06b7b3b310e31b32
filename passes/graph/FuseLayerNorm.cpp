// Layer and RMS normalisation by their formulas.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"
#include "passes/graph/Polynomial.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FUSELAYERNORM
#include "passes/Passes.h.inc"

namespace {

int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

/// A mean over the last dims, from `axis` (counted from the back) on.
struct TrailingMean {
  Value operand;
  int64_t axis;
};

std::optional<TrailingMean> matchTrailingMean(Value value) {
  auto reduce = value.getDefiningOp<nn::ReduceOp>();
  if (!reduce || reduce.getKind() != nn::ReduceKind::Mean || !reduce.getKeepdims() ||
      !reduce.getAxes())
    return std::nullopt;
  std::optional<SmallVector<int64_t>> axes = nn::constantIntegers(reduce.getAxes());
  int64_t rank = rankOf(reduce.getOperand());
  if (!axes || axes->empty())
    return std::nullopt;
  for (int64_t &axis : *axes)
    axis = axis < 0 ? axis : axis - rank;
  llvm::sort(*axes);
  for (auto [i, axis] : llvm::enumerate(*axes))
    if (axis != static_cast<int64_t>(i) - static_cast<int64_t>(axes->size()))
      return std::nullopt;
  return TrailingMean{reduce.getOperand(), axes->front()};
}

/// numerator / sqrt(radicand), in the spellings of exporters.
struct RootQuotient {
  Value numerator, radicand;
};

std::optional<Value> matchSqrt(Value value) {
  if (auto sqrt = value.getDefiningOp<nn::SqrtOp>())
    return sqrt.getOperand();
  if (auto pow = value.getDefiningOp<nn::PowOp>(); pow && nn::constantScalar(pow.getRhs()) == 0.5)
    return pow.getLhs();
  return std::nullopt;
}

std::optional<Value> matchReciprocalSqrt(Value value) {
  if (auto reciprocal = value.getDefiningOp<nn::ReciprocalOp>())
    return matchSqrt(reciprocal.getOperand());
  if (auto div = value.getDefiningOp<nn::DivOp>(); div && nn::constantScalar(div.getLhs()) == 1.0)
    return matchSqrt(div.getRhs());
  if (auto pow = value.getDefiningOp<nn::PowOp>(); pow && nn::constantScalar(pow.getRhs()) == -0.5)
    return pow.getLhs();
  return std::nullopt;
}

std::optional<RootQuotient> matchRootQuotient(Operation *op) {
  if (auto div = dyn_cast<nn::DivOp>(op))
    if (std::optional<Value> radicand = matchSqrt(div.getRhs()))
      return RootQuotient{div.getLhs(), *radicand};
  if (auto mul = dyn_cast<nn::MulOp>(op))
    for (auto [factor, root] :
         {std::pair(mul.getLhs(), mul.getRhs()), {mul.getRhs(), mul.getLhs()}})
      if (std::optional<Value> radicand = matchReciprocalSqrt(root))
        return RootQuotient{factor, *radicand};
  return std::nullopt;
}

/// The mean of squares of `value` in `radicand` = mean + epsilon.
struct MeanSquare {
  int64_t axis;
  double epsilon;
};

std::optional<MeanSquare> matchMeanSquare(Value radicand, Value value) {
  for (Value source : arithmeticSources(radicand)) {
    std::optional<TrailingMean> mean = matchTrailingMean(source);
    if (!mean)
      continue;
    std::optional<Polynomial> sum = Polynomial::expand(radicand, source, {});
    std::optional<Polynomial> square = Polynomial::expand(mean->operand, value, {});
    if (!sum || !square || sum->degree() != 1 || sum->coefficient(1) != 1 ||
        sum->coefficient(0) < 0 || !square->equals({{2, 0, 1}}, getElementTypeOrSelf(value)))
      return std::nullopt;
    return MeanSquare{mean->axis, sum->coefficient(0)};
  }
  return std::nullopt;
}

/// x of `value` = x - mean(x) over the dims from `axis` on.
std::optional<Value> matchCentred(Value value, int64_t axis) {
  auto sub = value.getDefiningOp<nn::SubOp>();
  if (!sub)
    return std::nullopt;
  std::optional<TrailingMean> mean = matchTrailingMean(sub.getRhs());
  if (!mean || mean->axis != axis || mean->operand != sub.getLhs())
    return std::nullopt;
  return sub.getLhs();
}

void remarkRecognised(Operation *op, StringRef name) {
  remark::passed(op->getLoc(),
                 remark::RemarkOpts::name("Recognised").category("nncc-fuse-layer-norm"))
      << remark::add("{0}", name.str());
}

/// (x - mean) / sqrt(variance + epsilon) and x / sqrt(mean(x^2) + epsilon), with a scale of one.
template <typename RootOp> struct RecogniseNormalization : OpRewritePattern<RootOp> {
  using OpRewritePattern<RootOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(RootOp root, PatternRewriter &rewriter) const override {
    std::optional<RootQuotient> quotient = matchRootQuotient(root);
    if (!quotient)
      return rewriter.notifyMatchFailure(root, "not divided by a square root");
    std::optional<MeanSquare> mean = matchMeanSquare(quotient->radicand, quotient->numerator);
    if (!mean)
      return rewriter.notifyMatchFailure(
          root, "not the root of a mean of squares over the last dims, plus epsilon");
    Value x = quotient->numerator;
    Location loc = root.getLoc();
    Value one = makeScalar(rewriter, loc, getElementTypeOrSelf(x), 1);
    FloatAttr epsilon = rewriter.getF32FloatAttr(mean->epsilon);
    if (std::optional<Value> source = matchCentred(x, mean->axis)) {
      remarkRecognised(root, "layer_norm");
      rewriter.replaceOpWithNewOp<nn::LayerNormOp>(root, root.getType(), *source, one, Value(),
                                                   rewriter.getI64IntegerAttr(mean->axis), epsilon);
      return success();
    }
    remarkRecognised(root, "rms_norm");
    rewriter.replaceOpWithNewOp<nn::RMSNormOp>(root, root.getType(), x, one,
                                               rewriter.getI64IntegerAttr(mean->axis), epsilon);
    return success();
  }
};

/// Whether `parameter` has one element per element of the dims from `axis` on, or fewer.
bool isParameter(Value parameter, Value operand, int64_t axis) {
  auto type = cast<RankedTensorType>(parameter.getType());
  Shape sizes = shapeOf(operand), own = shapeOf(parameter);
  int64_t normalized = axis < 0 ? -axis : static_cast<int64_t>(sizes.size()) - axis;
  if (type.getRank() > normalized)
    return false;
  for (auto [size, whole] : llvm::zip(own, ArrayRef(sizes).take_back(own.size())))
    if (constantOf(size) != 1 && size != whole)
      return false;
  return true;
}

/// norm(x) * scale -> norm(x, scale).
template <typename NormOp> struct FoldScale : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MulOp mul, PatternRewriter &rewriter) const override {
    for (auto [value, scale] :
         {std::pair(mul.getLhs(), mul.getRhs()), {mul.getRhs(), mul.getLhs()}}) {
      auto norm = value.template getDefiningOp<NormOp>();
      if (!norm || !norm->hasOneUse() || nn::constantScalar(norm.getScale()) != 1.0)
        continue;
      if constexpr (std::is_same_v<NormOp, nn::LayerNormOp>)
        if (norm.getBias())
          continue;
      if (!isParameter(scale, norm.getOperand(), norm.getAxis()))
        return rewriter.notifyMatchFailure(mul, "the factor is not of the normalised dims");
      rewriter.modifyOpInPlace(norm, [&, scale = scale] { norm.getScaleMutable().assign(scale); });
      rewriter.moveOpBefore(norm, mul); // behind the scale
      rewriter.replaceOp(mul, norm);
      return success();
    }
    return rewriter.notifyMatchFailure(mul, "no normalisation with a scale of one");
  }
};

/// layer_norm(x, scale) + bias -> layer_norm(x, scale, bias).
struct FoldBias : OpRewritePattern<nn::AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::AddOp add, PatternRewriter &rewriter) const override {
    for (auto [value, bias] :
         {std::pair(add.getLhs(), add.getRhs()), {add.getRhs(), add.getLhs()}}) {
      auto norm = value.getDefiningOp<nn::LayerNormOp>();
      if (!norm || !norm->hasOneUse() || norm.getBias())
        continue;
      if (!isParameter(bias, norm.getOperand(), norm.getAxis()))
        return rewriter.notifyMatchFailure(add, "the summand is not of the normalised dims");
      rewriter.modifyOpInPlace(norm, [&, bias = bias] { norm.getBiasMutable().assign(bias); });
      rewriter.moveOpBefore(norm, add);
      rewriter.replaceOp(add, norm);
      return success();
    }
    return rewriter.notifyMatchFailure(add, "no normalisation without a bias");
  }
};

struct FuseLayerNorm : impl::FuseLayerNormBase<FuseLayerNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseNormalization<nn::DivOp>, RecogniseNormalization<nn::MulOp>,
                 FoldScale<nn::LayerNormOp>, FoldScale<nn::RMSNormOp>, FoldBias>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
