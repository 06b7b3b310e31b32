#include "targets/nvptx/WindowTile.h"

#include "targets/nvptx/ThreadBlock.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
/// A block for each multiprocessor of a large GPU.
constexpr int64_t wantedThreads = 132 * 128;
constexpr int64_t mostColumns = 4;
/// Registers for the sums of a tile.
constexpr int64_t mostSums = 32;

int64_t bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

/// Loads of so many neighbours.
int64_t loadsOf(int64_t channels, Type element) {
  return llvm::divideCeil(channels * bytesOf(element), widestBytes);
}

/// Whether `channels` neighbours, or as many as are in 16 bytes, are aligned where the buffer is:
/// their distance is 1, all other parts of their addresses are multiples.
bool areTogether(AffineExpr channel, SmallVector<AffineExpr> others, Type element,
                 int64_t channels) {
  return constantOf(channel) == 1 &&
         areMultiples(others, std::min(channels, widestBytes / bytesOf(element)));
}

template <typename Stride>
SmallVector<AffineExpr> stridesOf(const Window &p, AffineExpr offset, Stride stride) {
  SmallVector<AffineExpr> result{offset, stride(p.columns)};
  for (const auto *dims : {&p.batches, &p.rows})
    llvm::append_range(result, llvm::map_range(*dims, stride));
  return result;
}

bool areChannelsTogether(const Window &p, int64_t channels) {
  const WindowDim &dim = p.channels;
  auto a = stridesOf(p, p.aOffset, [](const WindowDim &dim) { return dim.a; });
  auto c = stridesOf(p, p.cOffset, [](const WindowDim &dim) { return dim.c; });
  auto weights = stridesOf(p, p.weightsOffset, [](const WindowDim &dim) { return dim.weights; });
  return p.channelCount() % channels == 0 && areTogether(dim.a, a, p.element, channels) &&
         areTogether(dim.c, c, p.result, channels) &&
         (!p.weights || areTogether(dim.weights, weights, p.weights, channels));
}

/// Loads and stores of a tile.
int64_t accessesOf(const Window &p, WindowTile tile) {
  const int64_t rowTaps = p.kernelSize / p.columns.taps;
  int64_t columns = p.uses(tile.columns, std::nullopt, p.columns.taps).size();
  int64_t result = rowTaps * columns * loadsOf(tile.channels, p.element);
  result += tile.columns * loadsOf(tile.channels, p.result);
  return p.weights ? result + p.kernelSize * loadsOf(tile.channels, p.weights) : result;
}
} // namespace

WindowTile WindowTile::of(const Window &p) {
  const int64_t width = std::max<int64_t>(nominal(p.columns.out), 1);
  const int64_t rows = std::max<int64_t>(nominal(p.rowCount()), 1) * p.channelCount();
  WindowTile best;
  double fewest = std::numeric_limits<double>::infinity();
  for (int64_t channels = widestBytes / bytesOf(p.element); channels > 0; channels /= 2)
    for (int64_t columns = 1; columns <= std::min(width, mostColumns); ++columns) {
      const int64_t tiles = llvm::divideCeil(width, columns), sums = channels * columns;
      bool isOne = sums == 1;
      bool isFit = sums * std::max<int64_t>(bytesOf(p.sum) / 4, 1) <= mostSums &&
                   tiles * (rows / channels) >= wantedThreads;
      if (!isOne && (!isFit || (channels > 1 && !areChannelsTogether(p, channels))))
        continue;
      double accesses = double(accessesOf(p, {channels, columns})) * tiles / channels;
      if (accesses < fewest)
        best = {channels, columns}, fewest = accesses;
    }
  return best;
}

bool WindowTile::hasRest(const Window &p) const {
  return columns > 1 && !areMultiples(p.columns.out, columns);
}

bool nncc::nvptx::areExtraChannelsTogether(const Window &p, size_t extra, int64_t channels) {
  const Epilogue::Extra &place = p.epilogue.getExtras()[extra];
  auto strides =
      stridesOf(p, place.offset, [extra](const WindowDim &dim) { return dim.extras[extra]; });
  return areTogether(p.channels.extras[extra], strides, place.element, channels);
}
