// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<1x2xf32>, %g: tensor<1x2xf32>) -> tensor<1x2xf32> {
  // expected-error @+2 {{'nn.grid_sample' op expects an input of rank 3 or more and a grid of the same rank, found 2 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.grid_sample linear zeros %x, %g : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %g: tensor<1x3x4x3xf32>) -> tensor<1x2x3x4xf32> {
  // expected-error @+2 {{'nn.grid_sample' op expects a grid of 2 coordinates}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.grid_sample linear zeros %x, %g : (tensor<1x2x5x6xf32>, tensor<1x3x4x3xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %g: tensor<2x3x4x2xf32>) -> tensor<1x2x3x4xf32> {
  // expected-error @+2 {{'nn.grid_sample' op expects an input and a grid of one batch}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.grid_sample linear zeros %x, %g : (tensor<1x2x5x6xf32>, tensor<2x3x4x2xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %r: tensor<3x5xf32>, %b: tensor<3xi64>) -> tensor<3x2x7x8xf32> {
  // expected-error @+2 {{'nn.roi_align' op expects an input of rank 4, rois of shape [R, 4] and batch indices of rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.roi_align %x, %r, %b {height = 7 : i64, width = 8 : i64, samples = 2 : i64, scale = 0.5 : f32} : (tensor<1x2x5x6xf32>, tensor<3x5xf32>, tensor<3xi64>) -> tensor<3x2x7x8xf32>
  return %0 : tensor<3x2x7x8xf32>
}

// -----

func.func @f(%x: tensor<1x2x5x6xf32>, %r: tensor<3x4xf32>, %b: tensor<3xi64>) -> tensor<3x2x7x8xf32> {
  // expected-error @+2 {{'nn.roi_align' op expects a positive height, width and number of samples}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.roi_align %x, %r, %b {height = 7 : i64, width = 8 : i64, samples = 0 : i64, scale = 0.5 : f32} : (tensor<1x2x5x6xf32>, tensor<3x4xf32>, tensor<3xi64>) -> tensor<3x2x7x8xf32>
  return %0 : tensor<3x2x7x8xf32>
}

// -----

func.func @f(%x: tensor<4x2xf32>, %l: tensor<2xi64>) -> tensor<4x2xf32> {
  // expected-error @+2 {{'nn.reverse_sequence' op expects two different axes of the operand, found 1 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reverse_sequence %x, %l {batch_axis = 1 : i64, time_axis = 1 : i64} : (tensor<4x2xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @f(%x: tensor<4x2xf32>, %l: tensor<4xi64>) -> tensor<4x2xf32> {
  // expected-error @+2 {{'nn.reverse_sequence' op expects one length for each element of axis 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reverse_sequence %x, %l {batch_axis = 1 : i64, time_axis = 0 : i64} : (tensor<4x2xf32>, tensor<4xi64>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @f(%c: tensor<2x8xf32>, %u: tensor<2x3xf16>, %s: tensor<2xi64>) -> tensor<2x8xf32> {
  // expected-error @+2 {{'nn.cache_update' op expects a cache and an update of one element type and rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.cache_update %c, %u, %s {axis = 1 : i64} : (tensor<2x8xf32>, tensor<2x3xf16>, tensor<2xi64>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @f(%c: tensor<2x8xf32>, %u: tensor<2x3xf32>, %s: tensor<2xi64>) -> tensor<2x8xf32> {
  // expected-error @+2 {{'nn.cache_update' op expects an axis behind the batch, found 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.cache_update %c, %u, %s {axis = 0 : i64} : (tensor<2x8xf32>, tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @f(%c: tensor<2x8xf32>, %u: tensor<2x9xf32>, %s: tensor<2xi64>) -> tensor<2x8xf32> {
  // expected-error @+2 {{'nn.cache_update' op expects an update that fits the cache, found sizes 9 and 8 in dim 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.cache_update %c, %u, %s {axis = 1 : i64} : (tensor<2x8xf32>, tensor<2x9xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @f(%c: tensor<2x8xf32>, %u: tensor<2x3xf32>, %s: tensor<1xi64>) -> tensor<2x8xf32> {
  // expected-error @+2 {{'nn.cache_update' op expects one start for each element of the batch}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.cache_update %c, %u, %s {axis = 1 : i64} : (tensor<2x8xf32>, tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @f(%x: tensor<1x8x15xf32>) -> tensor<1x2x5x5xf32> {
  %i = nn.constant dense<5> : tensor<2xi64>
  %k = nn.constant dense<2> : tensor<2xi64>
  // expected-error @+2 {{'nn.col2im' op expects 16 windows, found 15}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.col2im %x, %i, %k {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x15xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x5x5xf32>
  return %0 : tensor<1x2x5x5xf32>
}

// -----

func.func @f(%x: tensor<1x7x16xf32>) -> tensor<1x2x5x5xf32> {
  %i = nn.constant dense<5> : tensor<2xi64>
  %k = nn.constant dense<2> : tensor<2xi64>
  // expected-error @+2 {{'nn.col2im' op expects a multiple of 4 rows, found 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.col2im %x, %i, %k {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x7x16xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x5x5xf32>
  return %0 : tensor<1x2x5x5xf32>
}

// -----

func.func @f(%x: tensor<8x16xf32>) -> tensor<1x2x5x5xf32> {
  %i = nn.constant dense<5> : tensor<2xi64>
  %k = nn.constant dense<2> : tensor<2xi64>
  // expected-error @+2 {{'nn.col2im' op expects columns of rank 3, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.col2im %x, %i, %k {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<8x16xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x5x5xf32>
  return %0 : tensor<1x2x5x5xf32>
}

// -----

func.func @f(%x: tensor<1x8x16xf32>, %i: tensor<2xi64>, %k: tensor<2xi64>) -> tensor<1x2x5x5xf32> {
  // expected-error @+2 {{'nn.col2im' op expects an image and a kernel of sizes known before the program runs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.col2im %x, %i, %k {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x16xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x5x5xf32>
  return %0 : tensor<1x2x5x5xf32>
}
