// What stage "program" promises.
#include "passes/Passes.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYPROGRAM
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct VerifyProgram : nncc::impl::VerifyProgramBase<VerifyProgram> {
  void runOnOperation() override {
    auto size = [&](StringRef name) {
      auto attr = getOperation()->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    int64_t arena = size("rt.arena_size"), weights = size("rt.weights_size");
    SymbolTable symbols(getOperation());
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (isa<rt::DispatchOp, rt::ViewOp>(op))
        return WalkResult(op->emitOpError("has no place in memory"));
      auto run = dyn_cast<rt::RunOp>(op);
      if (!run)
        return WalkResult::advance();
      if (!symbols.lookup<ModuleOp>(run.getKernel()))
        return WalkResult(run.emitOpError("runs a kernel that does not exist"));
      for (auto [space, offset] : llvm::zip(run.getSpaces(), run.getOffsets())) {
        int64_t end = space == static_cast<int32_t>(rt::Space::Arena)     ? arena
                      : space == static_cast<int32_t>(rt::Space::Weights) ? weights
                                                                          : INT64_MAX;
        if (offset < 0 || offset >= std::max<int64_t>(end, 1))
          return WalkResult(run.emitOpError("has a buffer at ")
                            << offset << ", outside of its memory of " << end << " bytes");
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
