// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-form-recurrences))" | FileCheck %s

// Weights [D, G*H, K] in panels of 16 units of a gate; what nobody reads is no result.
// CHECK-LABEL: @lstm
// CHECK: %[[P:.*]] = kern.pack %arg1 dims [0, 1, 1, 2, 1] factors [1, 16, 20, 1, 1] : tensor<2x80x20xf32> -> tensor<2x2x4x20x16xf32>
// CHECK: kern.recurrence ins(%arg0, %[[P]] : {{.*}}) params(%arg2 : {{.*}}) lengths(%arg3 : {{.*}}) y_init(%{{.*}} : tensor<5x2x4x20xf32>) c_init(%{{.*}} : tensor<2x4x20xf32>) reverse [false, true] cell {
// x and sums of i, o, f, c; peepholes i, o, f; h, c
// CHECK: ^bb0(%[[XI:[^:]*]]: f32, %[[XO:[^:]*]]: f32, %[[XF:[^:]*]]: f32, %[[XC:[^:]*]]: f32, %[[SI:[^:]*]]: f32, %[[SO:[^:]*]]: f32, %[[SF:[^:]*]]: f32, %[[SC:[^:]*]]: f32, %[[PI:[^:]*]]: f32, %[[PO:[^:]*]]: f32, %[[PF:[^:]*]]: f32, %{{.*}}: f32, %[[C:[^:]*]]: f32):
// CHECK: arith.addf %[[XI]], %[[SI]]
// CHECK: arith.mulf %[[PI]], %[[C]]
// CHECK: math.exp
// CHECK: arith.addf %[[XF]], %[[SF]]
// CHECK: arith.mulf %[[PF]], %[[C]]
// CHECK: %[[FC:.*]] = arith.mulf %{{.*}}, %[[C]]
// CHECK: math.tanh
// CHECK: %[[NEXT:.*]] = arith.addf %[[FC]],
// CHECK: arith.addf %[[XO]], %[[SO]]
// CHECK: arith.mulf %[[PO]], %[[NEXT]]
// CHECK: %[[T:.*]] = math.tanh %[[NEXT]]
// CHECK: %[[H:.*]] = arith.mulf %{{.*}}, %[[T]]
// CHECK: kern.states %[[H]], %[[NEXT]] : f32, f32
func.func @lstm(%x: tensor<5x4x160xf32>, %r: tensor<2x80x20xf32>, %p: tensor<2x3x20xf32>, %n: tensor<4xi32>) -> (tensor<5x2x4x20xf32>, tensor<2x4x20xf32>) {
  %y, %h, %c = nn.recurrence lstm bidirectional %x, %r params %p : tensor<2x3x20xf32> lengths %n : tensor<4xi32>
      {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0., 0., 0.>, beta = array<f32: 0., 0., 0.>}
      : tensor<5x4x160xf32>, tensor<2x80x20xf32> -> tensor<5x2x4x20xf32>, tensor<2x4x20xf32>, tensor<2x4x20xf32>
  return %y, %c : tensor<5x2x4x20xf32>, tensor<2x4x20xf32>
}

// -----

// The last gate's products are of the state after the reset gate.
// CHECK-LABEL: @gru
// CHECK: kern.recurrence {{.*}} h_init(%{{.*}}) reverse [true] cell {
// CHECK: kern.states %{{.*}} : f32
// CHECK: } reset {
// CHECK: ^bb0(%{{.*}}: f32, %[[X:[^:]*]]: f32, %{{.*}}: f32, %[[S:[^:]*]]: f32, %[[H:[^:]*]]: f32):
// CHECK: arith.addf %[[X]], %[[S]]
// CHECK: %[[R:.*]] = arith.divf
// CHECK: %[[G:.*]] = arith.mulf %[[R]], %[[H]]
// CHECK: kern.states %[[G]] : f32
func.func @gru(%x: tensor<5x4x24xf32>, %r: tensor<1x24x8xf32>) -> tensor<1x4x8xf32> {
  %y, %h = nn.recurrence gru reverse %x, %r {activations = ["sigmoid", "tanh"], alpha = array<f32: 0., 0.>, beta = array<f32: 0., 0.>}
      : tensor<5x4x24xf32>, tensor<1x24x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %h : tensor<1x4x8xf32>
}

// -----

// With linear_before_reset one product of all gates is enough. Arguments of activations are bounded.
// CHECK-LABEL: @linear
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %[[X:[^:]*]]: f32, %{{.*}}: f32, %{{.*}}: f32, %[[S:[^:]*]]: f32, %[[P:[^:]*]]: f32, %[[H:[^:]*]]: f32):
// CHECK: arith.maximumf %{{.*}}, %{{.*}}
// CHECK: arith.minimumf
// CHECK: %[[OWN:.*]] = arith.addf %[[S]], %[[P]]
// CHECK: %[[RESET:.*]] = arith.mulf %{{.*}}, %[[OWN]]
// CHECK: arith.addf %[[X]], %[[RESET]]
// CHECK-NOT: reset {
func.func @linear(%x: tensor<5x4x24xf32>, %r: tensor<1x24x8xf32>, %p: tensor<1x1x8xf32>) -> tensor<1x4x8xf32> {
  %y, %h = nn.recurrence gru forward %x, %r params %p : tensor<1x1x8xf32>
      {activations = ["sigmoid", "tanh"], alpha = array<f32: 0., 0.>, beta = array<f32: 0., 0.>, clip = 2. : f32, linear_before_reset}
      : tensor<5x4x24xf32>, tensor<1x24x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %h : tensor<1x4x8xf32>
}
