// Constant evaluation by running compiled code.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <functional>

namespace nncc {

/// Runs `module`, a model as the importer makes it (`func.func @main(tensors) -> tensors` of nn
/// operations), once on this machine; inputs[i] and outputs[i] point at the elements of argument
/// and result i. Consumes the module. Reports failure at it.
using Evaluator = std::function<llvm::LogicalResult(
    mlir::ModuleOp module, llvm::ArrayRef<void *> inputs, llvm::ArrayRef<void *> outputs)>;

/// nncc-evaluate-constants with what runs code; without it only what the compiler computes by
/// itself is folded.
std::unique_ptr<mlir::Pass> createEvaluateConstants(Evaluator evaluator);

} // namespace nncc
