#include "targets/nvptx/AttentionTile.h"

using namespace nncc;
using namespace nncc::nvptx;

/// Of a slice, in depth and in columns of values.
static constexpr int64_t longestSlice = 64;
/// Columns whose sums the registers of a block's threads hold.
static constexpr int64_t mostColumns = 256;
/// Depth up to which all of the queries stay in shared memory.
static constexpr int64_t mostQueryDepth = 128;
/// Up to so many queries the threads have a row each for different keys.
static constexpr int64_t fewQueries = 4;

AttentionTile AttentionTile::choose(const Attention &p) {
  AttentionTile tile{1, 8, 16, 4, 4, 0, 0, 0, 0};
  if (auto length = constantOf(p.length); length && *length <= fewQueries)
    tile = {4, 1, 32, *length, 1, 0, 0, 0, 0};
  int64_t slices = std::max<int64_t>(1, llvm::divideCeil(p.depth, longestSlice));
  tile.depth = std::max<int64_t>(4, llvm::alignTo(llvm::divideCeil(p.depth, slices), 4));
  tile.queryDepth = p.depth <= mostQueryDepth ? slices * tile.depth : tile.depth;
  int64_t chunks = llvm::divideCeil(p.width, mostColumns);
  tile.width = llvm::divideCeil(p.width, chunks);
  int64_t perThread = llvm::divideCeil(tile.width, tile.columnThreads);
  tile.group = std::min<int64_t>(llvm::PowerOf2Ceil(perThread), longestSlice / tile.columnThreads);
  return tile;
}
