#include "passes/program/Packing.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"
#include <map>
#include <numeric>

using namespace llvm;

namespace nncc {

static bool liveTogether(const Interval &a, const Interval &b) {
  return a.first <= b.last && b.first <= a.last;
}

int64_t largestLiveSet(ArrayRef<Interval> intervals) {
  std::map<int64_t, int64_t> changes; // by step
  for (const Interval &interval : intervals) {
    changes[interval.first] += interval.size;
    changes[interval.last + 1] -= interval.size;
  }
  int64_t live = 0, largest = 0;
  for (auto [step, change] : changes)
    largest = std::max(largest, live += change);
  return largest;
}

namespace {

/// Finds offsets for intervals whose sizes are multiples of the alignment.
class Packer {
public:
  explicit Packer(ArrayRef<Interval> intervals)
      : intervals(intervals), neighbours(intervals.size()), least(largestLiveSet(intervals)) {
    int64_t pairs = 1;
    for (size_t i = 0; i < intervals.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (liveTogether(intervals[i], intervals[j])) {
          neighbours[i].push_back(j);
          neighbours[j].push_back(i);
          pairs += 2;
        }
    rounds = std::clamp<int64_t>(mostSteps / pairs, 1, mostRounds);
  }

  void pack() {
    auto life = [](const Interval &x) { return x.last - x.first + 1; };
    improve([](const Interval &x) { return x.size; });
    improve([&](const Interval &x) { return x.size * life(x); });
    improve([&](const Interval &x) { return life(x); });
    improve([](const Interval &x) { return -x.first; });
    improve([](const Interval &x) { return x.last; });
  }

  std::vector<int64_t> offsets; // the best so far
  int64_t size = INT64_MAX;     // of the arena with them

private:
  /// Greatest first by `rank`, then with the highest interval in front of those that it was above.
  template <typename Rank> void improve(Rank rank) {
    std::vector<size_t> order(intervals.size());
    std::iota(order.begin(), order.end(), 0);
    llvm::sort(order, [&](size_t a, size_t b) {
      return std::make_tuple(rank(intervals[a]), intervals[a].size, b) >
             std::make_tuple(rank(intervals[b]), intervals[b].size, a);
    });
    for (int64_t round = 0; round < rounds && size > least; ++round) {
      auto highest = llvm::find(order, place(order));
      std::rotate(order.begin() + std::distance(order.begin(), highest) / 2, highest, highest + 1);
    }
  }

  /// Each interval at the lowest free place, in that order; returns the one that ends highest.
  size_t place(ArrayRef<size_t> order) {
    std::vector<int64_t> found(intervals.size(), -1);
    size_t highest = 0;
    int64_t end = -1;
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (size_t i : order) {
      taken.clear();
      for (size_t j : neighbours[i])
        if (found[j] >= 0)
          taken.push_back({found[j], found[j] + intervals[j].size});
      llvm::sort(taken);
      int64_t offset = 0;
      for (auto [begin, last] : taken) {
        if (offset + intervals[i].size <= begin)
          break;
        offset = std::max(offset, last);
      }
      found[i] = offset;
      if (offset + intervals[i].size > end) {
        end = offset + intervals[i].size;
        highest = i;
      }
    }
    if (end < size) {
      size = end;
      offsets = std::move(found);
    }
    return highest;
  }

  /// Of each order; a round looks at all pairs of neighbours.
  static constexpr int64_t mostRounds = 50, mostSteps = 20'000'000;
  int64_t rounds;
  ArrayRef<Interval> intervals;
  std::vector<SmallVector<size_t>> neighbours; // that live at the same time
  int64_t least;
};

} // namespace

int64_t packIntervals(MutableArrayRef<Interval> intervals, int64_t alignment) {
  if (intervals.empty())
    return 0;
  std::vector<Interval> aligned(intervals.begin(), intervals.end());
  for (Interval &interval : aligned)
    interval.size = alignTo(interval.size, alignment);
  Packer packer(aligned);
  packer.pack();
  for (auto [interval, offset] : zip_equal(intervals, packer.offsets))
    interval.offset = offset;
  return packer.size;
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
