// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @unpack
// CHECK: nn.unpack %{{.*}}, %{{.*}} {to = i4} : (tensor<8xui8>, tensor<2xi64>) -> tensor<3x5xi4>
func.func @unpack(%x: tensor<8xui8>) -> tensor<3x5xi4> {
  %shape = nn.constant dense<[3, 5]> : tensor<2xi64>
  %0 = nn.unpack %x, %shape {to = i4} : (tensor<8xui8>, tensor<2xi64>) -> tensor<3x5xi4>
  return %0 : tensor<3x5xi4>
}

// CHECK-LABEL: @pack
// CHECK: nn.pack %{{.*}} : (tensor<5xf6E2M3FN>) -> tensor<4xui8>
func.func @pack(%x: tensor<5xf6E2M3FN>) -> tensor<4xui8> {
  %0 = nn.pack %x : (tensor<5xf6E2M3FN>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}
