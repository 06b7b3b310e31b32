// A kernel on tensors -> units on flat buffers, each computed by a block of threads.
#include "targets/nvptx/ContractTile.h"
#include "targets/nvptx/NestEmitter.h"
#include "targets/nvptx/Passes.h"
#include "targets/nvptx/SelectionEmitter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

namespace nncc::nvptx {
#define GEN_PASS_DEF_EMITKERNEL
#include "targets/nvptx/Passes.h.inc"
} // namespace nncc::nvptx

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {

class KernelEmission : KernelFrame {
public:
  /// `onlyResults`: of a kernel with a workspace, the launch that makes the results of it.
  KernelEmission(func::FuncOp function, const ContractFeatures &features, bool onlyResults)
      : KernelFrame(function), features(features), onlyResults(onlyResults) {}

  LogicalResult run() {
    auto addArguments = [&](Block &body) {
      kernel.call = body.addArgument(LLVM::LLVMPointerType::get(b.getContext()), function.getLoc());
    };
    if (failed(open(addArguments)))
      return failure();
    FailureOr<int64_t> threads = emitRoot();
    if (failed(threads))
      return failure();
    bool isNarrow = areIndicesNarrow();
    close({});
    function->setAttr("rt.threads", b.getI64IntegerAttr(*threads));
    if (isNarrow)
      function->setAttr("rt.narrow", b.getUnitAttr());
    return success();
  }

private:
  /// Whether 32 bits hold all indices, and offsets a little beyond the ends of tensors, of which
  /// only those within are used. They take half of the registers and of the instructions.
  bool areIndicesNarrow() {
    constexpr int64_t most = int64_t(1) << 30;
    auto isSmall = [](Type type) {
      auto tensor = cast<RankedTensorType>(type);
      return tensor.hasStaticShape() && tensor.getNumElements() < most;
    };
    std::optional<int64_t> units = constantOf(kernel.units);
    return llvm::all_of(function.getArgumentTypes(), isSmall) &&
           llvm::all_of(function.getResultTypes(), isSmall) && units && *units < most &&
           constantOf(kernel.scratch) == 0;
  }

  /// Emits what the kernel computes; returns the threads of a block.
  FailureOr<int64_t> emitRoot() {
    SmallVector<Operation *> roots, wholes;
    findRoots(wholes, roots);
    if (wholes.empty())
      return emitNests(*this, roots);
    Operation *whole = wholes.front();
    if (!roots.empty() || !homes->copies.empty() || wholes.size() > 1)
      return whole->emitError("is not the only root of its kernel");
    if (failed(placeOperands(whole)))
      return failure();
    if (auto contract = dyn_cast<kern::ContractOp>(whole))
      return nvptx::emitContract(b, contract, kernel, features, onlyResults);
    if (auto attention = dyn_cast<kern::AttentionOp>(whole))
      return nvptx::emitAttention(b, attention, kernel, features, onlyResults);
    if (auto recurrence = dyn_cast<kern::RecurrenceOp>(whole))
      return nvptx::emitRecurrence(b, recurrence, kernel);
    if (auto window = dyn_cast<kern::WindowOp>(whole))
      return nvptx::emitWindow(b, window, kernel);
    if (auto sort = dyn_cast<kern::ArgSortOp>(whole))
      return nvptx::emitArgSort(b, sort, kernel);
    if (auto positions = dyn_cast<kern::PositionsOp>(whole))
      return nvptx::emitPositions(b, positions, kernel);
    if (auto suppress = dyn_cast<kern::SuppressOp>(whole))
      return nvptx::emitSuppress(b, suppress, kernel);
    return whole->emitError("is not supported on a GPU");
  }

  const ContractFeatures &features;
  const bool onlyResults;
};

/// Emits a kernel, as a second launch as well where the first one has a workspace.
LogicalResult emitLaunches(func::FuncOp function, const ContractFeatures &features) {
  bool mayHaveTwo =
      !function.getOps<kern::ContractOp>().empty() || !function.getOps<kern::AttentionOp>().empty();
  OwningOpRef<func::FuncOp> tensors = mayHaveTwo ? function.clone() : func::FuncOp();
  if (failed(KernelEmission(function, features, /*onlyResults=*/false).run()))
    return failure();
  if (!function->hasAttr("rt.workspace"))
    return success();
  func::FuncOp results = tensors.release();
  results.setName((function.getName() + "_results").str());
  OpBuilder b(function);
  b.setInsertionPointAfter(function);
  b.insert(results);
  return KernelEmission(results, features, /*onlyResults=*/true).run();
}

std::optional<FloatMath> mathOf(StringRef name) {
  return llvm::StringSwitch<std::optional<FloatMath>>(name)
      .Case("f32", FloatMath::F32)
      .Case("tf32", FloatMath::TF32)
      .Case("bf16x3", FloatMath::BF16x3)
      .Default(std::nullopt);
}

struct EmitKernel : nncc::nvptx::impl::EmitKernelBase<EmitKernel> {
  using EmitKernelBase::EmitKernelBase;

  void runOnOperation() override {
    std::optional<FloatMath> floats = mathOf(math);
    if (!floats) {
      getOperation().emitError("expected math=f32, tf32 or bf16x3, found ") << math.getValue();
      return signalPassFailure();
    }
    ContractFeatures features{capability, *floats};
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (function->hasAttr("rt.kernel") && !function.isExternal() &&
          failed(emitLaunches(function, features)))
        return signalPassFailure();
  }
};

} // namespace
