// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @count() -> tensor<3xi64> {
  // expected-error @+1 {{'nn.sizes' op expects as many expressions over symbols as there are elements}}
  %0 = nn.sizes affine_map<()[s0] -> (s0, 12)> as tensor<3xi64>
  return %0 : tensor<3xi64>
}

// -----

func.func @dims() -> tensor<1xi64> {
  // expected-error @+1 {{'nn.sizes' op expects as many expressions over symbols as there are elements}}
  %0 = nn.sizes affine_map<(d0) -> (d0)> as tensor<1xi64>
  return %0 : tensor<1xi64>
}
