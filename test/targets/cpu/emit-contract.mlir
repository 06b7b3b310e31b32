// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-emit-kernel,canonicalize,cse))" | FileCheck %s

// A ragged matrix product: 7 = 6 + 1 rows, 40 = 32 + 8 columns. The last panel is stored, and its
// bias loaded, under a mask; nothing is masked elsewhere.
// CHECK-LABEL: @ragged
// CHECK: scf.for
// CHECK: scf.if
// CHECK-COUNT-2: kern.brgemm {{.*}} nv = 1
// CHECK: } else {
// CHECK-NOT: mask
// CHECK-COUNT-2: kern.brgemm {{.*}} nv = 2
#plan = #kern.plan<rows = 6, panels = 2, k_blocks = 1, unit_tiles = 9, unroll = 4, n_slow = true>
func.func @ragged(%x: tensor<7x8xf32>, %w: tensor<3x8x16xf32>, %bias: tensor<40xf32>) -> tensor<7x40xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<7x40xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<7x8xf32>, tensor<3x8x16xf32>) extras(%bias : tensor<40xf32>) outs(%y : tensor<7x40xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] attributes {plan = #plan} {
  ^bb0(%acc: f32, %b: f32):
    %r = arith.addf %acc, %b : f32
    kern.yield %r : f32
  } -> tensor<7x40xf32>
  return %0 : tensor<7x40xf32>
}

// -----

// Padding: rows clip the taps at run time; columns by tiles, whose borders leave out the taps that
// are outside of the image: two reductions at a border, one inside.
// CHECK-LABEL: @padded
// CHECK: arith.maxsi
// CHECK-COUNT-2: kern.brgemm
// CHECK: scf.for
// CHECK-COUNT-1: kern.brgemm
// CHECK-COUNT-2: kern.brgemm
// CHECK-NOT: kern.brgemm
#plan = #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 4, unroll = 4, n_slow = false>
func.func @padded(%x: tensor<16x16x8xf32>, %w: tensor<1x3x3x8x16xf32>) -> tensor<16x16x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<16x16x16xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<16x16x8xf32>, tensor<1x3x3x8x16xf32>) extras() outs(%y : tensor<16x16x16xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<16x16x16xf32>
  return %0 : tensor<16x16x16xf32>
}

// -----

// K and Q of attention in their [sequence, heads, width] order: K is packed into scratch, 16 x 16
// elements at a time in registers.
// CHECK-LABEL: @scores
// CHECK-SAME: rt.scratch = {{[1-9]}}
// CHECK-SAME: rt.units = 24
// CHECK: %[[PANELS:.*]] = rt.scratch
// CHECK: vector.shuffle
// CHECK: vector.store {{.*}}, %[[PANELS]]
// CHECK: kern.brgemm {{.*}}, %[[PANELS]]
#plan = #kern.plan<rows = 4, panels = 4, k_blocks = 1, unit_tiles = 32, unroll = 4, n_slow = true>
func.func @scores(%q: tensor<128x12x64xf32>, %k: tensor<128x12x64xf32>) -> tensor<12x128x128xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<12x128x64xf32>
  %a = linalg.transpose ins(%q : tensor<128x12x64xf32>) outs(%e : tensor<12x128x64xf32>) permutation = [1, 0, 2]
  %b = linalg.transpose ins(%k : tensor<128x12x64xf32>) outs(%e : tensor<12x128x64xf32>) permutation = [1, 0, 2]
  %y = tensor.empty() : tensor<12x128x128xf32>
  %0 = kern.contract transposed ins(%a, %b : tensor<12x128x64xf32>, tensor<12x128x64xf32>) extras() outs(%y : tensor<12x128x128xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<12x128x128xf32>
  return %0 : tensor<12x128x128xf32>
}

// -----

// Blocks of K: partial sums wait in the result; the epilogue, a heavy one, runs over the rows of
// the last block's tile.
// CHECK-LABEL: @blocks
// CHECK: %[[Y:.*]] = rt.buffer %{{.*}}[2]
// CHECK: scf.for %[[BLOCK:.*]] = %{{.*}} to %{{.*}} step
// CHECK: scf.if
// CHECK: vector.load %[[Y]]
// CHECK: kern.brgemm
// CHECK: vector.store {{.*}}, %[[Y]]
// CHECK: scf.if
// CHECK: scf.for
// CHECK: math.tanh
#plan = #kern.plan<rows = 4, panels = 1, k_blocks = 2, unit_tiles = 2, unroll = 4, n_slow = true>
func.func @blocks(%x: tensor<8x64xf32>, %w: tensor<1x64x16xf32>) -> tensor<8x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<8x16xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<8x64xf32>, tensor<1x64x16xf32>) extras() outs(%y : tensor<8x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    %r = math.tanh %acc : f32
    kern.yield %r : f32
  } -> tensor<8x16xf32>
  return %0 : tensor<8x16xf32>
}
