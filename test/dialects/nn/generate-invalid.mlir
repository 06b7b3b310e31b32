// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%a: tensor<i64>, %b: tensor<i32>) -> tensor<4xi64> {
  // expected-error @+2 {{'nn.range' op expects three scalars of one element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.range %a, %b, %a : (tensor<i64>, tensor<i32>, tensor<i64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

func.func @f(%a: tensor<i64>) -> tensor<4xi64> {
  // expected-error @+2 {{'nn.range' op expects start, limit and delta known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.range %a, %a, %a : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}

// -----

func.func @f() -> tensor<0xi64> {
  %z = nn.constant dense<0> : tensor<i64>
  // expected-error @+2 {{'nn.range' op expects a delta other than 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.range %z, %z, %z : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<0xi64>
  return %0 : tensor<0xi64>
}

// -----

func.func @f() -> tensor<0xf64> {
  %z = nn.constant dense<0.0> : tensor<f64>
  %l = nn.constant dense<1.0> : tensor<f64>
  %d = nn.constant dense<1.0e-300> : tensor<f64>
  // expected-error @+2 {{'nn.range' op expects a finite number of elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.range %z, %l, %d : (tensor<f64>, tensor<f64>, tensor<f64>) -> tensor<0xf64>
  return %0 : tensor<0xf64>
}

// -----

func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{'nn.eye_like' op expects an operand of rank 2, found rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.eye_like %x {to = f32} : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.eye_like' op expects a type of numbers}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.eye_like %x {to = index} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{'nn.trilu' op expects an operand of rank 2 or more, found rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.trilu %x : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %k: tensor<2xi64>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.trilu' op expects a scalar k}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.trilu %x, %k : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%i: tensor<3xi64>, %v: tensor<3xf32>) -> tensor<4x3xf32> {
  %d = nn.constant dense<4> : tensor<i64>
  // expected-error @+2 {{'nn.one_hot' op expects two values}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.one_hot %i, %d, %v {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%i: tensor<3xi64>, %d: tensor<i64>, %v: tensor<2xf32>) -> tensor<4x3xf32> {
  // expected-error @+2 {{'nn.one_hot' op expects a scalar depth known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.one_hot %i, %d, %v {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%i: tensor<3xi64>, %v: tensor<2xf32>) -> tensor<4x3xf32> {
  %d = nn.constant dense<0> : tensor<i64>
  // expected-error @+2 {{'nn.one_hot' op expects a depth of 1 or more}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.one_hot %i, %d, %v {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>, tensor<2xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
