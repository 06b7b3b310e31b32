// RUN: %nncc-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @transposes
// CHECK-NEXT: nn.transpose %arg0 {perm = array<i64: 1, 0, 2>}
// CHECK-NEXT: return
func.func @transposes(%x: tensor<2x3x4xf32>) -> tensor<3x2x4xf32> {
  %0 = nn.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = nn.transpose %0 {perm = array<i64: 2, 1, 0>} : (tensor<4x2x3xf32>) -> tensor<3x2x4xf32>
  return %1 : tensor<3x2x4xf32>
}

// CHECK-LABEL: @inverse_transposes
// CHECK-NEXT: return %arg0
func.func @inverse_transposes(%x: tensor<?x3x4xf32>) -> tensor<?x3x4xf32> {
  %0 = nn.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<?x3x4xf32>) -> tensor<4x?x3xf32>
  %1 = nn.transpose %0 {perm = array<i64: 1, 2, 0>} : (tensor<4x?x3xf32>) -> tensor<?x3x4xf32>
  return %1 : tensor<?x3x4xf32>
}

// Only a dim of size 1 moves.
// CHECK-LABEL: @transpose_of_units
// CHECK-NEXT: %[[S:.*]] = nn.constant dense<[2, 3, 1]>
// CHECK-NEXT: nn.reshape %arg0, %[[S]] {allow_zero}
// CHECK-NEXT: return
func.func @transpose_of_units(%x: tensor<2x1x3xf32>) -> tensor<2x3x1xf32> {
  %0 = nn.transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x1x3xf32>) -> tensor<2x3x1xf32>
  return %0 : tensor<2x3x1xf32>
}

// CHECK-LABEL: @reshapes
// CHECK-NEXT: %[[S:.*]] = nn.constant dense<[4, 6]>
// CHECK-NEXT: nn.reshape %arg0, %[[S]] {allow_zero}
// CHECK-NEXT: return
func.func @reshapes(%x: tensor<2x3x4xf32>) -> tensor<4x6xf32> {
  %s = nn.constant dense<[-1, 2]> : tensor<2xi64>
  %0 = nn.reshape %x, %s : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<12x2xf32>
  %t = nn.constant dense<[4, -1]> : tensor<2xi64>
  %1 = nn.reshape %0, %t : (tensor<12x2xf32>, tensor<2xi64>) -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// CHECK-LABEL: @reshape_back
// CHECK-NEXT: return %arg0
func.func @reshape_back(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = nn.constant dense<[0, 2]> : tensor<2xi64>
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x2x1x3xf32>
  %1 = nn.squeeze %0 : (tensor<1x2x1x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: @dynamic_unsqueeze
// CHECK-NEXT: %[[S:.*]] = nn.constant dense<[-1, 1, 3]>
// CHECK-NEXT: nn.reshape %arg0, %[[S]] {allow_zero} : (tensor<?x3xf32>, tensor<3xi64>) -> tensor<?x1x3xf32>
// CHECK-NEXT: return
func.func @dynamic_unsqueeze(%x: tensor<?x3xf32>) -> tensor<?x1x3xf32> {
  %a = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.unsqueeze %x, %a : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1x3xf32>
  return %0 : tensor<?x1x3xf32>
}

// What -1 is cannot be told from an empty dim: it stays.
// CHECK-LABEL: @dynamic_and_empty
// CHECK: nn.squeeze
func.func @dynamic_and_empty(%x: tensor<?x0x1xf32>) -> tensor<?x0xf32> {
  %a = nn.constant dense<2> : tensor<1xi64>
  %0 = nn.squeeze %x, %a : (tensor<?x0x1xf32>, tensor<1xi64>) -> tensor<?x0xf32>
  return %0 : tensor<?x0xf32>
}

// CHECK-LABEL: @nothing
// CHECK-NEXT: return %arg0
func.func @nothing(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<2x3xf32> {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %many = nn.constant dense<100> : tensor<1xi64>
  %pads = nn.constant dense<0> : tensor<4xi64>
  %ones = nn.constant dense<1> : tensor<2xi64>
  %0 = nn.slice %x, %zero, %many, %one, %one : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x3xf32>
  %1 = nn.pad constant %0, %pads, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<2x3xf32>
  %2 = nn.tile %1, %ones : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %3 = nn.expand %2, %ones : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %4 = nn.concat %3 {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = nn.transpose %4 {perm = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = nn.cast %5 {to = f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %6 : tensor<2x3xf32>
}

// A slice of the same type that takes the elements in another order.
// CHECK-LABEL: @reverse
// CHECK: nn.slice
func.func @reverse(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %start = nn.constant dense<-1> : tensor<1xi64>
  %end = nn.constant dense<-100> : tensor<1xi64>
  %axis = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.slice %x, %start, %end, %axis, %start : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @reduce_units
// CHECK-NEXT: return %arg0
func.func @reduce_units(%x: tensor<2x1xf32>) -> tensor<2x1xf32> {
  %axes = nn.constant dense<1> : tensor<1xi64>
  %none = nn.constant dense<> : tensor<0xi64>
  %0 = nn.reduce mean %x, %axes {keepdims} : (tensor<2x1xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %1 = nn.reduce max %0, %none : (tensor<2x1xf32>, tensor<0xi64>) -> tensor<2x1xf32>
  return %1 : tensor<2x1xf32>
}

// A sum of squares over nothing squares.
// CHECK-LABEL: @reduce_units_that_change
// CHECK: nn.reduce sum_square
func.func @reduce_units_that_change(%x: tensor<2x1xf32>) -> tensor<2x1xf32> {
  %axes = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.reduce sum_square %x, %axes {keepdims} : (tensor<2x1xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}
