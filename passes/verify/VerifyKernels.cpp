// What stage "kernels" promises.
#include "dialects/Sizes.h"
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
      if (isProgram && !namesSymbols(cast<func::FuncOp>(op)))
        return signalPassFailure();
      WalkResult result = op.walk([&](Operation *inner) {
        return (isProgram ? isOfProgram(inner) : isOfKernel(inner)) ? WalkResult::advance()
                                                                    : WalkResult::interrupt();
      });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
  }

  /// Every symbol of the program's types has a name in `nn.dims`, which may be empty.
  static bool namesSymbols(func::FuncOp program) {
    auto names = program->getAttrOfType<ArrayAttr>("nn.dims");
    unsigned count = names ? names.size() : 0;
    WalkResult result = program.walk([&](Operation *op) {
      auto types = llvm::to_vector(llvm::concat<const Type>(
          llvm::to_vector(op->getResultTypes()),
          op == program ? llvm::to_vector(program.getArgumentTypes()) : SmallVector<Type>()));
      for (Type type : types) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        if (!tensor || symbolCount(shapeOf(tensor)) <= count)
          continue;
        op->emitOpError("has a size over symbol ")
            << symbolCount(shapeOf(tensor)) - 1 << " in " << type
            << ", but 'nn.dims' of the program has " << count << " names";
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    return !result.wasInterrupted();
  }

  /// The program holds dispatches, views on their results, and weights.
  static bool isOfProgram(Operation *op) {
    if (isa<func::FuncOp, func::ReturnOp, rt::DispatchOp, rt::ViewOp, nn::ConstantOp, kern::PackOp>(
            op))
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
