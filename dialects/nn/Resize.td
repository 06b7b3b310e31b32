// Images at another resolution.
#ifndef NNCC_NN_RESIZE
#define NNCC_NN_RESIZE

include "dialects/nn/NNBase.td"

def NN_ResizeMode : I32EnumAttr<"ResizeMode", "How a resize interpolates", [
    I32EnumAttrCase<"Nearest", 0, "nearest">, I32EnumAttrCase<"Linear", 1, "linear">,
    I32EnumAttrCase<"Cubic", 2, "cubic">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_ResizeCoordinates : I32EnumAttr<
    "ResizeCoordinates", "Which place of the operand a place of the result shows", [
    I32EnumAttrCase<"HalfPixel", 0, "half_pixel">,
    I32EnumAttrCase<"HalfPixelSymmetric", 1, "half_pixel_symmetric">,
    I32EnumAttrCase<"PytorchHalfPixel", 2, "pytorch_half_pixel">,
    I32EnumAttrCase<"AlignCorners", 3, "align_corners">,
    I32EnumAttrCase<"Asymmetric", 4, "asymmetric">,
    I32EnumAttrCase<"CropAndResize", 5, "tf_crop_and_resize">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_ResizeRounding : I32EnumAttr<"ResizeRounding", "Which element is the nearest", [
    I32EnumAttrCase<"PreferFloor", 0, "round_prefer_floor">,
    I32EnumAttrCase<"PreferCeil", 1, "round_prefer_ceil">,
    I32EnumAttrCase<"Floor", 2, "floor">, I32EnumAttrCase<"Ceil", 3, "ceil">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_ResizeAspect : I32EnumAttr<"ResizeAspect", "Whether `sizes` keep the proportions", [
    I32EnumAttrCase<"Stretch", 0, "stretch">, I32EnumAttrCase<"NotLarger", 1, "not_larger">,
    I32EnumAttrCase<"NotSmaller", 2, "not_smaller">]> {
  let cppNamespace = "::nncc::nn";
}

def NN_ResizeOp : NN_Op<"resize", [AttrSizedOperandSegments]> {
  let summary = "The operand at another resolution";
  let description = [{
    One of `scales` and `sizes` says how large dims `axes` become; size = floor(size * scale). Where a run computes the
    scales, the sizes that follow from them stand beside them.
    `roi` is [start.., end..] of tf_crop_and_resize, normalized to the sizes; places outside of
    the operand get `extrapolation` there. ONNX Resize, with its attributes resolved (`axes`
    lists all dims where ONNX leaves them out).
    ```mlir
    %y = nn.resize linear half_pixel %x, %scales {axes = array<i64: 2, 3>, ...}
        : (tensor<1x3x8x8xf32>, tensor<2xf32>) -> tensor<1x3x16x16xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$operand, Optional<NN_FloatTensor>:$roi,
                       Optional<NN_FloatTensor>:$scales, Optional<NN_IndexTensor>:$sizes,
                       NN_ResizeMode:$mode, NN_ResizeCoordinates:$coordinates,
                       NN_ResizeRounding:$rounding, NN_ResizeAspect:$aspect, DenseI64ArrayAttr:$axes,
                       F32Attr:$cubic_coefficient, F32Attr:$extrapolation, UnitAttr:$exclude_outside,
                       UnitAttr:$antialias);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $mode $coordinates $rounding $aspect $operand (`roi` $roi^ `:` type($roi))?
    (`scales` $scales^ `:` type($scales))? (`sizes` $sizes^ `:` type($sizes))? attr-dict `:` type($operand) `->` type($result)
  }];
}

#endif
