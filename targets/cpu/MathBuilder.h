// Elementary functions from arithmetic, on scalars and vectors alike.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace nncc::cpu {

/// Arithmetic on floats of one width and the integers of that width; of the shape of `like`.
/// No operation here becomes a call on any machine.
struct MathBuilder {
  using Value = mlir::Value;

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type like; // float, or vector of float
  unsigned bits = 32;

  MathBuilder(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, unsigned bits = 32)
      : b(b), loc(loc), like(like), bits(bits) {}

  /// The same shape in f64.
  MathBuilder wide() const { return {b, loc, like, 64}; }

  mlir::Type shaped(mlir::Type element) const {
    auto vector = mlir::dyn_cast<mlir::VectorType>(like);
    return vector ? mlir::Type(vector.clone(element)) : element;
  }
  mlir::Type floats() const { return shaped(bits == 32 ? b.getF32Type() : b.getF64Type()); }
  mlir::Type integers() const { return shaped(b.getIntegerType(bits)); }

  Value constant(double value);
  Value integer(int64_t value);

  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  Value neg(Value x) { return mlir::arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) { return mlir::math::AbsFOp::create(b, loc, x); }
  Value sqrt(Value x) { return mlir::math::SqrtOp::create(b, loc, x); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  Value copySign(Value x, Value sign) { return mlir::math::CopySignOp::create(b, loc, x, sign); }
  Value select(Value condition, Value x, Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y) {
    return mlir::arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value less(Value x, Value y) { return compare(mlir::arith::CmpFPredicate::OLT, x, y); }
  Value greater(Value x, Value y) { return compare(mlir::arith::CmpFPredicate::OGT, x, y); }
  Value equal(Value x, Value y) { return compare(mlir::arith::CmpFPredicate::OEQ, x, y); }
  /// x in [low, high]; NaN stays NaN.
  Value clamp(Value x, double low, double high);

  /// p[0] + p[1] * x + ...
  Value polynomial(Value x, llvm::ArrayRef<double> p);

  Value bitsOf(Value x) { return mlir::arith::BitcastOp::create(b, loc, integers(), x); }
  Value floatOf(Value x) { return mlir::arith::BitcastOp::create(b, loc, floats(), x); }
  Value addBits(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value subBits(Value x, Value y) { return mlir::arith::SubIOp::create(b, loc, x, y); }
  Value andBits(Value x, int64_t y) { return mlir::arith::AndIOp::create(b, loc, x, integer(y)); }
  Value isZero(Value x) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::eq, x, integer(0));
  }
  Value shiftLeft(Value x, int64_t y) { return mlir::arith::ShLIOp::create(b, loc, x, integer(y)); }
  Value shiftRight(Value x, int64_t y) {
    return mlir::arith::ShRSIOp::create(b, loc, x, integer(y));
  }

  /// The nearest integer, ties to even, as a float and as bits: |x| < 2^22 (f32), 2^51 (f64).
  /// NaN and values beyond yield any integer.
  std::pair<Value, Value> round(Value x);
  /// 2^k for an integer k within the exponents of normal numbers.
  Value powerOfTwo(Value k);
  /// f64 -> f32 and back.
  Value narrow(Value x);
  Value widen(Value x);
};

// Values for f32 operands; errors in units in the last place as nncc-cpu-approximate-math states.
/// `isNormal`: results below the normal numbers are one of the least of these.
mlir::Value expandExp(MathBuilder &m, mlir::Value x, bool isNormal = false);
mlir::Value expandExp2(MathBuilder &m, mlir::Value x);
mlir::Value expandNormalExp(MathBuilder &m, mlir::Value x);
mlir::Value expandExpM1(MathBuilder &m, mlir::Value x);
mlir::Value expandErf(MathBuilder &m, mlir::Value x);
mlir::Value expandSinh(MathBuilder &m, mlir::Value x);
mlir::Value expandCosh(MathBuilder &m, mlir::Value x);
mlir::Value expandLog(MathBuilder &m, mlir::Value x);
mlir::Value expandLog2(MathBuilder &m, mlir::Value x);
mlir::Value expandLog10(MathBuilder &m, mlir::Value x);
mlir::Value expandPow(MathBuilder &m, mlir::Value x, mlir::Value y);
mlir::Value expandSin(MathBuilder &m, mlir::Value x);
mlir::Value expandCos(MathBuilder &m, mlir::Value x);
mlir::Value expandTan(MathBuilder &m, mlir::Value x);
mlir::Value expandAtan(MathBuilder &m, mlir::Value x);
mlir::Value expandAsinh(MathBuilder &m, mlir::Value x);
mlir::Value expandAcosh(MathBuilder &m, mlir::Value x);
mlir::Value expandAtanh(MathBuilder &m, mlir::Value x);

} // namespace nncc::cpu
