// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2xi8>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<2xf32> {
  // expected-error @+2 {{'nn.dequantize' op expects a zero point of the operand's element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.dequantize %x, %s, %z : (tensor<2xi8>, tensor<f32>, tensor<ui8>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
