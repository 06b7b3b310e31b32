// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.attention' op expects query, key and value of rank 4, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %x, %x, %x {scale = 1.0 : f32} : (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf64>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects query, key and value of one element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %k, %q {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x8xf64>, tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<2x4x5x8xf32>, %v: tensor<2x4x5x8xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects one batch size, found 1 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x3x5x8xf32>, %v: tensor<1x3x5x8xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects heads of the query that are a multiple of those of the key}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x2x5x8xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects key and value of as many heads, found 4 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x2x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x7xf32>, %v: tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects query and key of one depth, found 8 and 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x7xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %k: tensor<1x4x6x8xf32>, %v: tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects as many keys as values, found 6 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x6x8xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %m: tensor<6xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects operands that broadcast, found sizes 5 and 6 in dim 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %q, %q, %m {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<6xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %m: tensor<2x1x1x1xf32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects operands that broadcast, found sizes 1 and 2 in dim 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %q, %q, %m {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<2x1x1x1xf32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}

// -----

func.func @f(%q: tensor<1x4x5x8xf32>, %m: tensor<5xi32>) -> tensor<1x4x5x8xf32> {
  // expected-error @+2 {{'nn.attention' op expects a mask of bools or floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.attention %q, %q, %q, %m {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<5xi32>) -> tensor<1x4x5x8xf32>
  return %0 : tensor<1x4x5x8xf32>
}
