// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<3x64xf32>, %w: tensor<2x592xi8>) -> tensor<3x20xf32> {
  // expected-error @+2 {{'nn.matmul_packed' op expects 4, 8 or 16 bits, found 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul_packed %x, %w {bits = 5 : i64, block = 64 : i64, columns = 20 : i64} : (tensor<3x64xf32>, tensor<2x592xi8>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}

// -----

func.func @f(%x: tensor<3x64xf32>, %w: tensor<2x592xi8>) -> tensor<3x20xf32> {
  // expected-error @+2 {{'nn.matmul_packed' op expects positive sizes below 2^31}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul_packed %x, %w {bits = 4 : i64, block = 0 : i64, columns = 20 : i64} : (tensor<3x64xf32>, tensor<2x592xi8>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}

// -----

func.func @f(%x: tensor<3x64xf32>, %w: tensor<2x592xi8>) -> tensor<3x20xf32> {
  // expected-error @+2 {{'nn.matmul_packed' op expects packed weights of other sizes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul_packed %x, %w {bits = 4 : i64, block = 32 : i64, columns = 20 : i64} : (tensor<3x64xf32>, tensor<2x592xi8>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}

// -----

func.func @f(%x: tensor<3x64xf32>, %w: tensor<2x592xui8>) -> tensor<3x20xf32> {
  // expected-error @+2 {{'nn.matmul_packed' op expects weights of bf16, or of i8 for 4 and 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul_packed %x, %w {bits = 4 : i64, block = 64 : i64, columns = 20 : i64} : (tensor<3x64xf32>, tensor<2x592xui8>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}

// -----

func.func @f(%x: tensor<3x64xf32>, %w: tensor<2x64x16xf32>) -> tensor<3x20xf32> {
  // expected-error @+2 {{'nn.matmul_packed' op expects weights of bf16, or of i8 for 4 and 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul_packed %x, %w {bits = 16 : i64, block = 1 : i64, columns = 20 : i64} : (tensor<3x64xf32>, tensor<2x64x16xf32>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}

// -----

func.func @f(%x: tensor<3x64xf32>, %w: tensor<2x1552xi8>) -> tensor<3x20xf32> {
  // expected-error @+2 {{'nn.matmul_packed' op expects an even number of rows of 4 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul_packed %x, %w {bits = 4 : i64, block = 5 : i64, columns = 20 : i64} : (tensor<3x64xf32>, tensor<2x1552xi8>) -> tensor<3x20xf32>
  return %0 : tensor<3x20xf32>
}
