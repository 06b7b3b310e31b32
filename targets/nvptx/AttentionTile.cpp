#include "targets/nvptx/AttentionTile.h"

#include "targets/nvptx/Chip.h"
#include "targets/nvptx/ThreadBlock.h"

using namespace nncc;
using namespace nncc::nvptx;

/// Of a slice, in depth and in columns of values.
static constexpr int64_t longestSlice = 64;
/// Columns whose sums the registers of a block's threads hold.
static constexpr int64_t mostColumns = 256;
/// Depth up to which all of the queries stay in shared memory.
static constexpr int64_t mostQueryDepth = 128;
/// Up to so many queries are streamed.
static constexpr int64_t fewQueries = 4;

/// The type that all operands are multiplied in as they are; f32 where they are of several.
static mlir::Type elementOf(const Attention &p) {
  mlir::Type element = p.init.element();
  bool isOfAll = llvm::all_of(llvm::ArrayRef({&p.query, &p.key, &p.value}),
                              [&](const Attention::Operand *x) { return x->element() == element; });
  return isOfAll ? element : mlir::Float32Type::get(element.getContext());
}

/// The columns of the result that one block computes.
static int64_t widthOf(const Attention &p) {
  return llvm::divideCeil(p.width, llvm::divideCeil(p.width, mostColumns));
}

/// Halves where there are tensor cores: as many keys of a tile, and tiles on their way, as
/// registers and the shared memory of two blocks on a multiprocessor hold.
static std::optional<AttentionTile> chooseForMatrices(const Attention &p,
                                                      const ContractFeatures &features) {
  // Queries and results stay in registers, of a lane a quarter and a half of these numbers.
  constexpr int64_t mostDepth = 256, mostWidth = 128, mostOwn = 96;
  constexpr int64_t queriesOfWarp = 16, blocks = 2, blocksWanted = 128;
  Multiplier multiplier = halfMultiplier(elementOf(p), features);
  if (multiplier == Multiplier::FMA || p.depth == 0 || p.depth > mostDepth)
    return std::nullopt;
  AttentionTile tile{1, 0, 4, 2, 16, p.depth, 0, 2, p.width};
  tile.multiplier = multiplier;
  tile.depth = llvm::alignTo<16>(p.depth);
  if (p.width > mostWidth)
    tile.width = llvm::alignTo<16>(llvm::divideCeil(p.width, llvm::divideCeil(p.width, mostWidth)));
  int64_t length = nominal(p.length), keys = nominal(p.keyCount), warps = 4;
  auto unitsOf = [&](int64_t warps) {
    return nominal(p.batches) * p.heads * llvm::divideCeil(length, warps * queriesOfWarp);
  };
  while (warps > 1 &&
         (length <= warps / 2 * queriesOfWarp || (warps > 2 && unitsOf(warps) < blocksWanted)))
    warps /= 2;
  tile.rowThreads = 8 * warps;
  if (tile.depth / 4 + tile.width / 2 > mostOwn)
    tile.threadKeys /= 2;
  const int64_t room =
      std::min(mostDynamicShared(features.capability),
               sharedOfMultiprocessor(features.capability) / blocks - reservedShared);
  auto fits = [&](int64_t stages) {
    tile.stages = stages;
    return tile.stagedElements() * 2 <= room;
  };
  while (tile.threadKeys > 4 && (tile.keys() / 2 >= keys || !fits(2)))
    tile.threadKeys /= 2;
  if (!fits(2))
    return std::nullopt;
  tile.stages = keys > 2 * tile.keys() && fits(3) ? 3 : 2;
  return tile;
}

/// Neighbours that one instruction loads: of f16 and bf16 eight, if rows are made of them.
static int64_t groupOf(const Attention &p, int64_t width) {
  constexpr int64_t loadBytes = 16;
  int64_t group = loadBytes / std::max(p.key.elementBytes(), p.value.elementBytes());
  return group == 8 && (p.depth % group || width % group) ? 4 : group;
}

/// Few queries: lanes of a warp that have eight elements of a row each, if rows are not longer, and
/// as many keys of each lane on their way as registers hold beside its queries and their sums.
static std::optional<AttentionTile> chooseForStream(const Attention &p) {
  constexpr int64_t warps = 8, fewestLanes = 4, registerBytes = 4, laneElements = 8,
                    mostElements = 64, registers = 96;
  std::optional<int64_t> length = constantOf(p.length);
  if (!length || *length > fewQueries || p.depth == 0)
    return std::nullopt;
  int64_t width = widthOf(p), longest = std::max(p.depth, width), group = groupOf(p, width);
  int64_t lanes = llvm::PowerOf2Ceil(llvm::divideCeil(longest, laneElements));
  lanes = std::clamp<int64_t>(lanes, fewestLanes, warpLanes);
  auto elements = [&](int64_t row) -> int64_t {
    return llvm::divideCeil(row, lanes * group) * group;
  };
  AttentionTile tile{warps, 1, warpLanes, *length, 1, 0, 0, group, width, lanes};
  int64_t ofKey = elements(p.depth) + elements(width);
  int64_t bytes = registerBytes * (registers - *length * ofKey);
  int64_t fit = bytes / std::max(p.key.elementBytes(), p.value.elementBytes());
  tile.threadKeys = std::min(mostElements, fit) / ofKey;
  return tile.threadKeys < 1 ? std::nullopt : std::optional(tile);
}

void nncc::nvptx::joinHeads(Attention &p) {
  if (constantOf(p.length) != 1 || p.op.getCausal())
    return;
  for (int64_t joined = fewQueries; joined > 1; --joined) {
    if (p.heads / p.groups % joined)
      continue;
    Attention other = p;
    for (Attention::Operand *x : {&other.query, &other.mask, &other.init})
      if (x->buffer) {
        x->strides[2] = x->strides[1];
        x->strides[1] = x->strides[1] * joined;
      }
    other.heads /= joined;
    other.length = p.length * joined;
    if (chooseForStream(other)) {
      p = other;
      return;
    }
  }
}

AttentionTile AttentionTile::choose(const Attention &p, const ContractFeatures &features) {
  if (std::optional<AttentionTile> streamed = chooseForStream(p))
    return *streamed;
  if (std::optional<AttentionTile> matrices = chooseForMatrices(p, features))
    return *matrices;
  AttentionTile tile{1, 8, 16, 4, 4, 0, 0, 0, 0};
  int64_t slices = std::max<int64_t>(1, llvm::divideCeil(p.depth, longestSlice));
  tile.depth = std::max<int64_t>(4, llvm::alignTo(llvm::divideCeil(p.depth, slices), 4));
  tile.queryDepth = p.depth <= mostQueryDepth ? slices * tile.depth : tile.depth;
  tile.width = widthOf(p);
  int64_t perThread = llvm::divideCeil(tile.width, tile.columnThreads);
  tile.group = std::min<int64_t>(llvm::PowerOf2Ceil(perThread), longestSlice / tile.columnThreads);
  return tile;
}
