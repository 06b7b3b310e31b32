// RUN: nncc-opt %s | nncc-opt | FileCheck %s
// RUN: nncc-opt %s --mlir-print-op-generic | nncc-opt | FileCheck %s

// CHECK-LABEL: @contract
// CHECK: kern.contract packed ins(%{{.*}}, %{{.*}} : tensor<2x8x8x6xf32>, tensor<2x1x3x3x3x16xf32>)
// CHECK-SAME: extras(%{{.*}} : tensor<8xf32>) outs(%{{.*}} : tensor<2x4x4x8xf32>)
// CHECK-SAME: strides [2, 2] dilations [1, 1] pads [0, 0, 1, 1] maps [#{{.*}}]
// CHECK-SAME: groups = 2 : i64, plan = #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>
// CHECK: kern.yield %{{.*}} : f32
func.func @contract(%x: tensor<2x8x8x6xf32>, %w: tensor<2x1x3x3x3x16xf32>, %bias: tensor<8xf32>, %y: tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<2x8x8x6xf32>, tensor<2x1x3x3x3x16xf32>) extras(%bias : tensor<8xf32>) outs(%y : tensor<2x4x4x8xf32>)
      strides [2, 2] dilations [1, 1] pads [0, 0, 1, 1] maps [affine_map<(d0, d1, d2, d3) -> (d3)>]
      attributes {groups = 2, plan = #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>} {
  ^bb0(%acc: f32, %b: f32):
    %r = arith.addf %acc, %b : f32
    kern.yield %r : f32
  } -> tensor<2x4x4x8xf32>
  return %0 : tensor<2x4x4x8xf32>
}

// CHECK-LABEL: @products
// CHECK: kern.contract plain ins({{.*}} : tensor<2x3x5x4xf32>, tensor<2x1x4x7xf32>) extras() outs({{.*}} : tensor<2x3x5x7xf32>)
// CHECK: kern.contract transposed ins({{.*}} : tensor<2x3x5x4xf32>, tensor<7x4xf32>)
func.func @products(%a: tensor<2x3x5x4xf32>, %b: tensor<2x1x4x7xf32>, %c: tensor<7x4xf32>, %y: tensor<2x3x5x7xf32>) -> (tensor<2x3x5x7xf32>, tensor<2x3x5x7xf32>) {
  %0 = kern.contract plain ins(%a, %b : tensor<2x3x5x4xf32>, tensor<2x1x4x7xf32>) extras() outs(%y : tensor<2x3x5x7xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x3x5x7xf32>
  %1 = kern.contract transposed ins(%a, %c : tensor<2x3x5x4xf32>, tensor<7x4xf32>) extras() outs(%y : tensor<2x3x5x7xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x3x5x7xf32>
  return %0, %1 : tensor<2x3x5x7xf32>, tensor<2x3x5x7xf32>
}

// CHECK-LABEL: @windows
// CHECK: kern.window depthwise ins(%{{.*}}, %{{.*}} : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%{{.*}} : tensor<6x6x4xf32>) kernel [3, 3]
// CHECK: kern.window max ins(%{{.*}} : tensor<8x8x4xf32>) extras()
func.func @windows(%x: tensor<8x8x4xf32>, %w: tensor<3x3x4xf32>, %y: tensor<6x6x4xf32>, %z: tensor<4x4x4xf32>) -> (tensor<6x6x4xf32>, tensor<4x4x4xf32>) {
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xf32>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  %1 = kern.window max ins(%x : tensor<8x8x4xf32>) extras() outs(%z : tensor<4x4x4xf32>)
      kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x4x4xf32>
  return %0, %1 : tensor<6x6x4xf32>, tensor<4x4x4xf32>
}

// CHECK-LABEL: @byte_weights
// CHECK: kern.window depthwise {{.*}} maps [] attributes {byte_weights}
func.func @byte_weights(%x: tensor<8x8x4xi8>, %w: tensor<3x3x4xf32>, %y: tensor<6x6x4xf32>) -> tensor<6x6x4xf32> {
  %0 = kern.window depthwise ins(%x, %w : tensor<8x8x4xi8>, tensor<3x3x4xf32>) extras() outs(%y : tensor<6x6x4xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] attributes {byte_weights} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x6x4xf32>
  return %0 : tensor<6x6x4xf32>
}

// CHECK-LABEL: @pack
// CHECK: kern.pack %{{.*}} dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
func.func @pack(%w: tensor<8x40xf32>) -> tensor<3x8x16xf32> {
  %0 = kern.pack %w dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
  return %0 : tensor<3x8x16xf32>
}

// CHECK-LABEL: @brgemm
// CHECK: kern.brgemm %{{.*}}[%{{.*}}], %{{.*}}[%{{.*}}] counts(%{{.*}}) acc(%{{.*}}) {aStrides = array<i64: 1>
func.func @brgemm(%a: memref<8xf32>, %b: memref<128xf32>, %i: index, %x: vector<16xf32>) -> vector<16xf32> {
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<8xf32>, memref<128xf32>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}

// CHECK-LABEL: @recurrence
// CHECK: kern.recurrence ins(%{{.*}}, %{{.*}} : tensor<5x4x48xf32>, tensor<2x1x3x8x16xf32>) params(%{{.*}} : tensor<2x1x8xf32>) lengths(%{{.*}} : tensor<4xi32>) h(%{{.*}} : tensor<2x4x8xf32>) y_init(%{{.*}}) h_init(%{{.*}}) reverse [false, true] attributes {plan = #kern.recurrence_plan<unit_rows = 2, rows = 4, tile_rows = 4, sums = 26, team = 1>} cell {
// CHECK: kern.states %{{.*}} : f32
// CHECK: reset {
// CHECK: -> tensor<5x2x4x8xf32>, tensor<2x4x8xf32>
func.func @recurrence(%x: tensor<5x4x48xf32>, %r: tensor<2x1x3x8x16xf32>, %p: tensor<2x1x8xf32>, %n: tensor<4xi32>, %h: tensor<2x4x8xf32>, %y: tensor<5x2x4x8xf32>) -> (tensor<5x2x4x8xf32>, tensor<2x4x8xf32>) {
  %0:2 = kern.recurrence ins(%x, %r : tensor<5x4x48xf32>, tensor<2x1x3x8x16xf32>) params(%p : tensor<2x1x8xf32>) lengths(%n : tensor<4xi32>) h(%h : tensor<2x4x8xf32>)
      y_init(%y : tensor<5x2x4x8xf32>) h_init(%h : tensor<2x4x8xf32>) reverse [false, true]
      attributes {plan = #kern.recurrence_plan<unit_rows = 2, rows = 4, tile_rows = 4, sums = 26, team = 1>} cell {
  ^bb0(%x0: f32, %x1: f32, %x2: f32, %s0: f32, %s1: f32, %s2: f32, %b: f32, %h0: f32):
    %1 = arith.mulf %s2, %h0 : f32
    kern.states %1 : f32
  } reset {
  ^bb0(%x0: f32, %x1: f32, %s0: f32, %s1: f32, %b: f32, %h0: f32):
    kern.states %s1 : f32
  } -> tensor<5x2x4x8xf32>, tensor<2x4x8xf32>
  return %0#0, %0#1 : tensor<5x2x4x8xf32>, tensor<2x4x8xf32>
}

// CHECK-LABEL: @bytes
// CHECK: kern.contract packed ins(%{{.*}}, %{{.*}} : tensor<3x8xui8>, tensor<1x2x16x4xi8>) extras(%{{.*}} : tensor<16xui8>) outs(%{{.*}} : tensor<3x16xui8>)
// CHECK: ^bb0(%{{.*}}: i32, %{{.*}}: i8):
func.func @bytes(%x: tensor<3x8xui8>, %b: tensor<1x2x16x4xi8>, %e: tensor<16xui8>, %y: tensor<3x16xui8>) -> tensor<3x16xui8> {
  %0 = kern.contract packed ins(%x, %b : tensor<3x8xui8>, tensor<1x2x16x4xi8>) extras(%e : tensor<16xui8>) outs(%y : tensor<3x16xui8>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
  ^bb0(%acc: i32, %other: i8):
    %low = arith.trunci %acc : i32 to i8
    %sum = arith.addi %low, %other : i8
    kern.yield %sum : i8
  } -> tensor<3x16xui8>
  return %0 : tensor<3x16xui8>
}

// CHECK-LABEL: @brgemm_of_bytes
// CHECK: kern.brgemm {{.*}} : memref<32xi8>, memref<128xi8>, vector<16xi32> -> vector<16xi32>
func.func @brgemm_of_bytes(%a: memref<32xi8>, %b: memref<128xi8>, %i: index, %x: vector<16xi32>) -> vector<16xi32> {
  %0 = kern.brgemm %a[%i], %b[%i] counts(%i) acc(%x) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<32xi8>, memref<128xi8>, vector<16xi32> -> vector<16xi32>
  return %0 : vector<16xi32>
}

// CHECK-LABEL: @winograd
// CHECK: kern.contract packed
// CHECK-SAME: attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>}
func.func @winograd(%a: tensor<1x9x9x8xf32>, %b: tensor<2x3x3x8x16xf32>, %y: tensor<1x9x9x32xf32>) -> tensor<1x9x9x32xf32> {
  %0 = kern.contract packed ins(%a, %b : tensor<1x9x9x8xf32>, tensor<2x3x3x8x16xf32>) extras() outs(%y : tensor<1x9x9x32xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps []
      attributes {plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 2, k_block = 8, rows = 8, panels = 2>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x9x32xf32>
  return %0 : tensor<1x9x9x32xf32>
}

// CHECK-LABEL: @argsort
// CHECK: kern.argsort ins(%{{.*}} : tensor<2x9x1xf32>) outs(%{{.*}} : tensor<2x4xi64>) {descending} -> tensor<2x4xi64>
func.func @argsort(%x: tensor<2x9x1xf32>, %y: tensor<2x4xi64>) -> tensor<2x4xi64> {
  %0 = kern.argsort ins(%x : tensor<2x9x1xf32>) outs(%y : tensor<2x4xi64>) {descending} -> tensor<2x4xi64>
  return %0 : tensor<2x4xi64>
}

// CHECK-LABEL: @positions
// CHECK: kern.positions ins(%{{.*}} : tensor<9xi1>) outs(%{{.*}} : tensor<4xi64>) -> tensor<4xi64>
func.func @positions(%x: tensor<9xi1>, %y: tensor<4xi64>) -> tensor<4xi64> {
  %0 = kern.positions ins(%x : tensor<9xi1>) outs(%y : tensor<4xi64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// CHECK-LABEL: @suppress
// CHECK: kern.suppress ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x6x4xf32>, tensor<2x3x6xf32>, tensor<2x3x6xi64>)
// CHECK-SAME: limits(%{{.*}}, %{{.*}}, %{{.*}}) outs(%{{.*}} : tensor<2x3x6xi64>) -> tensor<2x3x6xi64>
func.func @suppress(%b: tensor<2x6x4xf32>, %s: tensor<2x3x6xf32>, %o: tensor<2x3x6xi64>, %n: index, %t: f32) -> tensor<2x3x6xi64> {
  %0 = kern.suppress ins(%b, %s, %o : tensor<2x6x4xf32>, tensor<2x3x6xf32>, tensor<2x3x6xi64>) limits(%n, %t, %t)
      outs(%o : tensor<2x3x6xi64>) -> tensor<2x3x6xi64>
  return %0 : tensor<2x3x6xi64>
}
