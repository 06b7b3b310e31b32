// RUN: %nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-split-batch{cache-bytes=4096}))" | FileCheck %s
// RUN: %nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-split-batch{cache-bytes=4096}))" --remarks-filter=nncc-split-batch 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// One image: 4x8x8 and 8x8x8 elements of 4 bytes are 3072, so that one fits 4096 bytes.
// REMARK: 3 operations, 1 of 6 images at a time
// CHECK-LABEL: func.func @net
// CHECK-SAME: %[[X:.*]]: tensor<6x8x8x4xf32>
// CHECK: %[[ALL:.*]]:2 = rt.loop counter 0() {trip = #{{.*}}}
// CHECK-SAME: -> (tensor<6x1x8x8x8xf32>, tensor<6x1x8xf32>)
// CHECK: %[[I:.*]] = nn.sizes
// CHECK: %[[IMAGE:.*]] = nn.gather %[[X]], %[[I]] {axis = 0 : i64} : (tensor<6x8x8x4xf32>, tensor<1xi64>) -> tensor<1x8x8x4xf32>
// CHECK: %[[C:.*]] = nn.conv %[[IMAGE]]{{.*}} -> tensor<1x8x8x8xf32>
// CHECK: %[[R:.*]] = nn.relu %[[C]]{{.*}} -> tensor<1x8x8x8xf32>
// CHECK: %[[M:.*]] = nn.reduce mean %[[R]]{{.*}} -> tensor<1x8xf32>
// CHECK: rt.yield %[[R]], %[[M]]
// CHECK: %[[LAST:.*]] = nn.reshape %[[ALL]]#1{{.*}} -> tensor<6x8xf32>
// Few rows per image would read the weights six times.
// CHECK: nn.matmul %[[LAST]]{{.*}} -> tensor<6x3xf32>
func.func @net(%x: tensor<6x8x8x4xf32>, %w: tensor<8x4x1x1xf32>, %v: tensor<8x3xf32>) -> (tensor<6x3xf32>, tensor<6x8x8x8xf32>) {
  %c = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last}
      : (tensor<6x8x8x4xf32>, tensor<8x4x1x1xf32>) -> tensor<6x8x8x8xf32>
  %r = nn.relu %c : (tensor<6x8x8x8xf32>) -> tensor<6x8x8x8xf32>
  %axes = nn.constant dense<[1, 2]> : tensor<2xi64>
  %m = nn.reduce mean %r, %axes : (tensor<6x8x8x8xf32>, tensor<2xi64>) -> tensor<6x8xf32>
  %y = nn.matmul %m, %v : (tensor<6x8xf32>, tensor<8x3xf32>) -> tensor<6x3xf32>
  return %y, %r : tensor<6x3xf32>, tensor<6x8x8x8xf32>
}

// -----

// Smaller images, three at a time; a batch along another dim is none.
// REMARK: 1 operations, 3 of 6 images at a time
// CHECK-LABEL: func.func @parts
// CHECK: rt.loop counter 0() {{.*}} -> tensor<2x3x4x4x8xf32>
// CHECK: nn.gather {{.*}} -> tensor<3x4x4x8xf32>
// CHECK: rt.yield
// CHECK: nn.reduce sum {{.*}} -> tensor<1x4x4x8xf32>
func.func @parts(%x: tensor<6x4x4x8xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x4x4x8xf32> {
  %c = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last}
      : (tensor<6x4x4x8xf32>, tensor<8x8x1x1xf32>) -> tensor<6x4x4x8xf32>
  %axes = nn.constant dense<0> : tensor<1xi64>
  %s = nn.reduce sum %c, %axes {keepdims} : (tensor<6x4x4x8xf32>, tensor<1xi64>) -> tensor<1x4x4x8xf32>
  return %s : tensor<1x4x4x8xf32>
}

// -----

// REMARK: a batch of 2 fits the caches
// CHECK-LABEL: func.func @fits
// CHECK-NOT: rt.loop
func.func @fits(%x: tensor<2x4x4x8xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<2x4x4x8xf32> {
  %c = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last}
      : (tensor<2x4x4x8xf32>, tensor<8x8x1x1xf32>) -> tensor<2x4x4x8xf32>
  return %c : tensor<2x4x4x8xf32>
}
