#include "dialects/nn/ResizeTaps.h"

#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nncc::nn {

/// Where a place of the result is in the operand; nothing: outside, by the rule of crop_and_resize.
std::optional<float> Sampler::coordinate(int64_t place) const {
  float x = place, resized = scale * from;
  switch (coordinates) {
  case ResizeCoordinates::HalfPixel:
    return (x + 0.5f) / scale - 0.5f;
  case ResizeCoordinates::HalfPixelSymmetric:
    return from / 2.0f * (1 - to / resized) + (x + 0.5f) / scale - 0.5f;
  case ResizeCoordinates::PytorchHalfPixel:
    return to == 1 ? 0.0f : (x + 0.5f) / scale - 0.5f;
  case ResizeCoordinates::AlignCorners:
    return resized == 1 ? 0.0f : x * (from - 1) / (resized - 1);
  case ResizeCoordinates::Asymmetric:
    return x / scale;
  case ResizeCoordinates::CropAndResize: {
    float last = from - 1, length = roiEnd - roiStart;
    float inside = resized == 1 ? length * last / 2 : x * length * last / (resized - 1);
    float result = inside + roiStart * last;
    return result < 0 || result > last ? std::optional<float>() : result;
  }
  }
  llvm_unreachable("all coordinates are above");
}

int64_t Sampler::nearest(float x) const {
  float below = std::floor(x), ratio = x - below;
  bool up = false;
  switch (rounding) {
  case ResizeRounding::PreferFloor:
    up = ratio > 0.5f;
    break;
  case ResizeRounding::PreferCeil:
    up = ratio >= 0.5f;
    break;
  case ResizeRounding::Floor:
    break;
  case ResizeRounding::Ceil:
    up = ratio > 0;
    break;
  }
  return static_cast<int64_t>(below) + up;
}

/// The weight of an element at a distance: a triangle, or Keys' cubic convolution with parameter
/// `cubic`.
float Sampler::kernel(float distance) const {
  float d = std::fabs(distance), a = cubic;
  if (mode == ResizeMode::Linear)
    return std::max(0.0f, 1 - d);
  if (d <= 1)
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2)
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

int64_t Sampling::firstTap() const {
  if (mode == ResizeMode::Nearest)
    return 0;
  float radius = mode == ResizeMode::Linear ? 1 : 2;
  return static_cast<int64_t>(std::floor(-radius / squeeze())) + 1;
}

int64_t Sampling::tapCount() const { return mode == ResizeMode::Nearest ? 1 : 2 - 2 * firstTap(); }

SmallVector<float> Sampler::weights(float ratio) const {
  int64_t first = firstTap();
  SmallVector<float> result;
  float sum = 0;
  for (int64_t i = 0; i < tapCount(); ++i) {
    result.push_back(kernel((first + i - ratio) * squeeze()));
    sum += result.back();
  }
  if (squeeze() < 1)
    for (float &weight : result)
      weight /= sum;
  return result;
}

Taps Sampler::taps() const {
  Taps taps;
  auto inside = [&](int64_t index) { return std::clamp<int64_t>(index, 0, from - 1); };
  for (int64_t place = 0; place < to; ++place) {
    std::optional<float> x = coordinate(place);
    // Limits that keep integers in range; beyond them all elements are those of the edge.
    float limited = std::clamp<float>(x.value_or(0), -1e6f, from + 1e6f);
    SmallVector<float> weight{1};
    int64_t left = static_cast<int64_t>(std::floor(limited)), first = firstTap();
    if (mode == ResizeMode::Nearest)
      left = nearest(limited);
    else
      weight = weights(limited - left);
    float sum = 0;
    taps.count = weight.size();
    for (int64_t i = 0; i < taps.count; ++i) {
      int64_t index = left + first + i;
      if (excludeOutside && mode != ResizeMode::Nearest && index != inside(index))
        weight[i] = 0;
      sum += weight[i];
      taps.indices.push_back(x || i ? inside(index) : -1);
    }
    for (float each : weight)
      taps.weights.push_back(excludeOutside && sum != 0 ? each / sum : each);
  }
  return taps;
}

namespace {
/// The steps of Sampler as code, for one place in the body of a generic.
struct PlaceBuilder {
  const Sampling &s;
  OpBuilder &b;
  Location loc;
  OpFoldResult from, to;

  Type f32() const { return b.getF32Type(); }
  Value number(float value) const { return scalar(b, loc, f32(), value); }
  Value size(OpFoldResult size) const { return IndexMath{b, loc}.toFloat(size, f32()); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value floor(Value x) const { return math::FloorOp::create(b, loc, x); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) const {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value scale() const {
    if (s.readScale)
      return s.readScale;
    return s.scale > 0 ? number(s.scale) : div(size(to), size(from));
  }
  Value resized() const { return s.scale > 0 || s.readScale ? mul(scale(), size(from)) : size(to); }
  Value start() const { return s.readStart ? s.readStart : number(s.roiStart); }
  Value length() const {
    return s.readStart ? sub(s.readEnd, s.readStart) : number(s.roiEnd - s.roiStart);
  }
  Value isOne(Value x) const { return compare(arith::CmpFPredicate::OEQ, x, number(1)); }

  Value coordinate(Value place) const;
  Value limited(Value x) const;
  Value nearest(Value x) const;
  Value kernel(Value distance) const;
  /// Whether a whole number is an index of the operand.
  Value isInside(Value x) const;
  /// The weight of element left + tap; `ratio`: from the left one to the place.
  Value weight(Value left, Value ratio, Value tap) const;
  Value share(Value left, Value ratio, Value tap) const;
};
} // namespace

Value PlaceBuilder::coordinate(Value x) const {
  auto halfPixel = [&] { return sub(div(add(x, number(0.5)), scale()), number(0.5)); };
  switch (s.coordinates) {
  case ResizeCoordinates::HalfPixel:
    return halfPixel();
  case ResizeCoordinates::HalfPixelSymmetric: {
    Value rest = sub(number(1), div(size(to), resized()));
    return add(mul(div(size(from), number(2)), rest), halfPixel());
  }
  case ResizeCoordinates::PytorchHalfPixel:
    return select(isOne(size(to)), number(0), halfPixel());
  case ResizeCoordinates::AlignCorners: {
    Value scaled = div(mul(x, sub(size(from), number(1))), sub(resized(), number(1)));
    return select(isOne(resized()), number(0), scaled);
  }
  case ResizeCoordinates::Asymmetric:
    return div(x, scale());
  case ResizeCoordinates::CropAndResize: {
    Value last = sub(size(from), number(1)), length = this->length();
    Value middle = div(mul(length, last), number(2));
    Value moved = div(mul(mul(x, length), last), sub(resized(), number(1)));
    return add(select(isOne(resized()), middle, moved), mul(start(), last));
  }
  }
  llvm_unreachable("all coordinates are above");
}

/// Keeps integers in range; beyond the limits all elements are those of the edge.
Value PlaceBuilder::limited(Value x) const {
  x = arith::MaximumFOp::create(b, loc, x, number(-1e6f));
  return arith::MinimumFOp::create(b, loc, x, add(size(from), number(1e6f)));
}

Value PlaceBuilder::nearest(Value x) const {
  Value below = floor(x), ratio = sub(x, below), above = add(below, number(1));
  switch (s.rounding) {
  case ResizeRounding::PreferFloor:
    return select(compare(arith::CmpFPredicate::OGT, ratio, number(0.5)), above, below);
  case ResizeRounding::PreferCeil:
    return select(compare(arith::CmpFPredicate::OGE, ratio, number(0.5)), above, below);
  case ResizeRounding::Floor:
    return below;
  case ResizeRounding::Ceil:
    return select(compare(arith::CmpFPredicate::OGT, ratio, number(0)), above, below);
  }
  llvm_unreachable("all roundings are above");
}

Value PlaceBuilder::kernel(Value distance) const {
  Value d = math::AbsFOp::create(b, loc, distance);
  float a = s.cubic;
  if (s.mode == ResizeMode::Linear)
    return arith::MaximumFOp::create(b, loc, number(0), sub(number(1), d));
  Value squared = mul(d, d);
  Value inner = add(mul(sub(mul(number(a + 2), d), number(a + 3)), squared), number(1));
  Value outer = add(mul(sub(mul(number(a), d), number(5 * a)), d), number(8 * a));
  outer = sub(mul(outer, d), number(4 * a));
  outer = select(compare(arith::CmpFPredicate::OLT, d, number(2)), outer, number(0));
  return select(compare(arith::CmpFPredicate::OLE, d, number(1)), inner, outer);
}

Value PlaceBuilder::isInside(Value x) const {
  Value above = compare(arith::CmpFPredicate::OGE, x, number(0));
  Value below = compare(arith::CmpFPredicate::OLT, x, size(from));
  return arith::AndIOp::create(b, loc, above, below);
}

Value PlaceBuilder::weight(Value left, Value ratio, Value tap) const {
  Value result = kernel(mul(sub(tap, ratio), number(s.squeeze())));
  return s.excludeOutside ? select(isInside(add(left, tap)), result, number(0)) : result;
}

Value PlaceBuilder::share(Value left, Value ratio, Value tap) const {
  Value result = weight(left, ratio, tap);
  if (!s.excludeOutside && !(s.squeeze() < 1))
    return result;
  Value sum = number(0);
  for (int64_t i = 0; i < s.tapCount(); ++i)
    sum = add(sum, weight(left, ratio, number(s.firstTap() + i)));
  Value isNone = compare(arith::CmpFPredicate::OEQ, sum, number(0));
  return select(isNone, result, div(result, sum));
}

OpenTaps buildTaps(Generics &g, const Sampling &sampling, AffineExpr from, AffineExpr to) {
  OpFoldResult fromSize = g.bound(from), toSize = g.bound(to);
  Shape shape{to};
  if (sampling.tapCount() > 1)
    shape.push_back(g.b.getAffineConstantExpr(sampling.tapCount()));
  auto tap = [&](const PlaceBuilder &p, IndexMath &m) {
    return sampling.tapCount() > 1
               ? p.add(m.toFloat(m.loop(1), p.f32()), p.number(sampling.firstTap()))
               : Value();
  };
  OpenTaps taps;
  taps.indices = g.map(shape, g.b.getI32Type(), {}, [&](OpBuilder &b, Location loc, ValueRange) {
    IndexMath m{b, loc};
    PlaceBuilder p{sampling, b, loc, fromSize, toSize};
    Value x = p.coordinate(m.toFloat(m.loop(0), p.f32())), limited = p.limited(x);
    bool isNearest = sampling.mode == ResizeMode::Nearest;
    Value left = isNearest ? p.nearest(limited) : p.floor(limited), number = tap(p, m);
    Value index = buildCast(p.f32(), b.getI32Type(), b, loc, number ? p.add(left, number) : left);
    index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
    index = arith::IndexCastOp::create(b, loc, b.getI32Type(), m.clamp(index, fromSize));
    if (sampling.coordinates != ResizeCoordinates::CropAndResize)
      return index;
    Value last = p.sub(p.size(fromSize), p.number(1));
    Value isBelow = p.compare(arith::CmpFPredicate::OLT, x, p.number(0));
    Value isAbove = p.compare(arith::CmpFPredicate::OGT, x, last);
    Value isOutside = arith::OrIOp::create(b, loc, isBelow, isAbove);
    return p.select(isOutside, scalar(b, loc, b.getI32Type(), -1), index);
  });
  if (sampling.mode == ResizeMode::Nearest)
    return taps;
  taps.weights = g.map(shape, g.b.getF32Type(), {}, [&](OpBuilder &b, Location loc, ValueRange) {
    IndexMath m{b, loc};
    PlaceBuilder p{sampling, b, loc, fromSize, toSize};
    Value x = p.limited(p.coordinate(m.toFloat(m.loop(0), p.f32()))), left = p.floor(x);
    return p.share(left, p.sub(x, left), tap(p, m));
  });
  return taps;
}

} // namespace nncc::nn
