// nn.grid_sample and nn.roi_align: images between their pixels.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult GridSampleOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                  EmitError error) {
  const Fact &input = operands[0], &grid = operands[1];
  int64_t spatial = input.rank() - 2;
  if (spatial < 1 || grid.rank() != input.rank())
    return error("expects an input of rank 3 or more and a grid of the same rank, found " +
                 Twine(input.rank()) + " and " + Twine(grid.rank()));
  if (grid.size(grid.rank() - 1) != spatial)
    return error("expects a grid of " + Twine(spatial) + " coordinates");
  Fact &result = results.emplace_back();
  if (!result.mayEqual(input.shape[0], grid.shape[0]))
    return error("expects an input and a grid of one batch");
  result.element = input.element;
  result.shape = {input.shape[0], input.shape[1]};
  result.shape.append(grid.shape.begin() + 1, grid.shape.end() - 1);
  return success();
}

LogicalResult RoiAlignOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  const Fact &input = operands[0], &rois = operands[1], &batch = operands[2];
  if (input.rank() != 4 || rois.rank() != 2 || rois.size(1) != 4 || batch.rank() != 1)
    return error("expects an input of rank 4, rois of shape [R, 4] and batch indices of rank 1");
  int64_t height = op.getHeight(), width = op.getWidth(), samples = op.getSamples();
  if (height < 1 || width < 1 || samples < 1 || std::max({height, width, samples}) > 1 << 20)
    return error("expects a positive height, width and number of samples");
  MLIRContext *context = input.element.getContext();
  Fact &result = results.emplace_back();
  result.element = input.element;
  result.shape = {rois.shape[0], input.shape[1], getAffineConstantExpr(height, context),
                  getAffineConstantExpr(width, context)};
  return success();
}

namespace {
/// Arithmetic on floats of one type.
struct Floats {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double value) const { return scalar(b, loc, type, value); }
  /// size * factor + offset
  Value size(OpFoldResult size, double factor, double offset) const {
    if (std::optional<int64_t> known = knownSize(size))
      return constant(*known * factor + offset);
    Value result = IndexMath{b, loc}.toFloat(size, type);
    if (factor != 1)
      result = mul(result, factor);
    return offset == 0 ? result : add(result, offset);
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value add(Value x, double y) const { return add(x, constant(y)); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value mul(Value x, double y) const { return mul(x, constant(y)); }
  Value sub(Value x, double y) const { return add(x, -y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value max(Value x, double y) const { return arith::MaximumFOp::create(b, loc, x, constant(y)); }
  Value min(Value x, Value y) const { return arith::MinimumFOp::create(b, loc, x, y); }
  Value floor(Value x) const { return math::FloorOp::create(b, loc, x); }
  Value less(Value x, double y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, constant(y));
  }
  Value greater(Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
  }
  Value greater(Value x, double y) const { return greater(x, constant(y)); }
  Value select(Value condition, Value x, Value y) const {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value either(Value x, Value y) const { return arith::OrIOp::create(b, loc, x, y); }
  /// An index; saturates, and is 0 for NaN.
  Value toIndex(Value x) const {
    return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                      buildCast(type, b.getI32Type(), b, loc, x));
  }
  Value fromIndex(Value x) const {
    return arith::SIToFPOp::create(b, loc, type,
                                   arith::IndexCastOp::create(b, loc, b.getI64Type(), x));
  }
};

/// Where and how much one spatial dim is read: a pixel and a weight per tap.
struct Tap {
  Value index;      ///< inside of the image
  Value weight;     ///< null: 1
  Value valid = {}; ///< whether the tap was inside; null: it counts anyway
};

/// The taps of a coordinate along one spatial dim.
class Axis {
public:
  Axis(GridSampleOp op, OpBuilder &b, Location loc, Type type, OpFoldResult size)
      : op(op), f{b, loc, type}, m{b, loc}, size(size), low(op.getAlignCorners() ? 0 : -0.5) {}

  SmallVector<Tap, 4> taps(Value coordinate) {
    Value x = move(toPixels(coordinate));
    if (op.getMode() == SampleMode::Nearest)
      return {tap(x, {})};
    Value first = f.floor(x), part = f.sub(x, first);
    SmallVector<Tap, 4> taps;
    if (op.getMode() == SampleMode::Linear) {
      taps.push_back(tap(first, f.sub(f.constant(1), part)));
      taps.push_back(tap(f.add(first, 1), part));
      return taps;
    }
    for (int64_t i = -1; i < 3; ++i) // at distances part + 1, part, 1 - part, 2 - part
      taps.push_back(
          tap(f.add(first, i), keys(i <= 0 ? f.add(part, -double(i)) : f.sub(f.constant(i), part),
                                    i == -1 || i == 2)));
    return taps;
  }

private:
  /// x * (size * factor + offset)
  Value scaled(Value x, double factor, double offset) {
    return f.mul(x, f.size(size, factor, offset));
  }
  /// The border beyond the last pixel, plus `offset`.
  Value high(double offset = 0) {
    return f.size(size, 1, (op.getAlignCorners() ? -1 : -0.5) + offset);
  }
  Value isOutside(Value x) {
    Value isBelow = f.less(x, low);
    return f.either(isBelow, f.greater(x, high()));
  }

  Value toPixels(Value x) {
    if (op.getAlignCorners())
      return scaled(f.add(x, 1), 0.5, -0.5);
    return f.mul(f.add(scaled(f.add(x, 1), 1, 0), -1), 0.5);
  }

  /// Into the image, as far as the border asks.
  Value move(Value x) {
    if (op.getMode() == SampleMode::Nearest)
      x = math::RoundEvenOp::create(f.b, f.loc, x);
    Value isBeyond = isOutside(x);
    if (op.getBorder() == SampleBorder::Border)
      return f.select(isBeyond, f.max(f.min(x, f.size(size, 1, -1)), 0), x);
    if (op.getBorder() == SampleBorder::Reflection)
      return f.select(isBeyond, reflect(x), x);
    return x;
  }

  /// Mirrored at both borders as often as it takes.
  Value reflect(Value x) {
    auto range = [&] { return high(-low); };
    Value isBelow = f.less(x, low), below = f.sub(f.constant(low), x);
    Value beyond = f.select(isBelow, below, f.sub(x, high()));
    Value times = f.floor(f.div(beyond, range()));
    Value rest = f.sub(beyond, f.mul(times, range()));
    Value odd = f.greater(f.sub(times, f.mul(f.floor(f.mul(times, 0.5)), 2)), 0.5);
    // From the border that it has crossed last, inwards.
    Value fromLow = arith::XOrIOp::create(f.b, f.loc, isBelow, odd);
    return f.select(fromLow, f.add(rest, low), f.sub(high(), rest));
  }

  /// The pixel at the whole number x.
  Tap tap(Value x, Value weight) {
    if (op.getBorder() == SampleBorder::Reflection) {
      Value isBeyond = isOutside(x);
      x = f.select(isBeyond, reflect(x), x);
    }
    Value index = f.toIndex(x);
    bool ends = op.getBorder() == SampleBorder::Zeros;
    return {m.clamp(index, size), weight, ends ? m.inside(index, size) : Value()};
  }

  /// The cubic convolution kernel at distance d, in [0, 1] or, `outer`, [1, 2].
  Value keys(Value d, bool outer) {
    double a = -0.75;
    if (outer)
      return f.add(f.mul(f.add(f.mul(f.add(f.mul(d, a), -5 * a), d), 8 * a), d), -4 * a);
    return f.add(f.mul(f.mul(f.add(f.mul(d, a + 2), -(a + 3)), d), d), 1);
  }

  GridSampleOp op;
  Floats f;
  IndexMath m;
  OpFoldResult size;
  double low; // the border before the first pixel
};
} // namespace

/// The sum over all combinations of the taps of the axes from `dim` on.
static Value sumTaps(const Floats &f, Value image, Value exists, ArrayRef<SmallVector<Tap, 4>> axes,
                     SmallVector<Value> &place, Value weight, Value valid) {
  if (axes.empty()) {
    Value pixel = IndexMath{f.b, f.loc}.extract(image, place, exists);
    pixel = narrow(f.b, f.loc, pixel, f.type);
    if (valid)
      pixel = f.select(valid, pixel, f.constant(0));
    return weight ? f.mul(weight, pixel) : pixel;
  }
  Value sum;
  for (const Tap &tap : axes.front()) {
    place.push_back(tap.index);
    Value all = valid ? Value(arith::AndIOp::create(f.b, f.loc, valid, tap.valid)) : tap.valid;
    Value part = sumTaps(f, image, exists, axes.drop_front(), place,
                         weight ? f.mul(weight, tap.weight) : tap.weight, all);
    place.pop_back();
    sum = sum ? f.add(sum, part) : part;
  }
  return sum;
}

static LogicalResult expectPixels(Operation *op) {
  auto isEmpty = [&](Value tensor) {
    return constantOf(elementCount(shapeOf(tensor), op->getContext())) == 0;
  };
  if (isEmpty(op->getOperand(0)) && !isEmpty(op->getResult(0)))
    return op->emitOpError("expects an image with pixels");
  return success();
}

FailureOr<SmallVector<Value>> GridSampleOp::lower(OpBuilder &b) {
  RankedTensorType type = getType(), input = getInput().getType();
  if (failed(expectPixels(*this)))
    return failure();
  int64_t rank = type.getRank(), spatial = rank - 2;
  Type compute = type.getElementType().isF64() ? type.getElementType() : b.getF32Type();
  SmallVector<Read> reads;
  for (int64_t i = 0; i < spatial; ++i) { // the last coordinate is that of the first dim
    SmallVector<AffineExpr> exprs{b.getAffineDimExpr(0)};
    for (int64_t dim = 2; dim < rank; ++dim)
      exprs.push_back(b.getAffineDimExpr(dim));
    exprs.push_back(b.getAffineConstantExpr(spatial - 1 - i));
    reads.push_back({getGrid(), AffineMap::get(rank, 0, exprs, getContext())});
  }
  Generics g(b, getLoc());
  Shape image = shapeOf(input);
  image.erase(image.begin(), image.begin() + 2);
  SmallVector<OpFoldResult> sizes = g.bounds(image);
  Value exists = g.hasElements(image);
  Value result = g.map(
      shapeOf(type), type.getElementType(), reads,
      [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        IndexMath m{inner, loc};
        SmallVector<SmallVector<Tap, 4>> axes;
        for (int64_t i = 0; i < spatial; ++i)
          axes.push_back(
              Axis(*this, inner, loc, compute, sizes[i]).taps(narrow(inner, loc, x[i], compute)));
        SmallVector<Value> place{m.loop(0), m.loop(1)};
        return sumTaps({inner, loc, compute}, getInput(), exists, axes, place, {}, {});
      });
  return asResult(b, *this, result);
}

namespace {
/// One region's bins, in the body of a generic over [R, C, height, width, samples, samples].
struct Region {
  RoiAlignOp op;
  Floats f;
  IndexMath m;

  /// The pixels around the sample of loops `bin` and `sample` along a dim of `size`, both with
  /// weight `zero` where it is outside.
  SmallVector<Tap, 4> taps(Value start, Value end, int64_t bin, int64_t sample, int64_t bins,
                           OpFoldResult size, Value zero) {
    double offset = op.getHalfPixel() ? -0.5 : 0, scale = op.getScale().convertToFloat();
    start = f.add(f.mul(start, scale), offset);
    Value extent = f.sub(f.add(f.mul(end, scale), offset), start);
    if (!op.getHalfPixel())
      extent = f.max(extent, 1);
    Value width = f.mul(extent, 1.0 / bins);
    Value inBin = f.mul(f.add(f.fromIndex(m.loop(sample)), 0.5), 1.0 / op.getSamples());
    Value x = f.add(start, f.mul(f.add(f.fromIndex(m.loop(bin)), inBin), width));
    Value isOutside = f.either(f.less(x, -1), f.greater(x, f.size(size, 1, 0)));
    x = f.max(f.min(x, f.size(size, 1, -1)), 0);
    Value first = f.floor(x), part = f.sub(x, first);
    Value index = m.clamp(f.toIndex(first), size);
    Value next = m.clamp(m.add(index, 1), size);
    return {{index, f.select(isOutside, zero, f.sub(f.constant(1), part))},
            {next, f.select(isOutside, zero, part)}};
  }
};
} // namespace

FailureOr<SmallVector<Value>> RoiAlignOp::lower(OpBuilder &b) {
  RankedTensorType type = getType(), input = getInput().getType();
  if (failed(expectPixels(*this)))
    return failure();
  Type element = type.getElementType(), compute = element.isF64() ? element : b.getF32Type();
  Shape loops = shapeOf(type), image = shapeOf(input);
  loops.append(2, b.getAffineConstantExpr(getSamples()));
  Generics g(b, getLoc());
  SmallVector<OpFoldResult> sizes = g.bounds(image);
  image.erase(image.begin() + 1);
  Value exists = g.hasElements(image);
  SmallVector<Read> reads;
  for (int64_t i = 0; i < 4; ++i)
    reads.push_back(
        {getRois(),
         AffineMap::get(6, 0, {b.getAffineDimExpr(0), b.getAffineConstantExpr(i)}, getContext())});
  reads.push_back({getBatchIndices(), g.select(6, 0)});
  // No operand has the dims of the samples: the zeros for those outside tell their sizes.
  int64_t samples = getSamples(), square[] = {samples, samples};
  Value empty = tensor::EmptyOp::create(b, getLoc(), square, compute);
  Value zeros =
      linalg::FillOp::create(b, getLoc(), scalar(b, getLoc(), compute, 0), empty).getResult(0);
  reads.push_back({zeros, g.select(6, {4, 5})});
  bool isMax = getMax();
  Value init = scalar(b, getLoc(), compute, isMax ? -std::numeric_limits<double>::infinity() : 0);
  Value pooled = g.reduce(
      loops, {4, 5}, init, reads, [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        Floats f{inner, loc, compute};
        IndexMath m{inner, loc};
        Region region{*this, f, m};
        SmallVector<Value> box;
        for (int64_t i = 0; i < 4; ++i)
          box.push_back(narrow(inner, loc, x[i], compute));
        auto rows = region.taps(box[1], box[3], 2, 4, getHeight(), sizes[2], x[5]);
        auto columns = region.taps(box[0], box[2], 3, 5, getWidth(), sizes[3], x[5]);
        Value number = m.wrap(x[4], sizes[0]), value;
        for (const Tap &row : rows)
          for (const Tap &column : columns) {
            Value place[] = {number, m.loop(1), row.index, column.index};
            Value pixel = m.extract(getInput(), place, exists);
            Value part =
                f.mul(f.mul(row.weight, column.weight), narrow(inner, loc, pixel, compute));
            value = !value  ? part
                    : isMax ? Value(arith::MaximumFOp::create(inner, loc, value, part))
                            : f.add(value, part);
          }
        return isMax ? Value(arith::MaximumFOp::create(inner, loc, x.back(), value))
                     : f.add(x.back(), value);
      });
  double share = isMax ? 1 : 1.0 / (samples * samples);
  Value result = g.map(shapeOf(type), element, Read{pooled, g.identity(4)},
                       [&](OpBuilder &inner, Location loc, ValueRange x) {
                         return Floats{inner, loc, compute}.mul(x[0], share);
                       });
  return asResult(b, *this, result);
}

} // namespace nncc::nn
