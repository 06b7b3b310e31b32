// RUN: %nncc-opt %s -nncc-hoist-invariants | FileCheck %s

// Operands from outside, and no symbol of the loop: the transpose leaves both loops. What is over the
// loop's counter stays, and so does a check.
// CHECK-LABEL: @loops
// CHECK-SAME:    (%[[W:.*]]: tensor<2x3xf32>, %{{.*}}: tensor<3x2xf32>, %[[N:.*]]: tensor<1xi64>)
// CHECK:         %[[T:.*]] = nn.transpose %[[W]]
// CHECK-NEXT:    rt.loop counter 0
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      rt.loop counter 1
// CHECK-NEXT:      ^bb0(%[[STATE:.*]]: tensor<3x2xf32>):
// CHECK-NEXT:        rt.check
// CHECK-NEXT:        %[[I:.*]] = nn.sizes
// CHECK-NEXT:        %[[F:.*]] = nn.cast %[[I]]
// CHECK-NEXT:        %[[A:.*]] = nn.add %[[STATE]], %[[T]]
// CHECK-NEXT:        %[[B:.*]] = nn.add %[[A]], %[[F]]
// CHECK-NEXT:        rt.yield %[[B]]
func.func @loops(%w: tensor<2x3xf32>, %x: tensor<3x2xf32>, %n: tensor<1xi64>) -> tensor<3x2xf32> attributes {nn.dims = ["", ""]} {
  %r = rt.loop counter 0 (%x) {trip = affine_map<() -> (5)>} : (tensor<3x2xf32>) -> tensor<3x2xf32> {
  ^bb0(%outer: tensor<3x2xf32>):
    %s = rt.loop counter 1 (%outer) {trip = affine_map<() -> (4)>} : (tensor<3x2xf32>) -> tensor<3x2xf32> {
    ^bb0(%state: tensor<3x2xf32>):
      rt.check affine_map<()[s0, s1] -> (s1 - s1 * s1)>, "text"
      %i = nn.sizes affine_map<()[s0, s1] -> (s1)> as tensor<1xi64>
      %f = nn.cast %i {to = f32} : (tensor<1xi64>) -> tensor<1xf32>
      %t = nn.transpose %w {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
      %a = nn.add %state, %t : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
      %b = nn.add %a, %f : (tensor<3x2xf32>, tensor<1xf32>) -> tensor<3x2xf32>
      rt.yield %b : tensor<3x2xf32>
    }
    rt.yield %s : tensor<3x2xf32>
  }
  return %r : tensor<3x2xf32>
}
