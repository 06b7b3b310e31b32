// Activation functions. Defaults of attributes are ONNX's.
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

template <typename Op> static void importPlain(OpBinder &b) {
  b.result(b.create<Op>({b.input(0)}));
}

template <typename Op> static Rule importWithAlpha(float otherwise) {
  return [otherwise](OpBinder &b) {
    typename Op::Properties properties;
    properties.alpha = b.f32(b.number("alpha", otherwise));
    b.result(b.create<Op>({b.input(0)}, properties));
  };
}

static void importHardSigmoid(OpBinder &b) {
  nn::HardSigmoidOp::Properties properties;
  properties.alpha = b.f32(b.number("alpha", 0.2f));
  properties.beta = b.f32(b.number("beta", 0.5f));
  b.result(b.create<nn::HardSigmoidOp>({b.input(0)}, properties));
}

static void importSelu(OpBinder &b) {
  nn::SeluOp::Properties properties;
  properties.alpha = b.f32(b.number("alpha", 1.67326319217681884765625f));
  properties.gamma = b.f32(b.number("gamma", 1.05070102214813232421875f));
  b.result(b.create<nn::SeluOp>({b.input(0)}, properties));
}

static void importShrink(OpBinder &b) {
  nn::ShrinkOp::Properties properties;
  properties.lambd = b.f32(b.number("lambd", 0.5f));
  properties.bias = b.f32(b.number("bias", 0));
  b.result(b.create<nn::ShrinkOp>({b.input(0)}, properties));
}

static void importGelu(OpBinder &b) {
  const StringRef approximate = b.string("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return (void)b.invalid("approximate is '" + approximate + "', expected none or tanh");
  nn::GeluOp::Properties properties;
  properties.approximate = b.unitIf(approximate == "tanh");
  b.result(b.create<nn::GeluOp>({b.input(0)}, properties));
}

// x * sigmoid(alpha * x), of opset 24.
static void importSwish(OpBinder &b) {
  const float alpha = b.number("alpha", 1);
  if (alpha == 1)
    return importPlain<nn::SiluOp>(b);
  Value x = b.input(0);
  Value scaled = b.create<nn::MulOp>({x, b.scalar(b.typeOf(x).getElementType(), alpha)});
  b.result(b.create<nn::MulOp>({x, b.create<nn::SigmoidOp>({scaled})}));
}

// Until opset 6 the slope, one per channel, lines up with dim 1; from 7 on it broadcasts as usual.
static void importPRelu(OpBinder &b) {
  Value x = b.input(0), slope = b.input(1);
  if (b.getOpset() < 7 && b.rankOf(slope) == 1 && b.rankOf(x) > 2 &&
      constantOf(b.shapeOf(slope)[0]) != 1) {
    SmallVector<int64_t> shape(b.rankOf(x) - 1, 1);
    shape[0] = b.fixedSizeOf(slope, 0);
    slope = b.reshape(slope, shape);
  }
  b.result(b.create<nn::PReluOp>({x, slope}));
}

void nncc::addActivationRules(Rules &rules) {
  rules.onOp("Relu", 1, importPlain<nn::ReluOp>);
  rules.onOp("Sigmoid", 1, importPlain<nn::SigmoidOp>);
  rules.onOp("Softplus", 1, importPlain<nn::SoftplusOp>);
  rules.onOp("Softsign", 1, importPlain<nn::SoftsignOp>);
  rules.onOp("HardSwish", 14, importPlain<nn::HardSwishOp>);
  rules.onOp("Mish", 18, importPlain<nn::MishOp>);
  rules.onOp("LeakyRelu", 1, importWithAlpha<nn::LeakyReluOp>(0.01f));
  rules.onOp("Elu", 1, importWithAlpha<nn::EluOp>(1));
  rules.onOp("Celu", 12, importWithAlpha<nn::CeluOp>(1));
  rules.onOp("ThresholdedRelu", 10, importWithAlpha<nn::ThresholdedReluOp>(1));
  rules.onOp("HardSigmoid", 1, importHardSigmoid);
  rules.onOp("Selu", 6, importSelu);
  rules.onOp("Shrink", 9, importShrink);
  rules.onOp("Gelu", 20, importGelu);
  rules.onOp("Swish", 24, importSwish);
  rules.onOp("PRelu", 1, importPRelu);
}
