// Groups of loop nests as units of a parallel loop.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Nest.h"

namespace nncc::cpu {

/// Emits the kernel's operations `ops` at `b`: one range of units per group of nests. Sets
/// kernel.units. Reports what has no form as a nest.
mlir::LogicalResult emitNests(mlir::OpBuilder &b, llvm::ArrayRef<mlir::Operation *> ops,
                              Homes &homes, Kernel &kernel);

/// The units [begin, end) of groups of these nests, all units where the bounds are null. Returns
/// their number.
mlir::AffineExpr emitGroups(Emitter &e, std::vector<Nest> nests, Homes &homes, Kernel &kernel,
                            mlir::Value begin, mlir::Value end);

} // namespace nncc::cpu
