// Attention of few queries whose keys are split over blocks, and joined by a second launch.
#pragma once

#include "targets/nvptx/AttentionTile.h"

namespace nncc::nvptx {

/// One block for each head of few queries would leave most multiprocessors without work, however
/// many keys there are. So blocks have splits of the keys each ("flash-decoding"; Dao, Haziza,
/// Massa and Sizov, 2023): what they have of a query's result, with its largest score and sum of
/// weights, goes through memory. The splits are joined in their order: each run has the same
/// result. Where sizes are open a run computes all of this from its own.
struct KeySplits {
  mlir::AffineExpr count; // 1 or more
  mlir::AffineExpr keys;  // of each, in whole tiles; only the last split may have fewer
  int64_t most;           // `count` is never greater

  /// Whether there can be more than one.
  bool areSeveral() const { return most > 1; }

  /// Of a block of the second launch.
  static int64_t resultThreads(const AttentionTile &tile);

  static KeySplits choose(const Attention &p, const AttentionTile &tile, int64_t capability);
};

} // namespace nncc::nvptx
