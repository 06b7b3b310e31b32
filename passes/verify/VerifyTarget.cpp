// What stage "target" promises. MLIR's conversions can leave an operation as it was without an
// error; a whitelist is the only thing that notices.
#include "passes/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYTARGET
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct VerifyTarget : nncc::impl::VerifyTargetBase<VerifyTarget> {
  void runOnOperation() override {
    for (ModuleOp kernel : getOperation().getOps<ModuleOp>()) {
      WalkResult result = kernel.walk([](Operation *op) {
        if (isa<ModuleOp>(op) || isa<LLVM::LLVMDialect>(op->getDialect()))
          return WalkResult::advance();
        return WalkResult(op->emitOpError("is not translated by this target"));
      });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }
};

} // namespace
