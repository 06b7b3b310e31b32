// RUN: %nncc-opt %s -nncc-append-states | FileCheck %s

// What the body puts behind the state is collected; what it begins with is put before all of it.
// CHECK-LABEL: @grows
// CHECK-SAME:    (%[[INIT:.*]]: tensor<2x4xf32>, %[[X:.*]]: tensor<3x4xf32>)
// CHECK:         %[[ALL:.*]] = rt.loop counter 0() {{{.*}}symbols = array<i64: 1>{{.*}}} : () -> tensor<?x4xf32, #[[ALL_TYPE:.*]]> {
// CHECK-NEXT:      %[[Y:.*]] = nn.relu %[[X]]
// CHECK-NEXT:      rt.yield %[[Y]] {sizes = #{{.*}}} : tensor<3x4xf32>
// CHECK:         %[[R:.*]] = nn.concat %[[INIT]], %[[ALL]] {axis = 0 : i64} : (tensor<2x4xf32>, tensor<?x4xf32, #[[ALL_TYPE]]>)
// CHECK:         return %[[R]]
func.func @grows(%init: tensor<2x4xf32>, %x: tensor<3x4xf32>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>> attributes {nn.dims = ["", ""]} {
  %r = rt.loop counter 0 (%init) {trip = affine_map<() -> (5)>, symbols = array<i64: 1>, starts = affine_map<() -> (2)>} : (tensor<2x4xf32>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>> {
  ^bb0(%state: tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>):
    %y = nn.relu %x : (tensor<3x4xf32>) -> tensor<3x4xf32>
    %next = nn.concat %state, %y {axis = 0 : i64} : (tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>, tensor<3x4xf32>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s1 + 3, 4)>>
    rt.yield %next {sizes = affine_map<()[s0, s1] -> (s1 + 3)>} : tensor<?x4xf32, affine_map<()[s0, s1] -> (s1 + 3, 4)>>
  }
  return %r : tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>
}

// The body looks at this one.
// CHECK-LABEL: @looked_at
// CHECK:         rt.loop counter 0(%{{.*}})
// CHECK:           nn.concat
func.func @looked_at(%init: tensor<2xf32>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>> attributes {nn.dims = ["", ""]} {
  %r = rt.loop counter 0 (%init) {trip = affine_map<() -> (5)>, symbols = array<i64: 1>, starts = affine_map<() -> (2)>} : (tensor<2xf32>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>> {
  ^bb0(%state: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>):
    %next = nn.concat %state, %state {axis = 0 : i64} : (tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>, tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1 * 2)>>
    rt.yield %next {sizes = affine_map<()[s0, s1] -> (s1 * 2)>} : tensor<?xf32, affine_map<()[s0, s1] -> (s1 * 2)>>
  }
  return %r : tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>
}

// Nothing of no size is put before what is collected.
// CHECK-LABEL: @from_nothing
// CHECK:         %[[ALL:.*]] = rt.loop counter 0()
// CHECK-NOT:     nn.concat
// CHECK:         return %[[ALL]]
func.func @from_nothing(%x: tensor<3xf32>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>> attributes {nn.dims = ["", ""]} {
  %init = nn.constant dense<0.0> : tensor<0xf32>
  %r = rt.loop counter 0 (%init) {trip = affine_map<() -> (5)>, symbols = array<i64: 1>, starts = affine_map<() -> (0)>} : (tensor<0xf32>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>> {
  ^bb0(%state: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>):
    %next = nn.concat %state, %x {axis = 0 : i64} : (tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>, tensor<3xf32>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1 + 3)>>
    rt.yield %next {sizes = affine_map<()[s0, s1] -> (s1 + 3)>} : tensor<?xf32, affine_map<()[s0, s1] -> (s1 + 3)>>
  }
  return %r : tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>
}
