// Exponentials and logarithms. Polynomials are minimax fits on the reduced interval, 0.1 ulp or
// better; what remains are the roundings of the last steps.
#include "targets/cpu/MathBuilder.h"

#include <limits>

using namespace mlir;
using namespace nncc::cpu;

namespace {
constexpr double ln2 = 0x1.62e42fefa39efp-1, log2e = 0x1.71547652b82fep+0;
// ln2 in two parts, the first one short: its product with an exponent is exact.
constexpr double ln2High = 0x1.62e4p-1, ln2Low = ln2 - ln2High;

struct Reduced {
  Value r, k; // x = k * ln2 + r; k as bits
};

Reduced reduceExp(MathBuilder &m, Value x) {
  auto [k, bits] = m.round(m.mul(x, m.constant(log2e)));
  Value r = m.fma(k, m.constant(-ln2High), x);
  return {m.fma(k, m.constant(-ln2Low), r), bits};
}

/// value * 2^k in two steps, so that results below the normal numbers are rounded once.
Value scale(MathBuilder &m, Value value, Value k) {
  Value half = m.shiftRight(k, 1);
  return m.mul(m.mul(value, m.powerOfTwo(half)), m.powerOfTwo(m.subBits(k, half)));
}

Value expOfReduced(MathBuilder &m, Value r) {
  Value p = m.polynomial(r, {0.49999993412490334, 0.16666520107835781, 0.041668394213314072,
                             0.008368780409657316, 0.0013814466934045384});
  return m.add(m.constant(1), m.fma(m.mul(r, r), p, r));
}

/// exp(x) / 2^halvings.
Value expScaled(MathBuilder &m, Value x, int64_t halvings) {
  auto [r, k] = reduceExp(m, m.clamp(x, -105, 90)); // beyond: 0 and infinity
  if (halvings)
    k = m.subBits(k, m.integer(halvings));
  return scale(m, expOfReduced(m, r), k);
}

struct Log {
  Value m, e; // x = m * 2^e, m in [sqrt(1/2), sqrt(2))
};

/// Of a positive normal x.
Log splitLog(MathBuilder &m, Value x, int64_t mantissaBits, int64_t sqrtHalf) {
  Value offset = m.subBits(m.bitsOf(x), m.integer(sqrtHalf));
  Value e = m.shiftRight(offset, mantissaBits);
  Value mantissa = m.floatOf(m.subBits(m.bitsOf(x), m.shiftLeft(e, mantissaBits)));
  return {mantissa, arith::SIToFPOp::create(m.b, m.loc, m.floats(), e)};
}

/// scale * log(x) with scale * ln2 = high + low.
Value logScaled(MathBuilder &m, Value x, double scale, double high, double low) {
  Value tiny = m.less(x, m.constant(0x1p-126)); // no normal number: 2^24 times as much is one
  Value normal = m.select(tiny, m.mul(x, m.constant(0x1p24)), x);
  auto [mantissa, exponent] = splitLog(m, normal, 23, 0x3f3504f3);
  Value e = m.select(tiny, m.sub(exponent, m.constant(24)), exponent);
  Value f = m.sub(mantissa, m.constant(1)), f2 = m.mul(f, f);
  Value p = m.polynomial(f, {0.33333312604111381, -0.25000009599232198, 0.20002118655985623,
                             -0.16667995861218216, 0.14219552415953979, -0.12405588823244267,
                             0.11888161802460856, -0.116756522277444, 0.067466419975602016});
  Value rest = m.fma(m.mul(f2, f), p, m.mul(f2, m.constant(-0.5))); // log(1 + f) - f
  Value small = m.fma(e, m.constant(low), m.mul(rest, m.constant(scale)));
  Value result = m.fma(e, m.constant(high), m.fma(f, m.constant(scale), small));
  Value infinity = m.constant(std::numeric_limits<double>::infinity());
  result = m.select(m.equal(x, infinity), infinity, result);
  result = m.select(m.equal(x, m.constant(0)), m.neg(infinity), result);
  Value valid = m.compare(arith::CmpFPredicate::OGE, x, m.constant(0));
  return m.select(valid, result, m.constant(std::numeric_limits<double>::quiet_NaN()));
}

/// log2 of a magnitude in f64, also of 0, infinity and NaN.
Value log2Wide(MathBuilder &m, Value magnitude) {
  MathBuilder d = m.wide();
  Value x = d.widen(magnitude); // always a normal number, or 0
  auto [mantissa, e] = splitLog(d, x, 52, 0x3fe6a09e667f3bcd);
  Value one = d.constant(1);
  Value s = d.div(d.sub(mantissa, one), d.add(mantissa, one));
  SmallVector<double> series;
  for (int i = 0; i < 7; ++i)
    series.push_back(2 * log2e / (2 * i + 1));
  Value log = d.fma(s, d.polynomial(d.mul(s, s), series), e);
  Value infinity = d.constant(std::numeric_limits<double>::infinity());
  log = d.select(d.less(x, infinity), log, x); // NaN, infinity
  return d.select(d.equal(x, d.constant(0)), d.neg(infinity), log);
}
} // namespace

/// The one that soft-maxes and sigmoids are made of, so in few steps: x = 2 * k * ln2 + r. Neither
/// factor 2^k leaves the normal numbers, so results below them are rounded once.
Value nncc::cpu::expandExp(MathBuilder &m, Value x, bool isNormal) {
  constexpr double high = 0x1.62e43p+0, low = 2 * ln2 - high;
  x = m.clamp(x, isNormal ? -87 : -105, 90); // beyond: 0, or the least normal numbers, and infinity
  // The sum's lowest bits are k, and the bias of exponents.
  Value shift = m.constant(0x1.8p23 + 127);
  Value shifted = m.fma(x, m.constant(log2e / 2), shift), k = m.sub(shifted, shift);
  Value r = m.fma(k, m.constant(-low), m.fma(k, m.constant(-high), x));
  Value p = m.polynomial(r, {1, 1, 0.50000034637424216, 0.16666614148926421, 0.041661268431470260,
                             0.0083361031684439896, 0.0014104469850090182, 0.00019611598744633744});
  Value factor = m.floatOf(m.shiftLeft(m.bitsOf(shifted), 23));
  return m.mul(m.mul(p, factor), factor);
}

Value nncc::cpu::expandExp2(MathBuilder &m, Value x) {
  Value clamped = m.clamp(x, -151, 129);
  auto [k, bits] = m.round(clamped);
  return scale(m, expOfReduced(m, m.mul(m.sub(clamped, k), m.constant(ln2))), bits);
}

/// exp for results that are 0 or normal numbers: of x = k * ln2 + r, 2^k is one factor. Below
/// 2^-126 all is 0.
Value nncc::cpu::expandNormalExp(MathBuilder &m, Value x) {
  x = m.select(m.less(x, m.constant(-88)), m.constant(-88), x);
  // The sum's lowest bits are k, and the bias of exponents.
  Value shift = m.constant(0x1.8p23 + 127);
  Value shifted = m.fma(x, m.constant(log2e), shift), k = m.sub(shifted, shift);
  Value r = m.fma(k, m.constant(-ln2), x);
  Value p = m.polynomial(r, {1, 1.000000032352466, 0.49999994174197687, 0.16666430337216884,
                             0.041668007421759808, 0.0083742359644785828, 0.0013843559816911653});
  return m.mul(p, m.floatOf(m.shiftLeft(m.bitsOf(shifted), 23)));
}

Value nncc::cpu::expandExpM1(MathBuilder &m, Value x) {
  auto [r, k] = reduceExp(m, m.clamp(x, -20, 89));
  Value p = m.polynomial(r, {0.50000000812866963, 0.1666666675694132, 0.041666239004234017,
                             0.0083332858365600514, 0.0013948700486339238, 0.00019907704448987528});
  Value rest = m.fma(m.mul(r, r), p, r); // exp(r) - 1
  // Half of 2^k, which might not be a number.
  Value half = m.powerOfTwo(m.subBits(k, m.integer(1)));
  Value result = m.mul(m.fma(half, rest, m.sub(half, m.constant(0.5))), m.constant(2));
  return m.select(m.less(m.abs(x), m.constant(0x1p-24)), x, result);
}

Value nncc::cpu::expandSinh(MathBuilder &m, Value x) {
  Value magnitude = m.abs(x), t = expandExpM1(m, m.clamp(magnitude, 0, 9));
  Value small = m.mul(m.constant(0.5), m.add(t, m.div(t, m.add(t, m.constant(1)))));
  Value large = expScaled(m, magnitude, 1);
  return m.copySign(m.select(m.greater(magnitude, m.constant(9)), large, small), x);
}

Value nncc::cpu::expandCosh(MathBuilder &m, Value x) {
  Value half = expScaled(m, m.abs(x), 1); // e^|x| / 2
  return m.add(half, m.div(m.constant(0.25), half));
}

Value nncc::cpu::expandLog(MathBuilder &m, Value x) { return logScaled(m, x, 1, ln2High, ln2Low); }

Value nncc::cpu::expandLog2(MathBuilder &m, Value x) { return logScaled(m, x, log2e, 1, 0); }

Value nncc::cpu::expandLog10(MathBuilder &m, Value x) {
  constexpr double log10e = 0x1.bcb7b1526e50ep-2, high = 0x1.344p-2;
  return logScaled(m, x, log10e, high, 0x1.34413509f79ffp-2 - high);
}

Value nncc::cpu::expandPow(MathBuilder &m, Value x, Value y) {
  MathBuilder d = m.wide();
  Value one = m.constant(1), zero = m.constant(0), magnitude = m.abs(x);
  Value product = d.clamp(d.mul(d.widen(y), log2Wide(m, magnitude)), -200, 200);
  auto [k, bits] = d.round(product);
  Value p = d.polynomial(d.sub(product, k),
                         {0.99999999996168187, 0.69314718072844705, 0.24022651198157585,
                          0.055504103534479682, 0.0096180272536686238, 0.0013333922563547099,
                          0.00015469291141657725, 1.5201921592881621e-05});
  Value result = m.narrow(d.mul(p, d.powerOfTwo(bits)));
  // 1 to an infinite power; the product above is NaN there.
  Value infiniteY = m.equal(m.abs(y), m.constant(std::numeric_limits<double>::infinity()));
  Value ofOne = arith::AndIOp::create(m.b, m.loc, m.equal(magnitude, one), infiniteY);
  result = m.select(ofOne, one, result);
  // A negative x needs an integer y, of which odd ones give the sign. Large floats are even.
  Value wideY = d.clamp(d.widen(y), -0x1p50, 0x1p50);
  auto [nearest, nearestBits] = d.round(wideY);
  Value even = d.isZero(d.andBits(nearestBits, 1));
  Value whole = d.equal(nearest, wideY);
  Value evenOrNot = m.select(even, result, m.copySign(result, x));
  Value finiteNegative =
      arith::AndIOp::create(m.b, m.loc, m.less(x, zero),
                            m.greater(x, m.constant(-std::numeric_limits<double>::infinity())));
  Value nan = m.constant(std::numeric_limits<double>::quiet_NaN());
  result = m.select(whole, evenOrNot, m.select(finiteNegative, nan, result));
  Value isOne = arith::OrIOp::create(m.b, m.loc, m.equal(y, zero), m.equal(x, one));
  return m.select(isOne, one, result);
}

/// Below 0.95 an odd polynomial; above, 1 - erfc(x), whose logarithm is nearly a parabola.
Value nncc::cpu::expandErf(MathBuilder &m, Value x) {
  Value magnitude = m.abs(x);
  Value square = m.mul(x, x);
  Value factor =
      m.polynomial(square, {0.12837914231075484, -0.3761244593062241, 0.11281320651211833,
                            -0.02674886322819757, 0.00496750554118207, -0.0005862076470798299});
  Value small = m.fma(x, factor, x);
  Value t = m.clamp(magnitude, 0, 3.93); // beyond: 1
  Value log2 = m.polynomial(t, {-0.0031678452111984267, -1.6144808432231283, -0.9410570760044603,
                                -0.12995705121081955, 0.02198995926622619, -0.0017436774127551063});
  // The sum's lowest bits are the nearest integer, and the bias of exponents.
  Value shift = m.constant(0x1.8p23 + 127);
  Value shifted = m.add(log2, shift), r = m.sub(log2, m.sub(shifted, shift));
  Value power = m.floatOf(m.shiftLeft(m.bitsOf(shifted), 23));
  Value p = m.polynomial(r, {1.0000000716694397, 0.6931469670385237, 0.24022119649853974,
                             0.05550713276944413, 0.009675545373150034, 0.0013276483575345832});
  Value large = m.copySign(m.fma(m.neg(p), power, m.constant(1)), x);
  return m.select(m.less(magnitude, m.constant(0.95)), small, large);
}
