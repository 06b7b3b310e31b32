// RUN: %nncc-opt %s --nncc-lower-nn -split-input-file -verify-diagnostics

func.func @nothing_to_pick(%x: tensor<0x3xf32>, %i: tensor<2xi64>) -> tensor<2x3xf32> attributes {rt.kernel} {
  // expected-error @+2 {{'nn.gather' op expects data to pick from, found none}}
  // expected-error @+1 {{'nn.gather' op was not lowered}}
  %0 = nn.gather %x, %i {axis = 0 : i64} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @nothing_to_show(%x: tensor<2x0xf32>) -> tensor<2x4xf32> attributes {rt.kernel} {
  %s = nn.constant dense<4> : tensor<1xi64>
  // expected-error @+2 {{'nn.resize' op expects sizes of 0 or more, of an operand with elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x sizes %s : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x0xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @no_image(%x: tensor<1x1x0xf32>, %w: tensor<1x1x3xf32>) -> tensor<1x1x1xf32> attributes {rt.kernel} {
  // expected-error @+2 {{'nn.conv_transpose' op expects an image, found an empty one}}
  // expected-error @+1 {{'nn.conv_transpose' op was not lowered}}
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_pads = array<i64: 0>} : (tensor<1x1x0xf32>, tensor<1x1x3xf32>) -> tensor<1x1x1xf32>
  return %0 : tensor<1x1x1xf32>
}

// -----

func.func @three_channels(%x: tensor<1x5x5x3xui8>, %w: tensor<8x3x3x3xi8>) -> tensor<1x3x3x8xi32> attributes {rt.kernel} {
  // expected-error @+2 {{'nn.conv' op of integers is implemented for a multiple of 4 input channels in each group that is no open size, found 3}}
  // expected-error @+1 {{'nn.conv' op was not lowered}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x5x5x3xui8>, tensor<8x3x3x3xi8>) -> tensor<1x3x3x8xi32>
  return %0 : tensor<1x3x3x8xi32>
}
