// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @transpose_0
// CHECK: nn.transpose %{{.*}} {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xui8>) -> tensor<4x2x3xui8>
func.func @transpose_0(%x: tensor<2x3x4xui8>) -> tensor<4x2x3xui8> {
  %0 = nn.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xui8>) -> tensor<4x2x3xui8>
  return %0 : tensor<4x2x3xui8>
}

// CHECK-LABEL: @concat_1
// CHECK: nn.concat %{{.*}}, %{{.*}} {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
func.func @concat_1(%x: tensor<2x3xf32>, %y: tensor<2x5xf32>) -> tensor<2x8xf32> {
  %0 = nn.concat %x, %y {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// CHECK-LABEL: @slice_2
// CHECK: nn.slice %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
func.func @slice_2(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  %s = nn.constant dense<-1> : tensor<1xi64>
  %e = nn.constant dense<-100> : tensor<1xi64>
  %a = nn.constant dense<1> : tensor<1xi64>
  %t = nn.constant dense<-2> : tensor<1xi64>
  %0 = nn.slice %x, %s, %e, %a, %t : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// CHECK-LABEL: @slice_3
// CHECK: nn.slice %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xf32>
func.func @slice_3(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %s = nn.constant dense<1> : tensor<1xi64>
  %e = nn.constant dense<9223372036854775807> : tensor<1xi64>
  %a = nn.constant dense<1> : tensor<1xi64>
  %t = nn.constant dense<1> : tensor<1xi64>
  %0 = nn.slice %x, %s, %e, %a, %t : (tensor<?x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}

// CHECK-LABEL: @pad_4
// CHECK: nn.pad constant %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x2xf32>
func.func @pad_4(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<3x2xf32> {
  %p = nn.constant dense<[1, 0, 0, -1]> : tensor<4xi64>
  %0 = nn.pad constant %x, %p, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// CHECK-LABEL: @pad_5
// CHECK: nn.pad wrap %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>, tensor<1xf32>, tensor<1xi64>) -> tensor<2x6xf32>
func.func @pad_5(%x: tensor<2x3xf32>, %v: tensor<1xf32>) -> tensor<2x6xf32> {
  %p = nn.constant dense<[1, 2]> : tensor<2xi64>
  %a = nn.constant dense<-1> : tensor<1xi64>
  %0 = nn.pad wrap %x, %p, %v, %a : (tensor<2x3xf32>, tensor<2xi64>, tensor<1xf32>, tensor<1xi64>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// CHECK-LABEL: @pad_6
// CHECK: nn.pad reflect %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x5xf32>
func.func @pad_6(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<3x5xf32> {
  %p = nn.constant dense<[1, 1, 0, 1]> : tensor<4xi64>
  %0 = nn.pad reflect %x, %p, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: @pad_7
// CHECK: nn.pad edge %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x5xf32>
func.func @pad_7(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<3x5xf32> {
  %p = nn.constant dense<[1, 1, 0, 1]> : tensor<4xi64>
  %0 = nn.pad edge %x, %p, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: @tile_8
// CHECK: nn.tile %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x3xf32>
func.func @tile_8(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %r = nn.constant dense<[2, 1]> : tensor<2xi64>
  %0 = nn.tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// CHECK-LABEL: @depth_to_space_9
// CHECK: nn.depth_to_space %{{.*}} {block = 2 : i64, column_major} : (tensor<1x8x2x3xf32>) -> tensor<1x2x4x6xf32>
func.func @depth_to_space_9(%x: tensor<1x8x2x3xf32>) -> tensor<1x2x4x6xf32> {
  %0 = nn.depth_to_space %x {block = 2 : i64, column_major} : (tensor<1x8x2x3xf32>) -> tensor<1x2x4x6xf32>
  return %0 : tensor<1x2x4x6xf32>
}

// CHECK-LABEL: @space_to_depth_10
// CHECK: nn.space_to_depth %{{.*}} {block = 2 : i64} : (tensor<?x2x4x6xf32>) -> tensor<?x8x2x3xf32>
func.func @space_to_depth_10(%x: tensor<?x2x4x6xf32>) -> tensor<?x8x2x3xf32> {
  %0 = nn.space_to_depth %x {block = 2 : i64} : (tensor<?x2x4x6xf32>) -> tensor<?x8x2x3xf32>
  return %0 : tensor<?x8x2x3xf32>
}

// CHECK-LABEL: @slice_at
// CHECK: nn.slice_at %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xf32>
func.func @slice_at(%x: tensor<4x5xf32>, %s: tensor<2xi64>) -> tensor<2x3xf32> {
  %n = nn.constant dense<[2, 3]> : tensor<2xi64>
  %0 = nn.slice_at %x, %s, %s, %n : (tensor<4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
