// Slices of the operands of a contraction: from memory to registers to shared memory.
#pragma once

#include "targets/nvptx/ContractTile.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Each thread has the same rows of A in each slice, and the same columns of B. What is outside of
/// the operands, of the image or of the depth is zero. Bytes are taken four at a time, as one i32.
class SliceReader {
public:
  SliceReader(ThreadBlock &e, kern::ContractOp op, const cpu::Contraction &p,
              const ContractTile &tile);

  /// Where a row of the tile is: its offsets in A, and in the image where there is padding.
  void begin(mlir::Value batch, mlir::Value firstRow, mlir::Value firstColumn);

  /// How many slices there are: for each tap of the window the depth in parts.
  mlir::AffineExpr slices() const;

  /// This thread's part of slice `number`; zeros behind the last one.
  struct Elements {
    llvm::SmallVector<mlir::Value> a, b;
  };
  Elements load(mlir::Value number);
  /// Stores it; `at` is the first element of the slice.
  void store(const Elements &elements, mlir::Value shared, mlir::Value at);

  /// The type of elements in shared memory.
  mlir::Type element() const { return p.isOfBytes ? e.b.getI32Type() : p.element; }

  /// The indices of the axes of a row, of which the tile's count is `row`: lines, y, x.
  llvm::SmallVector<mlir::Value> indicesOf(mlir::Value row);

private:
  struct Row {
    mlir::Value a;      // offset of the first tap
    mlir::Value y, x;   // of the first tap in the image, where there is padding
    mlir::Value exists; // null: all do
  };
  struct Column {
    mlir::Value b, exists;
    mlir::Value lane; // of its panel
  };
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value isLess(mlir::Value x, mlir::Value y);
  mlir::Value loadIf(mlir::Value condition, llvm::function_ref<mlir::Value()> load);
  mlir::Value loadA(mlir::Value offset);
  mlir::Value loadB(const Column &column, mlir::Value offset, mlir::Value k);
  mlir::Value loadCode(const Column &column, mlir::Value k);
  mlir::Value loadBytes(mlir::Value buffer, mlir::Value at, int64_t count, mlir::Type type);

  ThreadBlock &e;
  const cpu::Contraction &p;
  const ContractTile &tile;
  mlir::Value bufferA, bufferB;
  bool isAlongK;                           // neighbouring threads take neighbours along K of B
  mlir::Value stepA, rowA, stepB, columnB; // of the slice, this thread's first
  llvm::SmallVector<Row> rows;
  llvm::SmallVector<Column> columns;
};

} // namespace nncc::nvptx
