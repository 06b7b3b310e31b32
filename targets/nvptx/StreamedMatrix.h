// The operands of a contraction with few rows, straight from memory to the registers of a thread.
#pragma once

#include "targets/nvptx/ContractOperands.h"

namespace nncc::nvptx {

/// What a thread has of A and B: `tile.rows` rows and `tile.partColumns` neighbouring columns, of
/// which words (see ContractOperands) of neighbouring steps are loaded. Rows and columns that do
/// not exist have the words of some that do.
class StreamedMatrix {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  StreamedMatrix(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                 const ContractTile &tile, mlir::Value row, mlir::Value column);

  /// What addresses are multiples of, in bytes.
  struct Alignments {
    int64_t a, b;
    bool operator==(const Alignments &other) const { return a == other.a && b == other.b; }
  };
  /// Of groups of steps, taken that the buffers are aligned to 16 bytes.
  Alignments known() const;
  /// Whatever buffers are aligned to.
  Alignments least() const;

  /// Words of `count` steps from `k` on, all of one group or a single one: [step].
  Values loadA(int64_t row, mlir::Value k, int64_t count, Alignments alignments);
  /// The same of B, as it is stored.
  struct Stored {
    Values words; // [step][column]; of codes bytes, four in one
    // Of codes:
    Values scales, zeros; // of each column, zeros as bytes, four in one
    mlir::Value shift;    // of the only step
  };
  Stored loadB(mlir::Value k, int64_t count, Alignments alignments);
  /// One word of a step for each column.
  Values wordsOf(const Stored &stored, int64_t step);

private:
  /// What lies side by side in memory.
  enum class Neighbours { Columns, Steps, None };

  Values loadColumns(mlir::Value k, int64_t count, Alignments alignments);
  Values loadSteps(mlir::Value k, int64_t count, Alignments alignments);
  Values loadElements(mlir::Value k, int64_t count);
  Stored loadCodes(mlir::Value k, int64_t count, int64_t alignment);
  Values weightsOf(const Stored &stored, int64_t step);
  Values numbersOf(llvm::ArrayRef<mlir::Value> words, mlir::Value shift, int64_t bits);
  Values load(mlir::Value buffer, mlir::Value at, int64_t count, mlir::Type type,
              int64_t alignment);
  /// Of an element, of which bytes are four.
  mlir::Type storedType(mlir::Value buffer) const;
  void toWords(llvm::MutableArrayRef<mlir::Value> values);
  mlir::Value offset(const ContractOperands::Column &column, mlir::Value k) {
    return e.add(column.b, e.mul(k, p.bK));
  }
  mlir::Value i32(int64_t number) {
    return mlir::arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), number);
  }

  ThreadBlock &e;
  ContractOperands &operands;
  const Contraction &p;
  const ContractTile &tile;
  const Neighbours neighbours; // of B
  const bool hasLines;         // steps of A are neighbours
  llvm::SmallVector<mlir::Value> rows;
  llvm::SmallVector<ContractOperands::Column> columns;
};

} // namespace nncc::nvptx
