#include "targets/cpu/MathBuilder.h"

using namespace mlir;
using namespace nncc::cpu;

static Value splat(MathBuilder &m, Type type, TypedAttr element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(m.b, m.loc, DenseElementsAttr::get(vector, element));
  return arith::ConstantOp::create(m.b, m.loc, element);
}

Value MathBuilder::constant(double value) {
  return splat(*this, floats(), b.getFloatAttr(getElementTypeOrSelf(floats()), value));
}

Value MathBuilder::integer(int64_t value) {
  return splat(*this, integers(), b.getIntegerAttr(getElementTypeOrSelf(integers()), value));
}

Value MathBuilder::clamp(Value x, double low, double high) {
  Value floor = select(less(x, constant(low)), constant(low), x);
  return select(greater(x, constant(high)), constant(high), floor);
}

Value MathBuilder::polynomial(Value x, ArrayRef<double> p) {
  Value sum = constant(p.back());
  for (double coefficient : llvm::reverse(p.drop_back()))
    sum = fma(sum, x, constant(coefficient));
  return sum;
}

std::pair<Value, Value> MathBuilder::round(Value x) {
  // Beside 1.5 * 2^23 (or 2^52) floats are the integers.
  Value shift = constant(bits == 32 ? 0x1.8p23 : 0x1.8p52);
  Value shifted = add(x, shift);
  return {sub(shifted, shift), subBits(bitsOf(shifted), bitsOf(shift))};
}

Value MathBuilder::powerOfTwo(Value k) {
  return floatOf(shiftLeft(addBits(k, integer(bits == 32 ? 127 : 1023)), bits == 32 ? 23 : 52));
}

Value MathBuilder::narrow(Value x) {
  return arith::TruncFOp::create(b, loc, shaped(b.getF32Type()), x);
}

Value MathBuilder::widen(Value x) {
  return arith::ExtFOp::create(b, loc, shaped(b.getF64Type()), x);
}
