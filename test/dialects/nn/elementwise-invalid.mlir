// RUN: %nncc-opt %s -verify-diagnostics

func.func @f(%x: tensor<2xf32>) -> tensor<2xi64> {
  // expected-error @+1 {{'nn.bitcast' op expects a type of the width of 'f32', found 'i64'}}
  %0 = nn.bitcast %x {to = i64} : (tensor<2xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}
