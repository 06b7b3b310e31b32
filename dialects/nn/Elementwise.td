// Elementwise arithmetic, comparison and conversion. Operands broadcast as NumPy's do.
#ifndef NNCC_NN_ELEMENTWISE
#define NNCC_NN_ELEMENTWISE

include "dialects/nn/ElementwiseBase.td"

def NN_ExpOp   : NN_Unary<"exp", "The exponential", "math::ExpOp">;
def NN_LogOp   : NN_Unary<"log", "The natural logarithm", "math::LogOp">;
def NN_SqrtOp  : NN_Unary<"sqrt", "The square root", "math::SqrtOp">;
def NN_SinOp   : NN_Unary<"sin", "The sine", "math::SinOp">;
def NN_CosOp   : NN_Unary<"cos", "The cosine", "math::CosOp">;
def NN_TanhOp  : NN_Unary<"tanh", "The hyperbolic tangent", "math::TanhOp">;
def NN_TanOp   : NN_Unary<"tan", "The tangent", "math::TanOp">;
def NN_AsinOp  : NN_Unary<"asin", "The arcsine", "math::AsinOp">;
def NN_AcosOp  : NN_Unary<"acos", "The arccosine", "math::AcosOp">;
def NN_AtanOp  : NN_Unary<"atan", "The arctangent", "math::AtanOp">;
def NN_SinhOp  : NN_Unary<"sinh", "The hyperbolic sine", "math::SinhOp">;
def NN_CoshOp  : NN_Unary<"cosh", "The hyperbolic cosine", "math::CoshOp">;
def NN_AsinhOp : NN_Unary<"asinh", "The inverse hyperbolic sine", "math::AsinhOp">;
def NN_AcoshOp : NN_Unary<"acosh", "The inverse hyperbolic cosine", "math::AcoshOp">;
def NN_AtanhOp : NN_Unary<"atanh", "The inverse hyperbolic tangent", "math::AtanhOp">;
def NN_ErfOp   : NN_Unary<"erf", "The error function", "math::ErfOp">;
def NN_FloorOp : NN_Unary<"floor", "The largest integer not above", "math::FloorOp">;
def NN_CeilOp  : NN_Unary<"ceil", "The smallest integer not below", "math::CeilOp">;
def NN_RoundOp : NN_Unary<"round", "The nearest integer, halves to even", "math::RoundEvenOp">;
def NN_NegOp   : NN_Unary<"neg", "The negation", "", "::nncc::nn::buildNeg(b, loc, x[0])">;
def NN_AbsOp   : NN_Unary<"abs", "The absolute value", "",
                          "::nncc::nn::buildAbs(getOperand().getType(), b, loc, x[0])">;
def NN_SignOp  : NN_Unary<"sign", "-1, 0 or 1", "",
                          "::nncc::nn::buildSign(getOperand().getType(), b, loc, x[0])">;
def NN_ReciprocalOp : NN_Unary<"reciprocal", "1 / x", "", "::nncc::nn::buildReciprocal(b, loc, x[0])">;
def NN_NotOp   : NN_Unary<"not", "The negation of a bool", "", "::nncc::nn::buildNot(b, loc, x[0])">;

def NN_AddOp : NN_Arith<"add", "The sum", "arith::AddFOp", "arith::AddIOp">;
def NN_SubOp : NN_Arith<"sub", "The difference", "arith::SubFOp", "arith::SubIOp">;
def NN_MulOp : NN_Arith<"mul", "The product", "arith::MulFOp", "arith::MulIOp">;
def NN_MaxOp : NN_Arith<"max", "The larger one; NaN if one is", "arith::MaximumFOp", "arith::MaxSIOp",
                        "arith::MaxUIOp">;
def NN_MinOp : NN_Arith<"min", "The smaller one; NaN if one is", "arith::MinimumFOp", "arith::MinSIOp",
                        "arith::MinUIOp">;
def NN_DivOp : NN_Binary<"div", "The quotient; of integers towards zero, x / 0 = 0",
                         "::nncc::nn::buildDiv(getLhs().getType(), b, loc, x[0], x[1])">;
def NN_PowOp : NN_Binary<"pow", "lhs to the power of rhs, in the type of lhs",
                         "::nncc::nn::buildPow(*this, b, loc, x[0], x[1])">;
def NN_AndOp : NN_Binary<"and", "The conjunction of bools, bitwise on integers",
                         "::mlir::arith::AndIOp::create(b, loc, x[0], x[1])">;
def NN_OrOp  : NN_Binary<"or", "The disjunction of bools, bitwise on integers",
                         "::mlir::arith::OrIOp::create(b, loc, x[0], x[1])">;
def NN_XorOp : NN_Binary<"xor", "The exclusive disjunction of bools, bitwise on integers",
                         "::mlir::arith::XOrIOp::create(b, loc, x[0], x[1])">;

def NN_ModOp : NN_Binary<"mod", "The remainder with the sign of rhs, with `fmod` that of lhs; of integers x mod 0 = 0",
                         "::nncc::nn::buildMod(getLhs().getType(), b, loc, x[0], x[1], getFmod())",
                         "op.getFmod() ? \"fmod\" : \"mod\""> {
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs, UnitAttr:$fmod);
}
def NN_ShiftKind : I32EnumAttr<"ShiftKind", "A direction of bits", [
    I32EnumAttrCase<"Left", 0, "left">, I32EnumAttrCase<"Right", 1, "right">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_BitShiftOp : NN_Binary<"bit_shift", "lhs with its bits moved by rhs, a signed one with its sign",
                              "::nncc::nn::buildBitShift(getLhs().getType(), getKind(), b, loc, x[0], x[1])"> {
  let description = [{
    ONNX BitShift. Where rhs is negative or the width of lhs or more, the result is -1 for a right shift of a negative
    lhs, else 0.
  }];
  let arguments = (ins NN_IntTensor:$lhs, NN_IntTensor:$rhs, NN_ShiftKind:$kind);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
}

class NN_Predicate<string mnemonic, string text, string scalar, dag attributes = (ins)>
    : NN_Elementwise<mnemonic, text, scalar, "::mlir::IntegerType::get(op.getOperand().getContext(), 1)"> {
  let arguments = !con((ins NN_FloatTensor:$operand), attributes);
}
def NN_IsNaNOp : NN_Predicate<"isnan", "Whether x is not a number", "::mlir::math::IsNaNOp::create(b, loc, x[0])">;
def NN_IsInfOp : NN_Predicate<"isinf", "Whether x is infinite, of a sign that is asked for",
                              "::nncc::nn::buildIsInf(b, loc, x[0], getPositive(), getNegative())",
                              (ins UnitAttr:$positive, UnitAttr:$negative)>;

def NN_CompareKind : I32EnumAttr<"CompareKind", "An order", [
    I32EnumAttrCase<"Equal", 0, "eq">, I32EnumAttrCase<"Less", 1, "lt">,
    I32EnumAttrCase<"LessEqual", 2, "le">, I32EnumAttrCase<"Greater", 3, "gt">,
    I32EnumAttrCase<"GreaterEqual", 4, "ge">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_CompareOp : NN_Elementwise<"compare", "Whether lhs is in this order to rhs; false for NaN",
    "::nncc::nn::buildCompare(*this, b, loc, x[0], x[1])",
    "::mlir::IntegerType::get(op.getLhs().getContext(), 1)", "stringifyCompareKind(op.getKind())"> {
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs, NN_CompareKind:$kind);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
}

def NN_WhereOp : NN_Elementwise<"where", "condition ? lhs : rhs",
    "::mlir::arith::SelectOp::create(b, loc, x[0], x[1], x[2])", "operands[1].element",
    "\"where\"", NN_AnyTensor> {
  let arguments = (ins NN_BoolTensor:$condition, NN_AnyTensor:$lhs, NN_AnyTensor:$rhs);
}

def NN_RoundMode : I32EnumAttr<"CastRounding", "How a power of two is chosen", [
    I32EnumAttrCase<"Up", 0, "up">, I32EnumAttrCase<"Down", 1, "down">, I32EnumAttrCase<"Nearest", 2, "nearest">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_CastOp : NN_Elementwise<"cast", "The nearest value of type `to`",
    "::nncc::nn::buildCast(*this, b, loc, x[0])", "op.getTo()",
    "op.getTo().isInteger(1) ? \"bool\" : \"cast\"", NN_AnyTensor> {
  let description = [{
    ONNX Cast: float to integer truncates (a value outside of the type's range saturates, NaN gives 0), to bool
    compares with 0, integers wrap, floats round to nearest even. Beyond the range of a float of 8 bits comes the
    largest value, with `wide` infinity or NaN; `round` is how float8e8m0 rounds. Complex numbers are copied only.
  }];
  let arguments = (ins NN_AnyTensor:$operand, TypeAttr:$to, UnitAttr:$wide,
                       DefaultValuedAttr<NN_RoundMode, "::nncc::nn::CastRounding::Up">:$round);
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_BitCastOp : NN_Elementwise<"bitcast", "The bits of x as a value of type `to`, of the same width; a bool has a byte",
    "::nncc::nn::buildBitCast(getOperand().getType().getElementType(), getTo(), b, loc, x[0])", "op.getTo()",
    "\"bitcast\"", NN_AnyTensor> {
  let description = "ONNX BitCast.";
  let arguments = (ins NN_AnyTensor:$operand, TypeAttr:$to);
  let hasVerifier = 1;
}

#endif
