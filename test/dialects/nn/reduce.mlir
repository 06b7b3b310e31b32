// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @reduce_0
// CHECK: nn.reduce sum %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_0(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce sum %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_1
// CHECK: nn.reduce mean %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_1(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce mean %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_2
// CHECK: nn.reduce max %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_2(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce max %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_3
// CHECK: nn.reduce min %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_3(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce min %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_4
// CHECK: nn.reduce prod %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_4(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce prod %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_5
// CHECK: nn.reduce l1 %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_5(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce l1 %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_6
// CHECK: nn.reduce l2 %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_6(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce l2 %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_7
// CHECK: nn.reduce sum_square %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_7(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce sum_square %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_8
// CHECK: nn.reduce log_sum %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_8(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce log_sum %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_9
// CHECK: nn.reduce log_sum_exp %{{.*}}, %{{.*}} {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
func.func @reduce_9(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.reduce log_sum_exp %x, %a {keepdims} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// CHECK-LABEL: @reduce_10
// CHECK: nn.reduce max %{{.*}} : (tensor<?x3xf32>) -> tensor<f32>
func.func @reduce_10(%x: tensor<?x3xf32>) -> tensor<f32> {
  %0 = nn.reduce max %x : (tensor<?x3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: @arg_reduce_11
// CHECK: nn.arg_reduce max %{{.*}} {axis = -1 : i64, select_last} : (tensor<2x3xf32>) -> tensor<2xi64>
func.func @arg_reduce_11(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %0 = nn.arg_reduce max %x {axis = -1 : i64, select_last} : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// CHECK-LABEL: @arg_reduce_12
// CHECK: nn.arg_reduce min %{{.*}} {axis = 0 : i64, keepdims} : (tensor<2x3xf32>) -> tensor<1x3xi64>
func.func @arg_reduce_12(%x: tensor<2x3xf32>) -> tensor<1x3xi64> {
  %0 = nn.arg_reduce min %x {axis = 0 : i64, keepdims} : (tensor<2x3xf32>) -> tensor<1x3xi64>
  return %0 : tensor<1x3xi64>
}

// CHECK-LABEL: @cumsum_13
// CHECK: nn.cumsum %{{.*}}, %{{.*}} {exclusive, reverse} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
func.func @cumsum_13(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = nn.constant dense<1> : tensor<i64>
  %0 = nn.cumsum %x, %a {exclusive, reverse} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @cumprod
// CHECK: nn.cumprod %{{.*}}, %{{.*}} {exclusive, reverse} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
func.func @cumprod(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %axis = nn.constant dense<1> : tensor<i64>
  %0 = nn.cumprod %x, %axis {exclusive, reverse} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
