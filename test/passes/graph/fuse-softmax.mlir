// RUN: %nncc-opt %s --nncc-fuse-softmax | FileCheck %s

// CHECK-LABEL: @softmax
// CHECK-SAME:    (%[[X:.*]]: tensor<2x8xf32>)
// CHECK-NEXT:    nn.softmax %[[X]] {axis = 1 : i64}
// CHECK-NEXT:    return
func.func @softmax(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %axes = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce max %x, %axes {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %1 = nn.sub %x, %0 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %2 = nn.exp %1 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %3 = nn.reduce sum %2, %axes {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %4 = nn.div %2, %3 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// Without the maximum.
// CHECK-LABEL: @plain
// CHECK-NEXT:    nn.softmax %{{.*}} {axis = 0 : i64}
// CHECK-NEXT:    return
func.func @plain(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %axes = nn.constant dense<0> : tensor<1xi64>
  %2 = nn.exp %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %3 = nn.reduce sum %2, %axes {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<1x8xf32>
  %4 = nn.div %2, %3 : (tensor<2x8xf32>, tensor<1x8xf32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// CHECK-LABEL: @log
// CHECK-NEXT:    nn.log_softmax %{{.*}} {axis = 1 : i64}
// CHECK-NEXT:    return
func.func @log(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.log %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// The sum of another exponential, and a sum over two axes.
// CHECK-LABEL: @neither
// CHECK-NOT:     nn.softmax
// CHECK:         return
func.func @neither(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %axes = nn.constant dense<1> : tensor<1xi64>
  %both = nn.constant dense<[0, 1]> : tensor<2xi64>
  %0 = nn.exp %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.exp %y : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.reduce sum %1, %axes {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %3 = nn.div %0, %2 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %4 = nn.reduce sum %0, %both {keepdims} : (tensor<2x8xf32>, tensor<2xi64>) -> tensor<1x1xf32>
  %5 = nn.div %0, %4 : (tensor<2x8xf32>, tensor<1x1xf32>) -> tensor<2x8xf32>
  return %3, %5 : tensor<2x8xf32>, tensor<2x8xf32>
}
