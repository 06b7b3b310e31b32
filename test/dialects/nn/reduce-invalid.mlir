// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>, %a: tensor<1xi64>) -> tensor<2xf32> {
  // expected-error @+2 {{'nn.reduce' op expects axes known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reduce sum %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %a = nn.constant dense<[-3]> : tensor<1xi64>
  // expected-error @+2 {{'nn.reduce' op expects an axis from -2 to 1, found -3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reduce sum %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %a = nn.constant dense<[1, -1]> : tensor<2xi64>
  // expected-error @+2 {{'nn.reduce' op expects distinct axes, found 1 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reduce sum %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  // expected-error @+2 {{'nn.arg_reduce' op expects an axis from -2 to 1, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.arg_reduce max %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

func.func @f(%x: tensor<2x0xf32>) -> tensor<2xi64> {
  // expected-error @+2 {{'nn.arg_reduce' op expects elements to choose from, found none in dim 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.arg_reduce max %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<2xi64>
  return %0 : tensor<2xi64>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<i64>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.cumsum' op expects axis known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.cumsum %x, %a : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %a = nn.constant dense<[0, 1]> : tensor<2xi64>
  // expected-error @+2 {{'nn.cumsum' op expects one axis, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.cumsum %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
