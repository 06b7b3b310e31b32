// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @range_0
// CHECK: nn.range %{{.*}}, %{{.*}}, %{{.*}} : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
func.func @range_0() -> tensor<3xf32> {
  %s = nn.constant dense<1.0> : tensor<f32>
  %l = nn.constant dense<2.0> : tensor<f32>
  %d = nn.constant dense<0.4> : tensor<f32>
  %0 = nn.range %s, %l, %d : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: @eye_like_1
// CHECK: nn.eye_like %{{.*}} {k = -1 : i64, to = ui8} : (tensor<2x3xf32>) -> tensor<2x3xui8>
func.func @eye_like_1(%x: tensor<2x3xf32>) -> tensor<2x3xui8> {
  %0 = nn.eye_like %x {k = -1 : i64, to = ui8} : (tensor<2x3xf32>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// CHECK-LABEL: @trilu_2
// CHECK: nn.trilu %{{.*}} {upper} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @trilu_2(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.trilu %x {upper} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @trilu_3
// CHECK: nn.trilu %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
func.func @trilu_3(%x: tensor<2x3xf32>, %k: tensor<i64>) -> tensor<2x3xf32> {
  %0 = nn.trilu %x, %k : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @one_hot_4
// CHECK: nn.one_hot %{{.*}}, %{{.*}}, %{{.*}} {axis = -1 : i64} : (tensor<3xi32>, tensor<i64>, tensor<2xf16>) -> tensor<3x4xf16>
func.func @one_hot_4(%i: tensor<3xi32>, %v: tensor<2xf16>) -> tensor<3x4xf16> {
  %d = nn.constant dense<4> : tensor<i64>
  %0 = nn.one_hot %i, %d, %v {axis = -1 : i64} : (tensor<3xi32>, tensor<i64>, tensor<2xf16>) -> tensor<3x4xf16>
  return %0 : tensor<3x4xf16>
}
