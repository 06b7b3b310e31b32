#include "targets/nvptx/BlockDims.h"

#include "targets/nvptx/ThreadBlock.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
constexpr int64_t fewThreads = 128;
/// Elements of a row from which on a block has many threads for it.
constexpr int64_t longRow = 4096;
/// Points of a thread, so that it has several loads under way.
constexpr int64_t pointsPerThread = 4;
/// Both sides of a tile that is transposed: rows of whole cache lines.
constexpr int64_t transposedBlock = 32;

/// The dim in whose direction most accesses touch neighbouring elements, and whether these are more
/// than in the direction of loops that are not shared; -1: no dim.
int findNeighbours(const NestGroup &group, bool &isMore) {
  SmallVector<int64_t> shared(group.dims.size(), 0);
  int64_t own = 0;
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    if (repeated)
      continue;
    for (const Access *access : nest.accesses()) {
      if (!access->flat || group.scratch.contains(access->base))
        continue;
      for (auto [loop, factor] : llvm::enumerate(access->flat->factors)) {
        if (!isOne(factor) || isOne(nest.sizes[loop]))
          continue;
        if (nest.shared[loop] >= 0)
          ++shared[nest.shared[loop]];
        else
          ++own;
      }
    }
  }
  int best = -1;
  for (int d = 0; d < static_cast<int>(shared.size()); ++d)
    if (!isOne(group.dims[d].size) && (best < 0 || shared[d] >= shared[best]))
      best = d;
  isMore = best >= 0 && shared[best] > own;
  return best;
}

/// Another dim in whose direction something is contiguous that is strided along `along`.
int findTransposed(const NestGroup &group, int along) {
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    int loop = nest.loopOver(along);
    if (repeated || loop < 0)
      continue;
    for (const Access &input : nest.inputs) {
      if (!input.isMemory() || !input.flat || std::abs(nominal(input.flat->factors[loop])) <= 1)
        continue;
      for (auto [other, factor] : llvm::enumerate(input.flat->factors))
        if (isOne(factor) && nest.shared[other] >= 0 && nest.shared[other] != along)
          return nest.shared[other];
    }
  }
  return -1;
}

/// A block of dim `d` of at most `most`; returns its points.
int64_t setBlock(NestGroup &group, int d, int64_t most) {
  SharedDim &dim = group.dims[d];
  int64_t size = constantOf(dim.size).value_or(most);
  dim.inner = true;
  dim.block = std::clamp<int64_t>(size, 1, std::max<int64_t>(most, 1));
  return dim.block;
}
} // namespace

int64_t nncc::nvptx::chooseThreads(ArrayRef<NestGroup> groups) {
  for (const NestGroup &group : groups) {
    bool isMore = false;
    findNeighbours(group, isMore);
    if (!group.isPointwise() && !isMore && group.ownPoints() >= longRow)
      return manyThreads;
  }
  return fewThreads;
}

void nncc::nvptx::chooseBlocks(NestGroup &group, int64_t threads) {
  bool isMore = false;
  int along = findNeighbours(group, isMore), count = group.dims.size();
  int64_t own = group.ownPoints(), points = 1, wanted = threads;
  if (group.isPointwise()) {
    wanted = threads * pointsPerThread;
    int transposed = along >= 0 ? findTransposed(group, along) : -1;
    if (transposed >= 0) {
      points = setBlock(group, transposed, transposedBlock);
      points *= setBlock(group, along, transposedBlock);
    }
  } else if (!isMore) {
    // Rows: one for each warp, or all threads for one; of few elements a thread for each.
    wanted = own < warpLanes ? threads : own < longRow / 4 ? threads / warpLanes : 1;
  }
  if (along >= 0 && !group.dims[along].inner && wanted > 1)
    points *= setBlock(group, along, wanted);
  for (int d = count - 1; d >= 0 && 2 * points <= wanted; --d)
    if (!group.dims[d].inner && !isOne(group.dims[d].size))
      points *= setBlock(group, d, wanted / points);
  layOut(group, /*alongInner=*/group.isPointwise() || isMore);
}
