// RUN: %nncc-opt %s --nncc-lower-nn --canonicalize --cse | FileCheck %s
// Sizes that are known when the program runs.
// CHECK-DAG: #[[HALF:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2 floordiv 2)>

!rows = tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
!columns = tensor<4x?xf32, affine_map<()[s0] -> (4, s0)>>

// A mean divides by the size, made before the loops.
// CHECK-LABEL: @mean
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: %[[SIZE:.*]] = rt.symbol 0
// CHECK: linalg.generic
// CHECK:   %[[INTEGER:.*]] = arith.index_cast %[[SIZE]] : index to i64
// CHECK:   %[[COUNT:.*]] = arith.sitofp %[[INTEGER]] : i64 to f32
// CHECK:   arith.divf %{{.*}}, %[[COUNT]]
func.func @mean(%x: !columns) -> tensor<4xf32> attributes {rt.kernel} {
  %axes = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.reduce mean %x, %axes : (!columns, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// A reshape that the sizes allow is a view.
// CHECK-LABEL: @heads
// CHECK: tensor.expand_shape {{.*}} {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 2, 4]
// CHECK-NOT: linalg
func.func @heads(%x: !rows) -> tensor<?x2x4xf32, affine_map<()[s0] -> (s0, 2, 4)>> attributes {rt.kernel} {
  %shape = nn.constant dense<[0, 2, 4]> : tensor<3xi64>
  %0 = nn.reshape %x, %shape : (!rows, tensor<3xi64>) -> tensor<?x2x4xf32, affine_map<()[s0] -> (s0, 2, 4)>>
  return %0 : tensor<?x2x4xf32, affine_map<()[s0] -> (s0, 2, 4)>>
}

// A shape is the values of its sizes.
// CHECK-LABEL: @shape
// CHECK: arith.index_cast
// CHECK: linalg.generic
// CHECK:   arith.select
func.func @shape(%x: !rows) -> tensor<2xi64> attributes {rt.kernel} {
  %0 = nn.shape %x : (!rows) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// CHECK-LABEL: @pad
// CHECK: tensor.pad %arg0 low[1, 0] high[2, 0]
func.func @pad(%x: !rows) -> tensor<?x8xf32, affine_map<()[s0] -> (s0 + 3, 8)>> attributes {rt.kernel} {
  %pads = nn.constant dense<[1, 0, 2, 0]> : tensor<4xi64>
  %value = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.pad constant %x, %pads, %value : (!rows, tensor<4xi64>, tensor<f32>) -> tensor<?x8xf32, affine_map<()[s0] -> (s0 + 3, 8)>>
  return %0 : tensor<?x8xf32, affine_map<()[s0] -> (s0 + 3, 8)>>
}

// What mirrors an empty tensor reads nothing.
// CHECK-LABEL: @mirror
// CHECK: %[[EXISTS:.*]] = arith.cmpi sgt
// CHECK: linalg.generic
// CHECK:   arith.remui
// CHECK:   scf.if %[[EXISTS]]
// CHECK:     tensor.extract
func.func @mirror(%x: !rows) -> tensor<?x8xf32, affine_map<()[s0] -> (s0 + 3, 8)>> attributes {rt.kernel} {
  %pads = nn.constant dense<[1, 0, 2, 0]> : tensor<4xi64>
  %value = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.pad reflect %x, %pads, %value : (!rows, tensor<4xi64>, tensor<f32>) -> tensor<?x8xf32, affine_map<()[s0] -> (s0 + 3, 8)>>
  return %0 : tensor<?x8xf32, affine_map<()[s0] -> (s0 + 3, 8)>>
}

// Indices into a tensor that may be empty.
// CHECK-LABEL: @gather
// CHECK: %[[SIZE:.*]] = rt.symbol 0
// CHECK: %[[EXISTS:.*]] = arith.cmpi sgt, %[[SIZE]]
// CHECK: linalg.generic
// CHECK:   arith.addi %{{.*}}, %[[SIZE]]
// CHECK:   scf.if %[[EXISTS]]
func.func @gather(%x: !rows, %i: tensor<3xi64>) -> tensor<3x8xf32> attributes {rt.kernel} {
  %0 = nn.gather %x, %i {axis = 0 : i64} : (!rows, tensor<3xi64>) -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// A table is always there; how many indices are picked does not matter.
// CHECK-LABEL: @embed
// CHECK-NOT: scf.if
func.func @embed(%x: tensor<9x8xf32>, %i: tensor<?xi64, affine_map<()[s0] -> (s0)>>) -> !rows attributes {rt.kernel} {
  %0 = nn.gather %x, %i {axis = 0 : i64} : (tensor<9x8xf32>, tensor<?xi64, affine_map<()[s0] -> (s0)>>) -> !rows
  return %0 : !rows
}

// Along an open axis, one element after the other.
// CHECK-LABEL: @scan
// CHECK: scf.for
// CHECK:   scf.for
// CHECK:     tensor.insert
func.func @scan(%x: !columns) -> !columns attributes {rt.kernel} {
  %axis = nn.constant dense<1> : tensor<i64>
  %0 = nn.cumsum %x, %axis : (!columns, tensor<i64>) -> !columns
  return %0 : !columns
}

// CHECK-LABEL: @product
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: tensor<?x5xi32, #{{.*}}>
func.func @product(%x: tensor<?x8xi32, affine_map<()[s0] -> (s0, 8)>>, %y: tensor<8x5xi32>) -> tensor<?x5xi32, affine_map<()[s0] -> (s0, 5)>> attributes {rt.kernel} {
  %0 = nn.matmul %x, %y : (tensor<?x8xi32, affine_map<()[s0] -> (s0, 8)>>, tensor<8x5xi32>) -> tensor<?x5xi32, affine_map<()[s0] -> (s0, 5)>>
  return %0 : tensor<?x5xi32, affine_map<()[s0] -> (s0, 5)>>
}

// Whole scales of the nearest repeat elements, whatever the size.
// CHECK-LABEL: @repeat
// CHECK: linalg.generic {indexing_maps = [#[[HALF]]
func.func @repeat(%x: tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0)>>) -> tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0 * 2)>> attributes {rt.kernel} {
  %s = nn.constant dense<[2.0]> : tensor<1xf32>
  %0 = nn.resize nearest asymmetric floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 2>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32}
      : tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0)>> -> tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0 * 2)>>
  return %0 : tensor<1x3x?xf32, affine_map<()[s0] -> (1, 3, s0 * 2)>>
}
