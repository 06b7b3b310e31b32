// Everything that a process of ours registers with MLIR.
#pragma once

#include "mlir/IR/DialectRegistry.h"

namespace nncc {
/// Every pass; once per process.
void registerPasses();

/// Every dialect, extension, translation and pass.
void registerEverything(mlir::DialectRegistry &registry);
} // namespace nncc
