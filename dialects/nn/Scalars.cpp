#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nncc::nn {

namespace {
/// Arithmetic on floats, spelled as a formula.
struct Formula {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double value) const {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value add(Value x, double y) const { return add(x, constant(y)); }
  Value mul(Value x, double y) const { return mul(x, constant(y)); }
  Value max(Value x, double y) const { return arith::MaximumFOp::create(b, loc, x, constant(y)); }
  Value min(Value x, double y) const { return arith::MinimumFOp::create(b, loc, x, constant(y)); }
  Value select(arith::CmpFPredicate predicate, Value x, double y, Value yes, Value no) const {
    Value condition = arith::CmpFOp::create(b, loc, predicate, x, constant(y));
    return arith::SelectOp::create(b, loc, condition, yes, no);
  }
};
} // namespace

static Value zeroOf(OpBuilder &b, Location loc, Type type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

static Value intConstant(OpBuilder &b, Location loc, Type type, APInt value) {
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
}

Value buildNeg(OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return arith::NegFOp::create(b, loc, x);
  return arith::SubIOp::create(b, loc, zeroOf(b, loc, x.getType()), x);
}

Value buildAbs(Type type, OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return math::AbsFOp::create(b, loc, x);
  if (getElementTypeOrSelf(type).isUnsignedInteger())
    return x;
  return math::AbsIOp::create(b, loc, x);
}

Value buildSign(Type type, OpBuilder &b, Location loc, Value x) {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element)) {
    Formula f{b, loc, x.getType()};
    Value negative = f.select(arith::CmpFPredicate::OLT, x, 0, f.constant(-1), x); // NaN, 0 stay
    return f.select(arith::CmpFPredicate::OGT, x, 0, f.constant(1), negative);
  }
  Value zero = zeroOf(b, loc, x.getType());
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Value one = intConstant(b, loc, x.getType(), APInt(width, 1));
  Value nonzero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, zero);
  Value positive = arith::SelectOp::create(b, loc, nonzero, one, zero);
  if (element.isUnsignedInteger())
    return positive;
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, zero);
  Value minusOne = intConstant(b, loc, x.getType(), APInt::getAllOnes(width));
  return arith::SelectOp::create(b, loc, below, minusOne, positive);
}

Value buildReciprocal(OpBuilder &b, Location loc, Value x) {
  Formula f{b, loc, x.getType()};
  return arith::DivFOp::create(b, loc, f.constant(1), x);
}

Value buildNot(OpBuilder &b, Location loc, Value x) {
  unsigned width = x.getType().getIntOrFloatBitWidth();
  return arith::XOrIOp::create(b, loc, x,
                               intConstant(b, loc, x.getType(), APInt::getAllOnes(width)));
}

Value buildDiv(Type type, OpBuilder &b, Location loc, Value x, Value y) {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return arith::DivFOp::create(b, loc, x, y);
  // x / 0 and MIN / -1 trap: divide by 1 instead, and give 0 and -x.
  Value zero = zeroOf(b, loc, x.getType());
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Value one = intConstant(b, loc, x.getType(), APInt(width, 1));
  Value byZero = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, zero);
  Value safe = arith::SelectOp::create(b, loc, byZero, one, y);
  if (element.isUnsignedInteger())
    return arith::SelectOp::create(b, loc, byZero, zero, arith::DivUIOp::create(b, loc, x, safe));
  Value minusOne = intConstant(b, loc, x.getType(), APInt::getAllOnes(width));
  Value byMinusOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, minusOne);
  safe = arith::SelectOp::create(b, loc, byMinusOne, one, safe);
  Value quotient = arith::DivSIOp::create(b, loc, x, safe);
  quotient = arith::SelectOp::create(b, loc, byMinusOne, buildNeg(b, loc, x), quotient);
  return arith::SelectOp::create(b, loc, byZero, zero, quotient);
}

/// A remainder of integers in storage type that does not trap: x mod 0 = 0, MIN mod -1 = 0.
static Value remainder(bool isUnsigned, OpBuilder &b, Location loc, Value x, Value y) {
  Value zero = zeroOf(b, loc, x.getType());
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Value one = intConstant(b, loc, x.getType(), APInt(width, 1));
  Value trap = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, zero);
  if (isUnsigned)
    return arith::SelectOp::create(
        b, loc, trap, zero,
        arith::RemUIOp::create(b, loc, x, arith::SelectOp::create(b, loc, trap, one, y)));
  Value minusOne = intConstant(b, loc, x.getType(), APInt::getAllOnes(width));
  Value byMinusOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, minusOne);
  trap = arith::OrIOp::create(b, loc, trap, byMinusOne);
  return arith::RemSIOp::create(b, loc, x, arith::SelectOp::create(b, loc, trap, one, y));
}

Value buildMod(Type type, OpBuilder &b, Location loc, Value x, Value y, bool fmod) {
  bool isFloat = isa<FloatType>(x.getType());
  bool isUnsigned = getElementTypeOrSelf(type).isUnsignedInteger();
  Value rest =
      isFloat ? Value(arith::RemFOp::create(b, loc, x, y)) : remainder(isUnsigned, b, loc, x, y);
  if (fmod || isUnsigned)
    return rest;
  // Where the signs of the rest and the divisor differ, one divisor more.
  Value zero = zeroOf(b, loc, x.getType());
  auto isNegative = [&](Value value) -> Value {
    if (isFloat)
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, value, zero);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, value, zero);
  };
  Value nonzero = isFloat
                      ? Value(arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, rest, zero))
                      : Value(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, zero));
  Value differ = arith::XOrIOp::create(b, loc, isNegative(rest), isNegative(y));
  Value more = isFloat ? Value(arith::AddFOp::create(b, loc, rest, y))
                       : Value(arith::AddIOp::create(b, loc, rest, y));
  return arith::SelectOp::create(b, loc, arith::AndIOp::create(b, loc, nonzero, differ), more,
                                 rest);
}

Value buildBitShift(Type type, ShiftKind kind, OpBuilder &b, Location loc, Value x, Value y) {
  unsigned width = x.getType().getIntOrFloatBitWidth();
  Value zero = zeroOf(b, loc, x.getType());
  Value limit = intConstant(b, loc, x.getType(), APInt(width, width));
  Value wide = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, y, limit);
  if (kind == ShiftKind::Right && !getElementTypeOrSelf(type).isUnsignedInteger()) {
    Value last = intConstant(b, loc, x.getType(), APInt(width, width - 1));
    return arith::ShRSIOp::create(b, loc, x, arith::SelectOp::create(b, loc, wide, last, y));
  }
  Value count = arith::SelectOp::create(b, loc, wide, zero, y);
  Value shifted = kind == ShiftKind::Left ? Value(arith::ShLIOp::create(b, loc, x, count))
                                          : Value(arith::ShRUIOp::create(b, loc, x, count));
  return arith::SelectOp::create(b, loc, wide, zero, shifted);
}

Value buildIsInf(OpBuilder &b, Location loc, Value x, bool positive, bool negative) {
  if (!positive && !negative)
    return zeroOf(b, loc, b.getI1Type());
  Formula f{b, loc, x.getType()};
  double infinity = std::numeric_limits<double>::infinity();
  Value magnitude = positive && negative ? Value(math::AbsFOp::create(b, loc, x)) : x;
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, magnitude,
                               f.constant(positive ? infinity : -infinity));
}

/// x to the power of a constant that exporters use, as a formula that is exact and cheap.
static Value buildConstantPow(Formula f, Value x, double exponent) {
  if (exponent == 1)
    return x;
  if (exponent == 2)
    return f.mul(x, x);
  if (exponent == 3)
    return f.mul(f.mul(x, x), x);
  if (exponent == 0.5)
    return math::SqrtOp::create(f.b, f.loc, x);
  if (exponent == -1)
    return buildReciprocal(f.b, f.loc, x);
  if (exponent == -0.5)
    return buildReciprocal(f.b, f.loc, math::SqrtOp::create(f.b, f.loc, x));
  return {};
}

Value buildPow(PowOp op, OpBuilder &b, Location loc, Value x, Value y) {
  Type base = op.getLhs().getType().getElementType(),
       power = op.getRhs().getType().getElementType();
  Type compute = base.isF64() ? base : b.getF32Type();
  Value floatX = buildCast(isa<FloatType>(base) ? x.getType() : base, compute, b, loc, x);
  std::optional<double> exponent = constantScalar(op.getRhs());
  if (auto integers = constantIntegers(op.getRhs()); integers && integers->size() == 1)
    exponent = integers->front();
  Value result;
  if (exponent)
    result = buildConstantPow({b, loc, compute}, floatX, *exponent);
  if (!result) {
    Value floatY = buildCast(isa<FloatType>(power) ? y.getType() : power, compute, b, loc, y);
    result = math::PowFOp::create(b, loc, floatX, floatY);
  }
  return buildCast(compute, isa<FloatType>(base) ? x.getType() : base, b, loc, result);
}

Value buildCompare(CompareOp op, OpBuilder &b, Location loc, Value x, Value y) {
  Type element = op.getLhs().getType().getElementType();
  if (isa<FloatType>(element)) {
    static constexpr arith::CmpFPredicate predicates[] = {
        arith::CmpFPredicate::OEQ, arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
        arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
    return arith::CmpFOp::create(b, loc, predicates[static_cast<int>(op.getKind())], x, y);
  }
  using Predicate = arith::CmpIPredicate;
  static constexpr Predicate isSigned[] = {Predicate::eq, Predicate::slt, Predicate::sle,
                                           Predicate::sgt, Predicate::sge};
  static constexpr Predicate isUnsigned[] = {Predicate::eq, Predicate::ult, Predicate::ule,
                                             Predicate::ugt, Predicate::uge};
  bool noSign = element.isUnsignedInteger() || element.isInteger(1);
  return arith::CmpIOp::create(
      b, loc, (noSign ? isUnsigned : isSigned)[static_cast<int>(op.getKind())], x, y);
}

Value buildCast(CastOp op, OpBuilder &b, Location loc, Value x) {
  static constexpr RoundMode rounds[] = {RoundMode::Up, RoundMode::Down, RoundMode::Nearest};
  return buildCast(op.getOperand().getType().getElementType(), op.getTo(), b, loc, x,
                   {!op.getWide(), rounds[static_cast<int>(op.getRound())]});
}

Value buildBitCast(Type from, Type to, OpBuilder &b, Location loc, Value x) {
  if (from.isInteger(1) || to.isInteger(1))
    return buildCast(from, to, b, loc, x);
  Type storage = storageType(to);
  return x.getType() == storage ? x : Value(arith::BitcastOp::create(b, loc, storage, x));
}

Value buildRelu(OpBuilder &b, Location loc, Value x) {
  Value zero = zeroOf(b, loc, x.getType());
  if (!isa<FloatType>(x.getType()))
    return arith::MaxSIOp::create(b, loc, x, zero);
  // One instruction (max), and NaN stays NaN.
  Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, zero, x);
  return arith::SelectOp::create(b, loc, negative, zero, x);
}

/// 1 + exp(-x). An exp that is below the normal numbers is lost in the sum, but takes some
/// processors a hundred cycles: the flag `afn` leaves it open.
static Value onePlusExpOfMinus(Formula &f, Value x) {
  auto flags = arith::FastMathFlagsAttr::get(f.b.getContext(), x.getType().isF32()
                                                                   ? arith::FastMathFlags::afn
                                                                   : arith::FastMathFlags::none);
  return f.add(math::ExpOp::create(f.b, f.loc, arith::NegFOp::create(f.b, f.loc, x), flags), 1);
}

Value buildSigmoid(OpBuilder &b, Location loc, Value x) {
  Formula f{b, loc, x.getType()};
  return arith::DivFOp::create(b, loc, f.constant(1), onePlusExpOfMinus(f, x));
}

Value buildSilu(OpBuilder &b, Location loc, Value x) {
  Formula f{b, loc, x.getType()};
  return arith::DivFOp::create(b, loc, x, onePlusExpOfMinus(f, x));
}

Value buildHardSigmoid(OpBuilder &b, Location loc, Value x, double alpha, double beta) {
  Formula f{b, loc, x.getType()};
  return f.max(f.min(f.add(f.mul(x, alpha), beta), 1), 0);
}

Value buildHardSwish(OpBuilder &b, Location loc, Value x) {
  return Formula{b, loc, x.getType()}.mul(x, buildHardSigmoid(b, loc, x, 1.0 / 6, 0.5));
}

Value buildLeakyRelu(OpBuilder &b, Location loc, Value x, double alpha) {
  Formula f{b, loc, x.getType()};
  return f.select(arith::CmpFPredicate::OLT, x, 0, f.mul(x, alpha), x);
}

Value buildElu(OpBuilder &b, Location loc, Value x, double alpha) {
  Formula f{b, loc, x.getType()};
  Value negative = f.mul(math::ExpM1Op::create(b, loc, x), alpha);
  return f.select(arith::CmpFPredicate::OLT, x, 0, negative, x);
}

Value buildCelu(OpBuilder &b, Location loc, Value x, double alpha) {
  Formula f{b, loc, x.getType()};
  Value negative = f.mul(math::ExpM1Op::create(b, loc, f.mul(x, 1 / alpha)), alpha);
  return f.select(arith::CmpFPredicate::OLT, x, 0, negative, x);
}

Value buildSelu(OpBuilder &b, Location loc, Value x, double alpha, double gamma) {
  return Formula{b, loc, x.getType()}.mul(buildElu(b, loc, x, alpha), gamma);
}

Value buildThresholdedRelu(OpBuilder &b, Location loc, Value x, double alpha) {
  Formula f{b, loc, x.getType()};
  return f.select(arith::CmpFPredicate::OLE, x, alpha, f.constant(0), x); // NaN stays
}

Value buildShrink(Type type, OpBuilder &b, Location loc, Value x, double lambd, double bias) {
  Type element = getElementTypeOrSelf(type);
  Value wide = buildCast(isa<FloatType>(element) ? x.getType() : element,
                         x.getType().isF64() ? x.getType() : b.getF32Type(), b, loc, x);
  Formula f{b, loc, wide.getType()};
  Value inner = f.select(arith::CmpFPredicate::OGT, wide, lambd, f.add(wide, -bias),
                         f.select(arith::CmpFPredicate::UNO, wide, 0, wide, f.constant(0)));
  Value result = f.select(arith::CmpFPredicate::OLT, wide, -lambd, f.add(wide, bias), inner);
  return buildCast(wide.getType(), isa<FloatType>(element) ? x.getType() : element, b, loc, result);
}

Value buildPRelu(Type type, OpBuilder &b, Location loc, Value x, Value slope) {
  Value zero = zeroOf(b, loc, x.getType());
  if (isa<FloatType>(x.getType())) {
    Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
    return arith::SelectOp::create(b, loc, negative, arith::MulFOp::create(b, loc, x, slope), x);
  }
  if (getElementTypeOrSelf(type).isUnsignedInteger())
    return x;
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, zero);
  return arith::SelectOp::create(b, loc, negative, arith::MulIOp::create(b, loc, x, slope), x);
}

/// log(1 + exp(x)) without overflow: max(x, 0) + log1p(exp(-|x|)).
Value buildSoftplus(OpBuilder &b, Location loc, Value x) {
  Formula f{b, loc, x.getType()};
  Value magnitude = math::AbsFOp::create(b, loc, x);
  Value e = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, magnitude));
  return f.add(buildRelu(b, loc, x), math::Log1pOp::create(b, loc, e));
}

Value buildSoftsign(OpBuilder &b, Location loc, Value x) {
  Formula f{b, loc, x.getType()};
  return arith::DivFOp::create(b, loc, x, f.add(math::AbsFOp::create(b, loc, x), 1));
}

Value buildMish(OpBuilder &b, Location loc, Value x) {
  Formula f{b, loc, x.getType()};
  return f.mul(x, math::TanhOp::create(b, loc, buildSoftplus(b, loc, x)));
}

Value buildGelu(OpBuilder &b, Location loc, Value x, bool approximate) {
  Formula f{b, loc, x.getType()};
  Value phi;
  if (approximate) {
    Value cubic = f.add(f.mul(f.mul(x, x), 0.044715), 1); // x + 0.044715 x^3 = x * this
    phi = math::TanhOp::create(b, loc, f.mul(f.mul(x, cubic), 0.7978845608028654));
  } else {
    phi = math::ErfOp::create(b, loc, f.mul(x, 0.7071067811865476));
  }
  return f.mul(f.mul(x, 0.5), f.add(phi, 1));
}

Value buildElement(ScalarOpInterface op, OpBuilder &b, Location loc, ValueRange x) {
  auto isNarrow = [](Type type) {
    return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  };
  if (isa<CastOp, BitCastOp, WhereOp>(op.getOperation())) // take elements as they are stored
    return op.buildScalar(b, loc, x);
  SmallVector<Value> wide;
  for (auto [value, operand] : llvm::zip(x, op->getOperands())) {
    Type element = getElementTypeOrSelf(operand);
    bool isWide = !isNarrow(element) || value.getType().isF32(); // as an epilogue hands it over
    wide.push_back(isWide ? value : buildCast(element, b.getF32Type(), b, loc, value));
  }
  Value result = op.buildScalar(b, loc, wide);
  Type element = getElementTypeOrSelf(op->getResult(0));
  if (isNarrow(element) && result.getType().isF32())
    return buildCast(b.getF32Type(), element, b, loc, result);
  return result;
}

} // namespace nncc::nn
