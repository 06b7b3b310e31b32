// Trigonometric functions and the inverses of trigonometric and hyperbolic ones.
#include "targets/cpu/MathBuilder.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace nncc::cpu;

namespace {
constexpr double pi = 0x1.921fb54442d18p+1;

struct Quadrant {
  Value r, q; // x = q * pi/2 + r, |r| <= pi/4; q modulo 4, as bits
};

/// |x| <= 2^20: pi/2 in three parts of 24 bits.
Quadrant reduceSmall(MathBuilder &m, Value x) {
  auto [k, bits] = m.round(m.mul(x, m.constant(2 / pi)));
  Value r = m.fma(k, m.constant(-0x1.921fb6p+0), x);
  r = m.fma(k, m.constant(0x1.777a5cp-25), r);
  return {m.fma(k, m.constant(0x1.ee59dap-50), r), bits};
}

/// Any x: x * 2/pi modulo 4 exactly, with 2/pi in parts of 24 bits, whose products with x are
/// floats of 64 bits; multiples of 4 among them are dropped.
Quadrant reduceLarge(MathBuilder &m, Value x) {
  static constexpr int64_t parts[] = {10680707, 7228996, 1387004, 2578385, 16069853,
                                      12639074, 9804092, 4427841, 16666979};
  MathBuilder d = m.wide();
  Value wide = d.widen(x), sum = d.constant(0);
  for (auto [i, part] : llvm::enumerate(parts)) {
    Value product = d.mul(wide, d.constant(std::ldexp(double(part), -24 * (int(i) + 1))));
    Value fours = d.round(d.mul(product, d.constant(0.25))).first;
    Value rest = d.fma(fours, d.constant(-4), product);
    Value multiple = d.greater(d.abs(product), d.constant(0x1p50));
    sum = d.add(sum, d.select(multiple, d.constant(0), rest));
  }
  auto [k, bits] = d.round(sum);
  Value r = m.narrow(d.mul(d.sub(sum, k), d.constant(pi / 2)));
  Value q = arith::TruncIOp::create(m.b, m.loc, m.integers(), bits);
  return {m.fma(x, m.constant(0), r), q}; // NaN for an infinite x
}

Quadrant reduce(MathBuilder &m, Value x) {
  Value large = m.greater(m.abs(x), m.constant(0x1p20));
  if (isa<VectorType>(large.getType()))
    large = vector::ReductionOp::create(m.b, m.loc, vector::CombiningKind::OR, large);
  auto emit = [&](Quadrant (*reduction)(MathBuilder &, Value)) {
    return [&m, x, reduction](OpBuilder &inner, Location loc) {
      MathBuilder branch(inner, loc, m.like);
      Quadrant result = reduction(branch, x);
      scf::YieldOp::create(inner, loc, ValueRange{result.r, result.q});
    };
  };
  auto op = scf::IfOp::create(m.b, m.loc, large, emit(reduceLarge), emit(reduceSmall));
  return {op.getResult(0), op.getResult(1)};
}

struct SinCos {
  Value sin, cos;
};

SinCos ofReduced(MathBuilder &m, Value r) {
  Value z = m.mul(r, r);
  Value sin =
      m.polynomial(z, {-0.16666654873512293, 0.0083321735454631313, -0.00019516656129628536});
  Value cos =
      m.polynomial(z, {0.041666654579793988, -0.0013887649462880941, 2.446316637929574e-05});
  cos = m.fma(m.mul(z, z), cos, m.fma(z, m.constant(-0.5), m.constant(1)));
  return {m.fma(m.mul(r, z), sin, r), cos};
}

/// The sine of x, or of x + pi/2.
Value sinOrCos(MathBuilder &m, Value x, int64_t quadrants) {
  auto [r, q] = reduce(m, x);
  auto [sin, cos] = ofReduced(m, r);
  Value turned = m.addBits(q, m.integer(quadrants));
  Value value = m.select(m.isZero(m.andBits(turned, 1)), sin, cos);
  return m.select(m.isZero(m.andBits(turned, 2)), value, m.neg(value));
}
} // namespace

Value nncc::cpu::expandSin(MathBuilder &m, Value x) {
  Value tiny = m.less(m.abs(x), m.constant(0x1p-13));
  return m.select(tiny, x, sinOrCos(m, x, 0));
}

Value nncc::cpu::expandCos(MathBuilder &m, Value x) { return sinOrCos(m, x, 1); }

Value nncc::cpu::expandTan(MathBuilder &m, Value x) {
  auto [r, q] = reduce(m, x);
  auto [sin, cos] = ofReduced(m, r);
  Value even = m.isZero(m.andBits(q, 1));
  Value tan = m.div(m.select(even, sin, cos), m.select(even, cos, m.neg(sin)));
  return m.select(m.less(m.abs(x), m.constant(0x1p-13)), x, tan);
}

Value nncc::cpu::expandAtan(MathBuilder &m, Value x) {
  Value one = m.constant(1), magnitude = m.abs(x);
  Value steep = m.greater(magnitude, one);
  Value t = m.select(steep, m.div(one, magnitude), magnitude), z = m.mul(t, t);
  Value p = m.polynomial(z, {-0.33333301867195875, 0.19998638634764293, -0.14265245496177714,
                             0.10957576630498096, -0.084194601000214447, 0.058234564165614587,
                             -0.03145571387038075, 0.011064447050089059, -0.0018272142680776538});
  Value angle = m.fma(m.mul(t, z), p, t);
  Value right = m.add(m.sub(m.constant(pi / 2), angle), m.constant(-4.371138828673793e-08));
  return m.copySign(m.select(steep, right, angle), x);
}

// The inverses of hyperbolic functions leave log1p to the pass.
Value nncc::cpu::expandAsinh(MathBuilder &m, Value x) {
  Value magnitude = m.abs(x), one = m.constant(1);
  Value tame = m.select(m.less(magnitude, m.constant(0x1p30)), magnitude, one);
  Value square = m.mul(tame, tame);
  Value t = m.add(tame, m.div(square, m.add(one, m.sqrt(m.add(square, one)))));
  Value small = math::Log1pOp::create(m.b, m.loc, t);
  Value large = m.add(expandLog(m, magnitude), m.constant(0x1.62e42fefa39efp-1));
  Value result = m.select(m.less(magnitude, m.constant(0x1p30)), small, large);
  return m.copySign(m.select(m.less(magnitude, m.constant(0x1p-12)), magnitude, result), x);
}

Value nncc::cpu::expandAcosh(MathBuilder &m, Value x) {
  Value t = m.sub(x, m.constant(1));
  Value tame = m.select(m.less(x, m.constant(0x1p30)), t, m.constant(1));
  Value root = m.sqrt(m.fma(tame, tame, m.mul(m.constant(2), tame)));
  Value small = math::Log1pOp::create(m.b, m.loc, m.add(tame, root));
  Value large = m.add(expandLog(m, x), m.constant(0x1.62e42fefa39efp-1));
  Value result = m.select(m.less(x, m.constant(0x1p30)), small, large);
  Value nan = m.constant(std::numeric_limits<double>::quiet_NaN());
  return m.select(m.compare(arith::CmpFPredicate::OGE, x, m.constant(1)), result, nan);
}

Value nncc::cpu::expandAtanh(MathBuilder &m, Value x) {
  Value magnitude = m.abs(x);
  Value ratio = m.div(m.add(magnitude, magnitude), m.sub(m.constant(1), magnitude));
  Value result = m.mul(m.constant(0.5), math::Log1pOp::create(m.b, m.loc, ratio));
  return m.copySign(m.select(m.less(magnitude, m.constant(0x1p-12)), magnitude, result), x);
}
