#include "targets/kernel/KernelPatterns.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"

using namespace mlir;

void nncc::populateKernelPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  arith::populateCeilFloorDivExpandOpsPatterns(patterns); // of sizes
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  index::populateIndexToLLVMConversionPatterns(converter, patterns);
  populateFuncToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  populateMathToLibmConversionPatterns(patterns, /*benefit=*/0);
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
}

Value nncc::flatMemory(OpBuilder &b, Location loc, const LLVMTypeConverter &converter,
                       MemRefType type, Value pointer) {
  if (type.hasStaticShape())
    return MemRefDescriptor::fromStaticShape(b, loc, converter, type, pointer);
  auto memory = MemRefDescriptor::poison(b, loc, converter.convertType(type));
  memory.setAllocatedPtr(b, loc, pointer);
  memory.setAlignedPtr(b, loc, pointer);
  memory.setConstantOffset(b, loc, 0);
  memory.setConstantStride(b, loc, 0, 1);
  return memory;
}
