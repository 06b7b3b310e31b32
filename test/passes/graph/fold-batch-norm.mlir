// RUN: %nncc-opt %s --nncc-fold-batch-norm | FileCheck %s

// a = 2 / sqrt(3 + 1) = 1 and 4 / sqrt(3 + 1) = 2; b = 1 - 5 a.
// CHECK-LABEL: @conv
// CHECK-DAG:     %[[B:.*]] = nn.constant dense<{{\[\[\[}}-4.000000e+00]], {{\[\[}}-9.000000e+00]]]> : tensor<2x1x1xf32>
// CHECK-DAG:     %[[A:.*]] = nn.constant dense<{{\[\[\[\[}}1.000000e+00]]], {{\[\[\[}}2.000000e+00]]]]> : tensor<2x1x1x1xf32>
// CHECK-DAG:     %[[W:.*]] = nn.constant dense<3.000000e+00>
// CHECK:         %[[V:.*]] = nn.mul %[[W]], %[[A]]
// CHECK:         %[[C:.*]] = nn.conv %{{.*}}, %[[V]]
// CHECK:         %[[R:.*]] = nn.add %[[C]], %[[B]]
// CHECK-NEXT:    return %[[R]]
func.func @conv(%x: tensor<1x3x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = nn.constant dense<3.0> : tensor<2x3x1x1xf32>
  %s = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %b = nn.constant dense<1.0> : tensor<2xf32>
  %m = nn.constant dense<5.0> : tensor<2xf32>
  %v = nn.constant dense<3.0> : tensor<2xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = nn.batch_norm %0, %s, %b, %m, %v {epsilon = 1.0 : f32} : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %1 : tensor<1x2x4x4xf32>
}

// A bias between them: (conv + 10) * a + b, one addition is left.
// CHECK-LABEL: @conv_bias
// CHECK-DAG:     %[[B:.*]] = nn.constant dense<{{\[\[\[}}6.000000e+00]], {{\[\[}}1.100000e+01]]]> : tensor<2x1x1xf32>
// CHECK:         %[[C:.*]] = nn.conv
// CHECK-NEXT:    %[[R:.*]] = nn.add %[[C]], %[[B]]
// CHECK-NEXT:    return %[[R]]
func.func @conv_bias(%x: tensor<1x3x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = nn.constant dense<3.0> : tensor<2x3x1x1xf32>
  %ten = nn.constant dense<10.0> : tensor<2x1x1xf32>
  %s = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %b = nn.constant dense<1.0> : tensor<2xf32>
  %m = nn.constant dense<5.0> : tensor<2xf32>
  %v = nn.constant dense<3.0> : tensor<2xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = nn.add %0, %ten : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = nn.batch_norm %1, %s, %b, %m, %v {epsilon = 1.0 : f32} : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// Groups of a transposed convolution: output channels 0 and 1 are of group 0, which input channel 0
// belongs to.
// CHECK-LABEL: @conv_transpose
// CHECK-DAG:     nn.constant dense<{{\[\[\[\[}}1.000000e+00]], {{\[\[}}2.000000e+00]]], {{\[\[\[}}3.000000e+00]], {{\[\[}}4.000000e+00]]]]> : tensor<2x2x1x1xf32>
// CHECK:         nn.conv_transpose
// CHECK-NEXT:    return
func.func @conv_transpose(%x: tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %w = nn.constant dense<3.0> : tensor<2x2x1x1xf32>
  %a = nn.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %0 = nn.conv_transpose %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_pads = array<i64: 0, 0>, groups = 2 : i64} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x4x4x4xf32>
  %1 = nn.mul %0, %a : (tensor<1x4x4x4xf32>, tensor<4x1x1xf32>) -> tensor<1x4x4x4xf32>
  return %1 : tensor<1x4x4x4xf32>
}

// The factor per channel of a layer (ConvNeXt).
// CHECK-LABEL: @matmul
// CHECK-DAG:     %[[B:.*]] = nn.constant dense<[1.000000e+01, 2.000000e+01]> : tensor<2xf32>
// CHECK-DAG:     %[[A:.*]] = nn.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK:         %[[V:.*]] = nn.mul %{{.*}}, %[[A]]
// CHECK:         %[[C:.*]] = nn.matmul %{{.*}}, %[[V]]
// CHECK-NEXT:    nn.add %[[C]], %[[B]]
// CHECK-NEXT:    return
func.func @matmul(%x: tensor<5x4x3xf32>) -> tensor<5x4x2xf32> {
  %w = nn.constant dense<3.0> : tensor<3x2xf32>
  %ten = nn.constant dense<10.0> : tensor<2xf32>
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = nn.matmul %x, %w : (tensor<5x4x3xf32>, tensor<3x2xf32>) -> tensor<5x4x2xf32>
  %1 = nn.add %0, %ten : (tensor<5x4x2xf32>, tensor<2xf32>) -> tensor<5x4x2xf32>
  %2 = nn.mul %1, %a : (tensor<5x4x2xf32>, tensor<2xf32>) -> tensor<5x4x2xf32>
  return %2 : tensor<5x4x2xf32>
}

// Without weights before it: a line per channel.
// CHECK-LABEL: @alone
// CHECK:         nn.mul
// CHECK-NEXT:    nn.add
// CHECK-NEXT:    return
func.func @alone(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %p = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0 : f32} : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// The convolution's result is used elsewhere: its weights stay.
// CHECK-LABEL: @used_twice
// CHECK-NEXT:    %[[W:.*]] = nn.constant dense<3
// CHECK-NEXT:    %[[A:.*]] = nn.constant
// CHECK-NEXT:    %[[C:.*]] = nn.conv %{{.*}}, %[[W]]
// CHECK-NEXT:    nn.mul %[[C]], %[[A]]
func.func @used_twice(%x: tensor<1x3x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = nn.constant dense<3.0> : tensor<2x3x1x1xf32>
  %a = nn.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = nn.mul %0, %a : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %0, %1 : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}

// Parameters that a run computes.
// CHECK-LABEL: @not_constant
// CHECK:         nn.batch_norm
func.func @not_constant(%x: tensor<1x2x4xf32>, %p: tensor<2xf32>) -> tensor<1x2x4xf32> {
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0 : f32} : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}
