// RUN: %nncc-opt %s --nncc-fold-shapes | FileCheck %s

// The shape arithmetic that exporters write for a flatten: the sizes behind the first one, multiplied.
// CHECK-LABEL: @flatten
// CHECK-NEXT:    %[[C:.*]] = nn.constant dense<[-1, 3136]> : tensor<2xi64>
// CHECK-NEXT:    return %[[C]]
func.func @flatten(%x: tensor<?x64x49xf32>) -> tensor<2xi64> {
  %one = nn.constant dense<1> : tensor<i64>
  %two = nn.constant dense<2> : tensor<i64>
  %shape = nn.constant dense<1> : tensor<1xi64>
  %s = nn.shape %x : (tensor<?x64x49xf32>) -> tensor<3xi64>
  %d = nn.gather %s, %one {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %e = nn.gather %s, %two {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %p = nn.mul %d, %e : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %q = nn.reshape %p, %shape : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %minus = nn.constant dense<-1> : tensor<1xi64>
  %r = nn.concat %minus, %q {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  return %r : tensor<2xi64>
}

// A type that says less than is known.
// CHECK-LABEL: @types
// CHECK-SAME:    -> tensor<4x8xf32>
// CHECK:         nn.relu %{{.*}} : (tensor<4x8xf32>) -> tensor<4x8xf32>
// CHECK-NEXT:    return %{{.*}} : tensor<4x8xf32>
func.func @types(%x: tensor<4x8xf32>) -> tensor<?x?xf32> {
  %r = nn.relu %x : (tensor<4x8xf32>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// One element of a shape that is known in part.
// CHECK-LABEL: @element
// CHECK-NEXT:    %[[C:.*]] = nn.constant dense<64> : tensor<i64>
// CHECK-NEXT:    return %[[C]]
func.func @element(%x: tensor<?x64xf32>) -> tensor<i64> {
  %one = nn.constant dense<1> : tensor<i64>
  %s = nn.shape %x : (tensor<?x64xf32>) -> tensor<2xi64>
  %d = nn.gather %s, %one {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>) -> tensor<i64>
  return %d : tensor<i64>
}

// What depends on a size that is not known stays.
// CHECK-LABEL: @unknown
// CHECK:         nn.shape
func.func @unknown(%x: tensor<?x64xf32>) -> tensor<2xi64> {
  %s = nn.shape %x : (tensor<?x64xf32>) -> tensor<2xi64>
  return %s : tensor<2xi64>
}

// Two unknown sizes are not one.
// CHECK-LABEL: @different
// CHECK:         nn.compare
func.func @different(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<1xi1> {
  %s = nn.shape %x : (tensor<?xf32>) -> tensor<1xi64>
  %t = nn.shape %y : (tensor<?xf32>) -> tensor<1xi64>
  %d = nn.compare eq %s, %t : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi1>
  return %d : tensor<1xi1>
}
