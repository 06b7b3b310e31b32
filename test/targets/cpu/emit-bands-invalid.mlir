// RUN: %nncc-opt --nncc-cpu-emit-kernel --split-input-file --verify-diagnostics %s

func.func @not_rows(%a: tensor<1x8x8x16xf32>, %w: tensor<1x1x1x16x16xf32>, %d: tensor<3x3x16xf32>) -> tensor<1x8x8x16xf32>
    attributes {kern.band_rows = 2 : i64, rt.kernel} {
  %e = tensor.empty() : tensor<1x8x8x16xf32>
  // expected-error @below {{expects a plan whose units are rows of images in a kernel of bands, found #kern.plan<rows = 8,}}
  %0 = kern.contract packed ins(%a, %w : tensor<1x8x8x16xf32>, tensor<1x1x1x16x16xf32>) extras() outs(%e : tensor<1x8x8x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps []
      attributes {plan = #kern.plan<rows = 8, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 4, n_slow = false>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x8x8x16xf32>
  %f = tensor.empty() : tensor<1x8x8x16xf32>
  %1 = kern.window depthwise ins(%0, %d : tensor<1x8x8x16xf32>, tensor<3x3x16xf32>) extras() outs(%f : tensor<1x8x8x16xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x8x8x16xf32>
  return %1 : tensor<1x8x8x16xf32>
}

// -----

func.func @no_window(%a: tensor<1x8x8x16xf32>, %w: tensor<1x1x1x16x16xf32>) -> tensor<1x8x8x16xf32>
    attributes {kern.band_rows = 2 : i64, rt.kernel} {
  %e = tensor.empty() : tensor<1x8x8x16xf32>
  // expected-error @below {{expects a window with a contraction before or behind it, on images of known size}}
  %0 = kern.contract packed ins(%a, %w : tensor<1x8x8x16xf32>, tensor<1x1x1x16x16xf32>) extras() outs(%e : tensor<1x8x8x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps []
      attributes {plan = #kern.plan<rows = 8, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x8x8x16xf32>
  return %0 : tensor<1x8x8x16xf32>
}

// -----

func.func @no_bands(%a: tensor<1x8x8x16xf32>, %w: tensor<1x1x1x16x16xf32>, %d: tensor<3x3x16xf32>) -> tensor<1x8x8x16xf32>
    attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x8x8x16xf32>
  %0 = kern.contract packed ins(%a, %w : tensor<1x8x8x16xf32>, tensor<1x1x1x16x16xf32>) extras() outs(%e : tensor<1x8x8x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps []
      attributes {plan = #kern.plan<rows = 8, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x8x8x16xf32>
  %f = tensor.empty() : tensor<1x8x8x16xf32>
  // expected-error @below {{is not the only root of its kernel}}
  %1 = kern.window depthwise ins(%0, %d : tensor<1x8x8x16xf32>, tensor<3x3x16xf32>) extras() outs(%f : tensor<1x8x8x16xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x8x8x16xf32>
  return %1 : tensor<1x8x8x16xf32>
}

// -----

// Behind the window rows of an image are not computed one by one.
func.func @k(%x: tensor<1x8x6x16xf32>, %d: tensor<3x3x16xf32>, %w: tensor<1x3x3x16x16xf32>) -> tensor<1x8x6x16xf32> attributes {kern.band_rows = 2 : i64, rt.kernel} {
  %y1 = tensor.empty() : tensor<1x8x6x16xf32>
  %r1 = kern.window depthwise ins(%x, %d : tensor<1x8x6x16xf32>, tensor<3x3x16xf32>) extras() outs(%y1 : tensor<1x8x6x16xf32>) kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []  {
  ^bb0(%e0: f32):
    kern.yield %e0 : f32
  } -> tensor<1x8x6x16xf32>
  %y0 = tensor.empty() : tensor<1x8x6x16xf32>
  // expected-error @below {{expects a window with a contraction before or behind it, on images of known size}}
  %r0 = kern.contract packed ins(%r1, %w : tensor<1x8x6x16xf32>, tensor<1x3x3x16x16xf32>) extras() outs(%y0 : tensor<1x8x6x16xf32>) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #kern.plan<rows = 6, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>} {
  ^bb0(%e0: f32):
    kern.yield %e0 : f32
  } -> tensor<1x8x6x16xf32>
  return %r0 : tensor<1x8x6x16xf32>
}

// -----

func.func @k(%x: tensor<1x8x6x16xf32>, %d: tensor<3x3x16xf32>, %w: tensor<1x3x3x16x16xf32>) -> tensor<1x8x6x16xf32> attributes {kern.band_rows = 0 : i64, rt.kernel} {
  %y1 = tensor.empty() : tensor<1x8x6x16xf32>
  %r1 = kern.window depthwise ins(%x, %d : tensor<1x8x6x16xf32>, tensor<3x3x16xf32>) extras() outs(%y1 : tensor<1x8x6x16xf32>) kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []  {
  ^bb0(%e0: f32):
    kern.yield %e0 : f32
  } -> tensor<1x8x6x16xf32>
  %y0 = tensor.empty() : tensor<1x8x6x16xf32>
  // expected-error @below {{expects bands of 1 row or more, found 0 : i64}}
  %r0 = kern.contract packed ins(%r1, %w : tensor<1x8x6x16xf32>, tensor<1x3x3x16x16xf32>) extras() outs(%y0 : tensor<1x8x6x16xf32>) strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #kern.plan<rows = 6, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>} {
  ^bb0(%e0: f32):
    kern.yield %e0 : f32
  } -> tensor<1x8x6x16xf32>
  return %r0 : tensor<1x8x6x16xf32>
}
