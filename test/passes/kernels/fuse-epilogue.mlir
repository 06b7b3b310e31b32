// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nncc-fuse-epilogue))' | FileCheck %s
// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nncc-fuse-epilogue))' --remarks-filter-missed=nncc.* -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// Bias, residual and activation become scalars of one region.
// CHECK-LABEL: @chain
// CHECK: kern.contract packed ins(%arg0, %arg1
// CHECK-SAME: extras(%arg2, %arg3 : tensor<16xf32>, tensor<4x16xf32>)
// CHECK: ^bb0(%[[ACC:.*]]: f32, %[[BIAS:.*]]: f32, %[[SKIP:.*]]: f32):
// CHECK: arith.addf %[[ACC]], %[[BIAS]]
// CHECK: arith.addf %{{.*}}, %[[SKIP]]
// CHECK: arith.select
// CHECK: kern.yield
// CHECK-NOT: nn.add
// CHECK-NOT: nn.relu
func.func @chain(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %b: tensor<16xf32>, %s: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %e = tensor.empty() : tensor<4x16xf32>
  %c = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%e : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  %0 = nn.add %c, %b : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %1 = nn.add %0, %s : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  %2 = nn.relu %1 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}

// One value for all elements is a constant of the region.
// CHECK-LABEL: @splat
// CHECK: extras()
// CHECK: arith.constant 5.000000e-01 : f32
// CHECK-NEXT: arith.mulf
func.func @splat(%x: tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32> {
  %e = tensor.empty() : tensor<1x2x2x8xf32>
  %c = kern.window max ins(%x : tensor<1x4x4x8xf32>) extras() outs(%e : tensor<1x2x2x8xf32>)
      kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x2x2x8xf32>
  %h = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.mul %c, %h : (tensor<1x2x2x8xf32>, tensor<f32>) -> tensor<1x2x2x8xf32>
  return %0 : tensor<1x2x2x8xf32>
}

// CHECK-LABEL: @used_twice
// CHECK: nn.relu
// MISSED: NotFused {{.*}}the result of kern.contract is used elsewhere too
func.func @used_twice(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %e = tensor.empty() : tensor<4x16xf32>
  %c = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%e : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  %0 = nn.relu %c : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %0, %c : tensor<4x16xf32>, tensor<4x16xf32>
}
