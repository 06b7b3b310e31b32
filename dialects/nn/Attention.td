// Attention.
#ifndef NNCC_NN_ATTENTION
#define NNCC_NN_ATTENTION

include "dialects/nn/NNBase.td"

def NN_AttentionGuard : I32EnumAttr<"AttentionGuard", "Which weights of an attention are 0 in place of NaN", [
    I32EnumAttrCase<"None", 0, "none">,   // none
    I32EnumAttrCase<"Empty", 1, "empty">, // those of a query all of whose scores are -inf
    I32EnumAttrCase<"NaN", 2, "nan">      // all
    ]> {
  let cppNamespace = "::nncc::nn";
}

def NN_AttentionOp : NN_Op<"attention"> {
  let summary = "softmax(scale * query * transposed key + mask) * value";
  let description = [{
    ```
    query [N, H, L, D], key [N, G, S, D], value [N, G, S, E]  ->  [N, H, L, E]
    ```
    G divides H: heads h share key and value head h / (H/G). The mask broadcasts to [N, H, L,
    S]; a float one is added, a bool one is true where a key takes part: the score of others is
    `fill`. With `causal` key s takes part for query l only if s <= l. A query without any key
    gives NaN, as the formula does, or what `guard` says. ONNX Attention.
  }];
  let arguments = (ins NN_FloatTensor:$query, NN_FloatTensor:$key, NN_FloatTensor:$value,
                       Optional<NN_Tensor>:$mask, F32Attr:$scale,
                       DefaultValuedAttr<F32Attr, "-INFINITY">:$fill, UnitAttr:$causal,
                       DefaultValuedAttr<NN_AttentionGuard, "AttentionGuard::None">:$guard);
  let results = (outs NN_FloatTensor:$result);
}

#endif
