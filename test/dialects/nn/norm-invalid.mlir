// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.softmax' op expects an axis from -2 to 1, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.softmax %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.lp_norm' op expects p of 1 or 2, found 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.lp_norm %x {axis = 1 : i64, p = 3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<4xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.layer_norm' op expects operands that broadcast, found sizes 3 and 4 in dim 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.layer_norm %x, %s {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<4x2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.rms_norm' op expects an operand of at most 2 dims, found 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.rms_norm %x, %s {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x3xf32>, tensor<4x2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{'nn.instance_norm' op expects an operand of rank 2 or more, found rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.instance_norm %x, %x, %x {epsilon = 1.0e-5 : f32} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.instance_norm' op expects parameters of rank 1, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.instance_norm %x, %x, %x {epsilon = 1.0e-5 : f32} : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<4xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.batch_norm' op expects parameters of 3 channels, found 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.batch_norm %x, %s, %s, %s, %s {epsilon = 1.0e-5 : f32} : (tensor<2x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.group_norm' op expects groups that divide the channels, found 2 groups}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.group_norm %x, %s, %s {groups = 2 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.mean_variance' op expects distinct axes, found 1 twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.mean_variance %x {axes = array<i64: 1, -1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+2 {{'nn.lrn' op expects an operand of rank 2 or more, found rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.lrn %x {size = 3 : i64, alpha = 1.0 : f32, beta = 0.75 : f32, bias = 1.0 : f32} : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.lrn' op expects a size of 1 or more, found -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.lrn %x {size = -1 : i64, alpha = 1.0 : f32, beta = 0.75 : f32, bias = 1.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
