// What a kern.window is: sizes and strides, and how it is cut into tiles and units.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Epilogue.h"

#include <map>

namespace nncc {

/// A dim of the window: of the images that it moves over, and of itself.
struct WindowDim {
  mlir::AffineExpr in, out;
  int64_t taps = 1, stride = 1, dilation = 1, low = 0, high = 0;
  mlir::AffineExpr a, weights, c; // elements per step of each operand
  Shape extras;

  bool isOpen() const { return !constantOf(in) || !constantOf(out); }
  bool isPadded() const {
    if (isOpen())
      return low > 0 || high > 0;
    return low > 0 || (fixed(out) - 1) * stride - low + (taps - 1) * dilation >= fixed(in);
  }
  /// Whether tap `tap` of output `at` is inside of the input, which is not open.
  bool covers(int64_t at, int64_t tap) const {
    int64_t x = at * stride + tap * dilation - low;
    return x >= 0 && x < fixed(in);
  }
};

/// The taps of a dim that are inside of the input: `count` of them from `first` on.
struct WindowTaps {
  mlir::Value first, count;
};
/// Those of output `at`, found at run time where there is padding.
WindowTaps tapsInside(Emitter &e, const WindowDim &dim, mlir::Value at);

/// `count` tiles of `pixels` output columns from column `x` on; their windows see padding alike.
struct WindowTiles {
  int64_t x, pixels, count;
};

struct Window {
  kern::WindowKind kind;
  mlir::Type element, sum;    // of the input, of the accumulators
  mlir::Type weights, result; // null where there are no weights
  Epilogue epilogue;
  llvm::SmallVector<WindowDim> batches; // of one tap each
  llvm::SmallVector<WindowDim> rows;    // clipped at run time
  WindowDim columns;                    // clipped when the tiles are made; if open, at run time
  WindowDim channels;                   // of one tap
  mlir::AffineExpr aOffset, cOffset, weightsOffset;
  int64_t kernelSize = 1; // taps of the whole window

  // The schedule.
  int64_t lanes = 16;
  int64_t pixels = 1, vectors = 1;      // of a tile: columns, and vectors of channels
  int64_t unitRows = 1, unitGroups = 1; // of a unit: rows, and groups of `vectors`

  /// Reports what is not implemented.
  static llvm::FailureOr<Window> of(kern::WindowOp op, const Kernel &kernel);

  /// What a sum begins with.
  mlir::TypedAttr neutral() const;
  mlir::AffineExpr rowCount() const;
  int64_t channelCount() const { return fixed(channels.out); }
  int64_t fullVectors() const { return channelCount() / lanes; }
  int64_t tail() const { return channelCount() % lanes; }
  /// Groups of whole vectors; one at least, for the channels that fill none.
  int64_t groups() const { return std::max<int64_t>(fullVectors() / vectors, 1); }
  mlir::AffineExpr rowChunks() const { return normalForm(rowCount().ceilDiv(unitRows)); }
  int64_t channelBlocks() const { return llvm::divideCeil(groups(), unitGroups); }
  /// A pixel of a tile, and one of its taps.
  struct Use {
    int64_t pixel, tap;
  };
  /// By the column of the input, counted from the tile's first.
  using Uses = std::map<int64_t, llvm::SmallVector<Use>>;
  /// The uses of the first `taps` taps of a row. At column `x` padding is left out; without x there
  /// is none.
  Uses uses(int64_t pixels, std::optional<int64_t> x, int64_t taps) const;

  /// A row, no open one, in tiles, left to right.
  llvm::SmallVector<WindowTiles> tiles() const;

private:
  void schedule();
};

} // namespace nncc
