// Elements picked by index, and put by index. An index counts from the back where negative; one that is
// outside is taken for the nearest inside: rt.within ends a run in which the model gives such a one.
#ifndef NNCC_NN_GATHER
#define NNCC_NN_GATHER

include "dialects/nn/NNBase.td"

def NN_GatherOp : NN_Op<"gather"> {
  let summary = "The slices of `data` along an axis that the indices name";
  let description = [{
    ```
    data [A.., n, B..], indices [I..]  ->  [A.., I.., B..]     result[a, i, b] = data[a, indices[i], b]
    ```
    ONNX Gather.
  }];
  let arguments = (ins NN_AnyTensor:$data, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$result);
}

def NN_GatherElementsOp : NN_Op<"gather_elements"> {
  let summary = "Element by element: the one whose index along an axis is given";
  let description = "result[i, j] = data[indices[i, j], j] for axis 0. ONNX GatherElements.";
  let arguments = (ins NN_AnyTensor:$data, NN_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$result);
}

def NN_GatherNDOp : NN_Op<"gather_nd"> {
  let summary = "The slices of `data` that tuples of indices name";
  let description = [{
    ```
    data [B.., D1..Dk, S..], indices [B.., I.., k]  ->  [B.., I.., S..]
    ```
    with `batch_dims` dims B. ONNX GatherND.
  }];
  let arguments = (ins NN_AnyTensor:$data, NN_IndexTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs NN_AnyTensor:$result);
}

def NN_ScatterKind : I32EnumAttr<"ScatterKind", "How an update meets what is there", [
    I32EnumAttrCase<"Replace", 0, "replace">, I32EnumAttrCase<"Add", 1, "add">,
    I32EnumAttrCase<"Mul", 2, "mul">, I32EnumAttrCase<"Max", 3, "max">,
    I32EnumAttrCase<"Min", 4, "min">]> {
  let cppNamespace = "::nncc::nn";
}

class NN_Scatter<string mnemonic, string text, dag attributes> : NN_Op<mnemonic> {
  let summary = text;
  let arguments = !con((ins NN_AnyTensor:$data, NN_IndexTensor:$indices, NN_AnyTensor:$updates,
                            NN_ScatterKind:$kind), attributes);
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
}
def NN_ScatterElementsOp : NN_Scatter<"scatter_elements",
    "`data`, updated element by element at the given index along an axis", (ins I64Attr:$axis)> {
  let description = [{
    result[indices[i, j], j] = updates[i, j] for axis 0; updates are applied in their order.
    ONNX ScatterElements.
  }];
}
def NN_ScatterNDOp : NN_Scatter<"scatter_nd",
    "`data`, with slices updated that tuples of indices name", (ins)> {
  let description = [{
    ```
    data [D1..Dk, S..], indices [I.., k], updates [I.., S..]
    ```
    Updates are applied in their order. ONNX ScatterND.
  }];
}

#endif
