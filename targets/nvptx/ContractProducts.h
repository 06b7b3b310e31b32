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

/// The same of a tile of few rows, whose threads share the reduction. `use` emits what becomes of
/// single sums of the tile, each of which one thread has in the end.
void streamProducts(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                    const ContractTile &tile, mlir::Value row, mlir::Value column,
                    llvm::function_ref<void(const Sums &)> use);

/// Sums of two parts of the reduction -> of both.
mlir::Value addSums(ThreadBlock &e, const Contraction &p, mlir::Value x, mlir::Value y);

/// sum + a * b, of words of one step.
mlir::Value addProduct(ThreadBlock &e, const Contraction &p, mlir::Value a, mlir::Value b,
                       mlir::Value sum);

} // namespace nncc::nvptx
