// Offsets in an arena for values of known size and life.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>

namespace nncc {

struct Interval {
  int64_t first, last; // steps of the program, inclusive
  int64_t size;        // bytes
  int64_t offset = 0;  // chosen by packIntervals
};

/// Chooses offsets, multiples of `alignment`, so that intervals that live at the same time do not
/// overlap; returns the size of the arena. Largest first, each at the lowest place that is free
/// (greedy by size: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
/// arXiv 2001.03288).
int64_t packIntervals(llvm::MutableArrayRef<Interval> intervals, int64_t alignment);

} // namespace nncc
