// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @quantize_0
// CHECK: nn.quantize %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xui8>) -> tensor<2x3xui8>
func.func @quantize_0(%x: tensor<2x3xf32>, %s: tensor<3xf32>, %z: tensor<3xui8>) -> tensor<2x3xui8> {
  %0 = nn.quantize %x, %s, %z : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xui8>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// CHECK-LABEL: @dequantize_1
// CHECK: nn.dequantize %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xi8>, tensor<f16>, tensor<i8>) -> tensor<2x3xf16>
func.func @dequantize_1(%x: tensor<2x3xi8>, %s: tensor<f16>, %z: tensor<i8>) -> tensor<2x3xf16> {
  %0 = nn.dequantize %x, %s, %z : (tensor<2x3xi8>, tensor<f16>, tensor<i8>) -> tensor<2x3xf16>
  return %0 : tensor<2x3xf16>
}
