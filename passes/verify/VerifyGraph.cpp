// What stages "import" and "graph" promise.
#include "passes/Passes.h"
#include "passes/verify/Program.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYGRAPH
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct VerifyGraph : nncc::impl::VerifyGraphBase<VerifyGraph> {
  void runOnOperation() override {
    auto program = verifyProgram(getOperation());
    if (failed(program))
      return signalPassFailure();
    WalkResult result = program->walk([](Operation *op) {
      if (isa<func::FuncOp, func::ReturnOp, rt::CheckOp, rt::ExpectOp, rt::IfOp, rt::LoopOp,
              rt::ReadOp, rt::WithinOp, rt::YieldOp>(op) ||
          isa<nn::NNDialect>(op->getDialect()))
        return WalkResult::advance();
      return WalkResult(op->emitOpError("is not of dialect nn"));
    });
    if (result.wasInterrupted() || failed(verifySymbols(*program)))
      signalPassFailure();
  }
};

} // namespace
