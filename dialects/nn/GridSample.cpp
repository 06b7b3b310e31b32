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
  if (!ShapedType::isDynamic(input.size(0)) && !ShapedType::isDynamic(grid.size(0)) &&
      input.size(0) != grid.size(0))
    return error("expects an input and a grid of one batch");
  Fact &result = results.emplace_back();
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
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value add(Value x, double y) const { return add(x, constant(y)); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value mul(Value x, double y) const { return mul(x, constant(y)); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value max(Value x, double y) const { return arith::MaximumFOp::create(b, loc, x, constant(y)); }
  Value min(Value x, double y) const { return arith::MinimumFOp::create(b, loc, x, constant(y)); }
  Value floor(Value x) const { return math::FloorOp::create(b, loc, x); }
  Value less(Value x, double y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, constant(y));
  }
  Value greater(Value x, double y) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, constant(y));
  }
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
  Axis(GridSampleOp op, OpBuilder &b, Location loc, Type type, int64_t size)
      : op(op), f{b, loc, type}, m{b, loc}, size(size), low(op.getAlignCorners() ? 0 : -0.5),
        high(op.getAlignCorners() ? size - 1 : size - 0.5) {}

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
  Value toPixels(Value x) {
    if (op.getAlignCorners())
      return f.mul(f.add(x, 1), 0.5 * (size - 1));
    return f.mul(f.add(f.mul(f.add(x, 1), size), -1), 0.5);
  }

  /// Into the image, as far as the border asks.
  Value move(Value x) {
    if (op.getMode() == SampleMode::Nearest)
      x = math::RoundEvenOp::create(f.b, f.loc, x);
    Value isOutside = f.either(f.less(x, low), f.greater(x, high));
    if (op.getBorder() == SampleBorder::Border)
      return f.select(isOutside, f.max(f.min(x, size - 1), 0), x);
    if (op.getBorder() == SampleBorder::Reflection)
      return f.select(isOutside, reflect(x), x);
    return x;
  }

  /// Mirrored at both borders as often as it takes.
  Value reflect(Value x) {
    double range = high - low;
    Value isBelow = f.less(x, low);
    Value beyond = f.select(isBelow, f.sub(f.constant(low), x), f.add(x, -high));
    Value times = f.floor(f.div(beyond, f.constant(range)));
    Value rest = f.sub(beyond, f.mul(times, range));
    Value odd = f.greater(f.sub(times, f.mul(f.floor(f.mul(times, 0.5)), 2)), 0.5);
    // From the border that it has crossed last, inwards.
    Value fromLow = arith::XOrIOp::create(f.b, f.loc, isBelow, odd);
    return f.select(fromLow, f.add(rest, low), f.sub(f.constant(high), rest));
  }

  /// The pixel at the whole number x.
  Tap tap(Value x, Value weight) {
    if (op.getBorder() == SampleBorder::Reflection) {
      Value isOutside = f.either(f.less(x, low), f.greater(x, high));
      x = f.select(isOutside, reflect(x), x);
    }
    Value index = f.toIndex(x);
    bool ends = op.getBorder() == SampleBorder::Zeros;
    return {m.clamp(index, 0, size - 1), weight, ends ? m.inside(index, 0, size) : Value()};
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
  int64_t size;
  double low, high;
};
} // namespace

/// The sum over all combinations of the taps of the axes from `dim` on.
static Value sumTaps(const Floats &f, Value image, ArrayRef<SmallVector<Tap, 4>> axes,
                     SmallVector<Value> &place, Value weight, Value valid) {
  if (axes.empty()) {
    Value pixel = tensor::ExtractOp::create(f.b, f.loc, image, place);
    pixel = narrow(f.b, f.loc, pixel, f.type);
    if (valid)
      pixel = f.select(valid, pixel, f.constant(0));
    return weight ? f.mul(weight, pixel) : pixel;
  }
  Value sum;
  for (const Tap &tap : axes.front()) {
    place.push_back(tap.index);
    Value all = valid ? Value(arith::AndIOp::create(f.b, f.loc, valid, tap.valid)) : tap.valid;
    Value part = sumTaps(f, image, axes.drop_front(), place,
                         weight ? f.mul(weight, tap.weight) : tap.weight, all);
    place.pop_back();
    sum = sum ? f.add(sum, part) : part;
  }
  return sum;
}

FailureOr<SmallVector<Value>> GridSampleOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType(), input = getInput().getType();
  if (input.getNumElements() == 0 && type.getNumElements() != 0)
    return emitOpError("expects an image with pixels");
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
  Value result =
      Generics(b, getLoc())
          .map(type.getShape(), type.getElementType(), reads,
               [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                 IndexMath m{inner, loc};
                 SmallVector<SmallVector<Tap, 4>> axes;
                 for (int64_t i = 0; i < spatial; ++i)
                   axes.push_back(Axis(*this, inner, loc, compute, input.getDimSize(2 + i))
                                      .taps(narrow(inner, loc, x[i], compute)));
                 SmallVector<Value> place{m.loop(0), m.loop(1)};
                 return sumTaps({inner, loc, compute}, getInput(), axes, place, {}, {});
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
                           int64_t size, Value zero) {
    double offset = op.getHalfPixel() ? -0.5 : 0, scale = op.getScale().convertToFloat();
    start = f.add(f.mul(start, scale), offset);
    Value extent = f.sub(f.add(f.mul(end, scale), offset), start);
    if (!op.getHalfPixel())
      extent = f.max(extent, 1);
    Value width = f.mul(extent, 1.0 / bins);
    Value inBin = f.mul(f.add(f.fromIndex(m.loop(sample)), 0.5), 1.0 / op.getSamples());
    Value x = f.add(start, f.mul(f.add(f.fromIndex(m.loop(bin)), inBin), width));
    Value isOutside = f.either(f.less(x, -1), f.greater(x, size));
    x = f.max(f.min(x, size - 1), 0);
    Value first = f.floor(x), part = f.sub(x, first);
    Value index = m.clamp(f.toIndex(first), 0, size - 1);
    Value next = m.clamp(m.add(index, 1), 0, size - 1);
    return {{index, f.select(isOutside, zero, f.sub(f.constant(1), part))},
            {next, f.select(isOutside, zero, part)}};
  }
};
} // namespace

FailureOr<SmallVector<Value>> RoiAlignOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType(), input = getInput().getType();
  if (input.getNumElements() == 0 && type.getNumElements() != 0)
    return emitOpError("expects an image with pixels");
  Type element = type.getElementType(), compute = element.isF64() ? element : b.getF32Type();
  SmallVector<int64_t> loops(type.getShape());
  loops.append(2, getSamples());
  Generics g(b, getLoc());
  SmallVector<Read> reads;
  for (int64_t i = 0; i < 4; ++i)
    reads.push_back(
        {getRois(),
         AffineMap::get(6, 0, {b.getAffineDimExpr(0), b.getAffineConstantExpr(i)}, getContext())});
  reads.push_back({getBatchIndices(), g.select(6, 0)});
  // No operand has the dims of the samples: the zeros for those outside tell their sizes.
  int64_t square[] = {loops[4], loops[5]};
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
        auto rows = region.taps(box[1], box[3], 2, 4, getHeight(), input.getDimSize(2), x[5]);
        auto columns = region.taps(box[0], box[2], 3, 5, getWidth(), input.getDimSize(3), x[5]);
        Value image = m.wrap(x[4], input.getDimSize(0)), value;
        for (const Tap &row : rows)
          for (const Tap &column : columns) {
            Value place[] = {image, m.loop(1), row.index, column.index};
            Value pixel = tensor::ExtractOp::create(inner, loc, getInput(), place);
            Value part =
                f.mul(f.mul(row.weight, column.weight), narrow(inner, loc, pixel, compute));
            value = !value  ? part
                    : isMax ? Value(arith::MaximumFOp::create(inner, loc, value, part))
                            : f.add(value, part);
          }
        return isMax ? Value(arith::MaximumFOp::create(inner, loc, x.back(), value))
                     : f.add(x.back(), value);
      });
  double share = isMax ? 1 : 1.0 / (getSamples() * getSamples());
  Value result = g.map(type.getShape(), element, Read{pooled, g.identity(4)},
                       [&](OpBuilder &inner, Location loc, ValueRange x) {
                         return Floats{inner, loc, compute}.mul(x[0], share);
                       });
  return asResult(b, *this, result);
}

} // namespace nncc::nn
