// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @relu_0
// CHECK: nn.relu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @relu_0(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @sigmoid_1
// CHECK: nn.sigmoid %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @sigmoid_1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @silu_2
// CHECK: nn.silu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @silu_2(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.silu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @hard_swish_3
// CHECK: nn.hard_swish %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @hard_swish_3(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.hard_swish %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @softplus_4
// CHECK: nn.softplus %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @softplus_4(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.softplus %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @softsign_5
// CHECK: nn.softsign %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @softsign_5(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.softsign %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @mish_6
// CHECK: nn.mish %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @mish_6(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.mish %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @gelu_7
// CHECK: nn.gelu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @gelu_7(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.gelu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @gelu_8
// CHECK: nn.gelu %{{.*}} {approximate} : (tensor<4xf32>) -> tensor<4xf32>
func.func @gelu_8(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.gelu %x {approximate} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @leaky_relu_9
// CHECK: nn.leaky_relu %{{.*}} {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @leaky_relu_9(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.leaky_relu %x {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @elu_10
// CHECK: nn.elu %{{.*}} {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @elu_10(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.elu %x {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @celu_11
// CHECK: nn.celu %{{.*}} {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @celu_11(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.celu %x {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @thresholded_relu_12
// CHECK: nn.thresholded_relu %{{.*}} {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @thresholded_relu_12(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.thresholded_relu %x {alpha = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @hard_sigmoid_13
// CHECK: nn.hard_sigmoid %{{.*}} {alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @hard_sigmoid_13(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.hard_sigmoid %x {alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @selu_14
// CHECK: nn.selu %{{.*}} {alpha = 1.500000e+00 : f32, gamma = 1.250000e+00 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @selu_14(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.selu %x {alpha = 1.500000e+00 : f32, gamma = 1.250000e+00 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @shrink_15
// CHECK: nn.shrink %{{.*}} {bias = 5.000000e-01 : f32, lambd = 1.000000e+00 : f32} : (tensor<4xf32>) -> tensor<4xf32>
func.func @shrink_15(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.shrink %x {bias = 5.000000e-01 : f32, lambd = 1.000000e+00 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @prelu_16
// CHECK: nn.prelu %{{.*}}, %{{.*}} : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
func.func @prelu_16(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> tensor<2x4xf32> {
  %0 = nn.prelu %x, %s : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
