// Attention.
#ifndef NNCC_NN_ATTENTION
#define NNCC_NN_ATTENTION

include "dialects/nn/NNBase.td"

def NN_AttentionOp : NN_Op<"attention"> {
  let summary = "softmax(scale * query * transposed key + mask) * value";
  let description = [{
    ```
    query [N, H, L, D], key [N, G, S, D], value [N, G, S, E]  ->  [N, H, L, E]
    ```
    G divides H: heads h share key and value head h / (H/G). The mask broadcasts to [N, H, L,
    S]; a bool one is true where a key takes part, a float one is added. With `causal` key s
    takes part for query l only if s <= l. A query without any key gives NaN, as the formula
    does. ONNX Attention.
  }];
  let arguments = (ins NN_FloatTensor:$query, NN_FloatTensor:$key, NN_FloatTensor:$value,
                       Optional<NN_Tensor>:$mask, F32Attr:$scale, UnitAttr:$causal);
  let results = (outs NN_FloatTensor:$result);
}

#endif
