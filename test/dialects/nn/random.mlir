// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @uniform_0
// CHECK: nn.random uniform %{{.*}} {seed = 7 : i64, to = f32} : (tensor<2xi64>) -> tensor<2x3xf32>
func.func @uniform_0() -> tensor<2x3xf32> {
  %shape = nn.constant dense<[2, 3]> : tensor<2xi64>
  %0 = nn.random uniform %shape {seed = 7 : i64, to = f32} : (tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @normal_1
// CHECK: nn.random normal %{{.*}} {seed = -1 : i64, to = f64} : (tensor<0xi64>) -> tensor<f64>
func.func @normal_1() -> tensor<f64> {
  %shape = nn.constant dense<[]> : tensor<0xi64>
  %0 = nn.random normal %shape {seed = -1 : i64, to = f64} : (tensor<0xi64>) -> tensor<f64>
  return %0 : tensor<f64>
}

// CHECK-LABEL: @open_2
// CHECK: nn.random uniform %{{.*}} -> tensor<?x3xf32, 
func.func @open_2(%x: tensor<?x3xi8, affine_map<()[s0] -> (s0, 3)>>) -> tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>> attributes {nn.dims = ["n"]} {
  %shape = nn.sizes affine_map<()[s0] -> (s0, 3)> as tensor<2xi64>
  %0 = nn.random uniform %shape {seed = 7 : i64, to = f32} : (tensor<2xi64>) -> tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
  return %0 : tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
}
