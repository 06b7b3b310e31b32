// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @softmax_0
// CHECK: nn.softmax %{{.*}} {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @softmax_0(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.softmax %x {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @log_softmax_1
// CHECK: nn.log_softmax %{{.*}} {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @log_softmax_1(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.log_softmax %x {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @lp_norm_2
// CHECK: nn.lp_norm %{{.*}} {axis = 0 : i64, p = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @lp_norm_2(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.lp_norm %x {axis = 0 : i64, p = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @layer_norm_3
// CHECK: nn.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {axis = -1 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @layer_norm_3(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.layer_norm %x, %s, %s {axis = -1 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @layer_norm_4
// CHECK: nn.layer_norm %{{.*}}, %{{.*}} {axis = 0 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @layer_norm_4(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.layer_norm %x, %s {axis = 0 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @rms_norm_5
// CHECK: nn.rms_norm %{{.*}}, %{{.*}} {axis = -1 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @rms_norm_5(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.rms_norm %x, %s {axis = -1 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @batch_norm_6
// CHECK: nn.batch_norm %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @batch_norm_6(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.batch_norm %x, %s, %s, %s, %s {epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @group_norm_7
// CHECK: nn.group_norm %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32, groups = 3 : i64} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @group_norm_7(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.group_norm %x, %s, %s {epsilon = 9.99999974E-6 : f32, groups = 3 : i64} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @instance_norm_8
// CHECK: nn.instance_norm %{{.*}}, %{{.*}}, %{{.*}} {epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @instance_norm_8(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = nn.instance_norm %x, %s, %s {epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @mean_variance_9
// CHECK: nn.mean_variance %{{.*}} {axes = array<i64: 0, -1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @mean_variance_9(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.mean_variance %x {axes = array<i64: 0, -1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @lrn_10
// CHECK: nn.lrn %{{.*}} {alpha = 9.99999974E-5 : f32, beta = 7.500000e-01 : f32, bias = 1.000000e+00 : f32, size = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @lrn_10(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.lrn %x {alpha = 9.99999974E-5 : f32, beta = 7.500000e-01 : f32, bias = 1.000000e+00 : f32, size = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// What sizes the parameters know the result has.
#x = affine_map<()[s0, s1] -> (s0, s1)>
#y = affine_map<()[s0, s1] -> (s0, 3)>
// CHECK-LABEL: @open_layer_norm
// CHECK: nn.layer_norm {{.*}} -> tensor<?x3xf32
func.func @open_layer_norm(%x: tensor<?x?xf32, #x>, %s: tensor<3xf32>) -> tensor<?x3xf32, #y> {
  %0 = nn.layer_norm %x, %s {axis = -1 : i64, epsilon = 9.99999974E-6 : f32} : (tensor<?x?xf32, #x>, tensor<3xf32>) -> tensor<?x3xf32, #y>
  return %0 : tensor<?x3xf32, #y>
}
// CHECK-LABEL: @open_batch_norm
// CHECK: nn.batch_norm {{.*}} -> tensor<?x3xf32
func.func @open_batch_norm(%x: tensor<?x?xf32, #x>, %s: tensor<3xf32>) -> tensor<?x3xf32, #y> {
  %0 = nn.batch_norm %x, %s, %s, %s, %s {epsilon = 9.99999974E-6 : f32} : (tensor<?x?xf32, #x>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3xf32, #y>
  return %0 : tensor<?x3xf32, #y>
}
