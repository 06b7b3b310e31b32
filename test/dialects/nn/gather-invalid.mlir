// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %i: tensor<4xi64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{'nn.gather' op expects an axis from -2 to 1, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather %x, %i {axis = 2 : i64} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %i = nn.constant dense<[3]> : tensor<1xi64>
  // expected-error @+2 {{'nn.gather' op expects indices from -3 to 2, found 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  // expected-error @+2 {{'nn.gather_elements' op expects data and indices of one rank, found 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather_elements %x, %i {axis = 0 : i64} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<2x4xi64>) -> tensor<2x4xf32> {
  // expected-error @+2 {{'nn.gather_elements' op expects indices of at most 3 elements in dim 1, found 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather_elements %x, %i {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1xi64>) -> tensor<3xf32> {
  // expected-error @+2 {{'nn.gather_nd' op expects data and indices of more dims than the batch, found 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<?xi64, affine_map<()[s0] -> (s0)>>) -> tensor<3xf32> attributes {nn.dims = ["n"]} {
  // expected-error @+2 {{'nn.gather_nd' op expects index tuples of a length that is known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather_nd %x, %i : (tensor<2x3xf32>, tensor<?xi64, affine_map<()[s0] -> (s0)>>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<3xi64>) -> tensor<f32> {
  // expected-error @+2 {{'nn.gather_nd' op expects index tuples of 1 to 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather_nd %x, %i : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>) -> tensor<4xf32> {
  // expected-error @+2 {{'nn.gather_nd' op expects data and indices of one size in batch dim 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1x3xi64>, %u: tensor<1x3xf64>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.scatter_elements' op expects data and updates of one element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter_elements add %x, %i, %u {axis = 0 : i64} : (tensor<2x3xf32>, tensor<1x3xi64>, tensor<1x3xf64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %i: tensor<1x1xi64>, %u: tensor<1x2xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.scatter_nd' op expects updates of the shape that the indices give}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter_nd replace %x, %i, %u : (tensor<2x3xf32>, tensor<1x1xi64>, tensor<1x2xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xcomplex<f32>>, %i: tensor<1x3xi64>, %u: tensor<1x3xcomplex<f32>>) -> tensor<2x3xcomplex<f32>> {
  // expected-error @+2 {{replaces elements of type complex64, but does not compute with them}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter_elements add %x, %i, %u {axis = 0 : i64} : (tensor<2x3xcomplex<f32>>, tensor<1x3xi64>, tensor<1x3xcomplex<f32>>) -> tensor<2x3xcomplex<f32>>
  return %0 : tensor<2x3xcomplex<f32>>
}
