// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @resize_0
// CHECK: nn.resize linear half_pixel floor stretch %{{.*}} scales %{{.*}} : tensor<1xf32> {antialias, axes = array<i64: 1>, cubic_coefficient = -7.500000e-01 : f32, extrapolation = 0.000000e+00 : f32} : tensor<2x3xf32> -> tensor<2x1xf32>
func.func @resize_0(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %s = nn.constant dense<5.000000e-01> : tensor<1xf32>
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<1xf32> {antialias, axes = array<i64: 1>, cubic_coefficient = -7.500000e-01 : f32, extrapolation = 0.000000e+00 : f32} : tensor<2x3xf32> -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @resize_1
// CHECK: nn.resize cubic align_corners ceil not_larger %{{.*}} sizes %{{.*}} : tensor<2xi64> {axes = array<i64: 0, 1>, cubic_coefficient = -7.500000e-01 : f32, exclude_outside, extrapolation = 0.000000e+00 : f32} : tensor<2x3xf32> -> tensor<4x6xf32>
func.func @resize_1(%x: tensor<2x3xf32>) -> tensor<4x6xf32> {
  %s = nn.constant dense<[4, 9]> : tensor<2xi64>
  %0 = nn.resize cubic align_corners ceil not_larger %x sizes %s : tensor<2xi64> {axes = array<i64: 0, 1>, cubic_coefficient = -7.500000e-01 : f32, exclude_outside, extrapolation = 0.000000e+00 : f32} : tensor<2x3xf32> -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// CHECK-LABEL: @resize_2
// CHECK: nn.resize nearest tf_crop_and_resize round_prefer_ceil stretch %{{.*}} roi %{{.*}} : tensor<2xf32> sizes %{{.*}} : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -7.500000e-01 : f32, extrapolation = 1.000000e+00 : f32} : tensor<2x3xf32> -> tensor<2x5xf32>
func.func @resize_2(%x: tensor<2x3xf32>) -> tensor<2x5xf32> {
  %r = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %s = nn.constant dense<5> : tensor<1xi64>
  %0 = nn.resize nearest tf_crop_and_resize round_prefer_ceil stretch %x roi %r : tensor<2xf32> sizes %s : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -7.500000e-01 : f32, extrapolation = 1.000000e+00 : f32} : tensor<2x3xf32> -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// CHECK-LABEL: @resize_3
// CHECK: nn.resize nearest asymmetric floor stretch %{{.*}} scales %{{.*}} : tensor<1xf32> {axes = array<i64: 2>, cubic_coefficient = -7.500000e-01 : f32, extrapolation = 0.000000e+00 : f32} : tensor<?x3x?xf32> -> tensor<?x3x?xf32>
func.func @resize_3(%x: tensor<?x3x?xf32>) -> tensor<?x3x?xf32> {
  %s = nn.constant dense<2.0> : tensor<1xf32>
  %0 = nn.resize nearest asymmetric floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 2>, cubic_coefficient = -7.500000e-01 : f32, extrapolation = 0.000000e+00 : f32} : tensor<?x3x?xf32> -> tensor<?x3x?xf32>
  return %0 : tensor<?x3x?xf32>
}
