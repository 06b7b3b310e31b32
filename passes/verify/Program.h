// What every stage promises of the program: the function that a model is.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace nncc {

/// The program of `module`, its only function outside of kernels, whose modules are named: one
/// block on ranked tensors. The sizes of its values are over symbols that `nn.dims` names. Reports
/// what is different.
llvm::FailureOr<mlir::func::FuncOp> verifyProgram(mlir::ModuleOp module);

/// Every symbol has a value where it is used: the sizes of arguments give it one, or an operation
/// before. Reports others.
llvm::LogicalResult verifySymbols(mlir::func::FuncOp program);

/// Before memory is planned the program holds dispatches, views on their results, weights and
/// control flow around them. Reports the operations that are none of them.
llvm::LogicalResult verifyDispatches(mlir::func::FuncOp program);

/// The sizes of `op` are expressions over the symbols that `program` names. Reports others.
llvm::LogicalResult verifySizes(mlir::Operation *op, llvm::ArrayRef<mlir::AffineExpr> sizes,
                                mlir::func::FuncOp program);

/// The function that `kernel` is the module of, if it has a body.
mlir::FunctionOpInterface kernelFunction(mlir::ModuleOp kernel);

/// The sizes `rt.units` and `rt.scratch` of the function of a scheduled kernel. Reports those that
/// are missing.
llvm::LogicalResult verifyKernelSizes(mlir::ModuleOp kernel);

/// A scheduled kernel finds the sizes and buffers that it asks for in each of its calls: `call`
/// gives it `sizes` and `buffers` of them. Reports more.
llvm::LogicalResult verifyCall(mlir::Operation *call, mlir::ModuleOp kernel, unsigned sizes,
                               unsigned buffers);

} // namespace nncc
