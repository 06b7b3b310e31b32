// What stage "kernels" promises.
#include "passes/Passes.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYKERNELS
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct VerifyKernels : nncc::impl::VerifyKernelsBase<VerifyKernels> {
  void runOnOperation() override {
    for (Operation &op : *getOperation().getBody()) {
      bool isProgram = isa<func::FuncOp>(op);
      WalkResult result = op.walk([&](Operation *inner) {
        return (isProgram ? isOfProgram(inner) : isOfKernel(inner)) ? WalkResult::advance()
                                                                   : WalkResult::interrupt();
      });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }

  /// The program holds dispatches, views on their results, and weights.
  static bool isOfProgram(Operation *op) {
    if (isa<func::FuncOp, func::ReturnOp, rt::DispatchOp, rt::ViewOp, nn::ConstantOp,
            kern::PackOp>(op))
      return true;
    op->emitOpError("is left in the program: expected kernels for everything that computes");
    return false;
  }

  static bool isOfKernel(Operation *op) {
    if (!isa<nn::NNDialect, rt::RTDialect>(op->getDialect()))
      return true;
    op->emitOpError("is left in a kernel: expected linalg and kern operations");
    return false;
  }
};

} // namespace
