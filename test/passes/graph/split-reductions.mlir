// RUN: %nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-split-reductions{results=16 elements=64},canonicalize,cse))" | FileCheck %s

// As many parts as results are missing; a mean of means of equally many is the mean.
// CHECK-LABEL: func.func @all
// CHECK: %[[X:.*]] = nn.reshape %{{.*}} -> tensor<1x16x64x1xf32>
// CHECK: %[[PARTS:.*]] = nn.reduce mean %[[X]], %{{.*}} -> tensor<1x16x1xf32>
// CHECK: %[[MEAN:.*]] = nn.reduce mean %[[PARTS]], %{{.*}} -> tensor<1x1xf32>
// CHECK: nn.reshape %[[MEAN]], %{{.*}} -> tensor<f32>
func.func @all(%x: tensor<8x128xf32>) -> tensor<f32> {
  %y = nn.reduce mean %x : (tensor<8x128xf32>) -> tensor<f32>
  return %y : tensor<f32>
}

// Squares are of the elements, not of what the parts leave. Columns stay columns.
// CHECK-LABEL: func.func @columns
// CHECK: nn.reshape %{{.*}} -> tensor<1x16x64x8xf32>
// CHECK: nn.reduce sum_square %{{.*}} -> tensor<1x16x8xf32>
// CHECK: nn.reduce sum %{{.*}} -> tensor<1x8xf32>
func.func @columns(%x: tensor<1024x8xf32>) -> tensor<1x8xf32> {
  %axes = nn.constant dense<0> : tensor<1xi64>
  %y = nn.reduce sum_square %x, %axes {keepdims} : (tensor<1024x8xf32>, tensor<1xi64>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}

// Enough results; too few elements; dims that do not follow each other; parts that would be rounded.
// CHECK-LABEL: func.func @others
// CHECK-NOT: nn.reshape
// CHECK: return
func.func @others(%a: tensor<16x1024xf32>, %b: tensor<100xf32>, %c: tensor<32x2x32xf32>, %d: tensor<1024xf16>)
    -> (tensor<16xf32>, tensor<f32>, tensor<2xf32>, tensor<f16>) {
  %last = nn.constant dense<-1> : tensor<1xi64>
  %both = nn.constant dense<[0, 2]> : tensor<2xi64>
  %0 = nn.reduce sum %a, %last : (tensor<16x1024xf32>, tensor<1xi64>) -> tensor<16xf32>
  %1 = nn.reduce sum %b : (tensor<100xf32>) -> tensor<f32>
  %2 = nn.reduce sum %c, %both : (tensor<32x2x32xf32>, tensor<2xi64>) -> tensor<2xf32>
  %3 = nn.reduce sum %d : (tensor<1024xf16>) -> tensor<f16>
  return %0, %1, %2, %3 : tensor<16xf32>, tensor<f32>, tensor<2xf32>, tensor<f16>
}

// Nothing to reduce, and no results.
// CHECK-LABEL: func.func @empty
// CHECK-NOT: nn.reshape
// CHECK: return
func.func @empty(%a: tensor<0x1024xf32>, %b: tensor<4x0xf32>) -> (tensor<0xf32>, tensor<4xf32>) {
  %last = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce sum %a, %last : (tensor<0x1024xf32>, tensor<1xi64>) -> tensor<0xf32>
  %1 = nn.reduce sum %b, %last : (tensor<4x0xf32>, tensor<1xi64>) -> tensor<4xf32>
  return %0, %1 : tensor<0xf32>, tensor<4xf32>
}
