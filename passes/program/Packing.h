// Offsets in an arena for values of known size and life.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

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

/// What of the chosen offsets holds for other sizes too: for each interval, the numbers of those
/// that live at the same time and are below it. Those that are below one of these are left out.
/// The intervals are in the order of their offsets.
std::vector<llvm::SmallVector<int64_t>> intervalsBelow(llvm::ArrayRef<Interval> intervals);

} // namespace nncc
