// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @grid_sample_0
// CHECK: nn.grid_sample linear zeros %{{.*}}, %{{.*}} {align_corners} : (tensor<1x2x5x6xf32>, tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
func.func @grid_sample_0(%x: tensor<1x2x5x6xf32>, %g: tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32> {
  %0 = nn.grid_sample linear zeros %x, %g {align_corners} : (tensor<1x2x5x6xf32>, tensor<1x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// CHECK-LABEL: @roi_align_1
// CHECK: nn.roi_align {{.*}} -> tensor<3x2x7x8xf32>
func.func @roi_align_1(%x: tensor<1x2x5x6xf32>, %r: tensor<3x4xf32>, %b: tensor<3xi64>) -> tensor<3x2x7x8xf32> {
  %0 = nn.roi_align %x, %r, %b {height = 7 : i64, width = 8 : i64, samples = 2 : i64, scale = 0.5 : f32, half_pixel} : (tensor<1x2x5x6xf32>, tensor<3x4xf32>, tensor<3xi64>) -> tensor<3x2x7x8xf32>
  return %0 : tensor<3x2x7x8xf32>
}

// CHECK-LABEL: @reverse_sequence_2
// CHECK: nn.reverse_sequence %{{.*}}, %{{.*}} {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
func.func @reverse_sequence_2(%x: tensor<4x2xf32>, %l: tensor<2xi64>) -> tensor<4x2xf32> {
  %0 = nn.reverse_sequence %x, %l {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// CHECK-LABEL: @cache_update_3
// CHECK: nn.cache_update %{{.*}}, %{{.*}}, %{{.*}} {axis = -2 : i64, circular} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x8x4xf32>
func.func @cache_update_3(%c: tensor<2x8x4xf32>, %u: tensor<2x3x4xf32>, %s: tensor<2xi64>) -> tensor<2x8x4xf32> {
  %0 = nn.cache_update %c, %u, %s {axis = -2 : i64, circular} : (tensor<2x8x4xf32>, tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// CHECK-LABEL: @col2im_4
// CHECK: nn.col2im {{.*}} -> tensor<1x2x5x5xf32>
func.func @col2im_4(%x: tensor<1x8x16xf32>) -> tensor<1x2x5x5xf32> {
  %i = nn.constant dense<5> : tensor<2xi64>
  %k = nn.constant dense<2> : tensor<2xi64>
  %0 = nn.col2im %x, %i, %k {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x16xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x5x5xf32>
  return %0 : tensor<1x2x5x5xf32>
}
