// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nncc-form-contractions))' | FileCheck %s

// CHECK-LABEL: @conv
// CHECK: kern.pack %{{.*}} dims [0, 2, 3, 1, 0] factors [16, 1, 1, 1, 1] : tensor<20x8x3x3xf32> -> tensor<2x3x3x8x16xf32>
// CHECK: kern.contract packed {{.*}} strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1]
func.func @conv(%x: tensor<1x14x14x8xf32>) -> tensor<1x14x14x20xf32> {
  %w = nn.constant dense<0.5> : tensor<20x8x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels_last} : (tensor<1x14x14x8xf32>, tensor<20x8x3x3xf32>) -> tensor<1x14x14x20xf32>
  return %y : tensor<1x14x14x20xf32>
}
// CHECK-LABEL: @groups
// CHECK: kern.pack %{{.*}} dims [0, 1, 3, 4, 2, 1] factors [1, 16, 1, 1, 1, 1] : tensor<2x10x4x1x1xf32> -> tensor<2x1x1x1x4x16xf32>
// CHECK: kern.contract packed {{.*}} attributes {groups = 2 : i64}
func.func @groups(%x: tensor<1x14x14x8xf32>) -> tensor<1x14x14x20xf32> {
  %w = nn.constant dense<0.5> : tensor<20x4x1x1xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels_last} : (tensor<1x14x14x8xf32>, tensor<20x4x1x1xf32>) -> tensor<1x14x14x20xf32>
  return %y : tensor<1x14x14x20xf32>
}

// CHECK-LABEL: @depthwise
// CHECK: kern.pack %{{.*}} dims [2, 3, 0] factors [1, 1, 1] : tensor<8x1x3x3xf32> -> tensor<3x3x8xf32>
// CHECK: kern.window depthwise {{.*}} kernel [3, 3]
func.func @depthwise(%x: tensor<1x14x14x8xf32>) -> tensor<1x14x14x8xf32> {
  %w = nn.constant dense<0.5> : tensor<8x1x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 8 : i64, channels_last} : (tensor<1x14x14x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x14x14x8xf32>
  return %y : tensor<1x14x14x8xf32>
}

// CHECK-LABEL: @pool
// CHECK: kern.window max {{.*}} kernel [2, 2] strides [2, 2]
func.func @pool(%x: tensor<1x14x14x8xf32>) -> tensor<1x7x7x8xf32> {
  %y = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x14x14x8xf32>) -> tensor<1x7x7x8xf32>
  return %y : tensor<1x7x7x8xf32>
}

// CHECK-LABEL: @weights
// CHECK: kern.pack %{{.*}} dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
// CHECK: kern.contract packed ins(%{{.*}} : tensor<2x5x8xf32>, tensor<3x8x16xf32>)
func.func @weights(%x: tensor<2x5x8xf32>) -> tensor<2x5x40xf32> {
  %w = nn.constant dense<0.5> : tensor<8x40xf32>
  %y = nn.matmul %x, %w : (tensor<2x5x8xf32>, tensor<8x40xf32>) -> tensor<2x5x40xf32>
  return %y : tensor<2x5x40xf32>
}

// CHECK-LABEL: @attention
// CHECK: nn.transpose %arg1 {perm = array<i64: 0, 2, 1, 3>}
// CHECK: kern.contract transposed
func.func @attention(%q: tensor<2x4x5x8xf32>, %k: tensor<2x5x4x8xf32>) -> tensor<2x4x5x5xf32> {
  %t = nn.transpose %k {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x5x4x8xf32>) -> tensor<2x4x8x5xf32>
  %y = nn.matmul %q, %t : (tensor<2x4x5x8xf32>, tensor<2x4x8x5xf32>) -> tensor<2x4x5x5xf32>
  return %y : tensor<2x4x5x5xf32>
}

// CHECK-LABEL: @integers
// CHECK: nn.matmul
func.func @integers(%x: tensor<2x8xi32>, %w: tensor<8x4xi32>) -> tensor<2x4xi32> {
  %y = nn.matmul %x, %w : (tensor<2x8xi32>, tensor<8x4xi32>) -> tensor<2x4xi32>
  return %y : tensor<2x4xi32>
}
