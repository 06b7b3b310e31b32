// Compiles and runs on this machine what the compiler itself needs to know: constants, calibration
// data, timings. Injected into the passes that need it; the route is the one that every model
// takes.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace nncc {

/// `module` holds `func.func @main(tensors) -> tensors` of nn operations; it is consumed. Runs it
/// once: inputs[i] and outputs[i] point at the elements of argument and result i.
llvm::LogicalResult runOnHost(mlir::ModuleOp module, llvm::ArrayRef<void *> inputs,
                              llvm::ArrayRef<void *> outputs);

} // namespace nncc
