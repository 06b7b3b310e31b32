// Normalizations: of probabilities, of features, over channels.
#ifndef NNCC_NN_NORM
#define NNCC_NN_NORM

include "dialects/nn/NNBase.td"

class NN_AxisNorm<string mnemonic, string text> : NN_Op<mnemonic> {
  let summary = text;
  let arguments = (ins NN_FloatTensor:$operand, I64Attr:$axis);
  let results = (outs NN_FloatTensor:$result);
}
def NN_SoftmaxOp    : NN_AxisNorm<"softmax", "exp(x) / sum(exp(x)) along an axis">;
def NN_LogSoftmaxOp : NN_AxisNorm<"log_softmax", "x - log(sum(exp(x))) along an axis">;

def NN_LpNormOp : NN_Op<"lp_norm"> {
  let summary = "x / the sum of |x| (p = 1) or the root of the sum of squares (p = 2) along an axis";
  let description = "Where that divisor is 0 the result is 0. ONNX LpNormalization.";
  let arguments = (ins NN_FloatTensor:$operand, I64Attr:$axis, I64Attr:$p);
  let results = (outs NN_FloatTensor:$result);
}

def NN_LayerNormOp : NN_Op<"layer_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over the dims from `axis` on";
  let description = [{
    The variance is the mean square of x - mean; scale and bias broadcast to x. ONNX
    LayerNormalization.
    ```mlir
    %y = nn.layer_norm %x, %s, %b {axis = -1, epsilon = 1.0e-5 : f32}
        : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$operand, NN_FloatTensor:$scale, Optional<NN_FloatTensor>:$bias,
                       I64Attr:$axis, F32Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
}

def NN_RMSNormOp : NN_Op<"rms_norm"> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * scale over the dims from `axis` on";
  let description = "scale broadcasts to x. ONNX RMSNormalization.";
  let arguments = (ins NN_FloatTensor:$operand, NN_FloatTensor:$scale, I64Attr:$axis, F32Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
}

def NN_BatchNormOp : NN_Op<"batch_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias with given statistics per channel";
  let description = [{
    `x` is [N, C, ...], the others [C]. ONNX BatchNormalization of inference.
  }];
  let arguments = (ins NN_FloatTensor:$operand, NN_FloatTensor:$scale, NN_FloatTensor:$bias,
                       NN_FloatTensor:$mean, NN_FloatTensor:$variance, F32Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
}

def NN_GroupNormOp : NN_Op<"group_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over groups of channels";
  let description = [{
    `x` is [N, C, ...], scale and bias are [C]; the statistics are those of C/groups channels of
    one image. ONNX GroupNormalization; with one channel per group InstanceNormalization.
  }];
  let arguments = (ins NN_FloatTensor:$operand, NN_FloatTensor:$scale, NN_FloatTensor:$bias,
                       I64Attr:$groups, F32Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
}

def NN_InstanceNormOp : NN_Op<"instance_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over each channel of each image";
  let description = "`x` is [N, C, ...], scale and bias are [C]. ONNX InstanceNormalization.";
  let arguments = (ins NN_FloatTensor:$operand, NN_FloatTensor:$scale, NN_FloatTensor:$bias,
                       F32Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
}

def NN_MeanVarianceOp : NN_Op<"mean_variance"> {
  let summary = "(x - mean) / (sqrt(variance) + 1e-9) over axes";
  let description = "ONNX MeanVarianceNormalization.";
  let arguments = (ins NN_FloatTensor:$operand, DenseI64ArrayAttr:$axes);
  let results = (outs NN_FloatTensor:$result);
}

def NN_LRNOp : NN_Op<"lrn"> {
  let summary = "x / (bias + alpha / size * the sum of squares over `size` channels around)^beta";
  let description = [{
    `x` is [N, C, ...]; the channels are those from c - (size - 1) / 2 to c + size / 2 that
    exist. ONNX LRN.
  }];
  let arguments = (ins NN_FloatTensor:$operand, I64Attr:$size, F32Attr:$alpha, F32Attr:$beta, F32Attr:$bias);
  let results = (outs NN_FloatTensor:$result);
}

#endif
