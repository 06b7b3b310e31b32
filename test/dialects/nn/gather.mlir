// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @gather_0
// CHECK: nn.gather %{{.*}}, %{{.*}} {axis = -1 : i64} : (tensor<2x3xf32>, tensor<4x5xi32>) -> tensor<2x4x5xf32>
func.func @gather_0(%x: tensor<2x3xf32>, %i: tensor<4x5xi32>) -> tensor<2x4x5xf32> {
  %0 = nn.gather %x, %i {axis = -1 : i64} : (tensor<2x3xf32>, tensor<4x5xi32>) -> tensor<2x4x5xf32>
  return %0 : tensor<2x4x5xf32>
}

// CHECK-LABEL: @gather_elements_1
// CHECK: nn.gather_elements %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>, tensor<1x3xi64>) -> tensor<1x3xf32>
func.func @gather_elements_1(%x: tensor<2x3xf32>, %i: tensor<1x3xi64>) -> tensor<1x3xf32> {
  %0 = nn.gather_elements %x, %i {axis = 0 : i64} : (tensor<2x3xf32>, tensor<1x3xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// CHECK-LABEL: @gather_nd_2
// CHECK: nn.gather_nd %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<4x3xf32>
func.func @gather_nd_2(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>) -> tensor<4x3xf32> {
  %0 = nn.gather_nd %x, %i : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: @gather_nd_3
// CHECK: nn.gather_nd %{{.*}}, %{{.*}} {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<2x4x1xi64>) -> tensor<2x4xf32>
func.func @gather_nd_3(%x: tensor<2x3xf32>, %i: tensor<2x4x1xi64>) -> tensor<2x4xf32> {
  %0 = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<2x4x1xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: @scatter_elements_4
// CHECK: nn.scatter_elements replace %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
func.func @scatter_elements_4(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  %0 = nn.scatter_elements replace %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @scatter_elements_5
// CHECK: nn.scatter_elements add %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
func.func @scatter_elements_5(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  %0 = nn.scatter_elements add %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @scatter_elements_6
// CHECK: nn.scatter_elements mul %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
func.func @scatter_elements_6(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  %0 = nn.scatter_elements mul %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @scatter_elements_7
// CHECK: nn.scatter_elements max %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
func.func @scatter_elements_7(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  %0 = nn.scatter_elements max %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @scatter_elements_8
// CHECK: nn.scatter_elements min %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
func.func @scatter_elements_8(%x: tensor<2x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  %0 = nn.scatter_elements min %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1x2xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: @scatter_nd_9
// CHECK: nn.scatter_nd add %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4x1xi64>, tensor<4x3xf32>) -> tensor<2x3xf32>
func.func @scatter_nd_9(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>, %u: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %0 = nn.scatter_nd add %x, %i, %u : (tensor<2x3xf32>, tensor<4x1xi64>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
