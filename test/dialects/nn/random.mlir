// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @uniform_0
// CHECK: nn.random uniform {seed = 7 : i64, shape = array<i64: 2, 3>, to = f32} : () -> tensor<2x3xf32>
func.func @uniform_0() -> tensor<2x3xf32> {
  %0 = nn.random uniform {seed = 7 : i64, shape = array<i64: 2, 3>, to = f32} : () -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @normal_1
// CHECK: nn.random normal {seed = -1 : i64, shape = array<i64>, to = f64} : () -> tensor<f64>
func.func @normal_1() -> tensor<f64> {
  %0 = nn.random normal {seed = -1 : i64, shape = array<i64>, to = f64} : () -> tensor<f64>
  return %0 : tensor<f64>
}
