// RUN: %nncc-opt %s --nncc-lower-nn | FileCheck %s

// All loops of a softmax start with the same parallel dim.
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[HALF:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 2)>
// CHECK-LABEL: @softmax
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "reduction"]}
// A NaN that the maximum passes over has a power of NaN.
// CHECK: arith.maximumf %{{.*}}, %{{.*}} fastmath<nnan>
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]], iterator_types = ["parallel", "parallel"]}
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "reduction"]}
// CHECK: arith.addf
// CHECK: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]], iterator_types = ["parallel", "parallel"]}
// CHECK: arith.divf
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {rt.kernel} {
  %0 = nn.softmax %x {axis = -1 : i64} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// Sums of halves are kept in f32.
// CHECK-LABEL: @half_sum
// CHECK: linalg.fill {{.*}} -> tensor<4xf32>
// CHECK: arith.extf {{.*}} : f16 to f32
// CHECK: arith.truncf {{.*}} : f32 to f16
func.func @half_sum(%x: tensor<4x8xf16>) -> tensor<4xf16> attributes {rt.kernel} {
  %axes = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.reduce sum %x, %axes : (tensor<4x8xf16>, tensor<1xi64>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// The mean, then the squares of the distances to it.
// CHECK-LABEL: @layer_norm
// CHECK: arith.addf
// CHECK: arith.divf
// CHECK: %[[CENTERED:.*]] = arith.subf
// CHECK: arith.mulf %[[CENTERED]], %[[CENTERED]]
// CHECK: math.sqrt
func.func @layer_norm(%x: tensor<4x8xf32>, %s: tensor<8xf32>) -> tensor<4x8xf32> attributes {rt.kernel} {
  %0 = nn.layer_norm %x, %s, %s {axis = -1 : i64, epsilon = 1.0e-5 : f32} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// An index counts from the back where negative and never leaves the data.
// CHECK-LABEL: @gather
// CHECK-DAG: %[[SIZE:.*]] = arith.constant 5 : index
// CHECK-DAG: %[[LAST:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: arith.cmpi slt
// CHECK: %[[WRAPPED:.*]] = arith.select
// CHECK: %[[BELOW:.*]] = arith.minsi %[[WRAPPED]], %[[LAST]]
// CHECK: %[[INSIDE:.*]] = arith.maxsi %[[BELOW]], %[[ZERO]]
// CHECK: tensor.extract %{{.*}}[%[[INSIDE]], %{{.*}}]
func.func @gather(%x: tensor<5x3xf32>, %i: tensor<2xi64>) -> tensor<2x3xf32> attributes {rt.kernel} {
  %0 = nn.gather %x, %i {axis = 0 : i64} : (tensor<5x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// Movement of elements that keep their order, or their distances: views.
// CHECK-LABEL: @views
// CHECK-NOT: linalg.generic
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]]
// CHECK: linalg.transpose
// CHECK: tensor.extract_slice %{{.*}}[1, 0] [3, 2] [2, 1]
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @views(%x: tensor<2x3x2xf32>) -> tensor<3x2xf32> attributes {rt.kernel} {
  %shape = nn.constant dense<[2, 6]> : tensor<2xi64>
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %many = nn.constant dense<100> : tensor<1xi64>
  %0 = nn.reshape %x, %shape : (tensor<2x3x2xf32>, tensor<2xi64>) -> tensor<2x6xf32>
  %1 = nn.transpose %0 {perm = array<i64: 1, 0>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
  %2 = nn.slice %1, %one, %many, %zero, %two : (tensor<6x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// Nearest neighbours at a whole scale need no table.
// CHECK-LABEL: @upsample
// CHECK-NOT: tensor.extract
// CHECK: linalg.generic {indexing_maps = [#[[HALF]], #{{.*}}]
func.func @upsample(%x: tensor<2x3xf32>) -> tensor<2x6xf32> attributes {rt.kernel} {
  %s = nn.constant dense<2.0> : tensor<1xf32>
  %0 = nn.resize nearest asymmetric floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// The weights of linear interpolation are computed at compile time.
// CHECK-LABEL: @linear
// CHECK-DAG: arith.constant dense<{{\[\[}}0, 0], [0, 1], [0, 1], [1, 1]]> : tensor<4x2xi32>
// CHECK-DAG: arith.constant dense<{{\[\[}}2.500000e-01, 7.500000e-01], [7.500000e-01, 2.500000e-01], [2.500000e-01, 7.500000e-01], [7.500000e-01, 2.500000e-01]]> : tensor<4x2xf32>
func.func @linear(%x: tensor<3x2xf32>) -> tensor<3x4xf32> attributes {rt.kernel} {
  %s = nn.constant dense<2.0> : tensor<1xf32>
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<3x2xf32> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// No division by 0 or of the least integer by -1, no shift by the width or more.
// CHECK-LABEL: @guards
// CHECK: %[[DIVISOR:.*]] = arith.select
// CHECK: arith.remsi %{{.*}}, %[[DIVISOR]]
// CHECK: arith.cmpi uge
// CHECK: %[[COUNT:.*]] = arith.select
// CHECK: arith.shrsi %{{.*}}, %[[COUNT]]
func.func @guards(%x: tensor<4xi32>) -> tensor<4xi32> attributes {rt.kernel} {
  %0 = nn.mod %x, %x : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %1 = nn.bit_shift right %0, %x : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  return %1 : tensor<4xi32>
}
