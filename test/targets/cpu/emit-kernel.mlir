// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nncc-cpu-emit-kernel))' | FileCheck %s

// The signature of nncc_kernel_fn; arguments first, then results; a contiguous tensor is one long row, cut in
// units.
// CHECK-LABEL: func.func @elementwise(%arg0: !llvm.ptr, %arg1: index, %arg2: index, %arg3: i32) -> i32
// CHECK-SAME: rt.units = {{[0-9]+}}
// CHECK-DAG: rt.buffer %arg0[0] : !llvm.ptr -> memref<32768xf32>
// CHECK-DAG: rt.buffer %arg0[1] : !llvm.ptr -> memref<32768xf32>
// CHECK: scf.for
// CHECK: vector.load {{.*}} vector<16xf32>
// CHECK: math.exp {{.*}} vector<16xf32>
// CHECK: vector.store {{.*}} vector<16xf32>
func.func @elementwise(%x: tensor<32x1024xf32>) -> tensor<32x1024xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<32x1024xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]} ins(%x : tensor<32x1024xf32>) outs(%e : tensor<32x1024xf32>) {
  ^bb0(%a: f32, %b: f32):
    %1 = math.exp %a : f32
    linalg.yield %1 : f32
  } -> tensor<32x1024xf32>
  return %0 : tensor<32x1024xf32>
}

// A view costs nothing: the transposed operand is read with its own strides.
// CHECK-LABEL: func.func @view
// CHECK-NOT: linalg.
// CHECK-NOT: tensor.
// CHECK: return
func.func @view(%x: tensor<8x4xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {rt.kernel} {
  %t = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.transpose ins(%x : tensor<8x4xf32>) outs(%t : tensor<4x8xf32>) permutation = [1, 0]
  %e = tensor.empty() : tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]} ins(%0, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %2 = arith.addf %a, %b : f32
    linalg.yield %2 : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
