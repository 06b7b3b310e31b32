// What a kern.contract is to the CPU: loops over lines of rows, with their strides in each operand.
#pragma once

#include "targets/cpu/Epilogue.h"

namespace nncc::cpu {

/// A loop: its size, and how many elements a step moves in each operand.
struct Axis {
  int64_t size = 1, a = 0, b = 0, c = 0;
  llvm::SmallVector<int64_t> extras;
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
struct Contraction {
  mlir::Type element;
  Epilogue epilogue;
  llvm::SmallVector<Axis> batches, lines;
  Axis y, x, n;
  int64_t depth = 1;

  // The window; a's strides of one input row, column and channel.
  int64_t h = 1, w = 1, kh = 1, kw = 1, strideH = 1, strideW = 1, dilationH = 1, dilationW = 1;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t aH = 0, aW = 0, aK = 1;
  int64_t aOffset = 0, bOffset = 0, cOffset = 0;

  // b: `packed` in panels, or a matrix with strides bK and n.b.
  bool packed = true;
  int64_t bPanel = 0, bH = 0, bW = 0, bK = 0;

  /// Reports what is not implemented. Without a kernel all operands are taken to be dense.
  static llvm::FailureOr<Contraction> of(kern::ContractOp op, const Kernel *kernel);

  int64_t panels() const { return llvm::divideCeil(n.size, kern::panel); }
  int64_t batchCount() const;
  int64_t lineCount() const; // lines x y
  int64_t elementBytes() const { return element.getIntOrFloatBitWidth() / 8; }
  int64_t panelBytes() const { return kh * kw * depth * kern::panel * elementBytes(); }
  bool isPadded() const { return top || left || bottom || right; }

  /// A line in tiles of `rows` rows. Where the tiles that padding clips would make too much code,
  /// their rows are clipped at run time.
  Line divideLine(int64_t rows) const;

  /// The taps of a tile at column `x` that are inside of the input for the same rows.
  struct Taps {
    int64_t from, to;     // rows of the tile
    int64_t first, count; // taps of the window's row
  };
  llvm::SmallVector<Taps> clip(int64_t x, int64_t rows) const;
};

} // namespace nncc::cpu
