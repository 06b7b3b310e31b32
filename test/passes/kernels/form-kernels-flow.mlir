// RUN: nncc-opt %s --nncc-form-kernels --split-input-file | FileCheck %s

// What a branch gives is written by a kernel of its own: constants and values from outside are
// copied, once for each result. A kernel stays in its branch.
// CHECK-LABEL: func.func @branches
// CHECK:         rt.if
// CHECK-NEXT:      %[[A:.*]] = rt.dispatch @cast_{{[0-9]+}}(%arg1)
// CHECK-NEXT:      %[[B:.*]] = rt.dispatch @{{.*}}(%arg1)
// CHECK-NEXT:      rt.yield %[[A]], %[[B]]
// CHECK:         } else {
// CHECK-DAG:       %[[C:.*]] = rt.dispatch @{{(cast|elementwise)_[0-9]+}}(
// CHECK-DAG:       %[[N:.*]] = rt.dispatch @{{.*}}(%arg1)
// CHECK:           rt.yield
func.func @branches(%c: tensor<i1>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %k = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %y:2 = rt.if %c -> (tensor<4xf32>, tensor<4xf32>) {
    rt.yield %x, %x : tensor<4xf32>, tensor<4xf32>
  } else {
    %n = nn.neg %x : (tensor<4xf32>) -> tensor<4xf32>
    rt.yield %k, %n : tensor<4xf32>, tensor<4xf32>
  } : tensor<i1>
  return %y#0, %y#1 : tensor<4xf32>, tensor<4xf32>
}
// -----
// A producer outside of a loop is no part of a kernel in it. A loop's result is copied to an output,
// sizes that a condition or a state begins with are put in memory.
// CHECK-LABEL: func.func @loop
// CHECK:         %[[E:.*]] = rt.dispatch @exp_0(%arg0)
// CHECK:         %[[I:.*]] = rt.dispatch @{{.*}}() {dims
// CHECK:         %[[L:.*]]:2 = rt.loop counter 1(%[[I]], %[[E]])
// CHECK:         ^bb0(%[[S:.*]]: tensor<1xi64>, %[[T:.*]]: tensor<?xf32
// CHECK:           rt.dispatch @{{.*}}(%[[E]], %[[T]])
// CHECK:         rt.dispatch @{{.*}}(%[[L]]#1)
func.func @loop(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>> attributes {nn.dims = ["n", ""]} {
  %e = nn.exp %x : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
  %n = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
  %y:2 = rt.loop counter 1 (%n, %e) {trip = affine_map<() -> (5)>} : (tensor<1xi64>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> (tensor<1xi64>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) {
  ^bb0(%m: tensor<1xi64>, %s: tensor<?xf32, affine_map<()[s0] -> (s0)>>):
    %a = nn.add %e, %s : (tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
    %b = nn.neg %m : (tensor<1xi64>) -> tensor<1xi64>
    rt.yield %b, %a : tensor<1xi64>, tensor<?xf32, affine_map<()[s0] -> (s0)>>
  }
  return %y#1 : tensor<?xf32, affine_map<()[s0] -> (s0)>>
}
