// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @shape_0
// CHECK: nn.shape %{{.*}} {start = -1 : i64} : (tensor<2x3xf32>) -> tensor<1xi64>
func.func @shape_0(%x: tensor<2x3xf32>) -> tensor<1xi64> {
  %0 = nn.shape %x {start = -1 : i64} : (tensor<2x3xf32>) -> tensor<1xi64>
  return %0 : tensor<1xi64>
}

// CHECK-LABEL: @shape_1
// CHECK: nn.shape %{{.*}} {end = 1 : i64} : (tensor<2x3xf32>) -> tensor<1xi64>
func.func @shape_1(%x: tensor<2x3xf32>) -> tensor<1xi64> {
  %0 = nn.shape %x {end = 1 : i64} : (tensor<2x3xf32>) -> tensor<1xi64>
  return %0 : tensor<1xi64>
}

// CHECK-LABEL: @size_2
// CHECK: nn.size %{{.*}} : (tensor<2x3xf32>) -> tensor<i64>
func.func @size_2(%x: tensor<2x3xf32>) -> tensor<i64> {
  %0 = nn.size %x : (tensor<2x3xf32>) -> tensor<i64>
  return %0 : tensor<i64>
}

// CHECK-LABEL: @reshape_3
// CHECK: nn.reshape %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
func.func @reshape_3(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %s = nn.constant dense<[-1, 2]> : tensor<2xi64>
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// CHECK-LABEL: @reshape_4
// CHECK: nn.reshape %{{.*}}, %{{.*}} : (tensor<?x4x3xf32>, tensor<2xi64>) -> tensor<?x12xf32>
func.func @reshape_4(%x: tensor<?x4x3xf32>) -> tensor<?x12xf32> {
  %s = nn.constant dense<[0, -1]> : tensor<2xi64>
  %0 = nn.reshape %x, %s : (tensor<?x4x3xf32>, tensor<2xi64>) -> tensor<?x12xf32>
  return %0 : tensor<?x12xf32>
}

// CHECK-LABEL: @reshape_5
// CHECK: nn.reshape %{{.*}}, %{{.*}} {allow_zero} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<3x0xf32>
func.func @reshape_5(%x: tensor<0x3xf32>) -> tensor<3x0xf32> {
  %s = nn.constant dense<[3, 0]> : tensor<2xi64>
  %0 = nn.reshape %x, %s {allow_zero} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<3x0xf32>
  return %0 : tensor<3x0xf32>
}

// CHECK-LABEL: @squeeze_6
// CHECK: nn.squeeze %{{.*}} : (tensor<1x3x1xf32>) -> tensor<3xf32>
func.func @squeeze_6(%x: tensor<1x3x1xf32>) -> tensor<3xf32> {
  %0 = nn.squeeze %x : (tensor<1x3x1xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: @squeeze_7
// CHECK: nn.squeeze %{{.*}}, %{{.*}} : (tensor<1x3x1xf32>, tensor<1xi64>) -> tensor<1x3xf32>
func.func @squeeze_7(%x: tensor<1x3x1xf32>) -> tensor<1x3xf32> {
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.squeeze %x, %a : (tensor<1x3x1xf32>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// CHECK-LABEL: @unsqueeze_8
// CHECK: nn.unsqueeze %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x2x1x3xf32>
func.func @unsqueeze_8(%x: tensor<2x3xf32>) -> tensor<1x2x1x3xf32> {
  %a = nn.constant dense<[0, 2]> : tensor<2xi64>
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x2x1x3xf32>
  return %0 : tensor<1x2x1x3xf32>
}

// CHECK-LABEL: @expand_9
// CHECK: nn.expand %{{.*}}, %{{.*}} : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
func.func @expand_9(%x: tensor<3x1xf32>) -> tensor<2x3x4xf32> {
  %s = nn.constant dense<[2, 1, 4]> : tensor<3xi64>
  %0 = nn.expand %x, %s : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}
