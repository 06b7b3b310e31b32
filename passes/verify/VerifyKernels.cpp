// What stage "kernels" promises.
#include "passes/Passes.h"
#include "passes/verify/Program.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYKERNELS
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct VerifyKernels : nncc::impl::VerifyKernelsBase<VerifyKernels> {
  void runOnOperation() override {
    auto program = verifyProgram(getOperation());
    if (failed(program) || failed(verifyDispatches(*program)))
      return signalPassFailure();
    for (ModuleOp kernel : getOperation().getOps<ModuleOp>())
      if (failed(verifyKernel(kernel)))
        return signalPassFailure();
  }

  static LogicalResult verifyKernel(ModuleOp kernel) {
    FunctionOpInterface function = kernelFunction(kernel);
    if (!function || !function->hasAttr("rt.kernel"))
      return kernel.emitError("expects a function of the name of the kernel, with 'rt.kernel'");
    WalkResult result = kernel.walk([](Operation *op) {
      if (!isa<nn::NNDialect, rt::RTDialect>(op->getDialect()) || isa<rt::SymbolOp>(op))
        return WalkResult::advance();
      return WalkResult(
          op->emitOpError("is left in a kernel: expected linalg and kern operations"));
    });
    return failure(result.wasInterrupted());
  }
};

} // namespace
