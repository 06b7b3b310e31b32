// Where a unit of a group of nests is.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/NestGroup.h"

namespace nncc {

/// Per shared dim: the first index of the unit's block (inner dims) or the index itself (others),
/// and how long the block is.
struct UnitPosition {
  llvm::SmallVector<mlir::Value> start, extent;

  /// Of unit `number`, the last dim's blocks fastest. `divide` gives quotient and remainder.
  using Divide =
      llvm::function_ref<std::pair<mlir::Value, mlir::Value>(mlir::Value, mlir::AffineExpr)>;
  static UnitPosition of(Emitter &e, const NestGroup &group, mlir::Value number, Divide divide);
};

} // namespace nncc
