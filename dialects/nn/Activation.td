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

class NN_Scaled<string mnemonic, string text, string build> : NN_Elementwise<mnemonic, text,
    "::nncc::nn::" # build # "(b, loc, x[0], getAlpha().convertToDouble())"> {
  let arguments = (ins NN_FloatTensor:$operand, F32Attr:$alpha);
}
def NN_LeakyReluOp : NN_Scaled<"leaky_relu", "x < 0 ? alpha * x : x", "buildLeakyRelu">;
def NN_EluOp       : NN_Scaled<"elu", "x < 0 ? alpha * (exp(x) - 1) : x", "buildElu">;

def NN_HardSigmoidOp : NN_Elementwise<"hard_sigmoid", "max(0, min(1, alpha * x + beta))",
    "::nncc::nn::buildHardSigmoid(b, loc, x[0], getAlpha().convertToDouble(), getBeta().convertToDouble())"> {
  let arguments = (ins NN_FloatTensor:$operand, F32Attr:$alpha, F32Attr:$beta);
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
