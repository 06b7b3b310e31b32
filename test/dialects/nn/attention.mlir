// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @attention_0
// CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} {causal, scale = 5.000000e-01 : f32} : (tensor<1x4x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x3xf32>) -> tensor<1x4x5x3xf32>
func.func @attention_0(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<1x2x6x3xf32>) -> tensor<1x4x5x3xf32> {
  %0 = nn.attention %q, %k, %v {causal, scale = 5.000000e-01 : f32} : (tensor<1x4x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x3xf32>) -> tensor<1x4x5x3xf32>
  return %0 : tensor<1x4x5x3xf32>
}

// CHECK-LABEL: @attention_1
// CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f32} : (tensor<1x4x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x3xf32>, tensor<5x6xi1>) -> tensor<1x4x5x3xf32>
func.func @attention_1(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<1x2x6x3xf32>, %m: tensor<5x6xi1>) -> tensor<1x4x5x3xf32> {
  %0 = nn.attention %q, %k, %v, %m {scale = 5.000000e-01 : f32} : (tensor<1x4x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x3xf32>, tensor<5x6xi1>) -> tensor<1x4x5x3xf32>
  return %0 : tensor<1x4x5x3xf32>
}
