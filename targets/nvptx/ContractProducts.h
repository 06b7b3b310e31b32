// The sums of a tile of a contraction.
#pragma once

#include "targets/nvptx/ContractOperands.h"

namespace nncc::nvptx {

/// What one thread has of a tile: the sum of each of its rows and each of its columns, row by row.
/// Of sums that are staged nothing: `staged` has all of the tile's as f32, in rows that are
/// ContractTile::stagedPitch apart, for all threads to read.
struct Sums {
  llvm::SmallVector<mlir::Value> rows, columns, values;
  mlir::Value staged;
};

/// The tile that begins at `row` and `column` of the batch that the operands are at. What is shared
/// is not used any more behind the last barrier of the first; a barrier has to follow the second.
Sums multiplyByThreads(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                       const ContractTile &tile, mlir::Value row, mlir::Value column);
Sums multiplyByWarps(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                     const ContractTile &tile, mlir::Value row, mlir::Value column);

} // namespace nncc::nvptx
