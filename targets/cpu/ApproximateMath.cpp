// math.* -> polynomials: no call into libm from a kernel.
#include "targets/cpu/Passes.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;

namespace {
struct ApproximateMath : nncc::cpu::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, MathPolynomialApproximationOptions());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
