// Which shared dims the nests of a group loop over themselves, and how large a unit is.
#include "targets/cpu/NestBlocks.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// Points of the largest nest in one unit: enough to outweigh what starting a unit costs, little
/// enough to stay in the L1 and L2 caches and to give all threads work.
constexpr int64_t fewestPoints = 4096, mostPoints = 16384, unitsWanted = 128;
/// Inner blocks are multiples of some cache lines.
constexpr int64_t innerMultiple = 64;
/// Both sides of a tile that is transposed.
constexpr int64_t transposedBlock = 128;

int64_t roundUp(int64_t value, int64_t multiple) {
  return llvm::divideCeil(value, multiple) * multiple;
}

/// How many accesses touch neighbouring elements in memory as each dim advances.
struct Neighbours {
  SmallVector<int64_t> shared;
  int64_t ownLoops = 0;
};
Neighbours countNeighbours(const NestGroup &group) {
  Neighbours result;
  result.shared.assign(group.dims.size(), 0);
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    if (repeated)
      continue;
    for (const Access *access : nest.accesses()) {
      if (!access->flat || group.scratch.contains(access->base))
        continue;
      for (auto [loop, factor] : llvm::enumerate(access->flat->factors)) {
        if (!isOne(factor))
          continue;
        if (nest.shared[loop] >= 0)
          ++result.shared[nest.shared[loop]];
        else if (nominal(nest.sizes[loop]) >= 4)
          ++result.ownLoops;
      }
    }
  }
  return result;
}

/// A dim in whose direction something is contiguous that is strided in the direction of `vector`.
int findTransposed(const NestGroup &group, int vector) {
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    if (repeated)
      continue;
    int along = nest.loopOver(vector);
    for (const Access &input : nest.inputs) {
      if (!input.isMemory() || !input.flat || group.scratch.contains(input.base) ||
          std::abs(nominal(input.flat->factors[along])) <= 1)
        continue;
      for (auto [loop, factor] : llvm::enumerate(input.flat->factors))
        if (isOne(factor) && nest.shared[loop] >= 0)
          return nest.shared[loop];
    }
  }
  return -1;
}

/// Blocks of equal size, as far as the multiple allows.
void setBlock(SharedDim &dim, int64_t atMost, int64_t multiple) {
  int64_t block = roundUp(std::max<int64_t>(atMost, 1), multiple);
  std::optional<int64_t> known = constantOf(dim.size);
  if (!known) {
    dim.block = block > 1 ? roundUp(block, 2) : 1; // pairs of rows
    return;
  }
  int64_t size = *known;
  if (block >= size) {
    dim.block = std::max<int64_t>(size, 1);
    return;
  }
  // An even divisor is best: equal blocks, and pairs of rows.
  for (int64_t part = block; multiple == 1 && 2 * part > block; --part)
    if (part % 2 == 0 && size % part == 0) {
      dim.block = part;
      return;
    }
  int64_t blocks = llvm::divideCeil(size, block);
  dim.block = roundUp(llvm::divideCeil(size, blocks), multiple);
}
} // namespace

void nncc::cpu::chooseBlocks(NestGroup &group, const Homes &homes) {
  int count = group.dims.size(), vector = -1, transposed = -1;
  Neighbours neighbours = countNeighbours(group);
  for (int d = 0; d < count; ++d)
    if (!isOne(group.dims[d].size) &&
        (vector < 0 || neighbours.shared[d] >= neighbours.shared[vector]))
      vector = d;
  bool pointwise = group.isPointwise();
  if (vector >= 0 && !pointwise && neighbours.shared[vector] <= neighbours.ownLoops)
    vector = -1;
  if (vector >= 0 && pointwise)
    transposed = findTransposed(group, vector);

  // Open sizes may be much smaller than they are taken for: their units are small.
  int64_t points = group.ownPoints(), all = points;
  for (const SharedDim &dim : group.dims)
    all *= constantOf(dim.size).value_or(0);
  int64_t target = std::clamp(all / unitsWanted, fewestPoints, mostPoints);
  auto block = [&](int d, int64_t atMost, int64_t multiple) {
    setBlock(group.dims[d], atMost, multiple);
    points *= constantOf(group.dims[d].size)
                  ? group.dims[d].block
                  : std::clamp<int64_t>(nominal(group.dims[d].size), 1, group.dims[d].block);
  };
  auto blockInner = [&](int d, int64_t most) {
    group.dims[d].inner = true;
    block(d, std::clamp<int64_t>(target / points, 1, most), innerMultiple);
  };
  // What has few iterations stays whole; of two long dims neither may take all points.
  bool isNarrow = transposed >= 0 && nominal(group.dims[transposed].size) < innerMultiple;
  if (isNarrow)
    blockInner(transposed, innerMultiple);
  if (vector >= 0)
    blockInner(vector, transposed >= 0 && !isNarrow ? transposedBlock : mostPoints);
  if (transposed >= 0 && !isNarrow)
    blockInner(transposed, mostPoints);
  for (int d = count - 1; d >= 0; --d)
    if (!group.dims[d].inner)
      block(d, target / points, 1);
  layOut(group, /*alongInner=*/true);
}
