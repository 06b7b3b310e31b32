// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  %s = nn.constant dense<[[6]]> : tensor<1x1xi64>
  // expected-error @+2 {{'nn.reshape' op expects a shape of rank 1, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<1x1xi64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xi64>) -> tensor<6xf32> {
  // expected-error @+2 {{'nn.reshape' op expects a shape known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  %s = nn.constant dense<[-2]> : tensor<1xi64>
  // expected-error @+2 {{'nn.reshape' op expects sizes of -1 or more, found -2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %s = nn.constant dense<[-1, -1]> : tensor<2xi64>
  // expected-error @+2 {{'nn.reshape' op expects one size of -1, found two}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3x1xf32> {
  %s = nn.constant dense<[2, 3, 0]> : tensor<3xi64>
  // expected-error @+2 {{'nn.reshape' op expects a size for dim 2, which the operand does not have}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<2x3x1xf32>
  return %0 : tensor<2x3x1xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<4x1xf32> {
  %s = nn.constant dense<[4, -1]> : tensor<2xi64>
  // expected-error @+2 {{'nn.reshape' op expects a shape whose other sizes divide the number of elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %s = nn.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+2 {{'nn.reshape' op expects a shape of 6 elements, found one of 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<3xf32> {
  %a = nn.constant dense<[0]> : tensor<1xi64>
  // expected-error @+2 {{'nn.squeeze' op expects a size of 1 in dim 0, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.squeeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<1xi64>) -> tensor<1x2x3xf32> {
  // expected-error @+2 {{'nn.unsqueeze' op expects axes known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<1x2x3xf32>
  return %0 : tensor<1x2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<1x2x3xf32> {
  %a = nn.constant dense<[[0]]> : tensor<1x1xi64>
  // expected-error @+2 {{'nn.unsqueeze' op expects axes of rank 1, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<1x1xi64>) -> tensor<1x2x3xf32>
  return %0 : tensor<1x2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3x1xf32> {
  %a = nn.constant dense<[3]> : tensor<1xi64>
  // expected-error @+2 {{'nn.unsqueeze' op expects an axis from -3 to 2, found 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x3x1xf32>
  return %0 : tensor<2x3x1xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<1x1x2x3xf32> {
  %a = nn.constant dense<[0, -4]> : tensor<2xi64>
  // expected-error @+2 {{'nn.unsqueeze' op expects distinct axes, found 0 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.unsqueeze %x, %a : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x1x2x3xf32>
  return %0 : tensor<1x1x2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %s = nn.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+2 {{'nn.expand' op expects operands that broadcast, found sizes 3 and 4 in dim 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.expand %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %s = nn.constant dense<3> : tensor<i64>
  // expected-error @+2 {{'nn.expand' op expects a shape of rank 1, found rank 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.expand %x, %s : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<2xi64>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.expand' op expects a shape known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.expand %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<1xf32>) -> tensor<5xf32> {
  %s = nn.constant dense<[-5]> : tensor<1xi64>
  // expected-error @+2 {{'nn.expand' op expects sizes of 0 or more, found -5 in dim 0 of its result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.expand %x, %s : (tensor<1xf32>, tensor<1xi64>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @f(%x: tensor<1xf32>) -> tensor<16777216x16777216xf32> {
  %s = nn.constant dense<[16777216, 16777216]> : tensor<2xi64>
  // expected-error @+2 {{'nn.expand' op expects a result of less than 2^48 bytes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.expand %x, %s : (tensor<1xf32>, tensor<2xi64>) -> tensor<16777216x16777216xf32>
  return %0 : tensor<16777216x16777216xf32>
}
