// A kernel on tensors -> units of a parallel loop on flat buffers.
#include "dialects/rt/RT.h"
#include "targets/cpu/Bands.h"
#include "targets/cpu/Emitters.h"
#include "targets/cpu/FloatControl.h"
#include "targets/cpu/NestEmitter.h"
#include "targets/cpu/Passes.h"
#include "targets/kernel/KernelFrame.h"
#include "targets/kernel/Selection.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_EMITKERNEL
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

class KernelEmission : KernelFrame {
public:
  KernelEmission(func::FuncOp function, FloatControl floats, bool byteWindows, int64_t l1Bytes)
      : KernelFrame(function), floats(floats) {
    kernel.byteWindows = byteWindows;
    kernel.l1Bytes = l1Bytes;
  }

  LogicalResult run() {
    auto addArguments = [&](Block &body) {
      Location loc = function.getLoc();
      kernel.call = body.addArgument(LLVM::LLVMPointerType::get(b.getContext()), loc);
      kernel.begin = body.addArgument(b.getIndexType(), loc);
      kernel.end = body.addArgument(b.getIndexType(), loc);
      kernel.worker = body.addArgument(b.getI32Type(), loc);
    };
    lowerSelections(function);
    if (failed(open(addArguments)) || failed(emitRoot()))
      return failure();
    Value ok = arith::ConstantIntOp::create(b, function.getLoc(), b.getI32Type(), 0);
    close(ok);
    function->removeAttr(bandRows);
    if (kernel.team > 1)
      function->setAttr("rt.team", b.getI64IntegerAttr(kernel.team));
    return success();
  }

private:
  FloatControl floats;

  LogicalResult emitRoot() {
    SmallVector<Operation *> roots, wholes;
    findRoots(wholes, roots);
    if (wholes.empty())
      return emitNests(b, roots, *homes, kernel);
    auto rows = function->getAttrOfType<IntegerAttr>(bandRows);
    if (!roots.empty() || !homes->copies.empty() || (wholes.size() > 1 && !rows))
      return wholes.back()->emitError("is not the only root of its kernel");
    if (rows && (!rows.getType().isSignlessInteger(64) || rows.getInt() < 1))
      return wholes.back()->emitError("expects bands of 1 row or more, found ") << rows;
    std::optional<Chain> chain = rows ? Chain::of(wholes) : std::nullopt;
    if (rows && !chain)
      return wholes.back()->emitError(
          "expects a window with a contraction before or behind it, on images of known size, each "
          "read by the next one only, and as its image, in a kernel of bands");
    if (chain)
      placeBetween(*chain, rows.getInt());
    for (Operation *op : wholes)
      if (failed(placeOperands(op)))
        return failure();
    Location loc = wholes.back()->getLoc();
    FloatControl control = llvm::any_of(wholes, multiplies) ? floats : FloatControl::None;
    Value before = flushDenormals(b, loc, control);
    if (failed(chain ? emitBands(b, *chain, rows.getInt(), kernel) : emitOp(wholes.front())))
      return failure();
    restoreFloats(b, loc, control, before);
    return success();
  }

  /// A maximum is one of its operands, whatever their size.
  static bool multiplies(Operation *op) {
    auto window = dyn_cast<kern::WindowOp>(op);
    return !window || window.getKind() == kern::WindowKind::Depthwise;
  }

  /// What one operation of a chain hands to the next is in scratch, as many rows as a band takes.
  void placeBetween(const Chain &chain, int64_t rows) {
    auto place = [&](Value image, int64_t rows) {
      auto type = cast<RankedTensorType>(image.getType());
      Base &base = homes->bases[homes->of(image).base];
      base.buffer = kernel.allocateScratch(
          b, image.getLoc(), rows * type.getDimSize(2) * type.getDimSize(3), base.element);
    };
    kern::WindowOp window = chain.window;
    if (chain.producer)
      place(window.getA(), chain.rowsBefore(rows));
    if (chain.consumer)
      place(window.getResult(), std::min(rows, chain.out));
  }

  LogicalResult emitOp(Operation *op) {
    if (auto contract = dyn_cast<kern::ContractOp>(op))
      return isa_and_nonnull<kern::WinogradPlanAttr>(contract.getPlanAttr())
                 ? emitWinograd(b, contract, kernel)
                 : emitContract(b, contract, kernel);
    if (auto attention = dyn_cast<kern::AttentionOp>(op))
      return emitAttention(b, attention, kernel);
    if (auto recurrence = dyn_cast<kern::RecurrenceOp>(op))
      return emitRecurrence(b, recurrence, kernel);
    return emitWindow(b, cast<kern::WindowOp>(op), kernel);
  }
};

struct EmitKernel : nncc::cpu::impl::EmitKernelBase<EmitKernel> {
  using EmitKernelBase::EmitKernelBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (floatControlNamed(flushDenormals))
      return success();
    return emitError(UnknownLoc::get(context),
                     "expects none, mxcsr or fpcr as flush-denormals, found '")
           << flushDenormals << "'";
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("rt.kernel") || function.isExternal())
      return;
    KernelEmission emission(function, *floatControlNamed(flushDenormals), byteWindows, l1Bytes);
    if (failed(emission.run()))
      signalPassFailure();
  }
};
} // namespace
