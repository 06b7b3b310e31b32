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

/// An element of `operand` in a float type that computes with it.
static Value toFloat(Value operand, Type compute, OpBuilder &b, Location loc, Value x) {
  Type element = getElementTypeOrSelf(operand.getType());
  return buildCast(isa<FloatType>(element) ? x.getType() : element, compute, b, loc, x);
}

Value QuantizeOp::buildScalar(OpBuilder &b, Location loc, ValueRange x) {
  Type compute = x[1].getType();
  Value scaled = arith::DivFOp::create(b, loc, toFloat(getOperand(), compute, b, loc, x[0]), x[1]);
  Value rounded = math::RoundEvenOp::create(b, loc, scaled);
  Value moved =
      arith::AddFOp::create(b, loc, rounded, toFloat(getZeroPoint(), compute, b, loc, x[2]));
  return buildCast(compute, getType().getElementType(), b, loc, moved); // saturates
}

Value DequantizeOp::buildScalar(OpBuilder &b, Location loc, ValueRange x) {
  auto wide = [&](Value operand, Value element) {
    return buildCast(mlir::getElementTypeOrSelf(operand.getType()), b.getI32Type(), b, loc,
                     element);
  };
  Value distance =
      arith::SubIOp::create(b, loc, wide(getOperand(), x[0]), wide(getZeroPoint(), x[2]));
  Value number = buildCast(b.getI32Type(), x[1].getType(), b, loc, distance);
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
