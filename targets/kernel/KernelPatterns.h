// What every target's lowering of scheduled kernels to the LLVM dialect has in common.
#pragma once

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Transforms/DialectConversion.h"

namespace nncc {

/// arith, cf, func, index, math (what LLVM has no intrinsic for: libm), memref and ub.
void populateKernelPatterns(mlir::LLVMTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// Flat memory at `pointer` whose size, where it is open, nothing asks for.
mlir::Value flatMemory(mlir::OpBuilder &b, mlir::Location loc,
                       const mlir::LLVMTypeConverter &converter, mlir::MemRefType type,
                       mlir::Value pointer);

} // namespace nncc
