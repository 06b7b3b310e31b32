// RUN: %nncc-opt %s --nncc-lower-nn --split-input-file --verify-diagnostics | FileCheck %s

// A producer that is used once becomes a part of its consumer.
// CHECK-LABEL: @fused
// CHECK:         linalg.generic
// CHECK:           arith.addf
// CHECK-NEXT:      math.exp
// CHECK-NOT:     linalg.generic
func.func @fused(%x: tensor<4x8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> attributes {rt.kernel} {
  %0 = nn.add %x, %b : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %1 = nn.exp %0 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
// -----
// Unsigned integers keep only their bits, at the borders of the kernel too; their order stays.
// CHECK-LABEL: @unsigned(%arg0: tensor<4xi8>, %arg1: tensor<4xi8>) -> tensor<4xi8>
// CHECK:         arith.maxui
func.func @unsigned(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> attributes {rt.kernel} {
  %0 = nn.max %x, %y : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}
// -----
// A packing of what is computed is no recipe: zero where an index is outside of the source.
// CHECK-LABEL: @pack
// CHECK:         linalg.generic
// CHECK:           tensor.extract %arg0
// CHECK:           arith.select
func.func @pack(%x: tensor<8x40xf32>) -> tensor<3x8x16xf32> attributes {rt.kernel} {
  %0 = kern.pack %x dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
  return %0 : tensor<3x8x16xf32>
}
// -----
// The program is left as it is.
// CHECK-LABEL: @program
// CHECK:         nn.exp
func.func @program(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
// -----
func.func @unknown_sizes(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {rt.kernel} {
  // expected-error @+2 {{cannot be lowered: its sizes are not known at compile time}}
  // expected-error @+1 {{was not lowered}}
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
