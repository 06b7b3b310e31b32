// The instructions by which the lanes of a warp multiply matrices: ldmatrix and mma.sync.
#pragma once

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "targets/nvptx/ContractTile.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// What one product is of: sums of 16 rows and 8 columns, over 8 words of 32 bits.
constexpr int64_t mmaRows = 16, mmaColumns = 8, mmaWords = 8;

/// Fragments of matrices are in registers of 32 bits, i32: MatrixProducts.cpp says which lane has
/// what.
class MatrixInstructions {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  /// `sum`: the type of the sums.
  MatrixInstructions(ThreadBlock &e, Multiplier multiplier, mlir::Type sum)
      : e(e), multiplier(multiplier), sum(sum) {}

  /// Four matrices of 8 rows x 4 words, each row of which a lane points to; of the layout `col`
  /// those of 16 bits are transposed.
  Values load(mlir::Value pointer, mlir::NVVM::MMALayout layout);

  /// Where this lane's line of such matrices begins, in elements of shared memory, whose lines are
  /// `pitch` apart: of those of 16 rows of A, and of those of 16 columns of B, whose steps are
  /// neighbours, or whose columns are, for `col`.
  mlir::Value lineOfA(int64_t pitch);
  mlir::Value lineOfB(int64_t pitch);
  mlir::Value lineOfTransposedB(int64_t pitch);

  /// sums + a * b: four registers of A, two of B, four sums.
  Values multiply(llvm::ArrayRef<mlir::Value> a, llvm::ArrayRef<mlir::Value> b,
                  llvm::ArrayRef<mlir::Value> sums);
  /// The same of four registers for each 16 rows and two for each 8 columns; the sums of a lane are
  /// row by row.
  void multiplyAll(llvm::ArrayRef<mlir::Value> a, llvm::ArrayRef<mlir::Value> b,
                   llvm::MutableArrayRef<mlir::Value> sums);

  /// Two numbers of f32, rounded, as a register: of f16 for MatrixF16, else of bf16.
  mlir::Value roundPair(mlir::Value x, mlir::Value y);

  /// A word of f32, rounded.
  mlir::Value toTF32(mlir::Value word);

  /// The fragments of two times 8 words of f32 -> those of 16 in bf16, rounded, and those of what
  /// that leaves, each register of words t and t + 4 of 8. A sum takes its products in any order,
  /// as long as A and B have the same. `apart`: from a word to the one 4 words behind it, 2 in A
  /// and 1 in B.
  std::pair<Values, Values> splitFragments(std::array<Values, 2> words, int64_t apart);

private:
  /// Elements in words of 32 bits.
  int64_t stepsOf(int64_t words) const {
    return multiplier >= Multiplier::MatrixF16 ? words * 2 : words;
  }
  mlir::Value asFloat(mlir::Value word);
  std::pair<mlir::Value, mlir::Value> splitPair(mlir::Value first, mlir::Value second);
  mlir::Type registers(mlir::Type type);
  Values split(mlir::Value registers);

  ThreadBlock &e;
  const Multiplier multiplier;
  const mlir::Type sum;
};

} // namespace nncc::nvptx
