// RUN: %nncc-opt %s --nncc-fuse-gelu | FileCheck %s

// As PyTorch spells it.
// CHECK-LABEL: @erf
// CHECK-SAME:    (%[[X:.*]]: tensor<2x8xf32>)
// CHECK-NEXT:    %[[Y:.*]] = nn.gelu %[[X]] : (
// CHECK-NEXT:    return %[[Y]]
func.func @erf(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %1 = nn.erf %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.add %1, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %3 = nn.mul %x, %2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %4 = nn.mul %3, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// The half first, the scale multiplied, the sum the other way round; the input is itself a sum.
// CHECK-LABEL: @other_order
// CHECK:         %[[X:.*]] = nn.add
// CHECK-NEXT:    nn.gelu %[[X]] : (
func.func @other_order(%a: tensor<2x8xf32>, %b: tensor<8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<0.707106769> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<1xf32>
  %x = nn.add %a, %b : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  %0 = nn.mul %root, %x : (tensor<f32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = nn.erf %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.mul %x, %half : (tensor<2x8xf32>, tensor<1xf32>) -> tensor<2x8xf32>
  %3 = nn.mul %2, %1 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %4 = nn.add %2, %3 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// CHECK-LABEL: @tanh
// CHECK:         nn.gelu %{{.*}} {approximate} : (
func.func @tanh(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %three = nn.constant dense<3.0> : tensor<f32>
  %c = nn.constant dense<0.044715> : tensor<f32>
  %s = nn.constant dense<0.797884583> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.pow %x, %three : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %1 = nn.mul %0, %c : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %2 = nn.add %x, %1 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %3 = nn.mul %2, %s : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %4 = nn.tanh %3 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %5 = nn.add %4, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %6 = nn.mul %x, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %7 = nn.mul %6, %5 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %7 : tensor<2x8xf32>
}

// Another constant is another function.
// CHECK-LABEL: @not_gelu
// CHECK-NOT:     nn.gelu
// CHECK:         return
func.func @not_gelu(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<1.5> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %1 = nn.erf %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.add %1, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %3 = nn.mul %x, %2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %4 = nn.mul %3, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// The gate of another value.
// CHECK-LABEL: @gated
// CHECK-NOT:     nn.gelu
// CHECK:         return
func.func @gated(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.div %x, %root : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %1 = nn.erf %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = nn.add %1, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  %3 = nn.mul %y, %2 : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %4 = nn.mul %3, %half : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}

// A constant of two rows repeats the input: the types differ.
// CHECK-LABEL: @broadcast
// CHECK-NOT:     nn.gelu
// CHECK:         return
func.func @broadcast(%x: tensor<8xf32>) -> tensor<2x8xf32> {
  %root = nn.constant dense<1.41421354> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<2x8xf32>
  %0 = nn.div %x, %root : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %1 = nn.erf %0 : (tensor<8xf32>) -> tensor<8xf32>
  %2 = nn.add %1, %one : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %3 = nn.mul %x, %2 : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %4 = nn.mul %3, %half : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return %4 : tensor<2x8xf32>
}
