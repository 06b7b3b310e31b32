// Activations by their formulas: sigmoid, SiLU, hard-sigmoid, hard-swish.
#include "passes/Passes.h"
#include "passes/graph/Polynomial.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FUSEACTIVATIONS
#include "passes/Passes.h.inc"

namespace {

void remarkRecognised(Operation *op, const char *name) {
  remark::passed(op->getLoc(),
                 remark::RemarkOpts::name("Recognised").category("nncc-fuse-activations"))
      << remark::add("{0}", name);
}

/// A value limited to [low, high].
struct Clip {
  Value argument;
  double low, high;
};

/// `value` as op(argument, scalar).
template <typename Op> std::optional<std::pair<Value, double>> matchWithScalar(Value value) {
  auto op = value.getDefiningOp<Op>();
  if (!op)
    return std::nullopt;
  if (std::optional<double> scalar = nn::constantScalar(op.getRhs()))
    return std::pair(op.getLhs(), *scalar);
  if (std::optional<double> scalar = nn::constantScalar(op.getLhs()))
    return std::pair(op.getRhs(), *scalar);
  return std::nullopt;
}

/// The lower limit of `value`: a max with a scalar or a relu.
std::optional<std::pair<Value, double>> matchLow(Value value) {
  if (auto relu = value.getDefiningOp<nn::ReluOp>())
    return std::pair<Value, double>(relu.getOperand(), 0);
  return matchWithScalar<nn::MaxOp>(value);
}

std::optional<Clip> matchClip(Value value) {
  if (auto high = matchWithScalar<nn::MinOp>(value))
    if (auto low = matchLow(high->first); low && low->second <= high->second)
      return Clip{low->first, low->second, high->second};
  if (auto low = matchLow(value))
    if (auto high = matchWithScalar<nn::MinOp>(low->first); high && low->second <= high->second)
      return Clip{high->first, low->second, high->second};
  return std::nullopt;
}

/// x * clip(x + 3, 0, 6) / 6 and hard_sigmoid spelled with clips. Multiplied out, a clip of a line
/// in x is again one: factor * clip(a*x + b, low, high) + offset.
template <typename RootOp> struct RecogniseHard : OpRewritePattern<RootOp> {
  using OpRewritePattern<RootOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(RootOp root, PatternRewriter &rewriter) const override {
    if (!isa<FloatType>(getElementTypeOrSelf(root.getType())))
      return rewriter.notifyMatchFailure(root, "not on floats");
    for (Value t : arithmeticSources(root)) {
      std::optional<Clip> clip = matchClip(t);
      if (!clip)
        continue;
      SmallVector<Value> sources = arithmeticSources(clip->argument);
      for (Value x : llvm::reverse(sources)) // the farthest: the line holds every factor and offset
        if (x.getType() == root.getType() && succeeded(rewrite(root, x, t, *clip, rewriter)))
          return success();
    }
    return rewriter.notifyMatchFailure(root, "no clip of a line in one value");
  }

private:
  static LogicalResult rewrite(RootOp root, Value x, Value t, const Clip &clip,
                               PatternRewriter &rewriter) {
    std::optional<Polynomial> line = Polynomial::expand(clip.argument, x, {});
    std::optional<Polynomial> formula = Polynomial::expand(root, x, t);
    if (!line || !formula || line->degree() != 1)
      return rewriter.notifyMatchFailure(root, "not a formula in one value");
    Type element = getElementTypeOrSelf(x);
    double slope = line->coefficient(1), start = line->coefficient(0);
    double swish = formula->coefficient(1, 1);
    if (formula->equals({{1, 1, swish}}, element) && isClose(swish * clip.low, 0, element) &&
        isClose(swish * clip.high, 1, element) && isClose(swish * slope, 1.0 / 6, element) &&
        isClose(swish * start, 0.5, element)) {
      remarkRecognised(root, "hard_swish");
      rewriter.replaceOpWithNewOp<nn::HardSwishOp>(root, root.getType(), x);
      return success();
    }
    double factor = formula->coefficient(0, 1), offset = formula->coefficient(0);
    if (factor <= 0 || !formula->equals({{0, 0, offset}, {0, 1, factor}}, element) ||
        !isClose(factor * clip.low + offset, 0, element) ||
        !isClose(factor * clip.high + offset, 1, element))
      return rewriter.notifyMatchFailure(root, "the constants are of no known activation");
    double alpha = factor * slope, beta = factor * start + offset;
    if (alpha == 1 && beta == 0)
      return rewriter.notifyMatchFailure(root, "a plain clip");
    remarkRecognised(root, "hard_sigmoid");
    rewriter.replaceOpWithNewOp<nn::HardSigmoidOp>(
        root, root.getType(), x, rewriter.getF32FloatAttr(alpha), rewriter.getF32FloatAttr(beta));
    return success();
  }
};

/// x * sigmoid(x), x * hard_sigmoid(x).
struct RecogniseGate : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MulOp root, PatternRewriter &rewriter) const override {
    for (auto [x, gate] :
         {std::pair(root.getLhs(), root.getRhs()), {root.getRhs(), root.getLhs()}}) {
      if (auto sigmoid = gate.getDefiningOp<nn::SigmoidOp>();
          sigmoid && sigmoid.getOperand() == x) {
        remarkRecognised(root, "silu");
        rewriter.replaceOpWithNewOp<nn::SiluOp>(root, root.getType(), x);
        return success();
      }
      auto hard = gate.getDefiningOp<nn::HardSigmoidOp>();
      if (hard && hard.getOperand() == x &&
          isClose(hard.getAlpha().convertToDouble(), 1.0 / 6, getElementTypeOrSelf(x)) &&
          isClose(hard.getBeta().convertToDouble(), 0.5, getElementTypeOrSelf(x))) {
        remarkRecognised(root, "hard_swish");
        rewriter.replaceOpWithNewOp<nn::HardSwishOp>(root, root.getType(), x);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(root, "not a value times a sigmoid of it");
  }
};

/// 1 / (1 + exp(-x)) and x / (1 + exp(-x)).
struct RecogniseLogistic : OpRewritePattern<nn::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::DivOp root, PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(root.getType());
    for (Value t : arithmeticSources(root.getRhs())) {
      auto exp = t.getDefiningOp<nn::ExpOp>();
      if (!exp)
        continue;
      auto neg = exp.getOperand().getDefiningOp<nn::NegOp>();
      std::optional<Polynomial> divisor = Polynomial::expand(root.getRhs(), t, {});
      if (!neg || !divisor || !divisor->equals({{0, 0, 1}, {1, 0, 1}}, element) ||
          neg.getOperand().getType() != root.getType())
        continue;
      if (nn::constantScalar(root.getLhs()) == 1.0) {
        remarkRecognised(root, "sigmoid");
        rewriter.replaceOpWithNewOp<nn::SigmoidOp>(root, root.getType(), neg.getOperand());
        return success();
      }
      if (root.getLhs() == neg.getOperand()) {
        remarkRecognised(root, "silu");
        rewriter.replaceOpWithNewOp<nn::SiluOp>(root, root.getType(), neg.getOperand());
        return success();
      }
    }
    return rewriter.notifyMatchFailure(root, "not a quotient by 1 + exp(-x)");
  }
};

struct FuseActivations : impl::FuseActivationsBase<FuseActivations> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseHard<nn::MulOp>, RecogniseHard<nn::DivOp>, RecogniseHard<nn::MaxOp>,
                 RecogniseHard<nn::MinOp>, RecogniseGate, RecogniseLogistic>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
