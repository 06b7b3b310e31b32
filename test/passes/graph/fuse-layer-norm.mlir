// RUN: %nncc-opt %s --cse --nncc-fuse-layer-norm | FileCheck %s

// As PyTorch exports it before opset 17.
// CHECK-LABEL: @layer_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x8xf32>, %[[S:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT:    nn.layer_norm %[[X]], %[[S]], %[[B]] {axis = -1 : i64, epsilon = 9.9999{{.*}}E-6 : f32}
// CHECK-NEXT:    return
func.func @layer_norm(%x: tensor<2x5x8xf32>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<2x5x8xf32> {
  %axes = nn.constant dense<-1> : tensor<1xi64>
  %two = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-5> : tensor<f32>
  %0 = nn.reduce mean %x, %axes {keepdims} : (tensor<2x5x8xf32>, tensor<1xi64>) -> tensor<2x5x1xf32>
  %1 = nn.sub %x, %0 : (tensor<2x5x8xf32>, tensor<2x5x1xf32>) -> tensor<2x5x8xf32>
  %2 = nn.pow %1, %two : (tensor<2x5x8xf32>, tensor<f32>) -> tensor<2x5x8xf32>
  %3 = nn.reduce mean %2, %axes {keepdims} : (tensor<2x5x8xf32>, tensor<1xi64>) -> tensor<2x5x1xf32>
  %4 = nn.add %3, %eps : (tensor<2x5x1xf32>, tensor<f32>) -> tensor<2x5x1xf32>
  %5 = nn.sqrt %4 : (tensor<2x5x1xf32>) -> tensor<2x5x1xf32>
  %6 = nn.div %1, %5 : (tensor<2x5x8xf32>, tensor<2x5x1xf32>) -> tensor<2x5x8xf32>
  %7 = nn.mul %6, %s : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %8 = nn.add %7, %b : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  return %8 : tensor<2x5x8xf32>
}

// The difference computed twice, its square by a product, the root inverted; over two dims, no bias; the
// scale comes after the statistics.
// CHECK-LABEL: @spelled_otherwise
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x8xf32>, %[[T:.*]]: tensor<5x8xf32>)
// CHECK-NEXT:    %[[S:.*]] = nn.relu %[[T]]
// CHECK-NEXT:    nn.layer_norm %[[X]], %[[S]] {axis = -2 : i64
// CHECK-NEXT:    return
func.func @spelled_otherwise(%x: tensor<2x5x8xf32>, %t: tensor<5x8xf32>) -> tensor<2x5x8xf32> {
  %axes = nn.constant dense<[2, 1]> : tensor<2xi64>
  %one = nn.constant dense<1.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-5> : tensor<f32>
  %0 = nn.reduce mean %x, %axes {keepdims} : (tensor<2x5x8xf32>, tensor<2xi64>) -> tensor<2x1x1xf32>
  %1 = nn.sub %x, %0 : (tensor<2x5x8xf32>, tensor<2x1x1xf32>) -> tensor<2x5x8xf32>
  %d = nn.sub %x, %0 : (tensor<2x5x8xf32>, tensor<2x1x1xf32>) -> tensor<2x5x8xf32>
  %2 = nn.mul %d, %d : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %3 = nn.reduce mean %2, %axes {keepdims} : (tensor<2x5x8xf32>, tensor<2xi64>) -> tensor<2x1x1xf32>
  %4 = nn.add %eps, %3 : (tensor<f32>, tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %5 = nn.sqrt %4 : (tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %6 = nn.div %one, %5 : (tensor<f32>, tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %7 = nn.mul %6, %1 : (tensor<2x1x1xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %s = nn.relu %t : (tensor<5x8xf32>) -> tensor<5x8xf32>
  %8 = nn.mul %s, %7 : (tensor<5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %8 : tensor<2x5x8xf32>
}

// CHECK-LABEL: @rms_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x8xf32>, %[[S:.*]]: tensor<8xf32>)
// CHECK-NEXT:    nn.rms_norm %[[X]], %[[S]] {axis = -1 : i64
// CHECK-NEXT:    return
func.func @rms_norm(%x: tensor<2x8xf32>, %s: tensor<8xf32>) -> tensor<2x8xf32> {
  %axes = nn.constant dense<-1> : tensor<1xi64>
  %two = nn.constant dense<2.0> : tensor<f32>
  %eps = nn.constant dense<1.0e-6> : tensor<f32>
  %0 = nn.pow %x, %two : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %1 = nn.reduce mean %0, %axes {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %2 = nn.add %1, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %3 = nn.sqrt %2 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %4 = nn.reciprocal %3 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %5 = nn.mul %x, %4 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %6 = nn.mul %s, %5 : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %6 : tensor<2x8xf32>
}

// Over a dim that is not the last one; and a mean of something else than squares.
// CHECK-LABEL: @neither
// CHECK-NOT:     _norm
// CHECK:         return
func.func @neither(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %first = nn.constant dense<0> : tensor<1xi64>
  %last = nn.constant dense<1> : tensor<1xi64>
  %eps = nn.constant dense<1.0e-6> : tensor<f32>
  %0 = nn.mul %x, %x : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.reduce mean %0, %first {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<1x8xf32>
  %2 = nn.add %1, %eps : (tensor<1x8xf32>, tensor<f32>) -> tensor<1x8xf32>
  %3 = nn.sqrt %2 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %4 = nn.div %x, %3 : (tensor<2x8xf32>, tensor<1x8xf32>) -> tensor<2x8xf32>
  %5 = nn.mul %x, %y : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %6 = nn.reduce mean %5, %last {keepdims} : (tensor<2x8xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %7 = nn.add %6, %eps : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %8 = nn.sqrt %7 : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %9 = nn.div %x, %8 : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  return %4, %9 : tensor<2x8xf32>, tensor<2x8xf32>
}
