// What stage "schedule" promises.
#include "passes/Passes.h"
#include "passes/verify/Program.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYSCHEDULE
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct VerifySchedule : nncc::impl::VerifyScheduleBase<VerifySchedule> {
  void runOnOperation() override {
    auto program = verifyProgram(getOperation());
    if (failed(program) || failed(verifyDispatches(*program)))
      return signalPassFailure();
    for (ModuleOp kernel : getOperation().getOps<ModuleOp>())
      if (failed(verifyKernelSizes(kernel)) || failed(verifyOps(kernel)))
        return signalPassFailure();
    SymbolTable symbols(getOperation());
    WalkResult result = program->walk([&](rt::DispatchOp dispatch) {
      return WalkResult(verifyCall(dispatch, symbols.lookup<ModuleOp>(dispatch.getKernel()),
                                   dispatch.getDims() ? dispatch.getDims()->getNumResults() : 0,
                                   dispatch->getNumOperands() + dispatch->getNumResults()));
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  /// Loops and vectors on the buffers of the call: tensors are gone, nothing is allocated.
  static LogicalResult verifyOps(ModuleOp kernel) {
    WalkResult result = kernel.walk([](Operation *op) {
      if (isa<memref::AllocOp, memref::AllocaOp, memref::DeallocOp>(op))
        return WalkResult(op->emitOpError("is in a kernel: expected no allocation"));
      if (isa<BuiltinDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
              index::IndexDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
              NVVM::NVVMDialect, rt::RTDialect, scf::SCFDialect, ub::UBDialect,
              vector::VectorDialect>(op->getDialect()))
        return WalkResult::advance();
      return WalkResult(op->emitOpError("is left in a kernel: expected loops on buffers"));
    });
    return failure(result.wasInterrupted());
  }
};

} // namespace
