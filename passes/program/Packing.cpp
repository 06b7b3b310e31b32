#include "passes/program/Packing.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace nncc {

static bool liveTogether(const Interval &a, const Interval &b) {
  return a.first <= b.last && b.first <= a.last;
}

int64_t packIntervals(MutableArrayRef<Interval> intervals, int64_t alignment) {
  SmallVector<Interval *> order;
  for (Interval &interval : intervals)
    order.push_back(&interval);
  llvm::sort(order, [](const Interval *a, const Interval *b) {
    return std::make_pair(-a->size, a) < std::make_pair(-b->size, b); // as listed where equal
  });

  int64_t arena = 0;
  SmallVector<Interval *> placed; // by offset
  for (Interval *interval : order) {
    int64_t offset = 0;
    for (const Interval *other : placed) {
      if (!liveTogether(*other, *interval))
        continue;
      if (offset + interval->size <= other->offset)
        break;
      offset = std::max<int64_t>(offset, alignTo(other->offset + other->size, alignment));
    }
    interval->offset = offset;
    arena = std::max(arena, offset + interval->size);
    auto place = llvm::upper_bound(placed, interval, [](const Interval *a, const Interval *b) {
      return a->offset < b->offset;
    });
    placed.insert(place, interval);
  }
  return alignTo(arena, alignment);
}

std::vector<SmallVector<int64_t>> intervalsBelow(ArrayRef<Interval> intervals) {
  std::vector<SmallVector<int64_t>> direct(intervals.size());
  std::vector<BitVector> all(intervals.size(), BitVector(intervals.size()));
  for (size_t i = 0; i < intervals.size(); ++i) {
    for (size_t j = i; j-- > 0;) { // the highest first: it implies what is below it
      if (all[i].test(j) || !liveTogether(intervals[i], intervals[j]))
        continue;
      direct[i].push_back(j);
      all[i] |= all[j];
      all[i].set(j);
    }
    std::reverse(direct[i].begin(), direct[i].end());
  }
  return direct;
}

} // namespace nncc
