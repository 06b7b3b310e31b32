// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @conv_transpose_0
// CHECK: nn.conv_transpose %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, groups = 2 : i64, output_pads = array<i64: 1, 0>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x4x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x6x10x9xf32>
func.func @conv_transpose_0(%x: tensor<?x4x5x5xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<?x6x10x9xf32> {
  %0 = nn.conv_transpose %x, %w {dilations = array<i64: 1, 1>, groups = 2 : i64, output_pads = array<i64: 1, 0>, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<?x4x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<?x6x10x9xf32>
  return %0 : tensor<?x6x10x9xf32>
}
