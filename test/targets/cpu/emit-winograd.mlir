// RUN: nncc-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(func.func(nncc-cpu-emit-kernel,canonicalize,cse))" | FileCheck %s

// 3 x 3 tiles in two blocks of 8 and 1, K in blocks of 8: transforms into scratch, a product for each
// point, for whole register tiles and for what is left of either block.
// CHECK-LABEL: @blocks
// CHECK-SAME: rt.units = 2
// CHECK: %[[V:.*]] = rt.scratch
// CHECK: %[[U:.*]] = rt.scratch
// CHECK: %[[M:.*]] = rt.scratch
// Input: tiles inside of the image, others with a choice for each element.
// CHECK: scf.if
// CHECK: vector.store {{.*}}, %[[V]]
// CHECK: } else {
// CHECK: arith.select
// CHECK: vector.store {{.*}}, %[[V]]
// Weights and products.
// CHECK: memref.prefetch
// CHECK: vector.store {{.*}}, %[[U]]
// CHECK: kern.brgemm %[[V]]{{.*}}, %[[U]]{{.*}} nv = 1
// CHECK: kern.brgemm %[[V]]{{.*}}, %[[U]]{{.*}} nv = 1
// CHECK: kern.brgemm %[[V]]{{.*}}, %[[U]]{{.*}} nv = 1
// CHECK-NOT: kern.brgemm
// Results, through memory where a tile reaches over the image.
// CHECK: vector.load %[[M]]
#plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 1, k_block = 8, rows = 6, panels = 1>
func.func @blocks(%x: tensor<1x9x9x24xf32>, %w: tensor<1x3x3x24x16xf32>) -> tensor<1x9x9x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<1x9x9x16xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<1x9x9x24xf32>, tensor<1x3x3x24x16xf32>) extras() outs(%y : tensor<1x9x9x16xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x9x9x16xf32>
  return %0 : tensor<1x9x9x16xf32>
}

// -----

// The plan is larger than what there is. 20 columns: the second panel is stored under a mask.
// CHECK-LABEL: @tail
// CHECK-SAME: rt.units = 1
// CHECK: vector.maskedload
// CHECK: kern.brgemm {{.*}} nv = 2
// CHECK: vector.maskedstore
#plan = #kern.winograd<tile = 2, unit_tiles = 100, unit_panels = 100, k_block = 100, rows = 4, panels = 2>
func.func @tail(%x: tensor<4x4x7xf32>, %w: tensor<2x3x3x7x16xf32>) -> tensor<4x4x20xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<4x4x20xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<4x4x7xf32>, tensor<2x3x3x7x16xf32>) extras() outs(%y : tensor<4x4x20xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x4x20xf32>
  return %0 : tensor<4x4x20xf32>
}

// -----

#x = affine_map<()[s0] -> (s0, 4, 4, 8)>
#y = affine_map<()[s0] -> (s0, 4, 4, 16)>
#plan = #kern.winograd<tile = 4, unit_tiles = 8, unit_panels = 1, k_block = 8, rows = 8, panels = 1>
func.func @open(%x: tensor<?x4x4x8xf32, #x>, %w: tensor<1x3x3x8x16xf32>) -> tensor<?x4x4x16xf32, #y> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %e = tensor.empty(%n) : tensor<?x4x4x16xf32, #y>
  // expected-error @below {{expects constant sizes and a reduction over one channel or more for a #kern.winograd plan}}
  %0 = kern.contract packed ins(%x, %w : tensor<?x4x4x8xf32, #x>, tensor<1x3x3x8x16xf32>) extras() outs(%e : tensor<?x4x4x16xf32, #y>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x4x4x16xf32, #y>
  return %0 : tensor<?x4x4x16xf32, #y>
}
