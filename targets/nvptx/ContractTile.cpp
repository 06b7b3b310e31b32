#include "targets/nvptx/ContractTile.h"

#include "targets/nvptx/Chip.h"
#include "targets/nvptx/StreamTile.h"
#include "targets/nvptx/ThreadBlock.h"

using namespace nncc;
using mlir::AffineExpr;
using namespace nncc::nvptx;

/// Blocks that a GPU should have at least: as many as it has multiprocessors, or more.
static constexpr int64_t blocksWanted = 128;
/// Up to so many rows most of a tile of 64 would be empty.
static constexpr int64_t fewRows = 16;

llvm::StringRef nncc::nvptx::name(Multiplier multiplier) {
  switch (multiplier) {
  case Multiplier::FMA:
    return "fma";
  case Multiplier::DP4A:
    return "dp4a";
  case Multiplier::MatrixBytes:
    return "mma.m16n8k32.u8.s8";
  case Multiplier::MatrixTF32:
    return "mma.m16n8k8.tf32";
  case Multiplier::MatrixBF16x3:
    return "mma.m16n8k16.bf16 x 3";
  case Multiplier::MatrixF16:
    return "mma.m16n8k16.f16";
  case Multiplier::MatrixBF16:
    return "mma.m16n8k16.bf16";
  }
  return "";
}

mlir::AffineExpr nncc::nvptx::slicesOf(const Contraction &p, const ContractTile &tile) {
  return normalForm(p.depth.ceilDiv(tile.steps) * (p.kh * p.kw));
}

bool nncc::nvptx::isAlongK(const Contraction &p) { return !p.packed && constantOf(p.bK) == 1; }

MatrixSlices::MatrixSlices(const Contraction &p, const ContractTile &tile)
    : pitchA(tile.steps + 16 / tile.stepBytes()), pitchB(isAlongK(p) ? pitchA : tile.columns + 8),
      sizeA(tile.rows * pitchA), sizeB((isAlongK(p) ? tile.columns : tile.steps) * pitchB) {}

static bool hasMatrices(const ContractFeatures &features) {
  return features.capability >= tensorCores;
}

Multiplier nncc::nvptx::halfMultiplier(mlir::Type operand, const ContractFeatures &features) {
  if (!hasMatrices(features) || !(operand.isF16() || operand.isBF16()))
    return Multiplier::FMA;
  return operand.isF16() ? Multiplier::MatrixF16 : Multiplier::MatrixBF16;
}

static Multiplier multiplierOf(const Contraction &p, const ContractFeatures &features) {
  if (p.isOfBytes)
    return hasMatrices(features) ? Multiplier::MatrixBytes : Multiplier::DP4A;
  if (p.isOfHalves())
    return halfMultiplier(p.operand, features);
  if (!hasMatrices(features) || !p.element.isF32() || features.math == FloatMath::F32)
    return Multiplier::FMA;
  return features.math == FloatMath::TF32 ? Multiplier::MatrixTF32 : Multiplier::MatrixBF16x3;
}

static int64_t blocksOf(const Contraction &p, const ContractTile &tile) {
  return nominal(p.batchCount()) * llvm::divideCeil(nominal(p.rowCount()), tile.rows) *
         llvm::divideCeil(nominal(p.n.size), tile.columns);
}

/// Parts of the reduction, where there are too few tiles for all multiprocessors, and what each
/// part computes is long compared to the second launch that adds them up. Sizes are known.
static int64_t partsOf(const Contraction &p, const ContractTile &tile) {
  constexpr int64_t fewestSteps = 128, mostParts = 32;
  for (AffineExpr size : {p.batchCount(), p.rowCount(), p.n.size, p.depth})
    if (!constantOf(size))
      return 1;
  int64_t slices = fixed(slicesOf(p, tile)), blocks = std::max<int64_t>(blocksOf(p, tile), 1);
  int64_t parts = std::min({blocksWanted / blocks, slices * tile.steps / fewestSteps, mostParts});
  if (parts < 2)
    return 1;
  return llvm::divideCeil(slices, llvm::divideCeil(slices, parts)); // none is empty
}

/// An epilogue like GELU is repeated for each sum of a thread, unless they are staged.
static bool fitsEpilogue(const Contraction &p, const ContractTile &tile) {
  constexpr int64_t mostHeavy = 16;
  return !p.epilogue.isHeavy() || tile.staged || tile.sumsOfThread() <= mostHeavy;
}

static ContractTile chooseForThreads(const Contraction &p, Multiplier multiplier) {
  ContractTile large{multiplier, 64, 128, 8, 8}, middle{multiplier, 64, 64, 4, 4},
      low{multiplier, 16, 32, 1, 4};
  if (nominal(p.rowCount()) <= fewRows)
    return low;
  // An epilogue from codes to codes is long as well.
  bool fits = p.element.isF32() && fitsEpilogue(p, large);
  return fits && blocksOf(p, large) >= blocksWanted ? large : middle;
}

/// Time of all blocks, a word of the reduction in 1/512 of a cycle: a multiprocessor multiplies 512
/// words in one, and gets 16 from the L2 cache. Blocks beyond one for each multiprocessor wait.
static int64_t costOf(const Contraction &p, const ContractTile &tile) {
  constexpr int64_t productsPerWord = 512 / 16;
  return llvm::divideCeil(blocksOf(p, tile), blocksWanted) *
         (tile.rows * tile.columns + productsPerWord * (tile.rows + tile.columns)) /
         partsOf(p, tile);
}

/// As many copies on their way as shared memory has room for, up to three.
constexpr int64_t mostStages = 4, enoughStages = 3;

/// Steps and stages, where slices share so many bytes.
static void chooseStages(const Contraction &p, ContractTile &tile, int64_t bytes) {
  auto room = [&] { return bytes / (MatrixSlices(p, tile).size() * tile.stepBytes()); };
  bool needsPairs = tile.multiplier == Multiplier::MatrixBF16x3; // of 8 steps
  if (!needsPairs && (room() < enoughStages || nominal(p.depth) <= 8))
    tile.steps = 8;
  tile.stages = std::max<int64_t>(2, std::min({mostStages, room(), nominal(slicesOf(p, tile))}));
}

/// The same of 16 bits: slices as long as several have room, but without many steps beyond the end
/// of the depth.
static void chooseStagesOfHalves(const Contraction &p, ContractTile &tile, int64_t bytes) {
  std::optional<ContractTile> best;
  auto timeOf = [&](const ContractTile &tile) { // the barrier of a slice counts as some steps
    constexpr int64_t barrierSteps = 8;
    return nominal(slicesOf(p, tile)) * (tile.steps + barrierSteps);
  };
  // As many sums leave no registers for the places of more where two blocks share a multiprocessor.
  constexpr int64_t manySums = 64;
  const int64_t most = tile.blocks > 1 && tile.sumsOfThread() >= manySums ? 32 : 64;
  for (int64_t steps : {64, 32, 16}) {
    if (steps > most)
      continue;
    tile.steps = steps;
    int64_t room = bytes / (MatrixSlices(p, tile).size() * tile.stepBytes());
    tile.stages = std::max<int64_t>(2, std::min({mostStages, room, nominal(slicesOf(p, tile))}));
    bool isEnough = room >= std::min(enoughStages, tile.stages);
    if (isEnough && (!best || timeOf(tile) < timeOf(*best)))
      best = tile;
  }
  tile = best.value_or(tile);
}

/// What a block may take for `tile.blocks` of them to be on a multiprocessor.
static int64_t sharedOf(const ContractTile &tile, int64_t capability) {
  if (!tile.isOfHalves())
    return mostSharedBytes;
  return std::min(mostDynamicShared(capability),
                  sharedOfMultiprocessor(capability) / tile.blocks - reservedShared);
}

static ContractTile chooseForMatrices(const Contraction &p, Multiplier multiplier,
                                      int64_t capability) {
  // From the largest: it is taken where another is as fast.
  const ContractTile tiles[] = {{multiplier, 128, 256, 64, 64, 1}, {multiplier, 128, 128, 64, 32},
                                {multiplier, 128, 64, 32, 32},     {multiplier, 64, 64, 32, 32},
                                {multiplier, 128, 32, 32, 32},     {multiplier, 64, 32, 32, 16},
                                {multiplier, 16, 64, 16, 16}};
  // Words leave no registers for more, in two parts even less.
  bool isOfHalves = tiles[0].isOfHalves();
  const int64_t mostSums = isOfHalves ? 128 : multiplier == Multiplier::MatrixBF16x3 ? 32 : 64;
  std::optional<ContractTile> best;
  for (ContractTile tile : tiles) {
    tile.staged =
        isOfHalves && constantOf(p.n.c) == 1 && tile.stagedBytes() <= sharedOf(tile, capability);
    if (fitsEpilogue(p, tile) && tile.sumsOfThread() <= mostSums &&
        (!best || costOf(p, tile) < costOf(p, *best)))
      best = tile;
  }
  auto choose = isOfHalves ? chooseStagesOfHalves : chooseStages;
  choose(p, *best, sharedOf(*best, capability));
  return *best;
}

ContractTile ContractTile::choose(const Contraction &p, const ContractFeatures &features) {
  if (nvptx::isStreamed(p))
    return chooseForStream(p, p.isOfBytes ? Multiplier::DP4A : Multiplier::FMA, blocksWanted);
  Multiplier multiplier = multiplierOf(p, features);
  ContractTile tile = multiplier >= Multiplier::MatrixBytes
                          ? chooseForMatrices(p, multiplier, features.capability)
                          : chooseForThreads(p, multiplier);
  tile.parts = partsOf(p, tile);
  tile.staged &= tile.parts == 1; // sums of a part are stored as they are
  return tile;
}
