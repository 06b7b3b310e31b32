// RUN: %nncc-opt %s --nncc-simplify-graph | FileCheck %s

// CHECK-LABEL: @neutral
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT:    return %[[X]]
func.func @neutral(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %0 = nn.add %zero, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.mul %0, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %2 = nn.div %1, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  %3 = nn.sub %2, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = nn.pow %3, %one : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// What is neutral may broadcast; 0 - x is not x, 1 / x neither.
// CHECK-LABEL: @not_neutral
// CHECK:         nn.add
// CHECK:         nn.sub
// CHECK:         nn.div
func.func @not_neutral(%x: tensor<1xf32>) -> (tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) {
  %zeros = nn.constant dense<0.0> : tensor<4xf32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.add %x, %zeros : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.sub %zero, %x : (tensor<f32>, tensor<1xf32>) -> tensor<1xf32>
  %2 = nn.div %one, %x : (tensor<f32>, tensor<1xf32>) -> tensor<1xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<1xf32>, tensor<1xf32>
}

// CHECK-LABEL: @scalars
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-DAG:     %[[F:.*]] = nn.constant dense<3.750000e-01> : tensor<f32>
// CHECK-DAG:     %[[C:.*]] = nn.constant dense<[-1.000000e+00, -2.000000e+00, -3.000000e+00, -4.000000e+00]> : tensor<4xf32>
// CHECK:         %[[M:.*]] = nn.mul %[[X]], %[[F]]
// CHECK-NEXT:    %[[A:.*]] = nn.add %[[M]], %[[C]]
// CHECK-NEXT:    return %[[A]]
func.func @scalars(%x: tensor<4xf32>) -> tensor<4xf32> {
  %eight = nn.constant dense<8.0> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<1xf32>
  %c = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = nn.div %x, %eight : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.mul %three, %0 : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.sub %1, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// A third has no exact reciprocal, and 3 * 5 * x may be rounded twice.
// CHECK-LABEL: @rounded
// CHECK:         nn.div
// CHECK:         nn.mul
// CHECK:         nn.mul
func.func @rounded(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %five = nn.constant dense<5.0> : tensor<f32>
  %0 = nn.div %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.mul %0, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.mul %1, %five : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// The first token of a sequence.
// CHECK-LABEL: @token
// CHECK-NOT:     nn.gather
// CHECK:         %[[S:.*]] = nn.slice
// CHECK-SAME:      -> tensor<1x1x8xf32>
// CHECK-NEXT:    nn.reshape %[[S]]
// CHECK-SAME:      -> tensor<1x8xf32>
func.func @token(%x: tensor<1x5x8xf32>) -> tensor<1x8xf32> {
  %zero = nn.constant dense<-5> : tensor<i64>
  %0 = nn.gather %x, %zero {axis = 1 : i64} : (tensor<1x5x8xf32>, tensor<i64>) -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}

// CHECK-LABEL: @transposes
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x4xf32>, %[[Y:.*]]: tensor<2x3x4xf32>)
// CHECK:         %[[R:.*]] = nn.relu %[[X]]
// CHECK:         %[[M:.*]] = nn.mul %[[R]], %{{.*}} : (tensor<2x3x4xf32>, tensor<f32>)
// CHECK:         %[[A:.*]] = nn.add %[[M]], %[[Y]]
// CHECK-NEXT:    return %[[A]]
func.func @transposes(%x: tensor<2x3x4xf32>, %y: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %c = nn.constant dense<3.0> : tensor<f32>
  %0 = nn.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = nn.transpose %y {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %2 = nn.relu %0 : (tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %3 = nn.mul %2, %c : (tensor<4x2x3xf32>, tensor<f32>) -> tensor<4x2x3xf32>
  %4 = nn.add %3, %1 : (tensor<4x2x3xf32>, tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %5 = nn.transpose %4 {perm = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  return %5 : tensor<2x3x4xf32>
}

// One operand comes in the other order: a transpose stays where it is.
// CHECK-LABEL: @one_sided
// CHECK:         nn.transpose
// CHECK-NEXT:    nn.add
// CHECK-NEXT:    nn.transpose
func.func @one_sided(%x: tensor<3x4xf32>, %y: tensor<4x3xf32>) -> tensor<3x4xf32> {
  %0 = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %1 = nn.add %0, %y : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %2 = nn.transpose %1 {perm = array<i64: 1, 0>} : (tensor<4x3xf32>) -> tensor<3x4xf32>
  return %2 : tensor<3x4xf32>
}

// CHECK-LABEL: @duplicates
// CHECK-NEXT:    %[[R:.*]] = nn.relu
// CHECK-NEXT:    nn.add %[[R]], %[[R]]
func.func @duplicates(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}
