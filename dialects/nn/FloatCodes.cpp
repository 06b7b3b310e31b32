#include "dialects/nn/FloatCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nncc::nn {

namespace {

/// Formats of a sign, an exponent and a mantissa.
struct Format {
  explicit Format(FloatType type) {
    const llvm::fltSemantics &semantics = type.getFloatSemantics();
    mantissa = type.getFPMantissaWidth() - 1;
    bits = type.getWidth();
    // The smallest normal number is 2^(1 - bias).
    bias = 1 - llvm::APFloat::semanticsMinExponent(semantics);
    largest = codeOf(APFloat::getLargest(semantics));
    hasInfinity = llvm::APFloat::semanticsHasInf(semantics);
    hasNaN = llvm::APFloat::semanticsHasNaN(semantics);
    // The formats without a negative zero have their one NaN in its place.
    isUnsignedZero = isa<Float8E4M3FNUZType, Float8E5M2FNUZType>(type);
    nan = isUnsignedZero ? 0x80 : hasInfinity ? 0x7e : 0x7f;
    overflow = hasInfinity ? codeOf(APFloat::getInf(semantics)) : nan;
  }
  static uint32_t codeOf(const APFloat &value) {
    return static_cast<uint32_t>(value.bitcastToAPInt().getZExtValue());
  }

  unsigned mantissa, bits;
  int bias;
  uint32_t largest, nan, overflow;
  bool hasInfinity, hasNaN, isUnsignedZero;
};

/// Arithmetic on the bits of an f32.
struct BitMath {
  OpBuilder &b;
  Location loc;
  using Predicate = arith::CmpIPredicate;

  Value number(uint32_t value) const {
    return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value real(double value) const {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(static_cast<float>(value)));
  }
  Value bitsOf(Value x) const { return arith::BitcastOp::create(b, loc, b.getI32Type(), x); }
  Value asReal(Value x) const { return arith::BitcastOp::create(b, loc, b.getF32Type(), x); }
  Value add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, uint32_t y) const { return arith::SubIOp::create(b, loc, x, number(y)); }
  Value both(Value x, uint32_t y) const { return arith::AndIOp::create(b, loc, x, number(y)); }
  Value either(Value x, Value y) const { return arith::OrIOp::create(b, loc, x, y); }
  Value left(Value x, unsigned count) const {
    return arith::ShLIOp::create(b, loc, x, number(count));
  }
  Value right(Value x, unsigned count) const {
    return arith::ShRUIOp::create(b, loc, x, number(count));
  }
  Value is(Predicate predicate, Value x, uint32_t y) const {
    return arith::CmpIOp::create(b, loc, predicate, x, number(y));
  }
  Value select(Value condition, Value yes, Value no) const {
    return arith::SelectOp::create(b, loc, condition, yes, no);
  }
  Value select(Value condition, uint32_t yes, Value no) const {
    return select(condition, number(yes), no);
  }
  Value extend(Value code) const { return arith::ExtUIOp::create(b, loc, b.getI32Type(), code); }
  Value truncate(Value code) const { return arith::TruncIOp::create(b, loc, b.getI8Type(), code); }
  /// Drops the low `count` bits, to nearest even.
  Value round(Value x, unsigned count) const {
    Value odd = both(right(x, count), 1);
    return right(add(add(x, number((1u << (count - 1)) - 1)), odd), count);
  }
};

constexpr uint32_t infinity = 0x7f800000, quietNaN = 0x7fc00000;

Value decodePowerOfTwo(BitMath m, Value code) {
  using Predicate = arith::CmpIPredicate;
  Value wide = m.extend(code);
  Value bits = m.left(wide, 23);
  bits = m.select(m.is(Predicate::eq, wide, 0), 0x400000, bits); // 2^-127: a denormal number
  return m.asReal(m.select(m.is(Predicate::eq, wide, 0xff), quietNaN, bits));
}

/// By the ONNX standard; it leaves negative values open: they count as positive ones.
Value encodePowerOfTwo(BitMath m, Value x, CastRules rules) {
  using Predicate = arith::CmpIPredicate;
  Value magnitude = m.both(m.bitsOf(x), 0x7fffffff);
  Value exponent = m.right(magnitude, 23), fraction = m.both(magnitude, 0x7fffff);
  Value isDenormal = m.is(Predicate::eq, exponent, 0);
  Value result = exponent;
  if (rules.round != RoundMode::Down) { // a denormal number is the smallest one from its half on
    bool isUp = rules.round == RoundMode::Up;
    Value least = m.select(isDenormal, isUp ? 0x400001 : 0x600000, m.number(isUp ? 1 : 0x400000));
    Value up = arith::CmpIOp::create(m.b, m.loc, Predicate::uge, fraction, least);
    result = m.add(exponent, arith::ExtUIOp::create(m.b, m.loc, m.b.getI32Type(), up));
  }
  if (rules.saturate)
    result = m.select(m.is(Predicate::uge, result, 0xff), 0xfe, result);
  else
    result = m.select(m.is(Predicate::ult, magnitude, 0x400000), 0xff, result);
  return m.truncate(m.select(m.is(Predicate::ugt, magnitude, infinity), 0xff, result));
}

} // namespace

Value decodeFloat(FloatType type, OpBuilder &b, Location loc, Value code) {
  using Predicate = arith::CmpIPredicate;
  BitMath m{b, loc};
  if (isa<Float8E8M0FNUType>(type))
    return decodePowerOfTwo(m, code);
  Format format(type);
  Value wide = m.extend(code);
  Value magnitude = m.both(wide, (1u << (format.bits - 1)) - 1);
  Value sign = m.left(m.right(wide, format.bits - 1), 31);
  // The exponent's bias rises by a product, because that is right for denormals too.
  Value scaled = arith::MulFOp::create(b, loc, m.asReal(m.left(magnitude, 23 - format.mantissa)),
                                       m.real(std::ldexp(1.0, 127 - format.bias)));
  Value bits = m.bitsOf(scaled);
  if (format.hasInfinity) {
    bits = m.select(m.is(Predicate::eq, magnitude, format.overflow), infinity, bits);
    bits = m.select(m.is(Predicate::ugt, magnitude, format.overflow), quietNaN, bits);
  } else if (format.hasNaN) {
    bits = m.select(m.is(Predicate::eq, format.isUnsignedZero ? wide : magnitude, format.nan),
                    quietNaN, bits);
  }
  return m.asReal(m.either(bits, sign));
}

Value encodeFloat(FloatType type, OpBuilder &b, Location loc, Value x, CastRules rules) {
  using Predicate = arith::CmpIPredicate;
  BitMath m{b, loc};
  if (isa<Float8E8M0FNUType>(type))
    return encodePowerOfTwo(m, x, rules);
  Format format(type);
  Value bits = m.bitsOf(x), magnitude = m.both(bits, 0x7fffffff);
  Value sign = m.left(m.right(bits, 31), format.bits - 1);
  uint32_t lift = static_cast<uint32_t>(127 - format.bias);
  Value result = m.round(m.sub(magnitude, lift << 23), 23 - format.mantissa);
  // Denormals: a number whose last bit has the weight of theirs is added, which rounds.
  double unit = std::ldexp(1.0, 24 - format.bias - static_cast<int>(format.mantissa));
  Value shifted = arith::AddFOp::create(b, loc, m.asReal(magnitude), m.real(unit));
  Value denormal = m.sub(m.bitsOf(shifted), llvm::bit_cast<uint32_t>(static_cast<float>(unit)));
  result = m.select(m.is(Predicate::ult, magnitude, (lift + 1) << 23), denormal, result);
  bool clamps = rules.saturate || !format.hasNaN;
  Value above = arith::OrIOp::create(b, loc, m.is(Predicate::ugt, result, format.largest),
                                     m.is(Predicate::uge, magnitude, 0x7f000000));
  result = m.select(above, clamps ? format.largest : format.overflow, result);
  Value isNaN = m.is(Predicate::ugt, magnitude, infinity);
  result = m.select(isNaN, format.hasNaN ? format.nan : 0, result);
  if (!format.isUnsignedZero)
    return m.truncate(m.either(result, sign));
  Value isUnsigned = arith::OrIOp::create(b, loc, m.is(Predicate::eq, result, 0),
                                          m.is(Predicate::eq, result, format.nan));
  return m.truncate(m.select(isUnsigned, result, m.either(result, sign)));
}

} // namespace nncc::nn
