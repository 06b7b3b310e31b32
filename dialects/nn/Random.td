// Random numbers that depend on a seed and on the element's place alone.
#ifndef NNCC_NN_RANDOM
#define NNCC_NN_RANDOM

include "dialects/nn/NNBase.td"

def NN_RandomKind : I32EnumAttr<"RandomKind", "A distribution", [
    I32EnumAttrCase<"Uniform", 0, "uniform">, // in [0, 1)
    I32EnumAttrCase<"Normal", 1, "normal">    // of mean 0 and variance 1
    ]> {
  let cppNamespace = "::nncc::nn";
}

def NN_RandomOp : NN_Op<"random"> {
  let summary = "Random floats, the same for the same seed";
  let description = [{
    Element i, counted in row-major order, comes from block i of Philox 4x32-10 under the key `seed`
    (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011), so that it does
    not depend on how the work is divided. Normal ones by Box and Muller's transform. ONNX
    RandomUniform, RandomNormal.
    ```mlir
    %shape = nn.constant dense<[2, 3]> : tensor<2xi64>
    %u = nn.random uniform %shape {seed = 7 : i64, to = f32} : (tensor<2xi64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_RandomKind:$kind, NN_IndexTensor:$shape, I64Attr:$seed, TypeAttr:$to);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
}

#endif
