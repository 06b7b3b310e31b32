// Elementwise arithmetic, comparison, logic and conversion.
#include "compiler/import/Rules.h"
#include "compiler/import/TypeMap.h"

using namespace mlir;
using namespace nncc;

template <typename Op> static void importUnary(OpBinder &b) {
  b.result(b.create<Op>({b.input(0)}));
}

template <typename Op> static void importBinary(OpBinder &b) {
  b.result(b.create<Op>({b.input(0), b.secondOperand()}));
}

// Max, Min and Sum of any number of operands.
template <typename Op> static void importVariadic(OpBinder &b) {
  Value result = b.input(0);
  for (size_t i = 1; i < b.getInputCount(); ++i)
    result = b.create<Op>({result, b.input(i)});
  b.result(result);
}

static void importMean(OpBinder &b) {
  importVariadic<nn::AddOp>(b);
  Value sum = b.getResults()[0];
  if (sum)
    b.result(b.create<nn::DivOp>(
        {sum, b.scalar(b.typeOf(sum).getElementType(), double(b.getInputCount()))}));
}

static Rule importCompare(nn::CompareKind kind) {
  return [kind](OpBinder &b) {
    nn::CompareOp::Properties properties;
    properties.kind = nn::CompareKindAttr::get(b.getBuilder().getContext(), kind);
    b.result(b.create<nn::CompareOp>({b.input(0), b.secondOperand()}, properties));
  };
}

// What Cast and CastLike state for floats of 8 bits.
static void importCastTo(OpBinder &b, Value value, Type element) {
  if (!value || !element)
    return;
  const StringRef round = b.string("round_mode", "up");
  auto rounding = nn::symbolizeCastRounding(round);
  if (!rounding)
    return (void)b.invalid("round_mode is '" + round + "', expected up, down or nearest");
  if (b.typeOf(value).getElementType() == element)
    return b.result(value);
  nn::CastOp::Properties properties;
  properties.to = TypeAttr::get(element);
  properties.wide = b.unitIf(!b.flag("saturate", true));
  properties.round = nn::CastRoundingAttr::get(b.getBuilder().getContext(), *rounding);
  b.result(b.create<nn::CastOp>({value}, properties));
}

static void importCast(OpBinder &b) { importCastTo(b, b.input(0), b.elementType("to")); }

static void importBitCast(OpBinder &b) {
  Type element = b.elementType("to");
  if (!element)
    return;
  nn::BitCastOp::Properties properties;
  properties.to = TypeAttr::get(element);
  b.result(b.create<nn::BitCastOp>({b.input(0)}, properties));
}

static void importCastLike(OpBinder &b) {
  importCastTo(b, b.input(0), b.typeOf(b.input(1)).getElementType());
}

static void importMod(OpBinder &b) {
  nn::ModOp::Properties properties;
  properties.fmod = b.unitIf(b.flag("fmod"));
  b.result(b.create<nn::ModOp>({b.input(0), b.input(1)}, properties));
}

static void importBitwiseNot(OpBinder &b) {
  Value x = b.input(0);
  b.result(b.create<nn::XorOp>({x, b.scalar(b.typeOf(x).getElementType(), -1)}));
}

static void importBitShift(OpBinder &b) {
  const bool left = b.string("direction", "") == "LEFT";
  if (!left && b.string("direction", "") != "RIGHT")
    return (void)b.invalid("direction is '" + b.string("direction", "") +
                           "', expected LEFT or RIGHT");
  nn::BitShiftOp::Properties properties;
  properties.kind = nn::ShiftKindAttr::get(b.getBuilder().getContext(),
                                           left ? nn::ShiftKind::Left : nn::ShiftKind::Right);
  b.result(b.create<nn::BitShiftOp>({b.input(0), b.input(1)}, properties));
}

static void importIsInf(OpBinder &b) {
  nn::IsInfOp::Properties properties;
  properties.positive = b.unitIf(b.flag("detect_positive", true));
  properties.negative = b.unitIf(b.flag("detect_negative", true));
  b.result(b.create<nn::IsInfOp>({b.input(0)}, properties));
}

// Clip of opset 6: the limits are attributes; of opset 11: operands that may be left out.
static void importClip(OpBinder &b) {
  Value x = b.input(0);
  Type element = b.typeOf(x).getElementType();
  auto limit = [&](size_t input, StringRef name) -> Value {
    if (b.getOpset() < 11)
      return b.attribute(name) ? b.scalar(element, b.number(name, 0)) : Value();
    Value value = b.input(input);
    return value && b.rankOf(value) > 0 ? b.reshape(value, {}) : value;
  };
  if (Value low = limit(1, "min"))
    x = b.create<nn::MaxOp>({x, low});
  if (Value high = limit(2, "max"))
    x = b.create<nn::MinOp>({x, high});
  b.result(x);
}

static void addArithmetic(Rules &rules) {
  rules.onOp("Add", 1, importBinary<nn::AddOp>);
  rules.onOp("Sub", 1, importBinary<nn::SubOp>);
  rules.onOp("Mul", 1, importBinary<nn::MulOp>);
  rules.onOp("Div", 1, importBinary<nn::DivOp>);
  rules.onOp("Pow", 1, importBinary<nn::PowOp>);
  rules.onOp("Max", 1, importVariadic<nn::MaxOp>);
  rules.onOp("Min", 1, importVariadic<nn::MinOp>);
  rules.onOp("Sum", 1, importVariadic<nn::AddOp>);
  rules.onOp("Mean", 1, importMean);
  rules.onOp("Mod", 10, importMod);
  rules.onOp("BitShift", 11, importBitShift);
  rules.onOp("BitwiseNot", 18, importBitwiseNot);
  rules.onOp("BitwiseAnd", 18, importBinary<nn::AndOp>);
  rules.onOp("BitwiseOr", 18, importBinary<nn::OrOp>);
  rules.onOp("BitwiseXor", 18, importBinary<nn::XorOp>);
}

static void addFunctions(Rules &rules) {
  rules.onOp("Exp", 1, importUnary<nn::ExpOp>);
  rules.onOp("Log", 1, importUnary<nn::LogOp>);
  rules.onOp("Sqrt", 1, importUnary<nn::SqrtOp>);
  rules.onOp("Sin", 7, importUnary<nn::SinOp>);
  rules.onOp("Cos", 7, importUnary<nn::CosOp>);
  rules.onOp("Tan", 7, importUnary<nn::TanOp>);
  rules.onOp("Asin", 7, importUnary<nn::AsinOp>);
  rules.onOp("Acos", 7, importUnary<nn::AcosOp>);
  rules.onOp("Atan", 7, importUnary<nn::AtanOp>);
  rules.onOp("Sinh", 9, importUnary<nn::SinhOp>);
  rules.onOp("Cosh", 9, importUnary<nn::CoshOp>);
  rules.onOp("Asinh", 9, importUnary<nn::AsinhOp>);
  rules.onOp("Acosh", 9, importUnary<nn::AcoshOp>);
  rules.onOp("Atanh", 9, importUnary<nn::AtanhOp>);
  rules.onOp("Tanh", 1, importUnary<nn::TanhOp>);
  rules.onOp("Erf", 9, importUnary<nn::ErfOp>);
  rules.onOp("Floor", 1, importUnary<nn::FloorOp>);
  rules.onOp("Ceil", 1, importUnary<nn::CeilOp>);
  rules.onOp("Round", 11, importUnary<nn::RoundOp>);
  rules.onOp("Neg", 1, importUnary<nn::NegOp>);
  rules.onOp("Abs", 1, importUnary<nn::AbsOp>);
  rules.onOp("Sign", 9, importUnary<nn::SignOp>);
  rules.onOp("Reciprocal", 1, importUnary<nn::ReciprocalOp>);
  rules.onOp("IsNaN", 9, importUnary<nn::IsNaNOp>);
  rules.onOp("IsInf", 10, importIsInf);
}

static void addLogic(Rules &rules) {
  rules.onOp("Equal", 1, importCompare(nn::CompareKind::Equal));
  rules.onOp("Less", 1, importCompare(nn::CompareKind::Less));
  rules.onOp("Greater", 1, importCompare(nn::CompareKind::Greater));
  rules.onOp("LessOrEqual", 12, importCompare(nn::CompareKind::LessEqual));
  rules.onOp("GreaterOrEqual", 12, importCompare(nn::CompareKind::GreaterEqual));
  rules.onOp("And", 1, importBinary<nn::AndOp>);
  rules.onOp("Or", 1, importBinary<nn::OrOp>);
  rules.onOp("Xor", 1, importBinary<nn::XorOp>);
  rules.onOp("Not", 1, importUnary<nn::NotOp>);
}

void nncc::addElementwiseRules(Rules &rules) {
  addArithmetic(rules);
  addLogic(rules);
  addFunctions(rules);
  rules.onOp("Clip", 6, importClip);
  rules.onOp("Cast", 6, importCast);
  rules.onOp("BitCast", 26, importBitCast);
  rules.onOp("CastLike", 15, importCastLike);
  rules.onOp("Where", 9, [](OpBinder &b) {
    b.result(b.create<nn::WhereOp>({b.input(0), b.input(1), b.input(2)}));
  });
}
