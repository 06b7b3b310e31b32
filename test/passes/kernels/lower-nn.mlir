// RUN: nncc-opt %s --pass-pipeline='builtin.module(func.func(nncc-lower-nn))' | FileCheck %s

// Producers that are used once are computed where they are used.
// CHECK-LABEL: @fused
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
func.func @fused(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
  %0 = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.add %0, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// Kernels store bits: unsigned integers lose their sign, not their meaning.
// CHECK-LABEL: @unsigned
// CHECK-SAME: (%arg0: tensor<4xi8>, %arg1: tensor<4xi8>) -> tensor<4xi8>
// CHECK: arith.maxui
func.func @unsigned(%x: tensor<4xui8>, %y: tensor<4xui8>) -> tensor<4xui8> attributes {rt.kernel} {
  %0 = nn.max %x, %y : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// A packing whose source is computed at run time is a kernel of its own.
// CHECK-LABEL: @pack
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
// CHECK: arith.select
func.func @pack(%w: tensor<8x40xf32>) -> tensor<3x8x16xf32> attributes {rt.kernel} {
  %0 = kern.pack %w dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>
  return %0 : tensor<3x8x16xf32>
}
