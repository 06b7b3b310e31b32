// What a kern.contract is: loops over lines of rows, with their strides in each operand.
#pragma once

#include "dialects/WeightBlocks.h"
#include "targets/kernel/Epilogue.h"

namespace nncc {

/// A loop: its size, and how many elements a step moves in each operand.
struct Axis {
  mlir::AffineExpr size, a, b, c;
  Shape extras;
};

/// A stretch of a line of output rows: `count` register tiles of `rows` rows each. Padding may clip
/// a stretch of one tile, and one that is `clipped` at run time, row by row, in which rows is 1.
struct Stretch {
  int64_t x, rows, count;
  bool clipped = false;
};

/// The stretches of one line, left to right. Tiles of the `interior` are alike: it may be divided
/// among units. It is empty (of count 0) where every tile sees padding.
struct Line {
  llvm::SmallVector<Stretch, 4> left, right;
  Stretch interior{0, 1, 0};
  int64_t tiles() const;
};

/// ```
/// for each batch: B, or the part of it, is another one (groups; activations with batch dims)
///   for each line, for each y: of the image; one where there is no window of two dims
///     for each x < x.size, for each n < n.size:
///       c[..] = epilogue(sum over (t, s) < (kh, kw), k < depth of a[.. + t, s] * b[..])
/// ```
/// A window of one tap without padding is none: its pixels are rows of a matrix product. Adjacent
/// dims are one where their strides allow it in every operand.
///
/// Sizes and strides are constants or expressions over the kernel's symbols ("open"); what makes
/// code of its own, window and packed weights, is constant.
struct Contraction {
  mlir::Type element;     // of the sums
  mlir::Type operand;     // of a
  mlir::Type stored;      // of c
  bool isOfBytes = false; // a step takes 4 of them from a and b: depth, aK and bK count such steps
  Epilogue epilogue;
  llvm::SmallVector<Axis> batches, lines;
  Axis y, x, n;
  mlir::AffineExpr depth;

  // The window; a's strides of one input row, column and channel.
  mlir::AffineExpr h, w;
  int64_t kh = 1, kw = 1, strideH = 1, strideW = 1, dilationH = 1, dilationW = 1;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  mlir::AffineExpr aH, aW, aK;
  mlir::AffineExpr aOffset, bOffset, cOffset;

  // b: `packed` in panels, or a matrix with strides bK and n.b.
  bool packed = true;
  mlir::AffineExpr bPanel, bH, bW, bK;
  std::optional<WeightBlocks> blocks; // of codes in it, whose places are counted in bytes
  int64_t weightBytes = 0;            // of a column of b in one step, without blocks

  /// Reports what is not implemented. Without a kernel all operands are taken to be dense.
  static llvm::FailureOr<Contraction> of(kern::ContractOp op, const Kernel *kernel);

  mlir::MLIRContext *context() const { return element.getContext(); }
  mlir::AffineExpr number(int64_t value) const {
    return mlir::getAffineConstantExpr(value, context());
  }

  mlir::AffineExpr panels() const { return normalForm(n.size.ceilDiv(kern::panel)); }
  mlir::AffineExpr batchCount() const;
  mlir::AffineExpr lineCount() const; // lines x y
  mlir::AffineExpr rowCount() const { return normalForm(lineCount() * x.size); }
  /// Of a column of b in one step.
  int64_t elementBytes() const { return element.getIntOrFloatBitWidth() / 8; }
  int64_t bytesOfA() const { return operand.getIntOrFloatBitWidth() / 8; }
  /// Whether a and b are of f16 or bf16, and sums of f32.
  bool isOfHalves() const { return !isOfBytes && operand != element; }
  /// Whether c can hold sums before their epilogue.
  bool storesSums() const { return stored == element; }
  int64_t panelBytes() const {
    return blocks ? blocks->panelBytes(nominal(depth))
                  : kh * kw * nominal(depth) * kern::panel * weightBytes;
  }
  /// Whether the panels of b lie one after the other, of one size that is known: the next ones can
  /// be fetched ahead.
  bool hasPanelsOfOneSize() const { return packed && !blocks && constantOf(depth).has_value(); }
  bool isPadded() const { return top || left || bottom || right; }
  /// The length of lines is known at run time only: they are divided there.
  bool hasOpenLines() const { return !constantOf(x.size) || !constantOf(w); }
  /// The tiles of `rows` rows in a line, the last one in part.
  int64_t nominalTiles(int64_t rows) const {
    return hasOpenLines() ? std::max<int64_t>(1, llvm::divideCeilSigned(nominal(x.size), rows))
                          : divideLine(rows).tiles();
  }

  /// A line, no open one, in tiles of `rows` rows. Where the tiles that padding clips would make
  /// too much code, their rows are clipped at run time.
  Line divideLine(int64_t rows) const;

  /// The taps of a tile at column `x` that are inside of the input for the same rows.
  struct Taps {
    int64_t from, to;     // rows of the tile
    int64_t first, count; // taps of the window's row
  };
  llvm::SmallVector<Taps> clip(int64_t x, int64_t rows) const;
};

} // namespace nncc
