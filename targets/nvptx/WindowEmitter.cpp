// kern.window -> a tile of neighbouring channels and columns for each thread; neighbouring threads
// take neighbouring channels.
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/WindowSums.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;
constexpr int64_t blockThreads = 128;

class WindowEmitter {
public:
  WindowEmitter(ThreadBlock &e, kern::WindowOp op, const Window &p)
      : e(e), p(p), bufferA(e.kernel.place(op.getA()).buffer),
        bufferC(e.kernel.place(op.getResult()).buffer), dims(dimsOfResult(p)) {
    if (op.getWeights())
      bufferWeights = e.kernel.place(op.getWeights()).buffer;
  }

  void emit() {
    const WindowTile tile = WindowTile::of(p);
    Shape sizes; // in tiles
    AffineExpr tiles = e.b.getAffineConstantExpr(1);
    for (const WindowDim *dim : dims) {
      int64_t size = dim == &p.columns ? tile.columns : dim == &p.channels ? tile.channels : 1;
      sizes.push_back(dim->out.ceilDiv(size));
      tiles = tiles * sizes.back();
    }
    tiles = normalForm(tiles);
    Value aligned = areAligned(tile);
    e.units(tiles.ceilDiv(e.threads), [&](Value unit) {
      Value number = e.add(e.mul(unit, e.threads), e.thread);
      auto body = [&] { emitTile(tile, locate(number, sizes, tile), aligned); };
      e.branch(e.compare(arith::CmpIPredicate::ult, number, e.size(tiles)), body, [] {});
    });
  }

private:
  /// Null: they always are.
  Value areAligned(const WindowTile &tile) {
    if (tile.channels == 1)
      return {};
    SmallVector<AlignedPlace> places;
    auto add = [&](Value buffer, Type element) {
      int64_t bytes = tile.channels * element.getIntOrFloatBitWidth() / 8;
      places.push_back({buffer, std::min(bytes, widestBytes)});
    };
    add(bufferA, p.element), add(bufferC, p.result);
    if (bufferWeights)
      add(bufferWeights, p.weights);
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras()))
      if (areExtraChannelsTogether(p, n, tile.channels))
        add(extra.buffer, extra.element);
    return e.areAligned(places);
  }

  /// The indices of the tile's first element, over the dims of the result.
  Values locate(Value number, const Shape &sizes, const WindowTile &tile) {
    Values indices(dims.size());
    for (size_t d = dims.size() - 1; d > 0; --d)
      std::tie(number, indices[d]) = e.divide(number, sizes[d]);
    indices[0] = number;
    indices.back() = e.mul(indices.back(), tile.channels);
    Value &column = indices[dims.size() - 2];
    column = e.mul(column, tile.columns);
    return indices;
  }

  void emitTile(const WindowTile &tile, const Values &indices, Value aligned) {
    auto together = [&] { emitTogether(tile, indices, /*mayCopy=*/true); };
    auto apart = [&] { // element by element
      e.loop(e.constant(tile.columns), [&](Value i) {
        Values at = indices;
        Value &column = at[at.size() - 2];
        column = e.add(column, i);
        e.loop(e.constant(tile.channels), [&](Value k) {
          at.back() = e.add(indices.back(), k);
          ifColumn(tile, column, [&] { emitTogether({}, at, /*mayCopy=*/false); });
        });
      });
    };
    aligned ? e.branch(aligned, together, apart) : together();
  }

  void emitTogether(const WindowTile &tile, const Values &indices, bool mayCopy) {
    Values sums = WindowSums(e, p, bufferA, bufferWeights, tile, mayCopy).at(indices);
    SmallVector<Values> extras = extrasOf(tile, indices);
    Values results;
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Values others;
      for (const Values &extra : extras)
        others.push_back(extra[extra.size() == sums.size() ? i : i % tile.channels]);
      results.push_back(p.epilogue.apply(e, sum, others));
    }
    store(tile, indices, results);
  }

  static Value columnOf(const Values &indices) { return indices[indices.size() - 2]; }

  void ifColumn(const WindowTile &tile, Value column, llvm::function_ref<void()> body) {
    if (!tile.hasRest(p))
      return body();
    Value exists = e.compare(arith::CmpIPredicate::slt, column, e.size(p.columns.out));
    e.branch(exists, body, [] {});
  }

  // Extras and results
  // -----------------------------------------------------------------------------------------------

  /// Per extra, a value for each sum, or for each channel where columns have the same.
  SmallVector<Values> extrasOf(const WindowTile &tile, const Values &indices) {
    SmallVector<Values> result;
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras())) {
      Values &values = result.emplace_back();
      bool isOne = constantOf(p.columns.extras[n]) == 0;
      for (int64_t i = 0; i < (isOne ? 1 : tile.columns); ++i) {
        Values at = indices;
        Value &column = at[at.size() - 2];
        column = e.add(column, i);
        if (i && tile.hasRest(p)) // what is not stored may be any
          column = e.minimum(column, e.sub(e.size(p.columns.out), e.constant(1)));
        llvm::append_range(values, extraOf(tile, n, at));
      }
    }
    return result;
  }

  /// A value for each channel.
  Values extraOf(const WindowTile &tile, size_t n, const Values &indices) {
    const Epilogue::Extra &extra = p.epilogue.getExtras()[n];
    Value at = e.size(extra.offset);
    for (auto [dim, index] : llvm::zip(dims, indices))
      at = e.add(at, e.mul(index, dim->extras[n]));
    if (areExtraChannelsTogether(p, n, tile.channels))
      return e.loadNeighbours(extra.buffer, at, tile.channels);
    int64_t step = fixed(p.channels.extras[n]);
    Values result;
    for (int64_t k = 0; k < (step ? tile.channels : 1); ++k)
      result.push_back(memref::LoadOp::create(e.b, e.loc, extra.buffer, e.add(at, k * step)));
    result.resize(tile.channels, result.front());
    return result;
  }

  void store(const WindowTile &tile, const Values &indices, ArrayRef<Value> results) {
    Value c = e.size(p.cOffset);
    for (auto [dim, index] : llvm::zip(dims, indices))
      c = e.add(c, e.mul(index, dim->c));
    const int64_t most = widestBytes * 8 / p.result.getIntOrFloatBitWidth();
    for (int64_t i = 0; i < tile.columns; ++i) {
      auto storeColumn = [&] {
        Value at = e.add(c, e.size(normalForm(p.columns.c * i)));
        ArrayRef<Value> column = results.slice(i * tile.channels, tile.channels);
        for (int64_t k = 0; k < tile.channels; k += most)
          e.storeNeighbours(column.slice(k, std::min(most, tile.channels)), bufferC, e.add(at, k));
      };
      // The first one is always there.
      i ? ifColumn(tile, e.add(columnOf(indices), i), storeColumn) : storeColumn();
    }
  }

  ThreadBlock &e;
  const Window &p;
  Value bufferA, bufferC, bufferWeights;
  SmallVector<const WindowDim *> dims; // of the result, outermost first
};
} // namespace

FailureOr<int64_t> nncc::nvptx::emitWindow(OpBuilder &b, kern::WindowOp op, Kernel &kernel) {
  FailureOr<Window> window = Window::of(op, kernel);
  if (failed(window))
    return failure();
  ThreadBlock block(b, kernel, blockThreads);
  block.loc = op.getLoc();
  WindowEmitter(block, op, *window).emit();
  return block.threads;
}
