// Convolutions.
#ifndef NNCC_NN_CONV
#define NNCC_NN_CONV

include "dialects/nn/NNBase.td"

def NN_ConvOp : NN_Op<"conv"> {
  let summary = "Convolution of one to three spatial dims, in groups";
  let description = [{
    ```
    input   [N, C, x1..xs]          with `channels_last`: [N, x1..xs, C]
    weights [O, C/groups, k1..ks]
    result  [N, O, y1..ys]          with `channels_last`: [N, y1..ys, O]
    ```
    `pads` is [lo1..los, hi1..his]. A bias is an nn.add. All are of one float type, or input and weights are ui8 and
    i8 and the result i32, which wraps: what stands for zero is then no padding's value, but 0. ONNX Conv, ConvInteger.
  }];
  let arguments = (ins NN_NumberTensor:$input, NN_NumberTensor:$weights,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, DefaultValuedAttr<I64Attr, "1">:$groups,
                       UnitAttr:$channels_last);
  let results = (outs NN_NumberTensor:$result);
}

def NN_ConvTransposeOp : NN_Op<"conv_transpose"> {
  let summary = "Transposed convolution: the gradient of nn.conv by its input";
  let description = [{
    ```
    input   [N, C, x1..xs]              with `channels_last`: [N, x1..xs, C]
    weights [C, O/groups, k1..ks]
    result  [N, O, y1..ys]              with `channels_last`: [N, y1..ys, O]
                               y = stride * (x - 1) + (k - 1) * dilation + 1 + output_pad - lo - hi
    ```
    `pads` is [lo1..los, hi1..his]; `output_pads` are rows at the high ends that no input
    reaches alone. A bias is an nn.add. ONNX ConvTranspose.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$weights,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$output_pads,
                       DefaultValuedAttr<I64Attr, "1">:$groups, UnitAttr:$channels_last);
  let results = (outs NN_FloatTensor:$result);
}

#endif
