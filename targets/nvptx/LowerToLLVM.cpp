// The kernel -> the LLVM dialect; what it gets from its call becomes parameters.
#include "targets/kernel/KernelPatterns.h"
#include "targets/nvptx/Passes.h"

#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"

namespace nncc::nvptx {
#define GEN_PASS_DEF_LOWERTOLLVM
#include "targets/nvptx/Passes.h.inc"
} // namespace nncc::nvptx

using namespace mlir;
using namespace nncc;

namespace {

/// Gives the kernel the parameters of nncc_launch in place of its call: buffers and scratch are on
/// pointers of their own then.
class Parameters {
public:
  explicit Parameters(func::FuncOp kernel)
      : kernel(kernel), b(kernel.getContext()), call(kernel.getArgument(0)) {}

  void replaceCall() {
    int64_t buffers = 0, dims = 0;
    bool usesScratch = false;
    kernel.walk([&](Operation *op) {
      if (auto buffer = dyn_cast<rt::BufferOp>(op))
        buffers = std::max<int64_t>(buffers, buffer.getIndex() + 1);
      else if (auto dim = dyn_cast<rt::DimOp>(op))
        dims = std::max<int64_t>(dims, dim.getNumber() + 1);
      else
        usesScratch |= isa<rt::ScratchOp>(op);
    });
    Type pointer = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
    SmallVector<Value> bufferArgs = add(pointer, buffers), dimArgs = add(i64, dims);
    SmallVector<Value> scratch = add(pointer, usesScratch), stride = add(i64, usesScratch);
    for (Operation *user : llvm::make_early_inc_range(call.getUsers())) {
      b.setInsertionPoint(user);
      Location loc = user->getLoc();
      if (auto buffer = dyn_cast<rt::BufferOp>(user)) {
        user->setOperand(0, bufferArgs[buffer.getIndex()]);
      } else if (auto dim = dyn_cast<rt::DimOp>(user)) {
        Value size = dimArgs[dim.getNumber()];
        dim.replaceAllUsesWith(
            arith::IndexCastOp::create(b, loc, b.getIndexType(), size).getResult());
        dim.erase();
      } else if (auto part = dyn_cast<rt::ScratchOp>(user)) {
        Value bytes = arith::IndexCastOp::create(b, loc, b.getIndexType(), stride.front());
        Value worker = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), part.getWorker());
        Value own = arith::MulIOp::create(b, loc, worker, bytes);
        part.getOffsetMutable().assign(arith::AddIOp::create(b, loc, own, part.getOffset()));
        part.getCallMutable().assign(scratch.front());
      }
    }
    kernel.getBody().front().eraseArgument(0);
    kernel.setFunctionType(
        b.getFunctionType(kernel.getBody().front().getArgumentTypes(), TypeRange()));
    kernel->setAttr("rt.buffers", b.getI64IntegerAttr(buffers));
    kernel->setAttr("rt.dims", b.getI64IntegerAttr(dims));
    if (usesScratch)
      kernel->setAttr("rt.uses_scratch", b.getUnitAttr());
  }

private:
  SmallVector<Value> add(Type type, int64_t count) {
    SmallVector<Value> result;
    for (int64_t i = 0; i < count; ++i)
      result.push_back(kernel.getBody().front().addArgument(type, kernel.getLoc()));
    return result;
  }

  func::FuncOp kernel;
  OpBuilder b;
  Value call;
};

struct LowerBuffer : ConvertOpToLLVMPattern<rt::BufferOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::BufferOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, flatMemory(rewriter, op.getLoc(), *getTypeConverter(),
                                      cast<MemRefType>(op.getType()), adaptor.getCall()));
    return success();
  }
};

struct LowerScratch : ConvertOpToLLVMPattern<rt::ScratchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::ScratchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value part = LLVM::GEPOp::create(rewriter, op.getLoc(), adaptor.getCall().getType(),
                                     rewriter.getI8Type(), adaptor.getCall(),
                                     ArrayRef<LLVM::GEPArg>{adaptor.getOffset()});
    rewriter.replaceOp(op, flatMemory(rewriter, op.getLoc(), *getTypeConverter(),
                                      cast<MemRefType>(op.getType()), part));
    return success();
  }
};

struct LowerPointer : ConvertOpToLLVMPattern<rt::PointerOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::PointerOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<LLVM::LLVMPointerType>(op.getType());
    MemRefDescriptor memory(adaptor.getMemory());
    Value base = memory.alignedPtr(rewriter, op.getLoc());
    if (base.getType() != type)
      base = LLVM::AddrSpaceCastOp::create(rewriter, op.getLoc(), type, base);
    Type element = getTypeConverter()->convertType(op.getMemory().getType().getElementType());
    rewriter.replaceOpWithNewOp<LLVM::GEPOp>(op, type, element, base,
                                             ArrayRef<LLVM::GEPArg>{adaptor.getIndex()});
    return success();
  }
};

struct LowerToLLVM : nvptx::impl::LowerToLLVMBase<LowerToLLVM> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    for (auto kernel : getOperation().getOps<func::FuncOp>())
      if (kernel->hasAttr("rt.kernel") && !kernel.isExternal())
        Parameters(kernel).replaceCall();
    LowerToLLVMOptions options(context);
    if (llvm::all_of(getOperation().getOps<func::FuncOp>(),
                     [](func::FuncOp kernel) { return kernel->hasAttr("rt.narrow"); }))
      options.overrideIndexBitwidth(32);
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    patterns.add<LowerBuffer, LowerPointer, LowerScratch>(converter);
    populateKernelPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    target.addLegalDialect<NVVM::NVVMDialect>();
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns))))
      return signalPassFailure();
    for (auto kernel : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (auto threads = kernel->getAttrOfType<IntegerAttr>("rt.threads")) {
        kernel->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), UnitAttr::get(context));
        kernel->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                        DenseI32ArrayAttr::get(context, static_cast<int32_t>(threads.getInt())));
        // While one block waits at a barrier, another one computes.
        auto blocks = kernel->getAttrOfType<IntegerAttr>("rt.blocks");
        kernel->setAttr(
            NVVM::NVVMDialect::getMinctasmAttrName(),
            IntegerAttr::get(IntegerType::get(context, 32), blocks ? blocks.getInt() : 2));
      }
  }
};

} // namespace
