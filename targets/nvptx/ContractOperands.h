// Where a contraction's operands have what a block reads.
#pragma once

#include "targets/nvptx/ContractTile.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// The operands as steps of the reduction (see Multiplier) of rows of A and columns of B, in
/// slices. What is outside of the operands, of the image or of the depth is zero.
class ContractOperands {
public:
  ContractOperands(ThreadBlock &e, kern::ContractOp op, const Contraction &p,
                   const ContractTile &tile);

  /// What follows is of this batch, and of this part of the reduction.
  void begin(mlir::Value batch, mlir::Value part);

  struct Row {
    mlir::Value a;      // offset of the first tap
    mlir::Value y, x;   // of the first tap in the image, where there is padding
    mlir::Value exists; // null: all do
  };
  struct Column {
    mlir::Value b, exists;
    mlir::Value lane; // of its panel
  };
  Row row(mlir::Value index);
  Column column(mlir::Value index);

  /// How many slices a part has at most: in all there are those of the depth for each tap.
  mlir::AffineExpr mostSlices() const;
  struct Slice {
    mlir::Value exists; // whether it is before the end
    mlir::Value kh, kw; // tap
    mlir::Value first;  // step of the depth
    mlir::Value a, b;   // offsets of the tap
  };
  Slice slice(mlir::Value number);

  /// What is taken in a step: whether it exists, where it is, and the step of the depth.
  struct Source {
    mlir::Value exists, offset, k;
  };
  Source source(const Row &row, const Slice &slice, mlir::Value step);
  Source source(const Column &column, const Slice &slice, mlir::Value step);
  /// Words, or elements of 16 bits; zeros where there are none.
  mlir::Value loadA(const Source &source);
  mlir::Value loadB(const Column &column, const Source &source);

  /// Words are in B as they are multiplied.
  bool readsWords() const;
  mlir::Type word() const {
    return p.isOfBytes ? e.b.getI32Type() : tile.isOfHalves() ? p.operand : p.element;
  }
  mlir::Value isLess(mlir::Value x, mlir::Value y);

  /// The indices of the axes of a row, of which the tile's count is `row`: lines, y, x.
  llvm::SmallVector<mlir::Value> indicesOf(mlir::Value row);

  const mlir::Value bufferA, bufferB;
  mlir::Value slices; // how many the part has

private:
  std::pair<mlir::Value, mlir::Value> tapOf(mlir::Value number);
  mlir::Value loadElement(mlir::Value buffer, mlir::Value at);
  mlir::Value loadIf(mlir::Value condition, llvm::function_ref<mlir::Value()> load);
  mlir::Value loadCode(const Column &column, mlir::Value k);
  mlir::Value loadBytes(mlir::Value buffer, mlir::Value at, int64_t count, mlir::Type type);

  ThreadBlock &e;
  const Contraction &p;
  const ContractTile &tile;
  mlir::Value batchA, batchB; // offsets
  mlir::Value firstSlice;     // of the part
};

} // namespace nncc::nvptx
