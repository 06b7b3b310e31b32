// Matrix products.
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

static Value transpose(OpBinder &b, Value matrix) {
  nn::TransposeOp::Properties properties;
  properties.perm = b.array({1, 0});
  return b.create<nn::TransposeOp>({matrix}, properties);
}

static Value scale(OpBinder &b, Value x, float factor) {
  if (factor == 1 || !x)
    return x;
  return b.create<nn::MulOp>({x, b.scalar(b.typeOf(x).getElementType(), factor)});
}

// alpha * A * B + beta * C
static void importGemm(OpBinder &b) {
  Value lhs = b.input(0), rhs = b.input(1);
  if (b.rankOf(lhs) != 2 || b.rankOf(rhs) != 2)
    return (void)b.invalid("the operands have " + Twine(b.rankOf(lhs)) + " and " +
                           Twine(b.rankOf(rhs)) + " dims, expected 2");
  if (b.flag("transA"))
    lhs = transpose(b, lhs);
  if (b.flag("transB"))
    rhs = transpose(b, rhs);
  Value result = scale(b, b.create<nn::MatMulOp>({lhs, rhs}), b.number("alpha", 1));
  const float beta = b.number("beta", 1);
  if (b.input(2) && beta != 0)
    result = b.create<nn::AddOp>({result, scale(b, b.input(2), beta)});
  b.result(result);
}

void nncc::addLinearRules(Rules &rules) {
  rules.onOp("Gemm", 1, importGemm);
  rules.onOp("MatMul", 1, [](OpBinder &b) {
    b.result(b.create<nn::MatMulOp>({b.input(0), b.input(1)}));
  });
}
