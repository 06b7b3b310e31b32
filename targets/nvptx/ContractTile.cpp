#include "targets/nvptx/ContractTile.h"

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
  }
  return "";
}

mlir::AffineExpr nncc::nvptx::slicesOf(const Contraction &p, const ContractTile &tile) {
  return normalForm(p.depth.ceilDiv(tile.steps) * (p.kh * p.kw));
}

bool nncc::nvptx::isAlongK(const Contraction &p) { return !p.packed && constantOf(p.bK) == 1; }

MatrixSlices::MatrixSlices(const Contraction &p, const ContractTile &tile)
    : pitchA(tile.steps + 4), pitchB(isAlongK(p) ? tile.steps + 4 : tile.columns + 8),
      wordsA(tile.rows * pitchA), wordsB((isAlongK(p) ? tile.columns : tile.steps) * pitchB) {}

static Multiplier multiplierOf(const Contraction &p, const ContractFeatures &features) {
  constexpr int64_t firstWithMatrices = 80; // and with asynchronous copies
  bool hasMatrices = features.capability >= firstWithMatrices;
  if (p.isOfBytes)
    return hasMatrices ? Multiplier::MatrixBytes : Multiplier::DP4A;
  if (!hasMatrices || !p.element.isF32() || features.math == FloatMath::F32)
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

/// An epilogue like GELU is repeated for each sum of a thread.
static bool fitsEpilogue(const Contraction &p, const ContractTile &tile) {
  constexpr int64_t mostHeavy = 16;
  return !p.epilogue.isHeavy() || tile.sumsOfThread() <= mostHeavy;
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

/// Time of all blocks, a step of the reduction in 1/512 of a cycle: a multiprocessor multiplies 512
/// words in one, and gets 16 from the L2 cache. Blocks beyond one for each multiprocessor wait.
static int64_t costOf(const Contraction &p, const ContractTile &tile) {
  constexpr int64_t productsPerWord = 512 / 16;
  return llvm::divideCeil(blocksOf(p, tile), blocksWanted) *
         (tile.rows * tile.columns + productsPerWord * (tile.rows + tile.columns)) /
         partsOf(p, tile);
}

/// Steps and stages: as many copies on their way as shared memory has room for, up to three.
static void chooseStages(const Contraction &p, ContractTile &tile) {
  constexpr int64_t mostStages = 4, enoughStages = 3, wordBytes = 4;
  auto room = [&] { return mostSharedBytes / (MatrixSlices(p, tile).words() * wordBytes); };
  bool needsPairs = tile.multiplier == Multiplier::MatrixBF16x3; // of 8 steps
  if (!needsPairs && (room() < enoughStages || nominal(p.depth) <= 8))
    tile.steps = 8;
  int64_t slices = llvm::divideCeil(nominal(p.depth), tile.steps) * p.kh * p.kw;
  tile.stages = std::max<int64_t>(2, std::min({mostStages, room(), slices}));
}

static ContractTile chooseForMatrices(const Contraction &p, Multiplier multiplier) {
  // From the largest: it is taken where another is as fast.
  const ContractTile tiles[] = {{multiplier, 128, 128, 64, 32}, {multiplier, 128, 64, 32, 32},
                                {multiplier, 64, 64, 32, 32},   {multiplier, 128, 32, 32, 32},
                                {multiplier, 64, 32, 32, 16},   {multiplier, 16, 64, 16, 16}};
  // Fragments in two parts leave no room for more.
  const int64_t mostSums = multiplier == Multiplier::MatrixBF16x3 ? 32 : 64;
  std::optional<ContractTile> best;
  for (const ContractTile &tile : tiles)
    if (fitsEpilogue(p, tile) && tile.sumsOfThread() <= mostSums &&
        (!best || costOf(p, tile) < costOf(p, *best)))
      best = tile;
  chooseStages(p, *best);
  return *best;
}

ContractTile ContractTile::choose(const Contraction &p, const ContractFeatures &features) {
  if (nvptx::isStreamed(p))
    return chooseForStream(p, p.isOfBytes ? Multiplier::DP4A : Multiplier::FMA, blocksWanted);
  Multiplier multiplier = multiplierOf(p, features);
  ContractTile tile = multiplier >= Multiplier::MatrixBytes ? chooseForMatrices(p, multiplier)
                                                            : chooseForThreads(p, multiplier);
  tile.parts = partsOf(p, tile);
  return tile;
}
