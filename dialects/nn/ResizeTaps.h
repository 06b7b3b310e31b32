// Which elements nn.resize shows at each place of a dim.
#pragma once

#include "dialects/nn/Generics.h"

namespace nncc::nn {

/// For each place in a dim of the result: which places of the operand it is a weighted sum of.
struct Taps {
  int64_t count = 1;                  // per place
  llvm::SmallVector<int32_t> indices; // [places, count]; -1 first: outside
  llvm::SmallVector<float> weights;   // [places, count]
  bool anyOutside() const { return llvm::is_contained(indices, -1); }
};

/// How one dim is sampled. Places and weights are computed in f32 as the frameworks do, whose
/// roundings decide ties. A scale of 0 is the ratio of sizes that only a run knows.
struct Sampling {
  ResizeMode mode;
  ResizeCoordinates coordinates;
  ResizeRounding rounding;
  float cubic, scale, roiStart, roiEnd;
  bool excludeOutside, antialias;
  /// Numbers of f32 that the kernel reads, in place of those above; null where it does not.
  mlir::Value readScale = {}, readStart = {}, readEnd = {};

  /// How much wider the kernel is where the result is smaller: its places are this much closer.
  float squeeze() const { return antialias ? std::min(scale, 1.0f) : 1.0f; }
  /// The first of the elements that count, relative to the one at or left of a place.
  int64_t firstTap() const;
  /// How many of them there are.
  int64_t tapCount() const;
};

/// The taps of a dim of known sizes.
struct Sampler : Sampling {
  int64_t from, to; // sizes

  Taps taps() const;

private:
  std::optional<float> coordinate(int64_t place) const;
  int64_t nearest(float x) const;
  /// The weights of the elements from firstTap() on; `ratio`: the distance to the one at or left of
  /// x.
  llvm::SmallVector<float> weights(float ratio) const;
  float kernel(float distance) const;
};

/// The same as tables that are computed when the kernel runs: i32 and f32 of shape [to] or, with
/// more than one tap, [to, taps]. No weights of the nearest.
struct OpenTaps {
  mlir::Value indices, weights;
};
OpenTaps buildTaps(Generics &g, const Sampling &sampling, mlir::AffineExpr from,
                   mlir::AffineExpr to);

} // namespace nncc::nn
