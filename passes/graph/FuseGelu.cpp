// GELU by its formula, however an exporter spelled it.
#include "passes/Passes.h"
#include "passes/graph/Polynomial.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FUSEGELU
#include "passes/Passes.h.inc"

namespace {

constexpr double sqrtHalf = 0.7071067811865476, sqrtTwoOverPi = 0.7978845608028654;

/// Whether the argument of the erf or tanh `t` is the one that GELU has for input x.
bool hasGeluArgument(Operation *t, Value x) {
  Type element = getElementTypeOrSelf(x);
  std::optional<Polynomial> argument = Polynomial::expand(t->getOperand(0), x, {});
  if (!argument)
    return false;
  if (isa<nn::ErfOp>(t))
    return argument->equals({{1, 0, sqrtHalf}}, element);
  return argument->equals({{1, 0, sqrtTwoOverPi}, {3, 0, sqrtTwoOverPi * 0.044715}}, element);
}

template <typename RootOp> struct RecogniseGelu : OpRewritePattern<RootOp> {
  using OpRewritePattern<RootOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(RootOp root, PatternRewriter &rewriter) const override {
    for (Value t : arithmeticSources(root)) {
      Operation *term = t.getDefiningOp();
      if (!term || !isa<nn::ErfOp, nn::TanhOp>(term))
        continue;
      for (Value x : arithmeticSources(term->getOperand(0))) {
        std::optional<Polynomial> formula = Polynomial::expand(root, x, t);
        if (!formula || !formula->equals({{1, 0, 0.5}, {1, 1, 0.5}}, getElementTypeOrSelf(x)) ||
            !hasGeluArgument(term, x))
          continue;
        if (x.getType() != root.getType())
          return rewriter.notifyMatchFailure(root,
                                             "a constant of the formula broadcasts the input");
        bool approximate = isa<nn::TanhOp>(term);
        remark::passed(root.getLoc(),
                       remark::RemarkOpts::name("Recognised").category("nncc-fuse-gelu"))
            << remark::add("{0} form", approximate ? "tanh" : "erf");
        rewriter.replaceOpWithNewOp<nn::GeluOp>(root, root.getType(), x, approximate);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(root, "not x/2 * (1 + erf(x / sqrt 2)) nor its tanh form");
  }
};

struct FuseGelu : impl::FuseGeluBase<FuseGelu> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseGelu<nn::MulOp>, RecogniseGelu<nn::AddOp>, RecogniseGelu<nn::DivOp>>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
