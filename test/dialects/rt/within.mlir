// RUN: nncc-opt %s --canonicalize | FileCheck %s

// What is known to be inside is not looked at.
// CHECK-LABEL: @known
// CHECK-NOT:     rt.within
func.func @known(%x: tensor<?x5xf32, affine_map<()[s0] -> (s0, 5)>>) attributes {nn.dims = ["n"]} {
  %c = nn.constant dense<[-4, 0, 3]> : tensor<3xi64>
  rt.within %c from affine_map<() -> (-4)> to affine_map<() -> (3)>, "a" : tensor<3xi64>
  %pairs = nn.constant dense<[[3, 8], [-4, -9]]> : tensor<2x2xi32>
  rt.within %pairs from affine_map<() -> (-4, -9)> to affine_map<() -> (3, 8)>, "a" : tensor<2x2xi32>
  %n = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
  rt.within %n from affine_map<() -> (0)> to affine_map<()[s0] -> (s0)>, "a" : tensor<1xi64>
  %best = nn.arg_reduce max %x {axis = 1 : i64} : (tensor<?x5xf32, affine_map<()[s0] -> (s0, 5)>>) -> tensor<?xi64, affine_map<()[s0] -> (s0)>>
  rt.within %best from affine_map<() -> (-5)> to affine_map<() -> (4)>, "a" : tensor<?xi64, affine_map<()[s0] -> (s0)>>
  return
}

// CHECK-LABEL: @open
// CHECK-COUNT-5: rt.within
// CHECK-NOT:     rt.within
func.func @open(%i: tensor<3xi64>, %x: tensor<?x5xf32, affine_map<()[s0] -> (s0, 5)>>) attributes {nn.dims = ["n"]} {
  rt.within %i from affine_map<() -> (-4)> to affine_map<() -> (3)>, "a" : tensor<3xi64>
  %c = nn.constant dense<[-4, 0, 3]> : tensor<3xi64>
  rt.within %c from affine_map<() -> (-4)> to affine_map<()[s0] -> (s0 - 1)>, "a" : tensor<3xi64>
  rt.within %c from affine_map<() -> (-3)> to affine_map<() -> (3)>, "a" : tensor<3xi64>
  %n = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
  rt.within %n from affine_map<() -> (0)> to affine_map<()[s0] -> (s0 - 1)>, "a" : tensor<1xi64>
  %best = nn.arg_reduce max %x {axis = 0 : i64} : (tensor<?x5xf32, affine_map<()[s0] -> (s0, 5)>>) -> tensor<5xi64>
  rt.within %best from affine_map<() -> (-5)> to affine_map<() -> (4)>, "a" : tensor<5xi64>
  return
}
