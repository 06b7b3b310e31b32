// Tiles of few rows: what they cost is to read B, once.
//
// By Little's law a GPU that has 132 multiprocessors and reads 4.8 TB/s from memory that answers
// after 0.6 us has to have 3 MB of loads on their way, 22 KB on each. A block has up to 256 threads
// with 8 to 12 loads of 16 bytes each: 32 to 48 KB.
#include "targets/nvptx/StreamTile.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Of one thread, in registers of 32 bits; half of those that it has where two blocks share a
/// multiprocessor.
static constexpr int64_t mostSums = 64;
static constexpr int64_t loadBytes = 16;

/// Columns of B that lie side by side in one load, at most.
static int64_t neighboursOf(const Contraction &p) {
  if (p.blocks)
    return WeightBlocks::columns;
  return loadBytes / p.weightBytes;
}

/// A group of steps is in one block of codes.
static int64_t stepsOf(const Contraction &p) {
  int64_t steps = p.blocks ? 8 : 4;
  while (p.blocks && p.blocks->rows % steps != 0)
    steps /= 2;
  return steps;
}

/// As many columns as leave a block for each multiprocessor, since each block reads all of A; no
/// fewer than fill sectors of 32 bytes, the least that is read from memory.
static int64_t columnsOf(const Contraction &p, int64_t rows, int64_t blocksWanted) {
  constexpr int64_t mostResults = 512; // their sums of all warps fit shared memory
  int64_t tiles = nominal(p.batchCount()) * llvm::divideCeil(nominal(p.rowCount()), rows);
  for (int64_t columns : {64, 32, 16})
    if (int64_t blocks = tiles * llvm::divideCeil(nominal(p.n.size), columns);
        rows * columns <= mostResults && blocks >= blocksWanted)
      return columns;
  return 8;
}

/// So many that no thread has a group of steps less than others, if there are.
static int64_t threadsOf(int64_t groups, int64_t columnParts) {
  constexpr int64_t mostThreads = 256;
  int64_t best = 0, least = 0;
  for (int64_t threads = mostThreads; threads > 0; threads -= warpLanes) {
    int64_t parts = threads / columnParts, turns = llvm::divideCeil(groups, parts) * parts;
    if (!best || turns < least)
      best = threads, least = turns;
  }
  return best;
}

/// Groups whose loads are on their way together: as many as registers hold, and of those numbers
/// one that leaves no group over.
static int64_t groupsAtOnce(int64_t ofThread, int64_t rows) {
  int64_t most = rows <= 4 ? 3 : rows <= 8 ? 2 : 1;
  for (int64_t groups = std::min(most, ofThread); groups > 1; --groups)
    if (ofThread % groups == 0)
      return groups;
  return std::min<int64_t>({most, ofThread, 2});
}

bool nncc::nvptx::isStreamed(const Contraction &p) {
  constexpr int64_t fewRows = 16;
  return nominal(p.rowCount()) <= fewRows && p.kh * p.kw == 1 && !p.isPadded();
}

ContractTile nncc::nvptx::chooseForStream(const Contraction &p, Multiplier multiplier,
                                          int64_t blocksWanted) {
  int64_t rows = std::max<int64_t>(1, nominal(p.rowCount()));
  ContractTile tile{multiplier, rows, columnsOf(p, rows, blocksWanted), rows, 1};
  int64_t words = llvm::divideCeil(p.elementBytes(), 4);
  tile.partColumns = std::min(neighboursOf(p), tile.columns);
  while (tile.partColumns > 1 && rows * words * tile.partColumns > mostSums)
    tile.partColumns /= 2;
  tile.steps = stepsOf(p);
  int64_t groups = std::max<int64_t>(1, nominal(p.depth) / tile.steps);
  tile.depthParts = threadsOf(groups, tile.columnParts()) / tile.columnParts();
  tile.stages = groupsAtOnce(llvm::divideCeil(groups, tile.depthParts), rows);
  return tile;
}
