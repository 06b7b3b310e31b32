// Shapes as values, and the same elements under another shape.
#ifndef NNCC_NN_SHAPE
#define NNCC_NN_SHAPE

include "dialects/nn/NNBase.td"

def NN_ShapeOp : NN_Op<"shape"> {
  let summary = "The sizes of dims `start` to before `end`";
  let description = [{
    Both count from the back where negative and are clamped; no `end` is the rank. ONNX Shape.
  }];
  let arguments = (ins NN_AnyTensor:$operand, DefaultValuedAttr<I64Attr, "0">:$start,
                       OptionalAttr<I64Attr>:$end);
  let results = (outs RankedTensorOf<[I64]>:$result);
}

def NN_SizeOp : NN_Op<"size"> {
  let summary = "The number of elements";
  let description = "ONNX Size.";
  let arguments = (ins NN_AnyTensor:$operand);
  let results = (outs RankedTensorOf<[I64]>:$result);
}

def NN_SizesOp : NN_Op<"sizes"> {
  let summary = "Integers over the symbols of the function around";
  let description = [{
    ```mlir
    %shape = nn.sizes affine_map<()[s0] -> (s0, 12, -1)> as tensor<3xi64>
    ```
    The elements in row-major order; true is 1. What the arithmetic on shapes that exporters leave
    in a graph comes to where sizes are open: see dialects/Sizes.h.
  }];
  let arguments = (ins AffineMapAttr:$elements, TypeAttrOf<NN_IntTensor>:$type);
  let results = (outs NN_IntTensor:$result);
  let assemblyFormat = "$elements `as` $type attr-dict";
}

def NN_ReshapeOp : NN_Op<"reshape"> {
  let summary = "The same elements in the same order under another shape";
  let description = [{
    One size may be -1: what the others leave. 0 takes the operand's size of that dim, with
    `allow_zero` it is 0. Squeeze, Unsqueeze and Flatten end here as well. ONNX Reshape.
  }];
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$shape, UnitAttr:$allow_zero);
  let results = (outs NN_AnyTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$operand,
                                 "::llvm::ArrayRef<::mlir::AffineExpr>":$sizes)>];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_SqueezeOp : NN_Op<"squeeze"> {
  let summary = "Drops dims of size 1";
  let description = "Those of `axes`, without them all. Canonical form: reshape. ONNX Squeeze.";
  let arguments = (ins NN_AnyTensor:$operand, Optional<NN_IndexTensor>:$axes);
  let results = (outs NN_AnyTensor:$result);
  let hasCanonicalizer = 1;
}

def NN_UnsqueezeOp : NN_Op<"unsqueeze"> {
  let summary = "Inserts dims of size 1";
  let description = "`axes` are dims of the result. Canonical form: reshape. ONNX Unsqueeze.";
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$axes);
  let results = (outs NN_AnyTensor:$result);
  let hasCanonicalizer = 1;
}

def NN_ExpandOp : NN_Op<"expand"> {
  let summary = "Repeats dims of size 1, as broadcasting does";
  let description = [{
    The result has the shape to which the operand and `shape` broadcast: a 1 in `shape` keeps
    the operand's size. ONNX Expand; of a scalar ConstantOfShape.
  }];
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$shape);
  let results = (outs NN_AnyTensor:$result);
  let hasFolder = 1;
}

#endif
