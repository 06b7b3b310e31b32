#include "dialects/nn/FloatCodes.h"
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc::nn {

bool isCode(Type element) {
  if (auto type = dyn_cast<FloatType>(element))
    return type.getWidth() < 16;
  auto integer = dyn_cast<IntegerType>(element);
  return integer && integer.getWidth() > 1 && integer.getWidth() < 8;
}

Type storageType(Type element) {
  MLIRContext *context = element.getContext();
  if (isCode(element))
    return IntegerType::get(context, 8);
  if (isa<ComplexType>(element))
    return IntegerType::get(context, 8 * storedBytes(element));
  auto integer = dyn_cast<IntegerType>(element);
  return integer && !integer.isSignless() ? IntegerType::get(context, integer.getWidth()) : element;
}

int64_t storedBytes(Type element) {
  if (auto complex = dyn_cast<ComplexType>(element))
    return 2 * storedBytes(complex.getElementType());
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

Type productType(Type lhs, Type rhs) {
  if (lhs == rhs)
    return lhs;
  auto byte = dyn_cast<IntegerType>(lhs);
  bool areCodes = byte && byte.isUnsigned() && byte.getWidth() == 8 && rhs.isSignlessInteger(8);
  return areCodes ? IntegerType::get(lhs.getContext(), 32) : Type();
}

static Value withElement(OpBuilder &b, Location loc, Value tensor, Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == element)
    return tensor;
  return UnrealizedConversionCastOp::create(b, loc, type.clone(element), tensor).getResult(0);
}

Value toStorage(OpBuilder &b, Location loc, Value tensor) {
  return withElement(b, loc, tensor,
                     storageType(cast<RankedTensorType>(tensor.getType()).getElementType()));
}

Value fromStorage(OpBuilder &b, Location loc, Value tensor, Type element) {
  return withElement(b, loc, tensor, element);
}

static Value constantOf(OpBuilder &b, Location loc, Type type, double value) {
  return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
}

/// fptosi and fptoui are undefined outside of the type's range: clamp first, NaN becomes 0.
static Value floatToInt(IntegerType to, OpBuilder &b, Location loc, Value x) {
  auto type = cast<FloatType>(x.getType());
  if (type.getWidth() < 32) {
    type = b.getF32Type();
    x = arith::ExtFOp::create(b, loc, type, x);
  }
  unsigned width = to.getWidth();
  bool isUnsigned = to.isUnsigned();
  APInt low = isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
  APInt high = isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  // The largest float not above `high`: rounding 2^31 - 1 to a float would give 2^31.
  APFloat highest(type.getFloatSemantics());
  highest.convertFromAPInt(high, !isUnsigned, APFloat::rmTowardZero);
  APFloat lowest(type.getFloatSemantics());
  lowest.convertFromAPInt(low, !isUnsigned, APFloat::rmTowardZero);
  Value highestValue = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, highest));
  Value lowestValue = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, lowest));
  Value zero = constantOf(b, loc, type, 0);
  auto compare = [&](arith::CmpFPredicate predicate, Value lhs, Value rhs) -> Value {
    return arith::CmpFOp::create(b, loc, predicate, lhs, rhs);
  };
  Value above = compare(arith::CmpFPredicate::OGT, x, highestValue);
  Value below = compare(arith::CmpFPredicate::OLT, x, lowestValue);
  Value clamped = arith::SelectOp::create(b, loc, below, lowestValue, x);
  clamped = arith::SelectOp::create(b, loc, above, highestValue, clamped);
  clamped =
      arith::SelectOp::create(b, loc, compare(arith::CmpFPredicate::UNO, x, x), zero, clamped);
  Type storage = storageType(to);
  Value converted = isUnsigned ? Value(arith::FPToUIOp::create(b, loc, storage, clamped))
                               : Value(arith::FPToSIOp::create(b, loc, storage, clamped));
  Value most = arith::ConstantOp::create(b, loc, b.getIntegerAttr(storage, high));
  return arith::SelectOp::create(b, loc, above, most, converted);
}

/// f64 -> f32, where what is not exact gets an odd last bit: rounded once more, to a narrower
/// type, this gives the nearest value. Directly, that would be a call into the compiler's library.
static Value truncateToOdd(OpBuilder &b, Location loc, Value x) {
  Type i32 = b.getI32Type();
  Value nearest = arith::TruncFOp::create(b, loc, b.getF32Type(), x);
  Value back = arith::ExtFOp::create(b, loc, b.getF64Type(), nearest);
  Value bits = arith::BitcastOp::create(b, loc, i32, nearest);
  auto integer = [&](int64_t value) { return arith::ConstantIntOp::create(b, loc, i32, value); };
  auto isGreater = [&](Value lhs, Value rhs) {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, lhs, rhs);
  };
  Value farther = isGreater(math::AbsFOp::create(b, loc, back), math::AbsFOp::create(b, loc, x));
  Value below = arith::SelectOp::create(b, loc, farther,
                                        arith::SubIOp::create(b, loc, bits, integer(1)), bits);
  Value odd = arith::OrIOp::create(b, loc, below, integer(1));
  Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, x);
  Value result = arith::SelectOp::create(b, loc, inexact, odd, bits);
  return arith::BitcastOp::create(b, loc, b.getF32Type(), result);
}

/// The sign bit of an integer of `type`, stored in a byte with zeros above, fills the byte.
static Value decodeInteger(IntegerType type, OpBuilder &b, Location loc, Value x) {
  if (type.isUnsigned())
    return x;
  Value unused = arith::ConstantIntOp::create(b, loc, x.getType(), 8 - type.getWidth());
  return arith::ShRSIOp::create(b, loc, arith::ShLIOp::create(b, loc, x, unused), unused);
}

static Value maskInteger(IntegerType type, OpBuilder &b, Location loc, Value x) {
  Value mask = arith::ConstantIntOp::create(b, loc, x.getType(), (1 << type.getWidth()) - 1);
  return arith::AndIOp::create(b, loc, x, mask);
}

static Value castCode(Type from, Type to, OpBuilder &b, Location loc, Value x, CastRules rules) {
  auto byteLike = [&](IntegerType type) {
    return IntegerType::get(b.getContext(), 8,
                            type.isUnsigned() ? type.getSignedness() : IntegerType::Signless);
  };
  if (auto type = dyn_cast<FloatType>(from); type && isCode(from))
    return buildCast(b.getF32Type(), to, b, loc, decodeFloat(type, b, loc, x), rules);
  if (isCode(from)) {
    auto type = cast<IntegerType>(from);
    return buildCast(byteLike(type), to, b, loc, decodeInteger(type, b, loc, x), rules);
  }
  if (auto type = dyn_cast<IntegerType>(to)) { // the low bits, of floats too
    Type wide = isa<FloatType>(from) ? b.getI32Type() : from;
    Value byte = buildCast(wide, byteLike(type), b, loc, buildCast(from, wide, b, loc, x));
    return maskInteger(type, b, loc, byte);
  }
  if (!from.isF64())
    return encodeFloat(cast<FloatType>(to), b, loc, buildCast(from, b.getF32Type(), b, loc, x),
                       rules);
  // What is beyond f32 must not come back below its largest power of two.
  Value narrow = truncateToOdd(b, loc, x);
  Value magnitude = math::AbsFOp::create(b, loc, x);
  Value isBeyond = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, magnitude,
                                         constantOf(b, loc, from, 0x1p128));
  Value infinity = arith::TruncFOp::create(b, loc, b.getF32Type(), x);
  narrow = arith::SelectOp::create(b, loc, isBeyond, infinity, narrow);
  return encodeFloat(cast<FloatType>(to), b, loc, narrow, rules);
}

Value buildCast(Type from, Type to, OpBuilder &b, Location loc, Value x, CastRules rules) {
  if (from == to)
    return x;
  if (isCode(from) || isCode(to))
    return castCode(from, to, b, loc, x, rules);
  if (to.isInteger(1)) {
    if (isa<FloatType>(from))
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x,
                                   constantOf(b, loc, x.getType(), 0));
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(x.getType()));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, zero);
  }
  bool fromUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (auto type = dyn_cast<FloatType>(to)) {
    if (auto source = dyn_cast<FloatType>(from)) {
      if (source.getWidth() == type.getWidth()) { // f16 and bf16: through f32
        Value wide = arith::ExtFOp::create(b, loc, b.getF32Type(), x);
        return arith::TruncFOp::create(b, loc, type, wide);
      }
      if (source.getWidth() < type.getWidth())
        return arith::ExtFOp::create(b, loc, type, x);
      if (source.isF64() && type.getWidth() < 32)
        x = truncateToOdd(b, loc, x);
      return arith::TruncFOp::create(b, loc, type, x);
    }
    if (fromUnsigned)
      return arith::UIToFPOp::create(b, loc, type, x);
    return arith::SIToFPOp::create(b, loc, type, x);
  }
  auto integer = cast<IntegerType>(to);
  if (isa<FloatType>(from))
    return floatToInt(integer, b, loc, x);
  unsigned width = from.getIntOrFloatBitWidth();
  Type storage = storageType(to);
  if (integer.getWidth() == width)
    return x;
  if (integer.getWidth() < width)
    return arith::TruncIOp::create(b, loc, storage, x);
  if (fromUnsigned)
    return arith::ExtUIOp::create(b, loc, storage, x);
  return arith::ExtSIOp::create(b, loc, storage, x);
}

std::string typeName(Type element) {
  StringRef name = llvm::TypeSwitch<Type, StringRef>(element)
                       .Case([](Float32Type) { return "float"; })
                       .Case([](Float64Type) { return "double"; })
                       .Case([](Float16Type) { return "float16"; })
                       .Case([](BFloat16Type) { return "bfloat16"; })
                       .Case([](Float8E4M3FNType) { return "float8e4m3fn"; })
                       .Case([](Float8E4M3FNUZType) { return "float8e4m3fnuz"; })
                       .Case([](Float8E5M2Type) { return "float8e5m2"; })
                       .Case([](Float8E5M2FNUZType) { return "float8e5m2fnuz"; })
                       .Case([](Float8E8M0FNUType) { return "float8e8m0"; })
                       .Case([](Float4E2M1FNType) { return "float4e2m1"; })
                       .Case([](Float6E2M3FNType) { return "float6e2m3"; })
                       .Case([](Float6E3M2FNType) { return "float6e3m2"; })
                       .Case([](ComplexType type) {
                         return type.getElementType().isF64() ? "complex128" : "complex64";
                       })
                       .Case([](StringType) { return "string"; })
                       .Default(StringRef());
  if (!name.empty())
    return name.str();
  if (element.isInteger(1))
    return "bool";
  if (auto integer = dyn_cast<IntegerType>(element))
    return (integer.isUnsigned() ? "uint" : "int") + std::to_string(integer.getWidth());
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return text;
}

} // namespace nncc::nn
