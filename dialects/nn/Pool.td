// Pooling over windows. Global pooling is an nn.reduce.
#ifndef NNCC_NN_POOL
#define NNCC_NN_POOL

include "dialects/nn/NNBase.td"

def NN_PoolKind : I32EnumAttr<"PoolKind", "What a pool computes", [
    I32EnumAttrCase<"Max", 0, "max">, // NaN propagates
    I32EnumAttrCase<"Average", 1, "average">,           // padding counts as zeros
    I32EnumAttrCase<"AverageValid", 2, "average_valid"> // padding does not count
    ]> {
  let cppNamespace = "::nncc::nn";
}

def NN_PoolOp : NN_Op<"pool"> {
  let summary = "The largest or average element under a window";
  let description = [{
    ```
    input   [N, C, x1..xs]          with `channels_last`: [N, x1..xs, C]
    result  [N, C, y1..ys]          with `channels_last`: [N, y1..ys, C]
    ```
    `pads` is [lo1..los, hi1..his]; rounding up of the result's size (ceil_mode) is expressed by larger pads, of
    average_valid and max only. ONNX MaxPool, AveragePool.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_PoolKind:$kind, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, UnitAttr:$channels_last);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
}

#endif
