// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=90},func.func(canonicalize,cse))' | FileCheck %s

// One tile of 64 x 64 for a GPU of more than a hundred multiprocessors: seven blocks have a part of the reduction each,
// 1000 / 16 = 63 slices, nine of them. Their sums, 7 * 40 * 48, are in the buffer behind the two operands, the extra and
// the result. A second launch adds them up in the order of the parts and does what the epilogue says.
// CHECK-LABEL: func.func @k(
// CHECK-SAME: rt.threads = 256 : i64, rt.units = 7 : i64, rt.workspace = 53760 : i64
// CHECK-DAG: %[[SLICES:.*]] = arith.constant 9 : index
// CHECK: %[[CTAID:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK: %[[UNIT:.*]] = arith.index_castui %[[CTAID]]
// CHECK: %[[PARTIAL:.*]] = rt.buffer %{{.*}}[4] : !llvm.ptr -> memref<13440xf32>
// CHECK: %[[PART:.*]] = arith.remui %[[UNIT]]
// CHECK: arith.muli %[[PART]], %[[SLICES]]
// CHECK: math.fma
// CHECK-NOT: arith.maximumf
// CHECK: memref.store %{{.*}}, %[[PARTIAL]]
// CHECK-LABEL: func.func @k_results(
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 40 : i64, rt.workspace = 53760 : i64
// CHECK-DAG: %[[BIAS:.*]] = rt.buffer %{{.*}}[2]
// CHECK-DAG: %[[RESULT:.*]] = rt.buffer %{{.*}}[3]
// CHECK-DAG: %[[SUMS:.*]] = rt.buffer %{{.*}}[4]
// CHECK-COUNT-7: memref.load %[[SUMS]]
// CHECK: memref.load %[[BIAS]]
// CHECK: arith.maximumf
// CHECK: memref.store %{{.*}}, %[[RESULT]]
func.func @k(%a: tensor<40x1000xf32>, %b: tensor<3x1000x16xf32>, %bias: tensor<48xf32>) -> tensor<40x48xf32>
    attributes {rt.kernel} {
  %y = tensor.empty() : tensor<40x48xf32>
  %0 = kern.contract packed ins(%a, %b : tensor<40x1000xf32>, tensor<3x1000x16xf32>) extras(%bias : tensor<48xf32>)
      outs(%y : tensor<40x48xf32>) strides [] dilations [] pads []
      maps [affine_map<(d0, d1) -> (d1)>] attributes {groups = 1 : i64} {
  ^bb0(%sum: f32, %x: f32):
    %zero = arith.constant 0.0 : f32
    %s = arith.addf %sum, %x : f32
    %r = arith.maximumf %s, %zero : f32
    kern.yield %r : f32
  } -> tensor<40x48xf32>
  return %0 : tensor<40x48xf32>
}

// Enough tiles: one launch.
// CHECK-LABEL: func.func @whole(
// CHECK-NOT: rt.workspace
// CHECK-NOT: func.func @whole_results
func.func @whole(%a: tensor<1024x1000xf32>, %b: tensor<64x1000x16xf32>) -> tensor<1024x1024xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<1024x1024xf32>
  %0 = kern.contract packed ins(%a, %b : tensor<1024x1000xf32>, tensor<64x1000x16xf32>) extras()
      outs(%y : tensor<1024x1024xf32>) strides [] dilations [] pads [] maps [] attributes {groups = 1 : i64} {
  ^bb0(%sum: f32):
    kern.yield %sum : f32
  } -> tensor<1024x1024xf32>
  return %0 : tensor<1024x1024xf32>
}
