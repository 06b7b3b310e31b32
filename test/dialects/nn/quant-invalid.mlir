// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2xi8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<2xf32> {
  // expected-error @+2 {{'nn.dequantize' op expects a zero point of the operand's element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.dequantize %x, %s, %z : (tensor<2xi8>, tensor<f32>, tensor<ui8>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @conv(%x: tensor<1x4x5x5xi8>, %w: tensor<8x4x3x3xi8>) -> tensor<1x8x3x3xi32> {
  // expected-error @+2 {{'nn.conv' op expects input and weights of one float type, or of ui8 and i8, found int8 and int8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x5x5xi8>, tensor<8x4x3x3xi8>) -> tensor<1x8x3x3xi32>
  return %0 : tensor<1x8x3x3xi32>
}

// -----

func.func @conv_of_floats(%x: tensor<1x4x5x5xf32>, %w: tensor<8x4x3x3xi8>) -> tensor<1x8x3x3xf32> {
  // expected-error @+2 {{'nn.conv' op expects input and weights of one float type, or of ui8 and i8, found float and int8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x5x5xf32>, tensor<8x4x3x3xi8>) -> tensor<1x8x3x3xf32>
  return %0 : tensor<1x8x3x3xf32>
}

// -----

func.func @matmul(%x: tensor<5x4xi8>, %w: tensor<4x3xui8>) -> tensor<5x3xi32> {
  // expected-error @+2 {{'nn.matmul' op expects operands of one element type, or of ui8 and i8, found int8 and uint8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %x, %w : (tensor<5x4xi8>, tensor<4x3xui8>) -> tensor<5x3xi32>
  return %0 : tensor<5x3xi32>
}
