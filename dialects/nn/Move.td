// Elements at other places: pure movement, without arithmetic.
#ifndef NNCC_NN_MOVE
#define NNCC_NN_MOVE

include "dialects/nn/NNBase.td"

def NN_TransposeOp : NN_Op<"transpose"> {
  let summary = "The operand with its dims permuted";
  let description = [{
    Dim i of the result is dim perm[i] of the operand. ONNX Transpose.
    ```mlir
    %t = nn.transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x5x8xf32>) -> tensor<2x8x5xf32>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$operand, DenseI64ArrayAttr:$perm);
  let results = (outs NN_AnyTensor:$result);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_ConcatOp : NN_Op<"concat"> {
  let summary = "The operands one after the other along an axis";
  let description = "ONNX Concat.";
  let arguments = (ins Variadic<NN_AnyTensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_AnyTensor:$result);
  let hasFolder = 1;
}

def NN_SliceOp : NN_Op<"slice"> {
  let summary = "The elements from `starts` to before `ends` in `steps` along `axes`";
  let description = [{
    Starts and ends count from the back where negative and are clamped; a negative step goes backwards. ONNX
    Slice, and Split as one slice per part.
  }];
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$starts, NN_IndexTensor:$ends,
                       NN_IndexTensor:$axes, NN_IndexTensor:$steps);
  let results = (outs NN_AnyTensor:$result);
  let hasFolder = 1;
}

def NN_SliceAtOp : NN_Op<"slice_at"> {
  let summary = "As many elements as `sizes` say, from `starts` on in `steps`, of which a run knows two";
  let description = [{
    ```
    result[i, j] = operand[starts[0] + i * steps[0], starts[1] + j * steps[1]]
    ```
    One start, step and size per dim. Sizes are known before the program runs, or symbols that it reads. A place outside
    of the operand counts as the nearest one inside. ONNX Slice, where a run computes its limits, and Split.
  }];
  let arguments = (ins NN_Tensor:$operand, NN_IndexTensor:$starts, NN_IndexTensor:$steps,
                       NN_IndexTensor:$sizes);
  let results = (outs NN_Tensor:$result);
}

def NN_PadMode : I32EnumAttr<"PadMode", "What is put around a tensor", [
    I32EnumAttrCase<"Constant", 0, "constant">, I32EnumAttrCase<"Reflect", 1, "reflect">, // without the edge
    I32EnumAttrCase<"Edge", 2, "edge">, I32EnumAttrCase<"Wrap", 3, "wrap">]> {
  let cppNamespace = "::nncc::nn";
}

def NN_PadOp : NN_Op<"pad"> {
  let summary = "The operand with elements added before and after, negative counts: taken away";
  let description = [{
    `pads` is [lo1..los, hi1..his] of the dims `axes`, without them of all; `value` is one element, which the modes other
    than constant ignore. ONNX Pad.
  }];
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$pads, NN_AnyTensor:$value,
                       Optional<NN_IndexTensor>:$axes, NN_PadMode:$mode);
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = "$mode operands attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_TileOp : NN_Op<"tile"> {
  let summary = "The operand `repeats` times along each dim";
  let description = "ONNX Tile.";
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$repeats);
  let results = (outs NN_AnyTensor:$result);
  let hasFolder = 1;
}

def NN_DepthToSpaceOp : NN_Op<"depth_to_space"> {
  let summary = "[N, C, H, W] -> [N, C / block^2, H * block, W * block]";
  let description = [{
    Channels are [block, block, C/block^2], with `column_major` (ONNX mode CRD) [C/block^2, block, block]. ONNX
    DepthToSpace.
  }];
  let arguments = (ins NN_AnyTensor:$operand, I64Attr:$block, UnitAttr:$column_major);
  let results = (outs NN_AnyTensor:$result);
}

def NN_SpaceToDepthOp : NN_Op<"space_to_depth"> {
  let summary = "[N, C, H, W] -> [N, block * block * C, H / block, W / block]";
  let description = [{
    Channels are [block, block, C], with `column_major` (ONNX mode CRD) [C, block, block]. ONNX SpaceToDepth.
  }];
  let arguments = (ins NN_AnyTensor:$operand, I64Attr:$block, UnitAttr:$column_major);
  let results = (outs NN_AnyTensor:$result);
}

#endif
