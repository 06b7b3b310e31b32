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
// Sizes that are known when the program runs are symbols of the kernel, in types and as values.
// CHECK-LABEL: @open(
// CHECK-SAME:    %arg0: tensor<?x4xi8, #[[ROWS:[a-z0-9]+]]>, %arg1: tensor<4xi8>) -> tensor<?x4xi8, #[[ROWS]]>
// CHECK:         %[[SIZE:.*]] = rt.symbol 1
// CHECK:         tensor.empty(%[[SIZE]]) : tensor<?x4xi8, #[[ROWS]]>
// CHECK:         arith.maxui
func.func @open(%x: tensor<?x4xui8, affine_map<()[s0, s1] -> (s1, 4)>>, %y: tensor<4xui8>) -> tensor<?x4xui8, affine_map<()[s0, s1] -> (s1, 4)>> attributes {rt.kernel} {
  %0 = nn.max %x, %y : (tensor<?x4xui8, affine_map<()[s0, s1] -> (s1, 4)>>, tensor<4xui8>) -> tensor<?x4xui8, affine_map<()[s0, s1] -> (s1, 4)>>
  return %0 : tensor<?x4xui8, affine_map<()[s0, s1] -> (s1, 4)>>
}
// -----
func.func @not_lowered(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> attributes {rt.kernel} {
  // expected-error @+2 {{is lowered to a window reduction before kernels are formed}}
  // expected-error @+1 {{was not lowered}}
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  return %0 : tensor<1x1x2x2xf32>
}
