// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f() -> tensor<2xf32> {
  %shape = nn.constant dense<[2]> : tensor<1xi64>
  // expected-error @+2 {{'nn.random' op expects a type of floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.random uniform %shape {seed = 0 : i64, to = i32} : (tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f() -> tensor<2xf32> {
  %shape = nn.constant dense<[-2]> : tensor<1xi64>
  // expected-error @+2 {{'nn.random' op expects sizes of 0 or more, found -2 in dim 0 of its result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.random uniform %shape {seed = 0 : i64, to = f32} : (tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f() -> tensor<2xf32> {
  %shape = nn.constant dense<2> : tensor<i64>
  // expected-error @+2 {{'nn.random' op expects a shape of rank 1, found rank 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.random uniform %shape {seed = 0 : i64, to = f32} : (tensor<i64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%shape: tensor<1xi64>) -> tensor<2xf32> {
  // expected-error @+2 {{'nn.random' op expects a shape known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.random uniform %shape {seed = 0 : i64, to = f32} : (tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
