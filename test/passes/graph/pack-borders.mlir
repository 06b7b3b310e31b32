// RUN: %nncc-opt %s -nncc-pack-borders | FileCheck %s

// CHECK: #[[BYTES:.*]] = affine_map<()[s0] -> ((s0 * 18 + 7) floordiv 8)>
// CHECK-LABEL: @packed
// CHECK-SAME:    (%[[X:.*]]: tensor<8xui8> {nn.type = tensor<3x5xi4>}, %[[Y:.*]]: tensor<4xi8>)
// CHECK-SAME:    -> (tensor<8xui8> {nn.type = tensor<3x5xi4>}, tensor<4xi8>)
// CHECK-NEXT:    %[[SHAPE:.*]] = nn.constant dense<[3, 5]> : tensor<2xi64>
// CHECK-NEXT:    %[[VALUE:.*]] = nn.unpack %[[X]], %[[SHAPE]] {to = i4}
// CHECK-NEXT:    %[[RESULT:.*]] = nn.pack %[[VALUE]]
// CHECK-NEXT:    return %[[RESULT]], %[[Y]]
func.func @packed(%x: tensor<3x5xi4>, %y: tensor<4xi8>) -> (tensor<3x5xi4>, tensor<4xi8>) {
  return %x, %y : tensor<3x5xi4>, tensor<4xi8>
}

// The bytes of a tensor of open sizes are an expression over its symbols.
// CHECK-LABEL: @open
// CHECK-SAME:    tensor<?xui8, #[[BYTES]]> {nn.type = tensor<?x3xf6E2M3FN
// CHECK:         nn.unpack
func.func @open(%x: tensor<?x3xf6E2M3FN, affine_map<()[s0] -> (s0, 3)>>) -> tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>> {
  %0 = nn.cast %x {to = f32} : (tensor<?x3xf6E2M3FN, affine_map<()[s0] -> (s0, 3)>>) -> tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
  return %0 : tensor<?x3xf32, affine_map<()[s0] -> (s0, 3)>>
}
