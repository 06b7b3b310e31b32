// RUN: nncc-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<2x2x16xf32>) {
  // expected-error @below {{expects a and init of one rank, at least 1}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<2x2x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x2x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x4xf32>, %b: tensor<1x3x3x4x16xf32>, %y: tensor<2x16xf32>) {
  // expected-error @below {{expects a and init of one rank, at least 3}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x4xf32>, tensor<1x3x3x4x16xf32>) extras() outs(%y : tensor<2x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects a plan of positive numbers, found #kern.plan<rows = 0,}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #kern.plan<rows = 0, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 1, n_slow = true>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<1x8x8x4xf32>, %b: tensor<1x3x3x4x16xf32>, %y: tensor<1x6x6x16xf32>) {
  // expected-error @below {{expects 2 dilations and 4 pads}}
  %0 = kern.contract packed ins(%x, %b : tensor<1x8x8x4xf32>, tensor<1x3x3x4x16xf32>) extras() outs(%y : tensor<1x6x6x16xf32>)
      strides [1, 1] dilations [1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x6x6x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<5x16xf32>) {
  // expected-error @below {{a and init differ in dim 0}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<5x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<5x16xf32>
  return
}

// -----

func.func @f(%x: tensor<1x8x8x4xf32>, %b: tensor<1x3x3x4x16xf32>, %y: tensor<1x6x6x16xf32>) {
  // expected-error @below {{expects positive strides and dilations, no negative pad}}
  %0 = kern.contract packed ins(%x, %b : tensor<1x8x8x4xf32>, tensor<1x3x3x4x16xf32>) extras() outs(%y : tensor<1x6x6x16xf32>)
      strides [1, 0] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x6x6x16xf32>
  return
}

// -----

func.func @f(%x: tensor<1x8x8x4xf32>, %b: tensor<1x3x3x4x16xf32>, %y: tensor<1x6x6x16xf32>) {
  // expected-error @below {{expects positive strides and dilations, no negative pad}}
  %0 = kern.contract packed ins(%x, %b : tensor<1x8x8x4xf32>, tensor<1x3x3x4x16xf32>) extras() outs(%y : tensor<1x6x6x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, -1, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x6x6x16xf32>
  return
}

// -----

func.func @f(%x: tensor<1x8x8x4xf32>, %b: tensor<1x3x3x4x16xf32>, %y: tensor<1x6x5x16xf32>) {
  // expected-error @below {{the window of dim 1 does not give 5 rows}}
  %0 = kern.contract packed ins(%x, %b : tensor<1x8x8x4xf32>, tensor<1x3x3x4x16xf32>) extras() outs(%y : tensor<1x6x5x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x6x5x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %e0: tensor<16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects one map per extra}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras(%e0 : tensor<16xf32>) outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32, %e: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %e0: tensor<16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects a projected permutation of the 2 dims of init for each extra}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras(%e0 : tensor<16xf32>) outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d0 + d1)>] {
  ^bb0(%acc: f32, %e: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %e0: tensor<4xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{the shape of an extra does not fit its map}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras(%e0 : tensor<4xf32>) outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
  ^bb0(%acc: f32, %e: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects init's type as result}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x32xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects to yield one element of init}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    %z = arith.constant 0 : i32
    kern.yield %z : i32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %e0: tensor<16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects block arguments: the sum and one per extra}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras(%e0 : tensor<16xf32>) outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %e0: tensor<16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects an extra's element type as block argument}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras(%e0 : tensor<16xf32>) outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
  ^bb0(%acc: f32, %e: f64):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects packed b of rank 3}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects packed b of rank 4}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {groups = 2} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x1x4x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects b of 2 groups}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x1x4x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {groups = 2} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x4x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects b [N/16, window..., K, 16] with K = 8}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x4x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x8xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects b [N/16, window..., K, 16] with K = 8}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x8xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x17xf32>) {
  // expected-error @below {{expects b of 2 panels}}
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x17xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x17xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects packed b for a window or groups}}
  %0 = kern.contract plain ins(%x, %b : tensor<4x8xf32>, tensor<8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {groups = 2} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{expects b of a rank from 2 to 2}}
  %0 = kern.contract plain ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<16x8xf32>, %y: tensor<4x16xf32>) {
  // expected-error @below {{does not fit a}}
  %0 = kern.contract plain ins(%x, %b : tensor<4x8xf32>, tensor<16x8xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4x8xf32>, %b: tensor<3x16x8xf32>, %y: tensor<2x4x16xf32>) {
  // expected-error @below {{b and init differ in batch dim 0}}
  %0 = kern.contract transposed ins(%x, %b : tensor<2x4x8xf32>, tensor<3x16x8xf32>) extras() outs(%y : tensor<2x4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x4x16xf32>
  return
}

// -----

func.func @f(%x: tensor<8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<6x4xf32>) {
  // expected-error @below {{expects a and init of one rank, at least 3}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<6x6x4xf32>) {
  // expected-error @below {{expects one size of the kernel per stride, at least one}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<6x6x4xf32>) {
  // expected-error @below {{expects weights for a depthwise convolution, and only there}}
  %0 = kern.window max ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<6x6x4xf32>) {
  // expected-error @below {{expects byte_weights with bytes in a and weights of f32}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] attributes {byte_weights} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %y: tensor<6x6x4xf32>) {
  // expected-error @below {{expects weights for a depthwise convolution, and only there}}
  %0 = kern.window depthwise ins(%x : tensor<8x8x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x3x5xf32>, %y: tensor<6x6x4xf32>) {
  // expected-error @below {{expects weights [window..., C], found 'tensor<3x3x5xf32>'}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x5xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x2x4xf32>, %y: tensor<6x6x4xf32>) {
  // expected-error @below {{are not of the kernel's size}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x2x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<6x6x8xf32>) {
  // expected-error @below {{a and init differ in channels}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x6x8xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x8xf32>
  return
}

// -----

func.func @f(%x: tensor<8x8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<7x6x4xf32>) {
  // expected-error @below {{the window of dim 0 does not give 7 rows}}
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<7x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<7x6x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) {
  %0 = kern.contract packed ins(%x, %b : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    // expected-error @below {{is not allowed in an epilogue}}
    %m = memref.alloc() : memref<1xf32>
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return
}

// -----

func.func @f(%w: tensor<8x40xf32>) {
  // expected-error @below {{expects one dim and one factor per dim of the result}}
  %0 = kern.pack %w dims [1, 0] factors [16, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
  return
}

// -----

func.func @f(%w: tensor<8x40xf32>) {
  // expected-error @below {{expects static shapes of one element type}}
  %0 = kern.pack %w dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf64>
  return
}

// -----

func.func @f(%w: tensor<8x40xf32>) {
  // expected-error @below {{expects dims of the source and positive factors}}
  %0 = kern.pack %w dims [2, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
  return
}

// -----

func.func @f(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) {
  // expected-error @below {{expects one stride of each operand per loop}}
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: 1, 2>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) {
  // expected-error @below {{expects accumulators of rows x nv}}
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 2 : i64, unroll = 4 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) {
  // expected-error @below {{expects to unroll by at least one step}}
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 0 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) {
  // expected-error @below {{expects one operand per dynamic stride}}
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: -9223372036854775808>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf64>, %y: tensor<1x4x5x8xf64>) {
  // expected-error @below {{expects operands of f32, f16 or bf16, found 'f64'}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf64>, tensor<1x4x5x8xf64>, tensor<1x4x5x8xf64>) outs(%y : tensor<1x4x5x8xf64>) {scale = 1.0 : f32} -> tensor<1x4x5x8xf64>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf16>, %m: tensor<1x4x5x5xf16>) {
  // expected-error @below {{expects a mask of rank 4 and f32, found 'tensor<1x4x5x5xf16>'}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf16>, tensor<1x4x5x8xf16>, tensor<1x4x5x8xf16>) mask(%m : tensor<1x4x5x5xf16>) outs(%q : tensor<1x4x5x8xf16>) {scale = 1.0 : f32} -> tensor<1x4x5x8xf16>
  return
}

// -----

func.func @f(%q: tensor<4x5x8xf32>, %y: tensor<4x5x8xf32>) {
  // expected-error @below {{expects operands of rank 4, found 'tensor<4x5x8xf32>'}}
  %0 = kern.attention ins(%q, %q, %q : tensor<4x5x8xf32>, tensor<4x5x8xf32>, tensor<4x5x8xf32>) outs(%y : tensor<4x5x8xf32>) {scale = 1.0 : f32} -> tensor<4x5x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x3x5x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects heads of the query that are a multiple of those of the key}}
  %0 = kern.attention ins(%q, %k, %k : tensor<1x4x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32} -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x6x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects as many keys as values}}
  %0 = kern.attention ins(%q, %k, %q : tensor<1x4x5x8xf32>, tensor<1x4x6x8xf32>, tensor<1x4x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32} -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %m: tensor<1x4x5x3xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects a mask that broadcasts to the scores, found 'tensor<1x4x5x3xf32>'}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) mask(%m : tensor<1x4x5x3xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32} -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects a mask where there is a fill}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32, fill = 0.0 : f32} -> tensor<1x4x5x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects rows that divide 16 and blocks of multiples of 16 keys}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32, plan = #kern.attention_plan<queries = 1, keys = 4, key_block = 16, rows = 6, panels = 1, unit_blocks = 1, in_place = false>} -> tensor<1x4x5x8xf32>
  return
}
// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects rows that divide 16 and blocks of multiples of 16 keys}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32, plan = #kern.attention_plan<queries = 1, keys = 4, key_block = 20, rows = 8, panels = 1, unit_blocks = 1, in_place = false>} -> tensor<1x4x5x8xf32>
  return
}
// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects a plan of numbers from 1 to 1048576}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32, plan = #kern.attention_plan<queries = 1, keys = 4, key_block = 16, rows = 8, panels = 0, unit_blocks = 1, in_place = false>} -> tensor<1x4x5x8xf32>
  return
}
// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %y: tensor<1x4x5x8xf32>) {
  // expected-error @below {{expects register tiles of at most 64 panels}}
  %0 = kern.attention ins(%q, %q, %q : tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) outs(%y : tensor<1x4x5x8xf32>) {scale = 1.0 : f32, plan = #kern.attention_plan<queries = 9, keys = 8, key_block = 16, rows = 8, panels = 1, unit_blocks = 1, in_place = false>} -> tensor<1x4x5x8xf32>
  return
}
// -----
func.func @pack_to_one(%w: tensor<8x40xf32>) -> tensor<f32> {
  // expected-error @+1 {{expects a result of 1 dim or more}}
  %0 = kern.pack %w dims [] factors [] : tensor<8x40xf32> -> tensor<f32>
  return %0 : tensor<f32>
}
// -----
func.func @pack_far(%w: tensor<8x40xf32>) -> tensor<3x8x16xf32> {
  // expected-error @+1 {{expects indices into the source below 2^47}}
  %0 = kern.pack %w dims [1, 0, 1] factors [4611686018427387904, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
  return %0 : tensor<3x8x16xf32>
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<1x2x16x4xui8>, %y: tensor<3x16xi32>) {
  // expected-error @below {{expects b of the type of a, or of i8 where a has bytes, found 'tensor<1x2x16x4xui8>'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x2x16x4xui8>) extras() outs(%y : tensor<3x16xi32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xi32>
  return
}

// -----

func.func @f(%x: tensor<3x8xf32>, %b: tensor<1x2x16x4xi8>, %y: tensor<3x16xf32>) {
  // expected-error @below {{expects b of the type of a, or of i8 where a has bytes, found 'tensor<1x2x16x4xi8>'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xf32>, tensor<1x2x16x4xi8>) extras() outs(%y : tensor<3x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x16xf32>
  return
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<8x16xi8>, %y: tensor<3x16xi32>) {
  // expected-error @below {{expects packed b where bytes are multiplied}}
  %0 = kern.contract plain ins(%x, %b : tensor<3x8xui8>, tensor<8x16xi8>) extras() outs(%y : tensor<3x16xi32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xi32>
  return
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<1x8x16xi8>, %y: tensor<3x16xi32>) {
  // expected-error @below {{expects packed b of rank 4}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x8x16xi8>) extras() outs(%y : tensor<3x16xi32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xi32>
  return
}

// -----

func.func @f(%x: tensor<3x12xui8>, %b: tensor<1x2x16x4xi8>, %y: tensor<3x16xi32>) {
  // expected-error @below {{expects b [N/16, window..., K/4, 16, 4] with K = 12, found 'tensor<1x2x16x4xi8>'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x12xui8>, tensor<1x2x16x4xi8>) extras() outs(%y : tensor<3x16xi32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xi32>
  return
}

// -----

func.func @f(%x: tensor<3x7xui8>, %b: tensor<1x1x16x4xi8>, %y: tensor<3x16xi32>) {
  // expected-error @below {{expects b [N/16, window..., K/4, 16, 4] with K = 7, found 'tensor<1x1x16x4xi8>'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x7xui8>, tensor<1x1x16x4xi8>) extras() outs(%y : tensor<3x16xi32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xi32>
  return
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<1x2x16x3xi8>, %y: tensor<3x16xi32>) {
  // expected-error @below {{expects b [N/16, window..., K/4, 16, 4] with K = 8, found 'tensor<1x2x16x3xi8>'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x2x16x3xi8>) extras() outs(%y : tensor<3x16xi32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xi32>
  return
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<1x2x16x4xi8>, %y: tensor<3x16xf32>) {
  // expected-error @below {{expects sums of 'i32', found 'f32'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x2x16x4xi8>) extras() outs(%y : tensor<3x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x16xf32>
  return
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<1x2x16x4xi8>, %y: tensor<3x16xui8>) {
  // expected-error @below {{expects sums of 'i32', found 'i8'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x2x16x4xi8>) extras() outs(%y : tensor<3x16xui8>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i8):
    kern.yield %acc : i8
  } -> tensor<3x16xui8>
  return
}

// -----

func.func @f(%x: tensor<3x8xf32>, %b: tensor<1x8x16xf32>, %y: tensor<3x16xf64>) {
  // expected-error @below {{expects sums of 'f32', found 'f64'}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<3x16xf64>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f64):
    kern.yield %acc : f64
  } -> tensor<3x16xf64>
  return
}

// -----

func.func @f(%x: tensor<3x8xui8>, %b: tensor<1x2x16x4xi8>, %y: tensor<3x16xui8>) {
  // expected-error @below {{expects to yield one element of init}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x2x16x4xi8>) extras() outs(%y : tensor<3x16xui8>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<3x16xui8>
  return
}

// -----

func.func @f(%a: memref<64xi8>, %b: memref<64xi8>, %v0: vector<16xf32>, %i: index) {
  // expected-error @below {{expects a, b and accumulators of one type, or bytes and accumulators of i32}}
  %0:1 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%v0) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64} : memref<64xi8>, memref<64xi8>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%a: memref<64xi8>, %b: memref<64xf32>, %v0: vector<16xi32>, %i: index) {
  // expected-error @below {{expects a, b and accumulators of one type, or bytes and accumulators of i32}}
  %0:1 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%v0) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64} : memref<64xi8>, memref<64xf32>, vector<16xi32> -> vector<16xi32>
  return
}

// -----

func.func @f(%a: memref<64xi8>, %b: memref<64xi8>, %v0: vector<8xi32>, %i: index) {
  // expected-error @below {{expects accumulators of one type, of 16 lanes where bytes are multiplied}}
  %0:1 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%v0) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64} : memref<64xi8>, memref<64xi8>, vector<8xi32> -> vector<8xi32>
  return
}

// -----

func.func @f(%a: memref<64xf32>, %b: memref<64xf32>, %v0: vector<16xf32>, %v1: vector<8xf32>, %i: index) {
  // expected-error @below {{expects accumulators of one type, of 16 lanes where bytes are multiplied}}
  %0:2 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%v0, %v1) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64} : memref<64xf32>, memref<64xf32>, vector<16xf32>, vector<8xf32> -> vector<16xf32>, vector<8xf32>
  return
}

// -----

func.func @f(%x: tensor<3x32xf32>, %b: tensor<1x336xi8>, %y: tensor<3x16xf32>) {
  // expected-error @below {{expects packed b, without window and groups, in blocks}}
  %0 = kern.contract plain ins(%x, %b : tensor<3x32xf32>, tensor<1x336xi8>) extras() outs(%y : tensor<3x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {blocks = #kern.blocks<bits = 4, rows = 32>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x16xf32>
  return
}

// -----

func.func @f(%x: tensor<3x32xf32>, %b: tensor<1x336xi8>, %y: tensor<3x16xf32>) {
  // expected-error @below {{expects blocks of 8 or 4 bits, the latter of an even number of rows}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x32xf32>, tensor<1x336xi8>) extras() outs(%y : tensor<3x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {blocks = #kern.blocks<bits = 5, rows = 32>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x16xf32>
  return
}

// -----

func.func @f(%x: tensor<3x32xf32>, %b: tensor<1x336xi8>, %y: tensor<3x16xf32>) {
  // expected-error @below {{expects blocks of 8 or 4 bits, the latter of an even number of rows}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x32xf32>, tensor<1x336xi8>) extras() outs(%y : tensor<3x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {blocks = #kern.blocks<bits = 4, rows = 3>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x16xf32>
  return
}

// -----

func.func @f(%x: tensor<3x33xf32>, %b: tensor<1x336xi8>, %y: tensor<3x16xf32>) {
  // expected-error @below {{expects constant sizes, and an even K of 4 bits}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x33xf32>, tensor<1x336xi8>) extras() outs(%y : tensor<3x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {blocks = #kern.blocks<bits = 4, rows = 32>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x16xf32>
  return
}

// -----

func.func @f(%x: tensor<3x32xf32>, %b: tensor<1x336xi8>, %y: tensor<3x20xf32>) {
  // expected-error @below {{expects a of f32 and b of bytes [2, 336], found}}
  %0 = kern.contract packed ins(%x, %b : tensor<3x32xf32>, tensor<1x336xi8>) extras() outs(%y : tensor<3x20xf32>)
      strides [] dilations [] pads [] maps [] attributes {blocks = #kern.blocks<bits = 4, rows = 32>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<3x20xf32>
  return
}

// -----

func.func @f(%a: memref<64xf32>, %b: memref<336xi8>, %x: vector<16xf32>, %count: index) {
  %zero = arith.constant 0 : index
  // expected-error @below {{expects to take a constant number of rows of a block, an even one of 4 bits}}
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 8>, rowStride = 0 : i64, panelStride = 336 : i64, nv = 1 : i64, unroll = 4 : i64, blocks = #kern.blocks<bits = 4, rows = 32>}
      : memref<64xf32>, memref<336xi8>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%a: memref<64xf32>, %b: memref<336xf32>, %x: vector<16xf32>) {
  %zero = arith.constant 0 : index
  %count = arith.constant 32 : index
  // expected-error @below {{expects bytes in b, and sums of f32, with blocks}}
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 8>, rowStride = 0 : i64, panelStride = 336 : i64, nv = 1 : i64, unroll = 4 : i64, blocks = #kern.blocks<bits = 4, rows = 32>}
      : memref<64xf32>, memref<336xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) {
  // expected-error @below {{expects a number of prefetches with the offset where they begin}}
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) prefetch[%i] acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error @below {{expects 0 to 64 prefetches, found #kern.plan<rows = 1,}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = true, prefetches = 65>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

func.func @f(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) {
  // expected-error @below {{expects a lead of 0 lines or more}}
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64, lead = -1 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return
}

// -----

func.func @f(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-error @below {{expects a lead of 0 to 64 lines, found #kern.plan<rows = 1,}}
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = true, lead = 65>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
