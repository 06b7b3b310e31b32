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

/// The greatest sum of the sizes of intervals that live at the same time: no arena is smaller.
int64_t largestLiveSet(llvm::ArrayRef<Interval> intervals);

/// Chooses offsets, multiples of `alignment`, so that intervals that live at the same time do not
/// overlap; returns the size of the arena. Each interval goes to the lowest place that is free
/// (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", arXiv
/// 2001.03288), in the best of several orders; those that stick out are then placed earlier, until
/// the arena is no larger than the largest live set or that no longer helps.
int64_t packIntervals(llvm::MutableArrayRef<Interval> intervals, int64_t alignment);

/// What of the chosen offsets holds for other sizes too: for each interval, the numbers of those
/// that live at the same time and are below it. Those that are below one of these are left out.
/// The intervals are in the order of their offsets.
std::vector<llvm::SmallVector<int64_t>> intervalsBelow(llvm::ArrayRef<Interval> intervals);

} // namespace nncc
