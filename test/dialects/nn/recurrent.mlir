// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @lstm
// CHECK: nn.recurrence lstm bidirectional %{{.*}}, %{{.*}} params %{{.*}} : tensor<2x3x8xf32> lengths %{{.*}} : tensor<4xi32> h %{{.*}} : tensor<2x4x8xf32> c %{{.*}} : tensor<2x4x8xf32> {
// CHECK-SAME: clip = 3.000000e+00 : f32, input_forget
// CHECK-SAME: : tensor<5x4x64xf32>, tensor<2x32x8xf32> -> tensor<5x2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>
func.func @lstm(%x: tensor<5x4x64xf32>, %r: tensor<2x32x8xf32>, %p: tensor<2x3x8xf32>, %n: tensor<4xi32>, %h: tensor<2x4x8xf32>) -> tensor<5x2x4x8xf32> {
  %y, %l, %c = nn.recurrence lstm bidirectional %x, %r params %p : tensor<2x3x8xf32> lengths %n : tensor<4xi32> h %h : tensor<2x4x8xf32> c %h : tensor<2x4x8xf32>
      {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0., 0., 0.>, beta = array<f32: 0., 0., 0.>, clip = 3. : f32, input_forget}
      : tensor<5x4x64xf32>, tensor<2x32x8xf32> -> tensor<5x2x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>
  return %y : tensor<5x2x4x8xf32>
}

// CHECK-LABEL: @gru
// CHECK: nn.recurrence gru reverse %{{.*}}, %{{.*}} params %{{.*}} : tensor<1x1x8xf64> {{.*}}linear_before_reset{{.*}} -> tensor<5x1x4x8xf64>, tensor<1x4x8xf64>
func.func @gru(%x: tensor<5x4x24xf64>, %r: tensor<1x24x8xf64>, %p: tensor<1x1x8xf64>) -> tensor<1x4x8xf64> {
  %y, %l = nn.recurrence gru reverse %x, %r params %p : tensor<1x1x8xf64>
      {activations = ["hard_sigmoid", "softsign"], alpha = array<f32: 0.2, 0.>, beta = array<f32: 0.5, 0.>, linear_before_reset}
      : tensor<5x4x24xf64>, tensor<1x24x8xf64> -> tensor<5x1x4x8xf64>, tensor<1x4x8xf64>
  return %l : tensor<1x4x8xf64>
}

// Steps and rows are open.
// CHECK-LABEL: @rnn
// CHECK: nn.recurrence rnn forward {{.*}} -> tensor<?x1x?x8xf32, #{{.*}}>, tensor<1x?x8xf32, #{{.*}}>
#x = affine_map<()[s0, s1] -> (s0, s1, 8)>
#y = affine_map<()[s0, s1] -> (s0, 1, s1, 8)>
#h = affine_map<()[s0, s1] -> (1, s1, 8)>
func.func @rnn(%x: tensor<?x?x8xf32, #x>, %r: tensor<1x8x8xf32>) -> tensor<?x1x?x8xf32, #y> {
  %y, %l = nn.recurrence rnn forward %x, %r {activations = ["affine"], alpha = array<f32: 0.5>, beta = array<f32: 1.>}
      : tensor<?x?x8xf32, #x>, tensor<1x8x8xf32> -> tensor<?x1x?x8xf32, #y>, tensor<1x?x8xf32, #h>
  return %y : tensor<?x1x?x8xf32, #y>
}
