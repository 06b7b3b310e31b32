// RUN: %nncc-opt --nncc-cpu-emit-kernel --canonicalize --cse %s | FileCheck %s

// Two rows at a time, and the rows above and below them, at most four: in scratch, where the first
// one of a band is the first.

// CHECK-LABEL: func.func @product
// CHECK-SAME: (%[[CALL:.*]]: !llvm.ptr, %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[WORKER:.*]]: i32) -> i32 attributes {rt.kernel, rt.scratch = 2112 : i64, rt.units = 4 : i64}
// CHECK: %[[SCRATCH:.*]] = rt.scratch %[[CALL]], %[[WORKER]] + %{{.*}} : !llvm.ptr -> memref<512xf32>
// CHECK: scf.for %[[BAND:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: arith.muli %[[BAND]], %c2 
// CHECK: arith.maxsi %{{.*}}, %c0
// CHECK: arith.minsi %{{.*}}, %c8
// CHECK: scf.for
// CHECK: kern.brgemm
// CHECK: vector.store %{{.*}}, %[[SCRATCH]]
// CHECK: scf.for
// CHECK: vector.load %[[SCRATCH]]
func.func @product(%a: tensor<1x8x8x16xf32>, %w: tensor<1x1x1x16x16xf32>, %d: tensor<3x3x16xf32>) -> tensor<1x8x8x16xf32>
    attributes {kern.band_rows = 2 : i64, rt.kernel} {
  %e = tensor.empty() : tensor<1x8x8x16xf32>
  %0 = kern.contract packed ins(%a, %w : tensor<1x8x8x16xf32>, tensor<1x1x1x16x16xf32>) extras() outs(%e : tensor<1x8x8x16xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps []
      attributes {plan = #kern.plan<rows = 8, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = false>} {
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
