// Discrete Fourier transforms as matrix products: of the length n where that is small or prime,
// else of its factors, by Cooley and Tukey's algorithm (1965).
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace nncc;

// A transform of at most this length is one matrix.
static constexpr int64_t maxMatrix = 64;
// The largest prime factor: its matrix has (2 * 2048)^2 elements.
static constexpr int64_t maxPrime = 2048;

namespace {
/// exp(sign 2 pi i k / n).
struct Root {
  Root(int64_t k, int64_t n, int sign)
      : cosine(std::cos(2 * llvm::numbers::pi * double(k % n) / double(n))),
        sine(sign * std::sin(2 * llvm::numbers::pi * double(k % n) / double(n))) {}
  double cosine, sine;
};

/// Transforms of rows [rows, 2, n]: real and imaginary parts. Unnormalized.
class Transform {
public:
  Transform(OpBinder &b, int sign) : b(b), f{b}, sign(sign) {}

  Value run(Value x, int64_t n) {
    if (!x || n == 1)
      return x;
    const int64_t factor = largestFactor(n);
    return n <= maxMatrix || factor == 1 ? byMatrix(x, n) : byFactors(x, factor, n / factor);
  }

private:
  /// The largest factor that a matrix does well; 1 where n has none.
  static int64_t largestFactor(int64_t n) {
    for (int64_t factor = maxMatrix / 2; factor > 1; --factor)
      if (n % factor == 0 && factor < n)
        return factor;
    for (int64_t factor = maxMatrix / 2; factor * factor <= n; ++factor)
      if (n % factor == 0)
        return factor;
    return 1;
  }
  /// Reshaped to [rows, sizes..].
  Value withRows(Value x, AffineExpr rows, ArrayRef<int64_t> sizes) {
    Shape shape{normalForm(rows)};
    shape.append(makeShape(sizes, b.getBuilder().getContext()));
    return b.reshapeTo(x, shape);
  }
  Value byMatrix(Value x, int64_t n);
  Value byFactors(Value x, int64_t first, int64_t second);
  Value twiddle(Value x, int64_t first, int64_t second);

  OpBinder &b;
  Compose f;
  int sign;
};
} // namespace

Value Transform::byMatrix(Value x, int64_t n) {
  if (n > maxPrime)
    return b.unsupported("a transform of length " + Twine(n) +
                         ", whose prime factors are too large, is not supported");
  std::vector<double> matrix(4 * n * n);
  for (int64_t j = 0; j < n; ++j)
    for (int64_t k = 0; k < n; ++k) {
      const Root root(j * k, n, sign);
      matrix[j * 2 * n + k] = matrix[(n + j) * 2 * n + n + k] = root.cosine;
      matrix[j * 2 * n + n + k] = root.sine;
      matrix[(n + j) * 2 * n + k] = -root.sine;
    }
  const AffineExpr rows = b.shapeOf(x)[0];
  Value constant = f.floats({2 * n, 2 * n}, b.typeOf(x).getElementType(), matrix);
  Value result = b.create<nn::MatMulOp>({withRows(x, rows, {2 * n}), constant});
  return withRows(result, rows, {2, n});
}

// x [rows, first, 2, second] times the roots of unity of k * j.
Value Transform::twiddle(Value x, int64_t first, int64_t second) {
  std::vector<double> cosines, sines;
  for (int64_t k = 0; k < first; ++k)
    for (int64_t j = 0; j < second; ++j) {
      const Root root(k * j, first * second, sign);
      cosines.push_back(root.cosine);
      sines.push_back(root.sine);
    }
  Type element = b.typeOf(x).getElementType();
  Value c = f.floats({first, 1, second}, element, cosines),
        s = f.floats({first, 1, second}, element, sines);
  Value re = f.slice(x, 2, 0, 1), im = f.slice(x, 2, 1, 2);
  return f.concat({f.sub(f.mul(re, c), f.mul(im, s)), f.add(f.mul(re, s), f.mul(im, c))}, 2);
}

// Element j1 * second + j2 in, k1 + first * k2 out.
Value Transform::byFactors(Value x, int64_t first, int64_t second) {
  const AffineExpr rows = b.shapeOf(x)[0];
  Value columns = f.transpose(withRows(x, rows, {2, first, second}), {0, 3, 1, 2});
  Value inner = run(withRows(columns, rows * second, {2, first}), first);
  Value turned = f.transpose(withRows(inner, rows, {second, 2, first}), {0, 3, 2, 1});
  Value outer = run(withRows(twiddle(turned, first, second), rows * first, {2, second}), second);
  Value ordered = f.transpose(withRows(outer, rows, {first, 2, second}), {0, 2, 3, 1});
  return withRows(ordered, rows, {2, first * second});
}

namespace {
struct FourierOptions {
  int64_t axis, length;
  bool inverse, onesided;
};
} // namespace

// The frequencies above the middle one of a real signal of `length`, from those up to it.
static Value mirror(Compose f, Value half, int64_t length) {
  OpBinder &b = f.b;
  const int64_t mirrored = length - length / 2 - 1;
  if (mirrored <= 0)
    return half;
  Value rest =
      b.create<nn::SliceOp>({half, b.constant({mirrored}), b.constant(ArrayRef<int64_t>{0}),
                             b.constant({2}), b.constant({-1})});
  Value signs = f.floats({2, 1}, b.typeOf(half).getElementType(), {1, -1});
  return f.concat({half, f.mul(rest, signs)}, 2);
}

// x [.., n, .., 1 or 2], the transform along `axis`.
static Value fourier(OpBinder &b, Value x, const FourierOptions &options) {
  Compose f{b};
  const int64_t rank = b.rankOf(x), parts = rank ? b.fixedSizeOf(x, rank - 1) : 0;
  const auto [axis, length, inverse, onesided] = options;
  if (b.hasFailed())
    return {};
  if (rank < 2 || axis >= rank - 1 || length < 1 || (parts != 1 && parts != 2))
    return b.invalid(
        "expected a signal whose last dim has 1 or 2 elements, and a length of 1 or more");
  Type element = b.typeOf(x).getElementType();
  Type compute = element.isF64() ? element : Type(b.getBuilder().getF32Type());
  const bool toReal = inverse && onesided;
  x = f.resize(b.cast(x, compute), axis, toReal ? length / 2 + 1 : length);
  // The axis behind the real and imaginary parts.
  SmallVector<int64_t> perm, back(rank);
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    if (dim != axis)
      perm.push_back(dim);
  perm.append({rank - 1, axis});
  for (auto [to, from] : llvm::enumerate(perm))
    back[from] = to;
  x = f.transpose(x, perm);
  if (!x || b.hasFailed())
    return {};
  Shape shape = b.shapeOf(x);
  const AffineExpr rows = elementCount(ArrayRef(shape).drop_back(2), b.getBuilder().getContext());
  x = b.reshapeTo(x, {rows, shape[rank - 2], shape[rank - 1]});
  if (parts == 1)
    x = f.resize(x, 1, 2);
  if (toReal)
    x = mirror(f, x, length);
  x = Transform(b, inverse ? 1 : -1).run(x, length);
  if (inverse)
    x = f.mul(x, 1.0 / double(length));
  if (toReal)
    x = f.slice(x, 1, 0, 1);
  else if (onesided)
    x = f.slice(x, 2, 0, length / 2 + 1);
  if (!x)
    return x;
  shape[rank - 2] = b.shapeOf(x)[1];
  shape[rank - 1] = b.shapeOf(x)[2];
  return b.cast(f.transpose(b.reshapeTo(x, shape), back), element);
}

// An operand of one integer; `otherwise` where it is left out.
static int64_t requireInteger(OpBinder &b, Value value, int64_t otherwise, const Twine &what) {
  if (!value)
    return otherwise;
  auto known = b.requireIntegers(value, what);
  return known.empty() ? otherwise : known.front();
}

// Along an axis that only a run knows, the transforms along all axes are there to choose from; they
// have one shape.
static void importDFTAlong(OpBinder &b, Value x, Value axis) {
  Compose f{b};
  const int64_t rank = b.rankOf(x);
  if (b.input(1) || b.flag("onesided"))
    return (void)b.unsupported("its axis must be known at compile time for a transform that is "
                               "onesided or of a length of its own");
  if (!b.hasOneElement(axis))
    return (void)b.invalid("expected one axis");
  axis = b.reshape(axis, {});
  Value result;
  for (int64_t dim = 0; dim + 1 < rank; ++dim) {
    Value along = fourier(b, x, {dim, b.fixedSizeOf(x, dim), b.flag("inverse"), false});
    auto equals = [&](int64_t value) {
      return f.compare(nn::CompareKind::Equal, axis, f.number(axis, double(value)));
    };
    Value isChosen = b.create<nn::OrOp>({equals(dim), equals(dim - rank)});
    result = result ? f.where(isChosen, along, result) : along;
  }
  b.result(result);
}

static void importDFT(OpBinder &b) {
  Value x = b.input(0);
  const bool inverse = b.flag("inverse"), onesided = b.flag("onesided");
  if (b.getOpset() >= 20 && b.input(2) && !b.integersOf(b.input(2)))
    return importDFTAlong(b, x, b.input(2));
  int64_t axis =
      b.getOpset() < 20 ? b.integer("axis", 1) : requireInteger(b, b.input(2), -2, "its axis");
  axis = b.axis(axis, b.rankOf(x));
  if (b.hasFailed())
    return;
  int64_t length = 0;
  if (b.input(1))
    length = requireInteger(b, b.input(1), 0, "the length of the transform");
  else if (const int64_t size = b.fixedSizeOf(x, axis))
    length = inverse && onesided ? 2 * (size - 1) : size;
  if (!b.hasFailed())
    b.result(fourier(b, x, {axis, length, inverse, onesided}));
}

// The places [frames, length] of the elements of frames within `size` elements.
static Value placesOfFrames(OpBinder &b, AffineExpr size, int64_t step, int64_t length) {
  Parameters p{b};
  const AffineExpr count = normalForm((size - length).floorDiv(step) + 1);
  const std::optional<int64_t> known = constantOf(count);
  if (!known)
    return p.f.add(p.f.along(p.f.mul(p.places(count), double(step)), 0, 2), p.count(length));
  SmallVector<int64_t> places;
  for (int64_t frame = 0; frame < *known; ++frame)
    for (int64_t i = 0; i < length; ++i)
      places.push_back(frame * step + i);
  return b.reshape(b.constant(places), {*known, length});
}

// Frames of the signal [batch, n, 1 or 2], each times the window, transformed.
static void importSTFT(OpBinder &b) {
  Compose f{b};
  Value signal = b.input(0), window = b.input(2);
  if (b.rankOf(signal) != 3 || (window && b.rankOf(window) != 1))
    return (void)b.invalid("expected a signal of 3 dims and a window of 1");
  b.fixedSizeOf(signal, 2); // as fourier() needs it of the frames
  const AffineExpr size = b.shapeOf(signal)[1];
  const int64_t step = requireInteger(b, b.input(1), 0, "the step between frames");
  const int64_t length = b.input(3) ? requireInteger(b, b.input(3), 0, "the length of a frame")
                                    : b.fixedSizeOf(window ? window : signal, window ? 0 : 1);
  if (b.hasFailed())
    return;
  constexpr char expected[] = "expected a positive step, and frames of the window's length that "
                              "fit the signal";
  window = b.withSize(window, 0, length, expected);
  if (step < 1 || length < 1 || (window && constantOf(b.shapeOf(window)[0]) != length))
    return (void)b.invalid(expected);
  b.requireZeros(isLess(size, size * 0 + length), expected);
  if (b.hasFailed())
    return;
  Value frames = Parameters{b}.gather(signal, placesOfFrames(b, size, step, length), 1);
  if (window)
    frames = f.mul(frames, b.reshape(window, {length, 1}));
  b.result(fourier(b, frames, {2, length, false, b.flag("onesided", true)}));
}

void nncc::addFourierRules(Rules &rules) {
  rules.onOp("DFT", 17, importDFT);
  rules.onOp("STFT", 17, importSTFT);
}
