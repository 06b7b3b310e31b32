// Softmax by its formula.
#include "passes/Passes.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FUSESOFTMAX
#include "passes/Passes.h.inc"

namespace {

/// The axis, from the front, of a reduction of `kind` of `operand` along one axis that it keeps.
std::optional<int64_t> matchReduction(Value value, nn::ReduceKind kind, Value operand) {
  auto reduce = value.getDefiningOp<nn::ReduceOp>();
  if (!reduce || reduce.getKind() != kind || !reduce.getKeepdims() || !reduce.getAxes() ||
      reduce.getOperand() != operand)
    return std::nullopt;
  std::optional<SmallVector<int64_t>> axes = nn::constantIntegers(reduce.getAxes());
  if (!axes || axes->size() != 1)
    return std::nullopt;
  int64_t rank = cast<RankedTensorType>(operand.getType()).getRank();
  return axes->front() < 0 ? axes->front() + rank : axes->front();
}

void remarkRecognised(Operation *op, StringRef name) {
  remark::passed(op->getLoc(), remark::RemarkOpts::name("Recognised").category("nncc-fuse-softmax"))
      << remark::add("{0}", name.str());
}

/// exp(x - max(x)) / sum(exp(x - max(x))). Without the maximum it is the same function, where it
/// does not overflow.
struct RecogniseSoftmax : OpRewritePattern<nn::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::DivOp div, PatternRewriter &rewriter) const override {
    auto exp = div.getLhs().getDefiningOp<nn::ExpOp>();
    if (!exp)
      return rewriter.notifyMatchFailure(div, "no exponential is divided");
    std::optional<int64_t> axis =
        matchReduction(div.getRhs(), nn::ReduceKind::Sum, exp.getResult());
    if (!axis)
      return rewriter.notifyMatchFailure(div, "not divided by its sum along one axis");
    Value x = exp.getOperand();
    if (auto sub = x.getDefiningOp<nn::SubOp>())
      if (matchReduction(sub.getRhs(), nn::ReduceKind::Max, sub.getLhs()) == axis)
        x = sub.getLhs();
    remarkRecognised(div, "softmax");
    rewriter.replaceOpWithNewOp<nn::SoftmaxOp>(div, div.getType(), x,
                                               rewriter.getI64IntegerAttr(*axis));
    return success();
  }
};

struct RecogniseLogSoftmax : OpRewritePattern<nn::LogOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::LogOp log, PatternRewriter &rewriter) const override {
    auto softmax = log.getOperand().getDefiningOp<nn::SoftmaxOp>();
    if (!softmax || !softmax->hasOneUse())
      return rewriter.notifyMatchFailure(log, "not of a softmax that nothing else uses");
    remarkRecognised(log, "log_softmax");
    rewriter.replaceOpWithNewOp<nn::LogSoftmaxOp>(log, log.getType(), softmax.getOperand(),
                                                  softmax.getAxisAttr());
    return success();
  }
};

struct FuseSoftmax : impl::FuseSoftmaxBase<FuseSoftmax> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseSoftmax, RecogniseLogSoftmax>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
