// Quantization: see Quant.td.
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult QuantizeOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[2].element;
  return broadcast(operands, result, error);
}

LogicalResult DequantizeOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                  EmitError error) {
  if (operands[0].element != operands[2].element)
    return error("expects a zero point of the operand's element type");
  Fact &result = results.emplace_back();
  result.element = operands[1].element;
  return broadcast(operands, result, error);
}

/// An element of `operand` in a float type that computes with it: floats are it already.
static Value toFloat(Value operand, Type compute, OpBuilder &b, Location loc, Value x) {
  Type element = getElementTypeOrSelf(operand.getType());
  return buildCast(isa<FloatType>(element) ? x.getType() : element, compute, b, loc, x);
}

/// Whether it is a constant zero, of any type.
static bool isZero(Value zeroPoint) {
  SplatElementsAttr splat;
  if (!matchPattern(zeroPoint, m_Constant(&splat)))
    return false;
  if (isa<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>().isZero();
  return splat.getSplatValue<APInt>().isZero();
}

/// The nearest integer of less than 8 bits: Cast would take the low bits of those beyond.
static Value saturate(Type from, IntegerType to, OpBuilder &b, Location loc, Value x) {
  unsigned width = to.getWidth();
  bool isUnsigned = to.isUnsigned();
  APInt low = isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
  APInt high = isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  Type i32 = b.getI32Type();
  auto bound = [&](APInt value) -> Value {
    int64_t number = isUnsigned ? value.getZExtValue() : value.getSExtValue();
    return arith::ConstantIntOp::create(b, loc, i32, number);
  };
  Value wide = buildCast(from, i32, b, loc, x);
  wide = arith::MaxSIOp::create(b, loc, wide, bound(low));
  wide = arith::MinSIOp::create(b, loc, wide, bound(high));
  return buildCast(i32, to, b, loc, wide);
}

/// The 8-bit integer that is nearest to x + zero, ties to the even x; a null zero is 0. Bounded as
/// a float, where it is one instruction each, before it is rounded: to round and convert is one
/// then. NaN becomes the lowest one.
static Value nearestByte(IntegerType to, OpBuilder &b, Location loc, Value x, Value zero) {
  Value zeroAsFloat = zero ? arith::SIToFPOp::create(b, loc, b.getF32Type(), zero) : Value();
  auto select = [&](arith::CmpFPredicate predicate, double bound) {
    Value limit = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(bound));
    if (zero)
      limit = arith::SubFOp::create(b, loc, limit, zeroAsFloat);
    Value keeps = arith::CmpFOp::create(b, loc, predicate, x, limit);
    return arith::SelectOp::create(b, loc, keeps, x, limit).getResult();
  };
  x = select(arith::CmpFPredicate::OGT, to.isUnsigned() ? 0 : -128);
  x = select(arith::CmpFPredicate::OLT, to.isUnsigned() ? 255 : 127);
  x = math::RoundEvenOp::create(b, loc, x);
  Value code = arith::FPToSIOp::create(b, loc, b.getI32Type(), x);
  if (zero)
    code = arith::AddIOp::create(b, loc, code, zero);
  return arith::TruncIOp::create(b, loc, b.getI8Type(), code);
}

Value QuantizeOp::buildScalar(OpBuilder &b, Location loc, ValueRange x) {
  Type compute = x[1].getType(), element = getType().getElementType();
  Value result = toFloat(getOperand(), compute, b, loc, x[0]);
  if (getByReciprocal()) {
    Value one = arith::ConstantOp::create(b, loc, b.getFloatAttr(compute, 1));
    result = arith::MulFOp::create(b, loc, result, arith::DivFOp::create(b, loc, one, x[1]));
  } else
    result = arith::DivFOp::create(b, loc, result, x[1]);
  bool isFloat = isa<FloatType>(element), hasZero = !isZero(getZeroPoint());
  if (element.isInteger(8) && compute.isF32()) {
    Value zero = hasZero ? buildCast(element, b.getI32Type(), b, loc, x[2]) : Value();
    return nearestByte(cast<IntegerType>(element), b, loc, result, zero);
  }
  if (!isFloat)
    result = math::RoundEvenOp::create(b, loc, result);
  if (hasZero) // -0 stays
    result = arith::AddFOp::create(b, loc, result, toFloat(getZeroPoint(), compute, b, loc, x[2]));
  if (isCode(element) && !isFloat)
    return saturate(compute, cast<IntegerType>(element), b, loc, result);
  return buildCast(compute, element, b, loc, result, {/*saturate=*/!getWide()});
}

Value DequantizeOp::buildScalar(OpBuilder &b, Location loc, ValueRange x) {
  Type element = getOperand().getType().getElementType(), compute = x[1].getType();
  Value number;
  if (isa<FloatType>(element)) {
    number = toFloat(getOperand(), compute, b, loc, x[0]);
    if (!isZero(getZeroPoint()))
      number =
          arith::SubFOp::create(b, loc, number, toFloat(getZeroPoint(), compute, b, loc, x[2]));
  } else {
    Type wide = b.getI32Type();
    Value distance = arith::SubIOp::create(b, loc, buildCast(element, wide, b, loc, x[0]),
                                           buildCast(element, wide, b, loc, x[2]));
    number = buildCast(wide, compute, b, loc, distance);
  }
  return arith::MulFOp::create(b, loc, number, x[1]);
}

void NNDialect::addQuantOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Quant.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Quant.cpp.inc"
