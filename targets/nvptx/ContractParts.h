// Contractions whose reduction is computed in parts, by blocks of their own, and then added up.
#pragma once

#include "targets/nvptx/ContractTile.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// What parts hand to the launch behind them: the sums of each part, batch, row and column, dense,
/// in this order. They are added up in the order of the parts: each run has the same result.
class PartialSums {
public:
  PartialSums(ThreadBlock &e, const Contraction &p, const ContractTile &tile);

  void store(mlir::Value part, mlir::Value batch, mlir::Value row, mlir::Value column,
             mlir::Value sum);
  /// Over all parts.
  mlir::Value sum(mlir::Value batch, mlir::Value row, mlir::Value column);

private:
  mlir::Value offset(mlir::Value batch, mlir::Value row, mlir::Value column);

  ThreadBlock &e;
  const Contraction &p;
  const int64_t parts, batches, rows, columns;
  mlir::Value memory;
};

} // namespace nncc::nvptx
