// A kernel on tensors -> units of a parallel loop on flat buffers.
#include "dialects/rt/RT.h"
#include "targets/cpu/Bands.h"
#include "targets/cpu/FloatControl.h"
#include "targets/cpu/NestEmitter.h"
#include "targets/cpu/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_EMITKERNEL
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

bool isTensor(Type type) { return isa<RankedTensorType>(type); }

/// Whether the op is a kernel by itself.
bool isWhole(Operation *op) {
  return isa<kern::ContractOp, kern::AttentionOp, kern::RecurrenceOp, kern::WindowOp>(op);
}

class KernelEmission {
public:
  KernelEmission(func::FuncOp function, FloatControl floats, bool byteWindows)
      : function(function), floats(floats), b(function.getContext()) {
    kernel.byteWindows = byteWindows;
  }

  LogicalResult run() {
    if (failed(checkTypes()) || failed(generalize()))
      return failure();
    dropCasts();
    addArguments();
    resolveSymbols();
    auto homes = Homes::of(function, arguments, results);
    if (failed(homes) || failed(resolveScalars(*homes)) || failed(emitRoot(*homes)))
      return failure();
    finish();
    return success();
  }

private:
  func::FuncOp function;
  FloatControl floats;
  OpBuilder b;
  Kernel kernel;
  SmallVector<Value> arguments, results; // buffers

  Block &body() { return function.front(); }
  func::ReturnOp terminator() { return cast<func::ReturnOp>(body().getTerminator()); }

  LogicalResult checkTypes() {
    if (!llvm::hasSingleElement(function.getBody()))
      return function.emitError("expects a kernel of one block");
    for (TypeRange types : {function.getArgumentTypes(), function.getResultTypes()})
      for (Type type : types) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        if (!tensor || (!tensor.hasStaticShape() && !tensor.getEncoding()))
          return function.emitError("expects a kernel on tensors of sizes that are constants or "
                                    "expressions over symbols, found ")
                 << type;
        if (!tensor.getElementType().isIntOrFloat())
          return function.emitError("a kernel cannot store elements of type ")
                 << tensor.getElementType();
      }
    return success();
  }

  /// linalg.matmul, linalg.reduce, ... -> linalg.generic.
  LogicalResult generalize() {
    IRRewriter rewriter(function.getContext());
    for (Operation &op : llvm::make_early_inc_range(body())) {
      auto named = dyn_cast<linalg::LinalgOp>(op);
      if (!named ||
          isa<linalg::GenericOp, linalg::FillOp, linalg::TransposeOp, linalg::BroadcastOp>(op))
        continue;
      rewriter.setInsertionPoint(&op);
      if (failed(linalg::generalizeNamedOp(rewriter, named)))
        return op.emitError("has no general form");
    }
    return success();
  }

  void addArguments() {
    Location loc = function.getLoc();
    kernel.function = function;
    kernel.call = body().addArgument(LLVM::LLVMPointerType::get(b.getContext()), loc);
    kernel.begin = body().addArgument(b.getIndexType(), loc);
    kernel.end = body().addArgument(b.getIndexType(), loc);
    kernel.worker = body().addArgument(b.getI32Type(), loc);
    kernel.sizes = KernelSizes(&body(), kernel.call);
    kernel.setUnits(1);
    kernel.scratch = b.getAffineConstantExpr(0);
    b.setInsertionPointToStart(&body());
    int64_t next = 0;
    auto buffer = [&](Type type) {
      auto tensor = cast<RankedTensorType>(type);
      int64_t elements = tensor.hasStaticShape() ? tensor.getNumElements() : ShapedType::kDynamic;
      auto flat = MemRefType::get({elements}, memoryType(tensor.getElementType()));
      return rt::BufferOp::create(b, loc, flat, kernel.call, next++).getResult();
    };
    for (Type type : function.getArgumentTypes())
      arguments.push_back(buffer(type));
    for (Type type : function.getResultTypes())
      results.push_back(buffer(type));
  }

  /// Casts to types that do not tell the sizes, as canonicalization leaves them around tensor ops:
  /// all tensors get the types that do.
  void dropCasts() {
    auto tells = [](Value tensor) {
      auto type = cast<RankedTensorType>(tensor.getType());
      return type.hasStaticShape() || type.getEncoding();
    };
    for (Operation &op : llvm::make_early_inc_range(body())) {
      auto cast = dyn_cast<tensor::CastOp>(op);
      if (!cast || !isTensor(cast.getType()) || !isTensor(cast.getSource().getType()) ||
          (tells(cast.getSource()) && tells(cast.getResult())) ||
          (isa<BlockArgument>(cast.getSource()) && !tells(cast.getSource())))
        continue;
      if (!tells(cast.getSource()))
        cast.getSource().setType(cast.getType());
      cast.replaceAllUsesWith(cast.getSource());
      cast.erase();
    }
  }

  /// rt.symbol -> the value that the call hands over.
  void resolveSymbols() {
    function.walk([&](rt::SymbolOp op) {
      AffineExpr symbol = b.getAffineSymbolExpr(op.getNumber());
      op.replaceAllUsesWith(kernel.sizes.value(symbol, op.getLoc()));
      op.erase();
    });
  }

  /// Single elements that the function itself reads: loads at its beginning.
  LogicalResult resolveScalars(const Homes &homes) {
    for (Operation &op : llvm::make_early_inc_range(body())) {
      auto extract = dyn_cast<tensor::ExtractOp>(op);
      if (!extract)
        continue;
      const Home &home = homes.of(extract.getTensor());
      const Base &base = homes.bases[home.base];
      if (!base.buffer)
        return op.emitError("reads an element of a tensor that the same kernel computes");
      OpBuilder at(&op);
      AffineExpr flat = simplified(linearize(home.indices, base.shape, at.getContext()));
      SmallVector<Value> indices(extract.getIndices());
      Value index = kernel.sizes.expand(at, op.getLoc(), flat, indices);
      Value element = memref::LoadOp::create(at, op.getLoc(), base.buffer, index);
      if (element.getType() != extract.getType())
        return op.emitError("cannot read a scalar of type ") << extract.getType();
      extract.replaceAllUsesWith(element);
      extract.erase();
    }
    return success();
  }

  LogicalResult emitRoot(Homes &homes) {
    SmallVector<Operation *> roots, wholes;
    for (Operation &op : body().without_terminator()) {
      bool isOnTensors = llvm::any_of(op.getResultTypes(), isTensor);
      if (!isOnTensors || Homes::isView(&op))
        continue;
      if (isWhole(&op))
        wholes.push_back(&op);
      else if (!isa<linalg::FillOp>(op) || !onlyInits(op))
        roots.push_back(&op);
    }
    b.setInsertionPoint(body().getTerminator());
    if (wholes.empty())
      return emitNests(b, roots, homes, kernel);
    auto rows = function->getAttrOfType<IntegerAttr>(bandRows);
    if (!roots.empty() || !homes.copies.empty() || (wholes.size() > 1 && !rows))
      return wholes.back()->emitError("is not the only root of its kernel");
    if (rows && (!rows.getType().isSignlessInteger(64) || rows.getInt() < 1))
      return wholes.back()->emitError("expects bands of 1 row or more, found ") << rows;
    std::optional<Chain> chain = rows ? Chain::of(wholes) : std::nullopt;
    if (rows && !chain)
      return wholes.back()->emitError(
          "expects a window with a contraction before or behind it, on images of known size, each "
          "read by the next one only, and as its image, in a kernel of bands");
    if (chain)
      placeBetween(*chain, rows.getInt(), homes);
    for (Operation *op : wholes)
      if (failed(placeOperands(op, homes)))
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
  void placeBetween(const Chain &chain, int64_t rows, Homes &homes) {
    auto place = [&](Value image, int64_t rows) {
      auto type = cast<RankedTensorType>(image.getType());
      Base &base = homes.bases[homes.of(image).base];
      base.buffer = kernel.allocateScratch(
          b, image.getLoc(), rows * type.getDimSize(2) * type.getDimSize(3), base.element);
    };
    kern::WindowOp window = chain.window;
    if (chain.producer)
      place(window.getA(), chain.rowsBefore(rows));
    if (chain.consumer)
      place(window.getResult(), std::min(rows, chain.out));
  }

  static bool onlyInits(Operation &fill) { return llvm::all_of(fill.getUsers(), isWhole); }

  LogicalResult placeOperands(Operation *op, const Homes &homes) {
    auto destination = cast<DestinationStyleOpInterface>(op);
    auto place = [&](Value tensor) -> LogicalResult {
      std::optional<Place> place = homes.place(tensor);
      if (!place || !place->buffer)
        return op->emitError("has an operand or result that is not a view of an argument or result "
                             "of the kernel: ")
               << tensor.getType();
      kernel.places[tensor] = *place;
      return success();
    };
    for (OpOperand &operand : op->getOpOperands())
      if (!destination.isDpsInit(&operand) && failed(place(operand.get())))
        return failure();
    for (OpResult result : op->getResults()) {
      if (failed(place(result)))
        return failure();
      kernel.places[destination.getTiedOpOperand(result)->get()] = kernel.places[result];
    }
    return success();
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

  void finish() {
    b.setInsertionPoint(terminator());
    Location loc = function.getLoc();
    Value ok = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
    terminator().getOperandsMutable().assign(ok);
    SmallVector<Operation *> onTensors;
    for (Operation &op : body().without_terminator())
      if (llvm::any_of(op.getResultTypes(), isTensor))
        onTensors.push_back(&op);
    for (Operation *op : llvm::reverse(onTensors))
      op->erase();
    int64_t old = function.getNumArguments();
    body().eraseArguments(0, old);
    function.removeArgAttrsAttr();
    function.removeResAttrsAttr();
    function->removeAttr(bandRows);
    function.setFunctionType(b.getFunctionType(body().getArgumentTypes(), b.getI32Type()));
    function->setAttr("rt.units", sizeAttr(kernel.units));
    function->setAttr("rt.scratch", sizeAttr(kernel.scratch));
    if (kernel.team > 1)
      function->setAttr("rt.team", b.getI64IntegerAttr(kernel.team));
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
    if (failed(KernelEmission(function, *floatControlNamed(flushDenormals), byteWindows).run()))
      signalPassFailure();
  }
};
} // namespace
