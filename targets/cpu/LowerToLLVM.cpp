// The kernel -> the LLVM dialect, in one conversion: a pass for each dialect would walk the kernel
// as often, and that is most of the time they take.
#include "targets/cpu/Passes.h"
#include "targets/kernel/KernelPatterns.h"

#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "runtime/include/nncc/abi.h"
#include <cstddef>

namespace nncc::cpu {
#define GEN_PASS_DEF_LOWERTOLLVM
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;

namespace {

/// A field of nncc_call, or of its services, that is `offset` bytes into it. Constant during the
/// call.
Value loadField(OpBuilder &b, Location loc, Value call, int64_t offset, Type type,
                unsigned alignment = 8) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value address = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), call,
                                      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  auto load = LLVM::LoadOp::create(b, loc, type, address, alignment);
  load.setInvariant(true);
  return load;
}

/// Entry `number` of the array, of elements of 8 bytes, that the field at `offset` points to.
Value loadEntry(OpBuilder &b, Location loc, Value call, int64_t offset, uint64_t number,
                Type type) {
  Value array = loadField(b, loc, call, offset, LLVM::LLVMPointerType::get(b.getContext()));
  return loadField(b, loc, array, static_cast<int64_t>(number * 8), type);
}

struct LowerBuffer : ConvertOpToLLVMPattern<rt::BufferOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::BufferOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value buffer = loadEntry(rewriter, op.getLoc(), adaptor.getCall(), offsetof(nncc_call, buffers),
                             op.getIndex(), LLVM::LLVMPointerType::get(getContext()));
    rewriter.replaceOp(op, flatMemory(rewriter, op.getLoc(), *getTypeConverter(),
                                      cast<MemRefType>(op.getType()), buffer));
    return success();
  }
};

struct LowerScratch : ConvertOpToLLVMPattern<rt::ScratchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::ScratchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(getContext());
    Value base = loadField(rewriter, loc, adaptor.getCall(), offsetof(nncc_call, scratch), pointer);
    Value stride = loadField(rewriter, loc, adaptor.getCall(), offsetof(nncc_call, scratch_stride),
                             rewriter.getI64Type());
    Value worker = LLVM::ZExtOp::create(rewriter, loc, rewriter.getI64Type(), adaptor.getWorker());
    Value slice = LLVM::MulOp::create(rewriter, loc, worker, stride);
    Value own = LLVM::GEPOp::create(rewriter, loc, pointer, rewriter.getI8Type(), base,
                                    ArrayRef<LLVM::GEPArg>{slice});
    Value part = LLVM::GEPOp::create(rewriter, loc, pointer, rewriter.getI8Type(), own,
                                     ArrayRef<LLVM::GEPArg>{adaptor.getOffset()});
    rewriter.replaceOp(
        op, flatMemory(rewriter, loc, *getTypeConverter(), cast<MemRefType>(op.getType()), part));
    return success();
  }
};

struct LowerDim : ConvertOpToLLVMPattern<rt::DimOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::DimOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op,
                       loadEntry(rewriter, op.getLoc(), adaptor.getCall(),
                                 offsetof(nncc_call, dims), op.getNumber(), rewriter.getI64Type()));
    return success();
  }
};

struct LowerTeam : ConvertOpToLLVMPattern<rt::TeamOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::TeamOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value workers = loadField(rewriter, loc, adaptor.getCall(), offsetof(nncc_call, workers),
                              rewriter.getI32Type(), /*alignment=*/4);
    rewriter.replaceOpWithNewOp<LLVM::SExtOp>(op, getTypeConverter()->getIndexType(), workers);
    return success();
  }
};

struct LowerBarrier : ConvertOpToLLVMPattern<rt::BarrierOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(rt::BarrierOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(getContext());
    auto field = [&](Value record, size_t offset) {
      return loadField(rewriter, loc, record, static_cast<int64_t>(offset), pointer);
    };
    Value services = field(adaptor.getCall(), offsetof(nncc_call, services));
    Value barrier = field(services, offsetof(nncc_services, barrier));
    Value host = field(adaptor.getCall(), offsetof(nncc_call, host));
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), {pointer});
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, type, ValueRange{barrier, host});
    return success();
  }
};

struct LowerToLLVM : cpu::impl::LowerToLLVMBase<LowerToLLVM> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    patterns.add<LowerBuffer, LowerScratch, LowerDim, LowerTeam, LowerBarrier>(converter);
    populateKernelPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
