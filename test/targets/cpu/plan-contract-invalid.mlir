// RUN: nncc-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract))"

func.func @type(%x: tensor<4x8xf80>, %w: tensor<1x8x16xf80>, %y: tensor<4x16xf80>) -> tensor<4x16xf80> {
  // expected-error @below {{a contraction is implemented for f16, bf16, f32, f64 and bytes, found 'tensor<4x8xf80>'}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf80>, tensor<1x8x16xf80>) extras() outs(%y : tensor<4x16xf80>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f80):
    kern.yield %acc : f80
  } -> tensor<4x16xf80>
  return %0 : tensor<4x16xf80>
}

// -----

func.func @dynamic(%x: tensor<?x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @below {{a contraction takes sizes that are constants or expressions over symbols, found 'tensor<?x8xf32>'}}
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

// -----

#b = affine_map<()[s0] -> (1, s0, 16)>
func.func @open_weights(%x: tensor<4x8xf32>, %w: tensor<1x?x16xf32, #b>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error @below {{packed weights have constant sizes, found 'tensor<1x?x16xf32, affine_map<()[s0] -> (1, s0, 16)>>'}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x?x16xf32, #b>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

#y = affine_map<()[s0] -> (4, s0)>
func.func @open_columns(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<4x?xf32, #y>) -> tensor<4x?xf32, #y> {
  // expected-error @below {{expects a constant number of columns with packed weights, found 'tensor<4x?xf32, affine_map<()[s0] -> (4, s0)>>'}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x?xf32, #y>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x?xf32, #y>
  return %0 : tensor<4x?xf32, #y>
}

// -----

#x = affine_map<()[s0] -> (s0, 8)>
#y = affine_map<()[s0] -> (s0, 16)>
#e = affine_map<()[s0] -> (16, s0)>
func.func @open_extra(%x: tensor<?x8xf32, #x>, %w: tensor<1x8x16xf32>, %z: tensor<16x?xf32, #e>, %y: tensor<?x16xf32, #y>) -> tensor<?x16xf32, #y> {
  // expected-error @below {{expects neighbouring columns of init and of extras at constant distances}}
  %0 = kern.contract packed ins(%x, %w : tensor<?x8xf32, #x>, tensor<1x8x16xf32>) extras(%z : tensor<16x?xf32, #e>) outs(%y : tensor<?x16xf32, #y>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1, d0)>] {
  ^bb0(%acc: f32, %e: f32):
    %r = arith.addf %acc, %e : f32
    kern.yield %r : f32
  } -> tensor<?x16xf32, #y>
  return %0 : tensor<?x16xf32, #y>
}

// -----

func.func @stored(%x: tensor<4x8xi8>, %w: tensor<1x2x16x4xi8>, %y: tensor<4x16xi1>) -> tensor<4x16xi1> {
  // expected-error @below {{a contraction cannot store elements of type 'i1'}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xi8>, tensor<1x2x16x4xi8>) extras() outs(%y : tensor<4x16xi1>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    %bit = arith.trunci %acc : i32 to i1
    kern.yield %bit : i1
  } -> tensor<4x16xi1>
  return %0 : tensor<4x16xi1>
}
