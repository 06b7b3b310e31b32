// What a thread adds up, or finds the largest of, in the windows of its tile.
#pragma once

#include "targets/nvptx/ThreadBlock.h"
#include "targets/nvptx/WindowTile.h"

namespace nncc::nvptx {

/// The dims of a window's result, outermost first: columns and channels are the last ones.
llvm::SmallVector<const WindowDim *> dimsOfResult(const Window &window);

class WindowSums {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  /// `mayCopy`: tiles whose windows are all inside of the image get code of their own, without a
  /// test of padding.
  WindowSums(ThreadBlock &e, const Window &p, mlir::Value a, mlir::Value weights, WindowTile tile,
             bool mayCopy)
      : e(e), p(p), bufferA(a), bufferWeights(weights), tile(tile), mayCopy(mayCopy),
        dims(dimsOfResult(p)) {}

  /// Per column, a sum for each channel; of averages their quotients. `indices`, over the result's
  /// dims, are those of the tile's first element.
  Values at(const Values &indices);

private:
  /// Where a thread is among the taps: offsets, and the column of the input, which may be outside
  /// and is not part of the offset.
  struct Position {
    mlir::Value a, weights, column;
  };

  /// Whether the windows of the whole tile are inside of the image; null: all are.
  mlir::Value isInterior(const Values &indices);
  Position start(const Values &indices);
  Position advance(const Position &from, const WindowDim &dim, mlir::Value taps);
  Values atEdge(const Values &indices, const Values &sums);
  /// The taps of dim `d` of rows and those behind it, as far as they are inside.
  Values clippedTaps(size_t d, llvm::ArrayRef<WindowTaps> rows, const Position &at,
                     mlir::ValueRange sums);
  /// The same where all are inside.
  Values allTaps(size_t d, const Position &at, mlir::ValueRange sums);
  /// Each column of the input is read once. Of one that may be outside, the nearest one inside is,
  /// and does not count: so no load waits for a branch.
  Values rowOfTaps(const Position &at, mlir::ValueRange carried, bool isClipped);
  /// A value for each channel, as sums are.
  Values load(mlir::Value buffer, mlir::Value at);
  mlir::Value combine(mlir::Value sum, mlir::Value pixel, mlir::Value weight);
  /// `counts`: taps inside, per column.
  Values means(Values sums, const Values &counts);

  ThreadBlock &e;
  const Window &p;
  mlir::Value bufferA, bufferWeights;
  const WindowTile tile;
  const bool mayCopy;
  const llvm::SmallVector<const WindowDim *> dims;
};

} // namespace nncc::nvptx
