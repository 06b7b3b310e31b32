// Elements read at places that a formula computes, from data or from the element's own place.
#ifndef NNCC_NN_SAMPLE
#define NNCC_NN_SAMPLE

include "dialects/nn/NNBase.td"

def NN_SampleMode : I32EnumAttr<"SampleMode", "How values between pixels come about", [
    I32EnumAttrCase<"Nearest", 0, "nearest">, // halves to even
    I32EnumAttrCase<"Linear", 1, "linear">,
    I32EnumAttrCase<"Cubic", 2, "cubic">      // Keys (1981) with a = -0.75
    ]> {
  let cppNamespace = "::nncc::nn";
}
def NN_SampleBorder : I32EnumAttr<"SampleBorder", "What lies outside of an image", [
    I32EnumAttrCase<"Zeros", 0, "zeros">, I32EnumAttrCase<"Border", 1, "border">,
    I32EnumAttrCase<"Reflection", 2, "reflection">]> {
  let cppNamespace = "::nncc::nn";
}

def NN_GridSampleOp : NN_Op<"grid_sample"> {
  let summary = "Pixels at the places that a grid gives";
  let description = [{
    ```
    input [N, C, x1..xs], grid [N, y1..ys, s]  ->  [N, C, y1..ys]
    ```
    The last coordinate of a place counts along x1. -1 and 1 are the outer edges of the first and
    last pixel, with `align_corners` their centres. ONNX GridSample.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$grid, NN_SampleMode:$mode,
                       NN_SampleBorder:$border, UnitAttr:$align_corners);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$mode $border operands attr-dict `:` functional-type(operands, results)";
}

def NN_RoiAlignOp : NN_Op<"roi_align"> {
  let summary = "Regions of images, pooled to one size";
  let description = [{
    ```
    input [N, C, H, W], rois [R, 4], batch_indices [R]  ->  [R, C, height, width]
    ```
    A region (x1, y1, x2, y2) times `scale`, moved by half a pixel with `half_pixel`, is cut into
    height x width bins; each gives the average, with `max` the largest, of samples x samples points
    of linear interpolation. ONNX RoiAlign with a sampling_ratio.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$rois, NN_IndexTensor:$batch_indices,
                       I64Attr:$height, I64Attr:$width, I64Attr:$samples, F32Attr:$scale,
                       UnitAttr:$half_pixel, UnitAttr:$max);
  let results = (outs NN_FloatTensor:$result);
}

def NN_ReverseSequenceOp : NN_Op<"reverse_sequence"> {
  let summary = "The first `lengths[b]` elements along `time_axis` in reverse, the others as they are";
  let description = "b counts along `batch_axis`; both axes are from the front. ONNX ReverseSequence.";
  let arguments = (ins NN_AnyTensor:$operand, NN_IndexTensor:$lengths, I64Attr:$time_axis,
                       I64Attr:$batch_axis);
  let results = (outs NN_AnyTensor:$result);
}

def NN_CacheUpdateOp : NN_Op<"cache_update"> {
  let summary = "A cache with a part along an axis replaced from `starts[b]` on";
  let description = [{
    ```
    cache [B, .., S, ..], update [B, .., L, ..], starts [B]  ->  like the cache
    ```
    What would lie behind the end of the cache is dropped, with `circular` it goes to the front.
    ONNX TensorScatter.
  }];
  let arguments = (ins NN_AnyTensor:$cache, NN_AnyTensor:$update, NN_IndexTensor:$starts, I64Attr:$axis,
                       UnitAttr:$circular);
  let results = (outs NN_AnyTensor:$result);
}

def NN_Col2ImOp : NN_Op<"col2im"> {
  let summary = "The sum of blocks put back to their places in an image";
  let description = [{
    ```
    columns [N, C * k1..ks, windows]  ->  [N, C, image]
    ```
    The window's positions are those of a convolution with this kernel over the image. The sizes of both are known before
    the program runs, or symbols that it reads. ONNX Col2Im.
  }];
  let arguments = (ins NN_Tensor:$columns, NN_IndexTensor:$image, NN_IndexTensor:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads);
  let results = (outs NN_Tensor:$result);
}

#endif
