// Slices of matrices on their way from global to shared memory.
#pragma once

#include "targets/nvptx/ContractOperands.h"

namespace nncc::nvptx {

/// Bytes of one asynchronous copy of each operand, 4, 8 or 16; 0: steps pass through registers.
struct CopyWidths {
  int64_t a, b;
  bool operator==(const CopyWidths &other) const { return a == other.a && b == other.b; }
};

/// Copies slices, as MatrixSlices has them, by all threads of a block. A copy is of neighbours in a
/// slice. Where its source does not exist it writes zeros.
class SlicePipeline {
public:
  /// For the tile that begins at `row` and `column`.
  SlicePipeline(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                const ContractTile &tile, mlir::Value shared, CopyWidths widths, mlir::Value row,
                mlir::Value column);

  /// What is stored by finish(), since loads take their time.
  struct Words {
    llvm::SmallVector<mlir::Value> a, b;
  };
  /// Begins to copy slice `number` to its place, which is free and begins at `at`: nothing behind
  /// the last slice.
  Words start(mlir::Value number, mlir::Value at);
  void finish(const Words &words, mlir::Value at);
  /// Makes a group of the asynchronous copies since the last one.
  void endGroup();
  /// Until at most `groups` of this thread's groups are on their way.
  void wait(int64_t groups);

  /// The widest copies for which strides, sizes and the offsets of views are aligned, taken that
  /// the buffers are: see isAligned.
  static CopyWidths widest(const ContractOperands &operands, const Contraction &p);
  /// The widest ones whatever buffers are aligned to. Words of f32 always are to 4 bytes.
  static CopyWidths narrowest(const ContractOperands &operands, const Contraction &p);
  /// Whether both buffers are aligned for copies of these widths.
  static mlir::Value isAligned(ThreadBlock &e, const ContractOperands &operands, CopyWidths widths);

private:
  /// One operand's part in a slice: lines of neighbours. Thread t makes a copy from `first` on of
  /// lines `line`, line + linesAtOnce, ...; many of them in a loop, which takes less code, and
  /// registers only for some at a time.
  struct Part {
    int64_t lines, length, pitch; // in steps, or columns
    int64_t width, linesAtOnce;
    mlir::Value line, first;
    int64_t copies() const { return llvm::divideCeil(lines, linesAtOnce); }
  };
  bool isAsync() const { return a.width || b.width; }
  bool isInLoop(const Part &part) const;
  Part divide(int64_t lines, int64_t length, int64_t pitch, int64_t width);
  mlir::Value lineOf(const Part &part, int64_t copy) {
    return e.add(part.line, copy * part.linesAtOnce);
  }
  ContractOperands::Source sourceOfA(const ContractOperands::Slice &slice, int64_t copy);
  ContractOperands::Source sourceOfB(const ContractOperands::Slice &slice, int64_t copy);
  const ContractOperands::Column &columnOf(int64_t copy) { return columns[alongK ? copy : 0]; }
  void copyAsync(const Part &part, mlir::Value line, mlir::Value buffer,
                 const ContractOperands::Source &source, mlir::Value at);
  void copyInLoop(const Part &part, const ContractOperands::Slice &slice, mlir::Value at);
  void store(const Part &part, llvm::ArrayRef<mlir::Value> words, mlir::Value at);
  void store(const Part &part, mlir::Value line, mlir::Value word, mlir::Value at);
  /// Runs `body` in the threads that have this line.
  void ofLine(const Part &part, int64_t copy, llvm::function_ref<void()> body);

  ThreadBlock &e;
  ContractOperands &operands;
  const ContractTile &tile;
  const MatrixSlices slices;
  mlir::Value shared;
  mlir::Value row, column; // of the tile
  const bool alongK;       // lines of B are columns, and steps otherwise
  Part a, b;
  llvm::SmallVector<ContractOperands::Row> rows;
  llvm::SmallVector<ContractOperands::Column> columns;
};

} // namespace nncc::nvptx
