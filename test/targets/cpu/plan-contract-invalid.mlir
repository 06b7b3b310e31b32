// RUN: nncc-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract))"

func.func @type(%x: tensor<4x8xf16>, %w: tensor<1x8x16xf16>, %y: tensor<4x16xf16>) -> tensor<4x16xf16> {
  // expected-error @below {{a contraction is implemented for f32 and f64, found 'tensor<4x8xf16>'}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf16>, tensor<1x8x16xf16>) extras() outs(%y : tensor<4x16xf16>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f16):
    kern.yield %acc : f16
  } -> tensor<4x16xf16>
  return %0 : tensor<4x16xf16>
}

// -----

func.func @dynamic(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @below {{a contraction of dynamic shapes is not implemented: 'tensor<?x8xf32>'}}
  %0 = kern.contract packed ins(%x, %w : tensor<?x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<?x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

func.func @volume(%x: tensor<4x4x4x8xf32>, %w: tensor<1x3x3x3x8x16xf32>, %y: tensor<2x2x2x16xf32>) -> tensor<2x2x2x16xf32> {
  // expected-error @below {{a convolution over 3 dims is not implemented, only over one or two}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x4x4x8xf32>, tensor<1x3x3x3x8x16xf32>) extras() outs(%y : tensor<2x2x2x16xf32>)
      strides [1, 1, 1] dilations [1, 1, 1] pads [0, 0, 0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x2x2x16xf32>
  return %0 : tensor<2x2x2x16xf32>
}

// -----

func.func @bits(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %mask: tensor<16xi1>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error @below {{an epilogue cannot load elements of type 'i1'}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras(%mask : tensor<16xi1>) outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
  ^bb0(%acc: f32, %m: i1):
    %z = arith.constant 0.0 : f32
    %r = arith.select %m, %acc, %z : f32
    kern.yield %r : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
