// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<5xf32>) -> tensor<1x3xi64> {
  %k = nn.constant dense<3> : tensor<1xi64>
  // expected-error @+2 {{'nn.argsort' op expects an operand of rank 3, found rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.argsort %x, %k : (tensor<5xf32>, tensor<1xi64>) -> tensor<1x3xi64>
  return %0 : tensor<1x3xi64>
}

// -----

func.func @f(%x: tensor<1x5x1xf32>, %k: tensor<1xi64>) -> tensor<1x3xi64> {
  // expected-error @+2 {{'nn.argsort' op expects a count of one element known before the program runs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.argsort %x, %k : (tensor<1x5x1xf32>, tensor<1xi64>) -> tensor<1x3xi64>
  return %0 : tensor<1x3xi64>
}

// -----

func.func @f(%x: tensor<1x5x1xf32>) -> tensor<1x6xi64> {
  %k = nn.constant dense<6> : tensor<1xi64>
  // expected-error @+2 {{'nn.argsort' op expects a count of at most 5, found 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.argsort %x, %k : (tensor<1x5x1xf32>, tensor<1xi64>) -> tensor<1x6xi64>
  return %0 : tensor<1x6xi64>
}

// -----

func.func @f(%x: tensor<1x5xi1>) -> tensor<3xi64> {
  %k = nn.constant dense<3> : tensor<1xi64>
  // expected-error @+2 {{'nn.positions' op expects a mask of rank 1, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.positions %x, %k : (tensor<1x5xi1>, tensor<1xi64>) -> tensor<3xi64>
  return %0 : tensor<3xi64>
}

// -----

func.func @f(%b: tensor<1x6x3xf32>, %s: tensor<1x1x6xf32>, %o: tensor<1x1x6xi64>, %m: tensor<1xi64>, %t: tensor<f32>) -> tensor<1x1x6xi64> {
  // expected-error @+2 {{'nn.suppress' op expects boxes [B, N, 4], scores [B, C, N] and their order}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.suppress %b, %s, %o, %m, %t, %t : (tensor<1x6x3xf32>, tensor<1x1x6xf32>, tensor<1x1x6xi64>, tensor<1xi64>, tensor<f32>, tensor<f32>) -> tensor<1x1x6xi64>
  return %0 : tensor<1x1x6xi64>
}

// -----

func.func @f(%b: tensor<1x6x4xf32>, %s: tensor<1x1x6xf32>, %o: tensor<1x1x6xi64>, %m: tensor<2xi64>, %t: tensor<f32>) -> tensor<1x1x6xi64> {
  // expected-error @+2 {{'nn.suppress' op expects limits of one element}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.suppress %b, %s, %o, %m, %t, %t : (tensor<1x6x4xf32>, tensor<1x1x6xf32>, tensor<1x1x6xi64>, tensor<2xi64>, tensor<f32>, tensor<f32>) -> tensor<1x1x6xi64>
  return %0 : tensor<1x1x6xi64>
}

// -----

func.func @f(%b: tensor<1x5x4xf32>, %s: tensor<1x1x6xf32>, %o: tensor<1x1x6xi64>, %m: tensor<1xi64>, %t: tensor<f32>) -> tensor<1x1x6xi64> {
  // expected-error @+2 {{'nn.suppress' op expects a score and a place in the order for each box}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.suppress %b, %s, %o, %m, %t, %t : (tensor<1x5x4xf32>, tensor<1x1x6xf32>, tensor<1x1x6xi64>, tensor<1xi64>, tensor<f32>, tensor<f32>) -> tensor<1x1x6xi64>
  return %0 : tensor<1x1x6xi64>
}
