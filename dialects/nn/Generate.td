// Elements that follow from their place.
#ifndef NNCC_NN_GENERATE
#define NNCC_NN_GENERATE

include "dialects/nn/NNBase.td"

def NN_RangeOp : NN_Op<"range"> {
  let summary = "start, start + delta, ... up to before limit";
  let description = "Scalars of one type. ONNX Range.";
  let arguments = (ins NN_Tensor:$start, NN_Tensor:$limit, NN_Tensor:$delta);
  let results = (outs NN_Tensor:$result);
}

def NN_EyeLikeOp : NN_Op<"eye_like"> {
  let summary = "1 on diagonal `k` above the main one, else 0, in the shape of the operand";
  let description = "ONNX EyeLike.";
  let arguments = (ins NN_Tensor:$operand, TypeAttr:$to, DefaultValuedAttr<I64Attr, "0">:$k);
  let results = (outs NN_Tensor:$result);
}

def NN_TriluOp : NN_Op<"trilu"> {
  let summary = "The lower (or `upper`) triangle of the last two dims, else 0";
  let description = [{
    From diagonal `k` above the main one on, without `k` from the main one. ONNX Trilu.
  }];
  let arguments = (ins NN_AnyTensor:$operand, Optional<NN_IndexTensor>:$k, UnitAttr:$upper);
  let results = (outs NN_AnyTensor:$result);
}

def NN_OneHotOp : NN_Op<"one_hot"> {
  let summary = "values[1] where the index along a new axis is the operand's, else values[0]";
  let description = [{
    The new dim is `axis` of the result and has `depth` elements. An index counts from the back
    where negative; one outside of the range has values[0] everywhere. ONNX OneHot.
  }];
  let arguments = (ins NN_Tensor:$indices, NN_Tensor:$depth, NN_AnyTensor:$values, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$result);
}

#endif
