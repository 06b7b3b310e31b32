// RUN: %nncc-opt %s --nncc-assign-layout --canonicalize | FileCheck %s

// One conversion at each end; between them a bias per channel, an activation and a residual follow.
// CHECK-LABEL: @residual
// CHECK-SAME:    (%[[X:.*]]: tensor<1x3x8x8xf32>, %[[W:.*]]: tensor<16x3x3x3xf32>, %[[V:.*]]: tensor<16x16x3x3xf32>)
// CHECK-DAG:     %[[B:.*]] = nn.constant dense<1.000000e+00> : tensor<1x1x1x16xf32>
// CHECK-DAG:     %[[T:.*]] = nn.transpose %[[X]] {perm = array<i64: 0, 2, 3, 1>}
// CHECK:         %[[C:.*]] = nn.conv %[[T]], %[[W]] {channels_last
// CHECK-SAME:      -> tensor<1x8x8x16xf32>
// CHECK-NEXT:    %[[A:.*]] = nn.add %[[C]], %[[B]]
// CHECK-NEXT:    %[[R:.*]] = nn.relu %[[A]]
// CHECK-NEXT:    %[[D:.*]] = nn.conv %[[R]], %[[V]] {channels_last
// CHECK-NEXT:    %[[S:.*]] = nn.add %[[D]], %[[A]]
// CHECK-NEXT:    %[[U:.*]] = nn.transpose %[[S]] {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT:    return %[[U]] : tensor<1x16x8x8xf32>
func.func @residual(%x: tensor<1x3x8x8xf32>, %w: tensor<16x3x3x3xf32>, %v: tensor<16x16x3x3xf32>) -> tensor<1x16x8x8xf32> {
  %b = nn.constant dense<1.0> : tensor<16x1x1xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<1x16x8x8xf32>
  %1 = nn.add %0, %b : (tensor<1x16x8x8xf32>, tensor<16x1x1xf32>) -> tensor<1x16x8x8xf32>
  %2 = nn.relu %1 : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
  %3 = nn.conv %2, %v {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x16x8x8xf32>, tensor<16x16x3x3xf32>) -> tensor<1x16x8x8xf32>
  %4 = nn.add %3, %1 : (tensor<1x16x8x8xf32>, tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
  return %4 : tensor<1x16x8x8xf32>
}

// The end of a classifier: behind the global average the order is a matter of the shape only.
// CHECK-LABEL: @classifier
// CHECK-DAG:     %[[AXES:.*]] = nn.constant dense<[1, 2]> : tensor<2xi64>
// CHECK:         %[[P:.*]] = nn.pool max %{{.*}} {channels_last
// CHECK-NEXT:    %[[M:.*]] = nn.reduce mean %[[P]], %[[AXES]] {keepdims} : {{.*}} -> tensor<1x1x1x16xf32>
// CHECK-NEXT:    nn.reshape %[[M]]
// CHECK-NOT:     nn.transpose
// CHECK:         return %{{.*}} : tensor<1x16xf32>
func.func @classifier(%x: tensor<1x16x8x8xf32>) -> tensor<1x16xf32> {
  %axes = nn.constant dense<[2, 3]> : tensor<2xi64>
  %shape = nn.constant dense<[1, 16]> : tensor<2xi64>
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x16x8x8xf32>) -> tensor<1x16x4x4xf32>
  %1 = nn.reduce mean %0, %axes {keepdims} : (tensor<1x16x4x4xf32>, tensor<2xi64>) -> tensor<1x16x1x1xf32>
  %2 = nn.reshape %1, %shape : (tensor<1x16x1x1xf32>, tensor<2xi64>) -> tensor<1x16xf32>
  return %2 : tensor<1x16xf32>
}

// Axes are renamed.
// CHECK-LABEL: @axes
// CHECK-DAG:     %[[SLICED:.*]] = nn.constant dense<3> : tensor<1xi64>
// CHECK-DAG:     %[[PADDED:.*]] = nn.constant dense<[0, 3, 1, 2]> : tensor<4xi64>
// CHECK:         nn.concat %{{.*}} {axis = 3 : i64}
// CHECK:         nn.slice %{{.*}}, %{{.*}}, %{{.*}}, %[[SLICED]], %{{.*}} : {{.*}} -> tensor<1x4x4x8xf32>
// CHECK:         nn.pad constant %{{.*}}, %{{.*}}, %{{.*}}, %[[PADDED]] : {{.*}} -> tensor<1x5x4x8xf32>
// CHECK:         nn.softmax %{{.*}} {axis = 3 : i64}
// CHECK:         nn.arg_reduce max %{{.*}} {axis = 3 : i64} : {{.*}} -> tensor<1x5x4xi64>
// CHECK-NEXT:    return
func.func @axes(%x: tensor<1x16x8x8xf32>) -> tensor<1x5x4xi64> {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %eight = nn.constant dense<8> : tensor<1xi64>
  %pads = nn.constant dense<[0, 0, 1, 0, 0, 0, 0, 0]> : tensor<8xi64>
  %value = nn.constant dense<0.0> : tensor<f32>
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x16x8x8xf32>) -> tensor<1x16x4x4xf32>
  %1 = nn.concat %0, %0 {axis = 1 : i64} : (tensor<1x16x4x4xf32>, tensor<1x16x4x4xf32>) -> tensor<1x32x4x4xf32>
  %2 = nn.slice %1, %zero, %eight, %one, %one : (tensor<1x32x4x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x8x4x4xf32>
  %3 = nn.pad constant %2, %pads, %value : (tensor<1x8x4x4xf32>, tensor<8xi64>, tensor<f32>) -> tensor<1x8x5x4xf32>
  %4 = nn.softmax %3 {axis = -3 : i64} : (tensor<1x8x5x4xf32>) -> tensor<1x8x5x4xf32>
  %5 = nn.arg_reduce max %4 {axis = 1 : i64} : (tensor<1x8x5x4xf32>) -> tensor<1x5x4xi64>
  return %5 : tensor<1x5x4xi64>
}

// Patches become tokens: the model's own transpose is what channels-last is already.
// CHECK-LABEL: @tokens
// CHECK:         %[[C:.*]] = nn.conv %{{.*}} {channels_last
// CHECK-NEXT:    %[[R:.*]] = nn.reshape %[[C]]
// CHECK-NEXT:    return %[[R]] : tensor<1x4x32xf32>
func.func @tokens(%x: tensor<1x8x2x2xf32>, %w: tensor<32x8x1x1xf32>) -> tensor<1x4x32xf32> {
  %shape = nn.constant dense<[1, 32, 4]> : tensor<3xi64>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x2x2xf32>, tensor<32x8x1x1xf32>) -> tensor<1x32x2x2xf32>
  %1 = nn.reshape %0, %shape : (tensor<1x32x2x2xf32>, tensor<3xi64>) -> tensor<1x32x4xf32>
  %2 = nn.transpose %1 {perm = array<i64: 0, 2, 1>} : (tensor<1x32x4xf32>) -> tensor<1x4x32xf32>
  return %2 : tensor<1x4x32xf32>
}

// A block that computes channels-last between transposes of its own (ConvNeXt): none is left.
// CHECK-LABEL: @explicit
// CHECK:         %[[C:.*]] = nn.conv %{{.*}} {channels_last
// CHECK-NEXT:    %[[M:.*]] = nn.matmul %[[C]]
// CHECK-NEXT:    %[[D:.*]] = nn.conv %[[M]], %{{.*}} {channels_last
// CHECK-NEXT:    %[[T:.*]] = nn.transpose %[[D]]
// CHECK-NEXT:    return %[[T]]
func.func @explicit(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x3x3xf32>, %m: tensor<8x8xf32>) -> tensor<1x8x4x4xf32> {
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x4x4xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x4x4xf32>
  %1 = nn.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x4xf32>) -> tensor<1x4x4x8xf32>
  %2 = nn.matmul %1, %m : (tensor<1x4x4x8xf32>, tensor<8x8xf32>) -> tensor<1x4x4x8xf32>
  %3 = nn.transpose %2 {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x4x4x8xf32>) -> tensor<1x8x4x4xf32>
  %4 = nn.conv %3, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x4x4xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x4x4xf32>
  return %4 : tensor<1x8x4x4xf32>
}

// Two users want the original order: one transpose serves both. The conversion is done where the fewest
// bytes are, in front of the concat that doubles them.
// CHECK-LABEL: @fewest_bytes
// CHECK:         %[[P:.*]] = nn.pool max
// CHECK-NEXT:    %[[T:.*]] = nn.transpose %[[P]] {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT:    %[[C:.*]] = nn.concat %[[T]], %[[T]] {axis = 1 : i64}
// CHECK-NEXT:    return %[[T]], %[[C]]
func.func @fewest_bytes(%x: tensor<1x16x8x8xf32>) -> (tensor<1x16x4x4xf32>, tensor<1x32x4x4xf32>) {
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x16x8x8xf32>) -> tensor<1x16x4x4xf32>
  %1 = nn.concat %0, %0 {axis = 1 : i64} : (tensor<1x16x4x4xf32>, tensor<1x16x4x4xf32>) -> tensor<1x32x4x4xf32>
  return %0, %1 : tensor<1x16x4x4xf32>, tensor<1x32x4x4xf32>
}

// Squeeze and excite: the small branch stays between its convolutions without reshapes.
// CHECK-LABEL: @squeeze_excite
// CHECK:         %[[C:.*]] = nn.conv %{{.*}} {channels_last
// CHECK-NEXT:    %[[M:.*]] = nn.reduce mean %[[C]]
// CHECK-NEXT:    %[[D:.*]] = nn.conv %[[M]], %{{.*}} {channels_last
// CHECK-NEXT:    %[[R:.*]] = nn.relu %[[D]]
// CHECK-NEXT:    %[[E:.*]] = nn.conv %[[R]], %{{.*}} {channels_last
// CHECK-NEXT:    %[[S:.*]] = nn.sigmoid %[[E]]
// CHECK-NEXT:    nn.mul %[[C]], %[[S]] : (tensor<1x4x4x8xf32>, tensor<1x1x1x8xf32>)
func.func @squeeze_excite(%x: tensor<1x8x4x4xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32> {
  %axes = nn.constant dense<[2, 3]> : tensor<2xi64>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x4x4xf32>
  %1 = nn.reduce mean %0, %axes {keepdims} : (tensor<1x8x4x4xf32>, tensor<2xi64>) -> tensor<1x8x1x1xf32>
  %2 = nn.conv %1, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x1x1xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x1x1xf32>
  %3 = nn.relu %2 : (tensor<1x8x1x1xf32>) -> tensor<1x8x1x1xf32>
  %4 = nn.conv %3, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x1x1xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x1x1xf32>
  %5 = nn.sigmoid %4 : (tensor<1x8x1x1xf32>) -> tensor<1x8x1x1xf32>
  %6 = nn.mul %0, %5 : (tensor<1x8x4x4xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x4x4xf32>
  return %6 : tensor<1x8x4x4xf32>
}

// Without convolutions nothing changes, least of all the transpose of an attention's keys.
// CHECK-LABEL: @attention
// CHECK-NEXT:    nn.transpose %{{.*}} {perm = array<i64: 0, 2, 1>}
// CHECK-NEXT:    nn.matmul
// CHECK-NEXT:    return
func.func @attention(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>) -> tensor<2x5x5xf32> {
  %0 = nn.transpose %k {perm = array<i64: 0, 2, 1>} : (tensor<2x5x8xf32>) -> tensor<2x8x5xf32>
  %1 = nn.matmul %q, %0 : (tensor<2x5x8xf32>, tensor<2x8x5xf32>) -> tensor<2x5x5xf32>
  return %1 : tensor<2x5x5xf32>
}

// A pool of a number of channels that only a run knows stays as it is.
// CHECK-LABEL: @open_channels
// CHECK-NEXT:    nn.pool max
// CHECK-NOT:     channels_last
// CHECK:         return
func.func @open_channels(%x: tensor<1x?x8x8xf32, affine_map<()[s0] -> (1, s0, 8, 8)>>) -> tensor<1x?x4x4xf32, affine_map<()[s0] -> (1, s0, 4, 4)>> {
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x?x8x8xf32, affine_map<()[s0] -> (1, s0, 8, 8)>>) -> tensor<1x?x4x4xf32, affine_map<()[s0] -> (1, s0, 4, 4)>>
  return %0 : tensor<1x?x4x4xf32, affine_map<()[s0] -> (1, s0, 4, 4)>>
}
