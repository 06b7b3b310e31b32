// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s
// RUN: %nncc-opt %s --nncc-lower-nn | FileCheck %s --check-prefix=KERN

// CHECK-LABEL: @argsort
// CHECK: nn.argsort %{{.*}}, %{{.*}} {descending} : (tensor<2x5x1xf32>, tensor<1xi64>) -> tensor<2x3xi64>
// KERN-LABEL: @argsort
// KERN: kern.argsort ins(%{{.*}} : tensor<2x5x1xf32>) outs(%{{.*}} : tensor<2x3xi64>) {descending} -> tensor<2x3xi64>
func.func @argsort(%x: tensor<2x5x1xf32>) -> tensor<2x3xi64> attributes {rt.kernel} {
  %k = nn.constant dense<3> : tensor<1xi64>
  %0 = nn.argsort %x, %k {descending} : (tensor<2x5x1xf32>, tensor<1xi64>) -> tensor<2x3xi64>
  return %0 : tensor<2x3xi64>
}

// CHECK-LABEL: @argsort_rows
// CHECK: nn.argsort
// KERN-LABEL: @argsort_rows
// KERN: kern.argsort ins(%{{.*}} : tensor<1x5x4xi8>) {{.*}} {is_unsigned}
func.func @argsort_rows(%x: tensor<1x5x4xui8>) -> tensor<1x5xi64> attributes {rt.kernel} {
  %k = nn.constant dense<5> : tensor<1xi64>
  %0 = nn.argsort %x, %k : (tensor<1x5x4xui8>, tensor<1xi64>) -> tensor<1x5xi64>
  return %0 : tensor<1x5xi64>
}

// CHECK-LABEL: @positions
// CHECK: nn.positions %{{.*}}, %{{.*}} : (tensor<7xi1>, tensor<1xi64>) -> tensor<?xi64
// KERN-LABEL: @positions
// KERN: kern.positions ins(%{{.*}} : tensor<7xi1>) outs(%{{.*}}) -> tensor<?xi64
func.func @positions(%x: tensor<7xi1>) -> tensor<?xi64, affine_map<()[s0] -> (s0)>> attributes {rt.kernel} {
  %n = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
  %0 = nn.positions %x, %n : (tensor<7xi1>, tensor<1xi64>) -> tensor<?xi64, affine_map<()[s0] -> (s0)>>
  return %0 : tensor<?xi64, affine_map<()[s0] -> (s0)>>
}

// CHECK-LABEL: @suppress
// CHECK: nn.suppress {{.*}} {center_point} {{.*}} -> tensor<2x3x6xi64>
// KERN-LABEL: @suppress
// KERN: %[[MOST:.*]] = arith.index_cast
// KERN: kern.suppress ins({{.*}}) limits(%[[MOST]], %{{.*}}, %{{.*}}) outs({{.*}}) {center_point} -> tensor<2x3x6xi64>
func.func @suppress(%b: tensor<2x6x4xf32>, %s: tensor<2x3x6xf32>, %o: tensor<2x3x6xi64>, %m: tensor<1xi64>, %t: tensor<f32>) -> tensor<2x3x6xi64> attributes {rt.kernel} {
  %0 = nn.suppress %b, %s, %o, %m, %t, %t {center_point} : (tensor<2x6x4xf32>, tensor<2x3x6xf32>, tensor<2x3x6xi64>, tensor<1xi64>, tensor<f32>, tensor<f32>) -> tensor<2x3x6xi64>
  return %0 : tensor<2x3x6xi64>
}
