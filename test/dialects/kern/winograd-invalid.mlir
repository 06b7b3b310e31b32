// RUN: nncc-opt %s --split-input-file --verify-diagnostics

func.func @winograd_tile(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x3x8x16xf32>, %y: tensor<1x9x9x32xf32>) -> tensor<1x9x9x32xf32> {
  // expected-error @below {{expects tiles of 2x2 or 4x4, found #kern.winograd<tile = 3,}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x3x8x16xf32>) extras() outs(%y : tensor<1x9x9x32xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 3, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x9x32xf32>
  return %0 : tensor<1x9x9x32xf32>
}

// -----

func.func @winograd_numbers(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x3x8x16xf32>, %y: tensor<1x9x9x32xf32>) -> tensor<1x9x9x32xf32> {
  // expected-error @below {{expects a plan of numbers from 1 to 1048576, found #kern.winograd<tile = 4, unit_tiles = 0,}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x3x8x16xf32>) extras() outs(%y : tensor<1x9x9x32xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 0, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x9x32xf32>
  return %0 : tensor<1x9x9x32xf32>
}

// -----

func.func @winograd_registers(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x3x8x16xf32>, %y: tensor<1x9x9x32xf32>) -> tensor<1x9x9x32xf32> {
  // expected-error @below {{expects a register tile of at most 32 panels, found #kern.winograd<}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x3x8x16xf32>) extras() outs(%y : tensor<1x9x9x32xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 17, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x9x32xf32>
  return %0 : tensor<1x9x9x32xf32>
}

// -----

func.func @winograd_stride(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x3x8x16xf32>, %y: tensor<1x5x9x32xf32>) -> tensor<1x5x9x32xf32> {
  // expected-error @below {{expects a 3x3 window of stride and dilation 1 over f32 in one group}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x3x8x16xf32>) extras() outs(%y : tensor<1x5x9x32xf32>)
      strides [2, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x5x9x32xf32>
  return %0 : tensor<1x5x9x32xf32>
}

// -----

func.func @winograd_dilation(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x3x8x16xf32>, %y: tensor<1x9x7x32xf32>) -> tensor<1x9x7x32xf32> {
  // expected-error @below {{expects a 3x3 window of stride and dilation 1 over f32 in one group}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x3x8x16xf32>) extras() outs(%y : tensor<1x9x7x32xf32>)
      strides [1, 1] dilations [1, 2] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x7x32xf32>
  return %0 : tensor<1x9x7x32xf32>
}

// -----

func.func @winograd_window(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x1x8x16xf32>, %y: tensor<1x9x9x32xf32>) -> tensor<1x9x9x32xf32> {
  // expected-error @below {{expects a 3x3 window of stride and dilation 1 over f32 in one group}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x1x8x16xf32>) extras() outs(%y : tensor<1x9x9x32xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 0, 1, 0] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x9x32xf32>
  return %0 : tensor<1x9x9x32xf32>
}

// -----

func.func @winograd_type(%a: tensor<1x9x9x8xf64>, %b: tensor<2x3x3x8x16xf64>, %y: tensor<1x9x9x32xf64>) -> tensor<1x9x9x32xf64> {
  // expected-error @below {{expects a 3x3 window of stride and dilation 1 over f32 in one group}}
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf64>, tensor<2x3x3x8x16xf64>) extras() outs(%y : tensor<1x9x9x32xf64>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f64):
    kern.yield %acc : f64
  } -> tensor<1x9x9x32xf64>
  return %0 : tensor<1x9x9x32xf64>
}

// -----

func.func @winograd_plain(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error @below {{expects a 3x3 window of stride and dilation 1 over f32 in one group}}
  %0 = kern.contract plain ins(%a, %b : tensor<4x8xf32>, tensor<8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
