// kern.window -> tiles of columns x channels in registers; each pixel is loaded once per row of
// taps and used for all outputs of the tile that see it.
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/ByteWindow.h"
#include "targets/cpu/Emitters.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
using Values = SmallVector<Value>;

/// Offsets into the flat buffers.
struct Position {
  Value a, weights, c;
  Values extras;
};

/// Output columns from `x` on, whose windows see padding there. Without x: their windows see none,
/// or, if `taps` are given, it is one pixel that sees so many taps of a row.
struct Tile {
  int64_t pixels;
  std::optional<int64_t> x = std::nullopt;
  Value taps = nullptr;
};

/// The channels of a tile: some whole vectors, or one in part.
struct Channels {
  int64_t vectors;
  Value mask; // null: whole
};

class WindowEmitter : public Emitter {
public:
  /// `range`: the rows to compute instead of the kernel's units, or null.
  WindowEmitter(OpBuilder &b, kern::WindowOp op, const Window &p, Kernel &kernel,
                const RowRange *range)
      : Emitter{b, op.getLoc(), &kernel.sizes}, p(p), range(range),
        vector(VectorType::get({p.lanes}, p.sum)) {
    bufferA = kernel.place(op.getA()).buffer;
    bufferC = kernel.place(op.getResult()).buffer;
    if (op.getWeights())
      bufferWeights = kernel.place(op.getWeights()).buffer;
    if (kernel.byteWindows && ByteWindow::is(p, op))
      bytes.emplace(*this, p, bufferA, bufferWeights);
    if (p.epilogue.isHeavy())
      stored = kernel.allocateScratch(b, loc, p.pixels * p.vectors * p.lanes, p.sum);
  }

  void emit(Kernel &kernel) {
    bool isEmpty = constantOf(p.columns.out) == 0 || p.channelCount() == 0;
    kernel.setUnits(0);
    if (!isEmpty)
      kernel.units = normalForm(p.rowChunks() * p.channelBlocks());
    if (constantOf(kernel.units) == 0)
      return;
    if (range)
      return channels(constant(0), constant(0));
    auto units = scf::ForOp::create(b, loc, kernel.begin, kernel.end, constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(units.getBody());
    auto [chunk, block] = divide(units.getInductionVar(), p.channelBlocks());
    channels(chunk, block);
  }

private:
  const Window &p;
  const RowRange *range;
  VectorType vector;
  Value bufferA, bufferC, bufferWeights, stored;
  std::optional<ByteWindow> bytes;
  Values groupWeights, rowWeights; // its own, of a group of channels and of a row
  ByteWindow::Rows inputRows;

  Position advance(const Position &from, const WindowDim &dim, Value steps) {
    Position to = from;
    to.a = add(from.a, mul(steps, normalForm(dim.a * dim.stride)));
    to.c = add(from.c, mul(steps, dim.c));
    for (auto [extra, stride] : llvm::zip(to.extras, dim.extras))
      extra = add(extra, mul(steps, stride));
    return to;
  }

  /// The block's groups of whole vectors; the last block has the rest as well.
  void channels(Value chunk, Value block) {
    Position start{size(p.aOffset), size(p.weightsOffset), size(p.cOffset), {}};
    for (const Epilogue::Extra &extra : p.epilogue.getExtras())
      start.extras.push_back(size(extra.offset));
    if (range && range->a)
      start.a = add(start.a, range->a);
    if (range && range->result)
      start.c = add(start.c, range->result);
    auto at = [&](Value channel) {
      Position position = advance(start, p.channels, channel);
      position.weights = add(start.weights, mul(channel, p.channels.weights));
      return position;
    };
    int64_t groups = p.fullVectors() / p.vectors, width = p.vectors * p.lanes;
    Value first = mul(block, p.unitGroups), count = constant(p.unitGroups);
    if (groups % p.unitGroups)
      count = minimum(count, sub(constant(groups), first));
    if (groups)
      loop(count, [&](Value i) {
        rows(chunk, at(mul(add(first, i), width)), Channels{p.vectors, nullptr});
      });
    int64_t tail = p.tail();
    if (!tail)
      return;
    auto rest = [&] {
      rows(chunk, at(constant(p.channelCount() - tail)), {1, firstLanes(*this, tail, p.lanes)});
    };
    p.channelBlocks() == 1 ? rest() : branch(equals(block, p.channelBlocks() - 1), rest, [] {});
  }

  void rows(Value chunk, const Position &start, const Channels &channels) {
    if (bytes)
      groupWeights = bytes->weights(start.weights, channels.vectors, channels.mask);
    if (range)
      return loop(range->count, [&](Value i) { row(add(range->first, i), start, channels); });
    Value first = mul(chunk, p.unitRows), count = constant(p.unitRows);
    if (auto rows = constantOf(p.rowCount()); !rows || *rows % p.unitRows)
      count = minimum(count, sub(size(p.rowCount()), first));
    loop(count, [&](Value i) { row(add(first, i), start, channels); });
  }

  void row(Value index, Position at, const Channels &channels) {
    Values counts; // taps of each dim of rows
    Value inside;  // their product
    for (const WindowDim &dim : llvm::reverse(p.rows)) {
      Value y;
      std::tie(index, y) = split(index, dim.out, isOutermost(dim));
      Value before = at.a;
      at = advance(at, dim, y);
      if (bytes) { // the rows' offsets lead there
        at.a = before;
        inputRows = bytes->rows(y);
        rowWeights = bytes->within(groupWeights, inputRows);
        continue;
      }
      Value count = clip(dim, y, at);
      counts.insert(counts.begin(), count);
      inside = inside ? product(inside, count) : count;
    }
    for (const WindowDim &dim : llvm::reverse(p.batches)) {
      Value image;
      std::tie(index, image) = split(index, dim.out, &dim == p.batches.begin());
      at = advance(at, dim, image);
    }
    if (p.columns.isOpen())
      return openColumns(at, channels, counts, inside);
    at.a = add(at.a, size(p.columns.a * -p.columns.low));
    for (const WindowTiles &tiles : p.tiles())
      loop(constant(tiles.count), [&](Value i) {
        Position to = advance(at, p.columns, add(mul(i, tiles.pixels), tiles.x));
        tile(Tile{tiles.pixels, tiles.x}, to, channels, counts, inside);
      });
  }

  /// A row of open length: tiles, and smaller ones, whose windows see no padding at their sides,
  /// then the other pixels one by one.
  void openColumns(const Position &at, const Channels &channels, ArrayRef<Value> counts,
                   Value inside) {
    const WindowDim &dim = p.columns;
    Value first = constant(0), end = size(dim.out), last = end;
    if (dim.isPadded()) {
      first = minimum(end, constant(llvm::divideCeil(dim.low, dim.stride)));
      AffineExpr room = dim.in + (dim.low - (dim.taps - 1) * dim.dilation - 1);
      Value count = divide(maximum(constant(0), size(room + dim.stride)), dim.stride).first;
      last = maximum(first, minimum(end, count));
    }
    Position left = at;
    left.a = add(at.a, size(dim.a * -dim.low));
    Value next = first; // after the tiles; before them: [0, first)
    for (int64_t pixels = p.pixels; pixels > 1; pixels /= 2) {
      Value count = divide(sub(last, next), pixels).first, from = next;
      loop(count, [&](Value i) {
        Position to = advance(left, dim, add(from, mul(i, pixels)));
        tile(Tile{pixels}, to, channels, counts, inside);
      });
      next = add(from, mul(count, pixels));
    }
    loop(add(first, sub(end, next)), [&](Value i) {
      Value isBefore = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, i, first);
      Value x = arith::SelectOp::create(b, loc, isBefore, i, add(next, sub(i, first)));
      Position to = advance(at, dim, x);
      Value taps = clip(dim, x, to);
      tile(Tile{1, std::nullopt, taps}, to, channels, counts, inside);
    });
  }

  bool isOutermost(const WindowDim &dim) const {
    return p.batches.empty() && &dim == p.rows.begin();
  }
  std::pair<Value, Value> split(Value index, AffineExpr size, bool outermost) {
    return outermost ? std::make_pair(constant(0), index) : divide(index, size);
  }
  Value product(Value x, Value y) {
    auto cx = mlir::getConstantIntValue(x), cy = mlir::getConstantIntValue(y);
    if (cx && cy)
      return constant(*cx * *cy);
    return arith::MulIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
  }

  /// Moves `at` to the first tap inside of the input; the number of taps from there on.
  Value clip(const WindowDim &dim, Value y, Position &at) {
    at.a = add(at.a, size(dim.a * -dim.low));
    WindowTaps inside = tapsInside(*this, dim, y);
    at.a = add(at.a, mul(inside.first, normalForm(dim.a * dim.dilation)));
    at.weights = add(at.weights, mul(inside.first, dim.weights));
    return inside.count;
  }

  Value initialSum() {
    return arith::ConstantOp::create(b, loc,
                                     DenseElementsAttr::get(vector, Attribute(p.neutral())));
  }

  void tile(const Tile &shape, const Position &at, const Channels &channels, ArrayRef<Value> counts,
            Value inside) {
    Values sums(shape.pixels * channels.vectors, initialSum());
    if (bytes)
      sums = sumsOfBytes(shape, at.a, channels);
    else
      sums = tapLoops(0, shape, at.a, at.weights, channels, counts, sums);
    finish(shape, at, channels, sums, inside);
  }

  Values sumsOfBytes(const Tile &shape, Value a, const Channels &channels) {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(vector.clone(b.getI32Type())));
    Values sums(shape.pixels * channels.vectors, zero);
    bytes->accumulate(sums, p.uses(shape.pixels, shape.x, p.columns.taps), a, inputRows, rowWeights,
                      channels.mask);
    for (Value &sum : sums)
      sum = arith::SIToFPOp::create(b, loc, vector, sum);
    return sums;
  }

  Values tapLoops(size_t dim, const Tile &shape, Value a, Value weights, const Channels &channels,
                  ArrayRef<Value> counts, Values sums) {
    if (dim == p.rows.size())
      return shape.taps ? clippedTaps(shape, a, weights, channels, sums)
                        : rowOfTaps(shape, p.columns.taps, a, weights, channels, sums);
    const WindowDim &d = p.rows[dim];
    return loop(counts[dim], 1, sums, [&](Value i, ValueRange carried) {
      return tapLoops(dim + 1, shape, add(a, mul(i, normalForm(d.a * d.dilation))),
                      add(weights, mul(i, d.weights)), channels, counts, Values(carried));
    });
  }

  Value load(Value buffer, Value at, int64_t stride, const Channels &channels) {
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    Value value = loadLanes(*this, vector.clone(element), buffer, at, stride, channels.mask);
    if (element == p.sum)
      return value;
    return isa<FloatType>(element) ? arith::ExtFOp::create(b, loc, vector, value).getResult()
                                   : arith::UIToFPOp::create(b, loc, vector, value).getResult();
  }

  Values clippedTaps(const Tile &shape, Value a, Value weights, const Channels &channels,
                     Values sums) {
    return loop(shape.taps, 1, sums, [&](Value i, ValueRange carried) {
      return rowOfTaps(shape, 1, add(a, mul(i, normalForm(p.columns.a * p.columns.dilation))),
                       add(weights, mul(i, p.columns.weights)), channels, Values(carried));
    });
  }

  Values rowOfTaps(const Tile &shape, int64_t taps, Value a, Value weights,
                   const Channels &channels, Values sums) {
    std::map<int64_t, Value> factors; // weights, by tap and vector
    auto weight = [&](int64_t tap, int64_t j) {
      Value &value = factors[tap * channels.vectors + j];
      if (!value)
        value =
            load(bufferWeights,
                 add(weights, size(p.columns.weights * tap + p.channels.weights * (j * p.lanes))),
                 fixed(p.channels.weights), channels);
      return value;
    };
    for (const auto &[column, users] : p.uses(shape.pixels, shape.x, taps))
      for (int64_t j = 0; j < channels.vectors; ++j) {
        Value pixel =
            load(bufferA, add(a, size(p.columns.a * column + p.channels.a * (j * p.lanes))),
                 fixed(p.channels.a), channels);
        for (Window::Use use : users) {
          Value &sum = sums[use.pixel * channels.vectors + j];
          sum = combine(sum, pixel,
                        p.kind == kern::WindowKind::Depthwise ? weight(use.tap, j) : Value());
        }
      }
    return sums;
  }

  Value combine(Value sum, Value pixel, Value weight) {
    switch (p.kind) {
    case kern::WindowKind::Depthwise:
      return vector::FMAOp::create(b, loc, pixel, weight, sum);
    case kern::WindowKind::Max:
      if (isa<FloatType>(p.sum))
        return arith::MaximumFOp::create(b, loc, sum, pixel, arith::FastMathFlags::nsz);
      return arith::MaxSIOp::create(b, loc, sum, pixel);
    case kern::WindowKind::Average:
    case kern::WindowKind::AverageValid:
      return arith::AddFOp::create(b, loc, sum, pixel);
    }
    llvm_unreachable("all kinds are named");
  }

  /// The number that sums of a pixel are divided by; null: none.
  Value divisor(const Tile &shape, int64_t pixel, Value inside) {
    auto splat = [&](Value count) -> Value {
      Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), count);
      Value number = arith::SIToFPOp::create(b, loc, p.sum, integer);
      return vector::BroadcastOp::create(b, loc, vector, number);
    };
    if (p.kind == kern::WindowKind::Average)
      return splat(constant(p.kernelSize));
    if (p.kind != kern::WindowKind::AverageValid)
      return nullptr;
    if (shape.taps)
      return splat(inside ? product(inside, shape.taps) : shape.taps);
    int64_t taps = 0;
    for (int64_t tap = 0; tap < p.columns.taps; ++tap)
      taps += !shape.x || p.columns.covers(*shape.x + pixel, tap);
    return splat(inside ? mul(inside, taps) : constant(taps));
  }

  void finish(const Tile &shape, const Position &at, const Channels &channels, Values sums,
              Value inside) {
    for (int64_t pixel = 0; pixel < shape.pixels; ++pixel) {
      Value count = divisor(shape, pixel, inside);
      for (int64_t j = 0; count && j < channels.vectors; ++j) {
        Value &sum = sums[pixel * channels.vectors + j];
        sum = arith::DivFOp::create(b, loc, sum, count);
      }
    }
    if (!stored) {
      auto pixels = llvm::map_to_vector(llvm::seq(shape.pixels), [&](int64_t pixel) {
        return advance(at, p.columns, constant(pixel));
      });
      return finishPixels(pixels, channels, sums);
    }
    for (auto [i, sum] : llvm::enumerate(sums))
      vector::StoreOp::create(b, loc, sum, stored, constant(i * p.lanes));
    loop(constant(shape.pixels), [&](Value pixel) {
      Values loaded;
      Value from = mul(pixel, channels.vectors * p.lanes);
      for (int64_t j = 0; j < channels.vectors; ++j)
        loaded.push_back(vector::LoadOp::create(b, loc, vector, stored, add(from, j * p.lanes)));
      finishPixels(advance(at, p.columns, pixel), channels, loaded);
    });
  }

  /// Nothing is between the stores: bytes are narrowed by several vectors.
  void finishPixels(ArrayRef<Position> pixels, const Channels &channels, ArrayRef<Value> sums) {
    Values results, places;
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Position to = advance(pixels[i / channels.vectors], p.channels,
                            constant(i % channels.vectors * p.lanes));
      Values extras;
      for (auto [extra, from, stride] :
           llvm::zip(p.epilogue.getExtras(), to.extras, p.channels.extras))
        extras.push_back(loadLanes(*this, vector.clone(extra.element), extra.buffer, from,
                                   fixed(stride), channels.mask));
      results.push_back(p.epilogue.apply(*this, sum, extras));
      places.push_back(to.c);
    }
    for (auto [result, place] : llvm::zip(results, places))
      storeLanes(*this, result, bufferC, place, fixed(p.channels.c), channels.mask);
  }
};
} // namespace

LogicalResult nncc::cpu::emitWindow(OpBuilder &b, kern::WindowOp op, Kernel &kernel,
                                    const RowRange *rows) {
  FailureOr<Window> window = Window::of(op, kernel);
  if (failed(window))
    return failure();
  if (rows)
    window->unitGroups = window->groups();
  WindowEmitter(b, op, *window, kernel, rows).emit(kernel);
  return success();
}
