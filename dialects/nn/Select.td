// Elements chosen by their values: in order, those that hold, those that do not overlap.
#ifndef NNCC_NN_SELECT
#define NNCC_NN_SELECT

include "dialects/nn/NNBase.td"

def NN_ArgSortOp : NN_Op<"argsort"> {
  let summary = "The places of the first `count` rows in their order";
  let description = [{
    ```
    operand [batch, n, m], count []  ->  i64 [batch, count]
    ```
    Rows of m elements are compared from their first element on. Equal ones stay in their order, with `descending` as
    well; a NaN is greater than all numbers. `count` is at most n. A merge sort: n log n comparisons for each of the
    batch. Behind ONNX TopK, Unique and NonMaxSuppression.
  }];
  let arguments = (ins NN_Tensor:$operand, NN_IndexTensor:$count, UnitAttr:$descending);
  let results = (outs RankedTensorOf<[I64]>:$result);
}

def NN_PositionsOp : NN_Op<"positions"> {
  let summary = "The places of the first `count` elements that are true";
  let description = [{
    ```
    mask [n], count []  ->  i64 [count]
    ```
    In order; 0 where there are fewer. The count is known before the program runs, or a symbol that it reads. Behind ONNX
    NonZero, Compress, Unique and NonMaxSuppression.
  }];
  let arguments = (ins NN_BoolTensor:$mask, NN_IndexTensor:$count);
  let results = (outs RankedTensorOf<[I64]>:$result);
}

def NN_SuppressOp : NN_Op<"suppress"> {
  let summary = "Boxes in the order of their scores without those that overlap an earlier one";
  let description = [{
    ```
    boxes f32 [B, N, 4], scores f32 [B, C, N], order [B, C, N]  ->  i64 [B, C, N]
    ```
    Of each class, in `order`, the boxes whose score is above `score_threshold` (all where that is NaN) and whose overlap
    with none of those chosen before, as a part of the area of both, is above `iou_threshold`; at most `most`. Their
    numbers come first, then -1. A box is two opposite corners (y1, x1, y2, x2), with `center_point`
    (x, y, width, height) around its centre. The three limits have one element. Behind ONNX NonMaxSuppression.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$boxes, RankedTensorOf<[F32]>:$scores, NN_IndexTensor:$order,
                       NN_IndexTensor:$most, RankedTensorOf<[F32]>:$iou_threshold,
                       RankedTensorOf<[F32]>:$score_threshold, UnitAttr:$center_point);
  let results = (outs RankedTensorOf<[I64]>:$result);
}

#endif
