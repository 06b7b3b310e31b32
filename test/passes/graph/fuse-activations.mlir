// RUN: %nncc-opt %s --nncc-fuse-activations | FileCheck %s

// CHECK-LABEL: @silu
// CHECK-NEXT:    nn.silu
// CHECK-NEXT:    return
func.func @silu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.mul %0, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @logistic
// CHECK-NEXT:    nn.sigmoid
// CHECK-NEXT:    return
func.func @logistic(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.add %1, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.div %one, %2 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// As PaddlePaddle exports it: Add, Clip, Mul, Div.
// CHECK-LABEL: @hard_swish
// CHECK-NEXT:    nn.hard_swish
// CHECK-NEXT:    return
func.func @hard_swish(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.max %0, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.min %1, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.mul %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = nn.div %3, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// The division first, a relu as the lower limit.
// CHECK-LABEL: @hard_swish_of_sigmoid
// CHECK-NEXT:    nn.hard_swish
// CHECK-NEXT:    return
func.func @hard_swish_of_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %sixth = nn.constant dense<0.166666672> : tensor<f32>
  %0 = nn.add %three, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.min %six, %1 : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = nn.mul %2, %sixth : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = nn.mul %3, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// CHECK-LABEL: @hard_sigmoid
// CHECK-NEXT:    nn.hard_sigmoid %{{.*}} {alpha = 2.000000e-01 : f32, beta = 5.000000e-01 : f32}
// CHECK-NEXT:    return
func.func @hard_sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = nn.constant dense<0.2> : tensor<f32>
  %b = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %0 = nn.mul %x, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.add %0, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.max %1, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.min %2, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// Relu6 of x + 3, and a clip to [0, 1], are neither.
// CHECK-LABEL: @clips
// CHECK-NOT:     hard
// CHECK:         return
func.func @clips(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %three = nn.constant dense<3.0> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %0 = nn.add %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.max %0, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = nn.min %1, %six : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = nn.max %x, %zero : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = nn.min %3, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2, %4 : tensor<4xf32>, tensor<4xf32>
}

// The sigmoid of one value gates another one.
// CHECK-LABEL: @gate
// CHECK-NOT:     nn.silu
// CHECK:         return
func.func @gate(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.mul %0, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
