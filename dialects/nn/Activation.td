// Elementwise functions that networks use between their layers.
#ifndef NNCC_NN_ACTIVATION
#define NNCC_NN_ACTIVATION

include "dialects/nn/ElementwiseBase.td"

def NN_ReluOp    : NN_Unary<"relu", "max(x, 0); NaN propagates", "", "::nncc::nn::buildRelu(b, loc, x[0])">;
def NN_SigmoidOp : NN_Unary<"sigmoid", "1 / (1 + exp(-x))", "", "::nncc::nn::buildSigmoid(b, loc, x[0])">;
def NN_SiluOp    : NN_Unary<"silu", "x * sigmoid(x), also called swish", "",
                            "::nncc::nn::buildSilu(b, loc, x[0])">;
def NN_HardSwishOp : NN_Unary<"hard_swish", "x * max(0, min(1, x/6 + 1/2))", "",
                              "::nncc::nn::buildHardSwish(b, loc, x[0])">;
def NN_SoftplusOp : NN_Unary<"softplus", "log(1 + exp(x))", "", "::nncc::nn::buildSoftplus(b, loc, x[0])">;
def NN_SoftsignOp : NN_Unary<"softsign", "x / (1 + |x|)", "", "::nncc::nn::buildSoftsign(b, loc, x[0])">;
def NN_MishOp     : NN_Unary<"mish", "x * tanh(softplus(x))", "", "::nncc::nn::buildMish(b, loc, x[0])">;

class NN_Scaled<string mnemonic, string text, string build> : NN_Elementwise<mnemonic, text,
    "::nncc::nn::" # build # "(b, loc, x[0], getAlpha().convertToDouble())"> {
  let arguments = (ins NN_FloatTensor:$operand, F32Attr:$alpha);
}
def NN_LeakyReluOp : NN_Scaled<"leaky_relu", "x < 0 ? alpha * x : x", "buildLeakyRelu">;
def NN_EluOp       : NN_Scaled<"elu", "x < 0 ? alpha * (exp(x) - 1) : x", "buildElu">;
def NN_CeluOp      : NN_Scaled<"celu", "x < 0 ? alpha * (exp(x / alpha) - 1) : x", "buildCelu">;
def NN_ThresholdedReluOp : NN_Scaled<"thresholded_relu", "x > alpha ? x : 0", "buildThresholdedRelu">;

class NN_Scaled2<string mnemonic, string text, string build, string first, string second>
    : NN_Elementwise<mnemonic, text,
          "::nncc::nn::" # build # "(b, loc, x[0], get" # first # "().convertToDouble(), get" # second #
          "().convertToDouble())">;
def NN_HardSigmoidOp : NN_Scaled2<"hard_sigmoid", "max(0, min(1, alpha * x + beta))",
                                  "buildHardSigmoid", "Alpha", "Beta"> {
  let arguments = (ins NN_FloatTensor:$operand, F32Attr:$alpha, F32Attr:$beta);
}
def NN_SeluOp : NN_Scaled2<"selu", "gamma * (x < 0 ? alpha * (exp(x) - 1) : x)", "buildSelu",
                           "Alpha", "Gamma"> {
  let arguments = (ins NN_FloatTensor:$operand, F32Attr:$alpha, F32Attr:$gamma);
}
def NN_ShrinkOp : NN_Elementwise<"shrink", "x < -lambd ? x + bias : x > lambd ? x - bias : 0",
    "::nncc::nn::buildShrink(getOperand().getType(), b, loc, x[0], getLambd().convertToDouble(), "
    "getBias().convertToDouble())"> {
  let arguments = (ins NN_Tensor:$operand, F32Attr:$lambd, F32Attr:$bias);
}

def NN_PReluOp : NN_Elementwise<"prelu", "x < 0 ? slope * x : x; the slope broadcasts to x",
    "::nncc::nn::buildPRelu(getOperand().getType(), b, loc, x[0], x[1])"> {
  let arguments = (ins NN_Tensor:$operand, NN_Tensor:$slope);
}

def NN_GeluOp : NN_Elementwise<"gelu", "x * the normal distribution function of x",
    "::nncc::nn::buildGelu(b, loc, x[0], getApproximate())"> {
  let description = [{
    x/2 * (1 + erf(x / sqrt 2)), with `approximate` x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
    (Hendrycks and Gimpel, arXiv 1606.08415).
  }];
  let arguments = (ins NN_FloatTensor:$operand, UnitAttr:$approximate);
}

#endif
