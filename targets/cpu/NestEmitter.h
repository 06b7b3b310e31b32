// Groups of loop nests as units of a parallel loop.
#pragma once

#include "targets/cpu/Places.h"

namespace nncc::cpu {

/// Emits the kernel's operations `ops` at `b`: one range of units per group of nests. Sets
/// kernel.units. Reports what has no form as a nest.
mlir::LogicalResult emitNests(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Operation *> ops,
                              Homes &homes, Kernel &kernel);

} // namespace nncc::cpu
