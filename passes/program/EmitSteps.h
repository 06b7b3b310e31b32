// rt.dispatch and control flow on values -> steps on memory.
#pragma once

#include "passes/program/ValueHomes.h"

namespace nncc {

/// Where the buffers of `ValueHomes` are in the arena: at an offset, or in a slot of their number.
struct ArenaPlan {
  bool hasSlots = false;
  llvm::SmallVector<int64_t> places;
};

/// Replaces what computes in `function` by steps. `weights`: the offsets of constants and of what
/// is packed of them.
void emitSteps(mlir::func::FuncOp function, const ValueHomes &homes, const ArenaPlan &arena,
               const llvm::DenseMap<mlir::Value, int64_t> &weights);

} // namespace nncc
