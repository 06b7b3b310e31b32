// What stage "target" promises. MLIR's conversions can leave an operation as it was without an
// error; a whitelist is the only thing that notices.
#include "passes/Passes.h"
#include "passes/verify/Program.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

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
      if (failed(checkType(kernel)))
        return signalPassFailure();
      WalkResult result = kernel.walk([](Operation *op) {
        if (isa<ModuleOp>(op) || isa<LLVM::LLVMDialect, NVVM::NVVMDialect>(op->getDialect()))
          return WalkResult::advance();
        return WalkResult(op->emitOpError("is not translated by this target"));
      });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }

  /// That of nncc_launch: buffers, dims, scratch and its stride.
  static LLVM::LLVMFunctionType launchType(LLVM::LLVMFuncOp kernel) {
    MLIRContext *context = kernel.getContext();
    auto count = [&](StringRef name) {
      auto attr = kernel->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
    SmallVector<Type> types(count("rt.buffers"), pointer);
    types.append(count("rt.dims"), i64);
    if (kernel->hasAttr("rt.uses_scratch"))
      types.append({pointer, i64});
    return LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types);
  }

  /// That of nncc_kernel_fn: call, begin, end, worker -> status; or that of a launch.
  static LogicalResult checkType(ModuleOp kernel) {
    auto main = dyn_cast_or_null<LLVM::LLVMFuncOp>(kernelFunction(kernel).getOperation());
    if (!main)
      return kernel.emitError("expects a function of the name of the kernel");
    if (failed(checkLaunch(main)))
      return failure();
    for (FunctionOpInterface launch : rt::launchesOf(kernel))
      if (failed(checkLaunch(cast<LLVM::LLVMFuncOp>(launch.getOperation()))))
        return failure();
    return success();
  }

  static LogicalResult checkLaunch(LLVM::LLVMFuncOp function) {
    Builder b(function.getContext());
    Type pointer = LLVM::LLVMPointerType::get(function.getContext());
    Type expected = LLVM::LLVMFunctionType::get(
        b.getI32Type(), {pointer, b.getI64Type(), b.getI64Type(), b.getI32Type()});
    if (function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      expected = launchType(function);
    if (function.getFunctionType() != expected)
      return function.emitError("has type ")
             << function.getFunctionType() << ", expected " << expected << " of a kernel";
    return success();
  }
};

} // namespace
