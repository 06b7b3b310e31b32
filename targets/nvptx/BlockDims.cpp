#include "targets/nvptx/BlockDims.h"

#include "targets/nvptx/ThreadBlock.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
constexpr int64_t fewThreads = 128;
/// Elements of a row from which on a block has many threads for it.
constexpr int64_t longRow = 4096;
/// Points of a thread, so that it has several loads under way; fewer where there are not enough
/// for `manyBlocks`, down to one load.
constexpr int64_t pointsPerThread = 16;
/// Blocks of few threads that fill a GPU.
constexpr int64_t manyBlocks = 132 * 8;
/// The least that is read of memory.
constexpr int64_t sectorBytes = 32;
/// Sums over fewer elements are for one thread.
constexpr int64_t longColumn = 64;
/// Both sides of a tile that is transposed: rows of whole sectors; of small elements more.
constexpr int64_t transposedBlock = 32;
constexpr int64_t transposedSmall = 64;

/// The dim in whose direction most accesses touch neighbouring elements, and whether these are more
/// than in the direction of loops that are not shared; -1: no dim.
int findNeighbours(const NestGroup &group, bool &isMore) {
  SmallVector<int64_t> shared(group.dims.size(), 0);
  int64_t own = 0;
  const bool isPointwise = group.isPointwise();
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    if (repeated)
      continue;
    for (const Access *access : nest.accesses()) {
      if (!access->flat || group.scratch.contains(access->base))
        continue;
      // What is written counts for more: what is read otherwise can be transposed before.
      bool isWritten =
          access >= nest.outputs.data() && access < nest.outputs.data() + nest.outputs.size();
      int64_t weight = isWritten && isPointwise ? 16 : 1;
      for (auto [loop, factor] : llvm::enumerate(access->flat->factors)) {
        if (!isOne(factor) || isOne(nest.sizes[loop]))
          continue;
        if (nest.shared[loop] >= 0)
          shared[nest.shared[loop]] += weight;
        else
          own += weight;
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

/// A block of dim `d` of at most `most`; returns its points. All blocks are alike, and have whole
/// vectors, if that takes not many more of them.
int64_t setBlock(NestGroup &group, int d, int64_t most) {
  SharedDim &dim = group.dims[d];
  most = std::max<int64_t>(most, 1);
  int64_t size = constantOf(dim.size).value_or(most);
  dim.inner = true;
  dim.block = std::clamp<int64_t>(size, 1, most);
  for (int64_t multiple : {widestBytes, int64_t(4), int64_t(1)})
    for (int64_t block = most / multiple * multiple; size > most && 2 * block > most;
         block -= multiple)
      if (size % block == 0)
        return dim.block = block;
  return dim.block;
}

/// The same of the side of a tile, which may be twice as long rather than leave a rest.
int64_t setSide(NestGroup &group, int d, int64_t most) {
  int64_t block = setBlock(group, d, most), size = constantOf(group.dims[d].size).value_or(block);
  return size % block != 0 && size <= 2 * most ? setBlock(group, d, size) : block;
}

/// Bytes of the largest element that is accessed in the direction of dim `along`.
int64_t largestElement(const NestGroup &group, int along) {
  int64_t bytes = 1;
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    int loop = nest.loopOver(along);
    if (repeated || loop < 0)
      continue;
    for (const Access *access : nest.accesses())
      if (access->flat && isOne(access->flat->factors[loop]))
        bytes =
            std::max<int64_t>(bytes, llvm::divideCeil(access->element.getIntOrFloatBitWidth(), 8));
  }
  return bytes;
}

int64_t sharedPoints(const NestGroup &group) {
  int64_t points = 1;
  for (const SharedDim &dim : group.dims)
    points *= std::max<int64_t>(nominal(dim.size), 1);
  return points;
}

/// Whether parts of the group's reductions can be computed apart.
bool canSplit(const NestGroup &group) {
  for (const Nest &nest : group.nests)
    for (size_t o = 0; nest.isReduction() && o < nest.outputs.size(); ++o)
      if (!nest.combiner(o))
        return false;
  return true;
}

/// Columns of a block; of few long ones each thread has a part.
int64_t columnsOfBlock(const NestGroup &group, int along, int64_t threads) {
  int64_t columns = sharedPoints(group);
  if (group.ownPoints() < longColumn || !canSplit(group) || columns >= threads * manyBlocks)
    return threads;
  int64_t wanted = warpLanes, least = sectorBytes / largestElement(group, along);
  while (wanted > least && columns / wanted < manyBlocks / 4)
    wanted /= 2;
  return wanted;
}
} // namespace

int64_t nncc::nvptx::chooseThreads(ArrayRef<NestGroup> groups) {
  for (const NestGroup &group : groups) {
    bool isMore = false;
    int along = findNeighbours(group, isMore);
    bool isSplit = !isMore || columnsOfBlock(group, along, fewThreads) < fewThreads;
    if (!group.isPointwise() && isSplit && group.ownPoints() >= (isMore ? longRow / 4 : longRow))
      return manyThreads;
  }
  return fewThreads;
}

void nncc::nvptx::chooseBlocks(NestGroup &group, int64_t threads) {
  bool isMore = false;
  int along = findNeighbours(group, isMore), count = group.dims.size();
  int64_t own = group.ownPoints(), points = 1, wanted = threads;
  if (group.isPointwise()) {
    int64_t width = along < 0 ? 1 : widestBytes / largestElement(group, along);
    int64_t each = sharedPoints(group) / (threads * manyBlocks);
    wanted = threads * std::clamp<int64_t>(llvm::bit_floor(uint64_t(each)), width, pointsPerThread);
    int transposed = along >= 0 ? findTransposed(group, along) : -1;
    if (transposed >= 0) {
      int64_t side = largestElement(group, along) <= 2 ? transposedSmall : transposedBlock;
      points = setSide(group, transposed, side);
      points *= setSide(group, along, std::max(side, wanted / points));
    }
  } else if (isMore) {
    wanted = columnsOfBlock(group, along, threads);
  } else {
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
