// Everything that a process of ours registers with MLIR.
#pragma once

#include "mlir/IR/DialectRegistry.h"

namespace nncc {
/// Every dialect, extension, translation and pass; passes once per process.
void registerEverything(mlir::DialectRegistry &registry);
} // namespace nncc
