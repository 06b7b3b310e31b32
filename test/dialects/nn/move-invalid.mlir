// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  // expected-error @+2 {{'nn.transpose' op expects a permutation of 2 dims}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.transpose %x {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @f() -> tensor<2xf32> {
  // expected-error @+2 {{'nn.concat' op expects one operand or more}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.concat"() {axis = 0 : i64} : () -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %y: tensor<2x3xf64>) -> tensor<4x3xf32> {
  // expected-error @+2 {{'nn.concat' op expects operands of one element type, found float and double}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> tensor<3x3xf32> {
  // expected-error @+2 {{'nn.concat' op expects operands of one rank, found 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error @+2 {{'nn.concat' op expects operands of one size in dim 1, found 3 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.concat' op expects an axis from -2 to 1, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<1xi64>) -> tensor<1x3xf32> {
  %o = nn.constant dense<[1]> : tensor<1xi64>
  // expected-error @+2 {{'nn.slice' op expects axes known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %x, %o, %o, %a, %o : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<1xi64>) -> tensor<1x3xf32> {
  %o = nn.constant dense<[1]> : tensor<1xi64>
  // expected-error @+2 {{'nn.slice' op expects steps known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %x, %o, %o, %o, %a : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %a: tensor<1xi64>) -> tensor<1x3xf32> {
  %o = nn.constant dense<[1]> : tensor<1xi64>
  // expected-error @+2 {{'nn.slice' op expects starts and ends known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %x, %a, %o, %o, %o : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<1x3xf32> {
  %o = nn.constant dense<[1]> : tensor<1xi64>
  %two = nn.constant dense<[1, 2]> : tensor<2xi64>
  // expected-error @+2 {{'nn.slice' op expects a start, an end and a step for each of 1 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %x, %two, %two, %o, %o : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<1x3xf32> {
  %o = nn.constant dense<[1]> : tensor<1xi64>
  %z = nn.constant dense<[0]> : tensor<1xi64>
  // expected-error @+2 {{'nn.slice' op expects steps other than 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %x, %o, %o, %o, %z : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @f(%x: tensor<4x3xf32>, %t: tensor<1xi64>) -> tensor<1x3xf32> {
  %o = nn.constant dense<[1]> : tensor<1xi64>
  %z = nn.constant dense<[0]> : tensor<1xi64>
  // expected-error @+2 {{'nn.slice' op expects starts and ends known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %x, %o, %t, %z, %o : (tensor<4x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %p: tensor<4xi64>, %v: tensor<f32>) -> tensor<3x4xf32> {
  // expected-error @+2 {{'nn.pad' op expects pads known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad constant %x, %p, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<3x4xf32> {
  %p = nn.constant dense<[1, 1]> : tensor<2xi64>
  // expected-error @+2 {{'nn.pad' op expects 4 pads, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad constant %x, %p, %v : (tensor<2x3xf32>, tensor<2xi64>, tensor<f32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %v: tensor<2xf32>) -> tensor<3x4xf32> {
  %p = nn.constant dense<[1, 1, 0, 0]> : tensor<4xi64>
  // expected-error @+2 {{'nn.pad' op expects one value of the operand's element type to pad with}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad constant %x, %p, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<2xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @f(%x: tensor<0xf32>, %v: tensor<f32>) -> tensor<1xf32> {
  %p = nn.constant dense<[1, 0]> : tensor<2xi64>
  // expected-error @+2 {{'nn.pad' op expects elements to repeat in dim 0, found none}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad edge %x, %p, %v : (tensor<0xf32>, tensor<2xi64>, tensor<f32>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %v: tensor<f32>) -> tensor<2x3xf32> {
  %p = nn.constant dense<[-3, 0, 0, 0]> : tensor<4xi64>
  // expected-error @+2 {{'nn.pad' op expects sizes of 0 or more, found -1 in dim 0 of its result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad constant %x, %p, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %r: tensor<2xi64>) -> tensor<4x3xf32> {
  // expected-error @+2 {{'nn.tile' op expects repeats known before the program runs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %r = nn.constant dense<[2]> : tensor<1xi64>
  // expected-error @+2 {{'nn.tile' op expects 2 repeats, found 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.tile %x, %r : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %r = nn.constant dense<[-1, 1]> : tensor<2xi64>
  // expected-error @+2 {{'nn.tile' op expects repeats of 0 or more, found -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.depth_to_space' op expects an operand of rank 4, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.depth_to_space %x {block = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<1x6x4x5xf32>) -> tensor<1x6x4x5xf32> {
  // expected-error @+2 {{'nn.depth_to_space' op expects a block of 1 or more, found 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.depth_to_space %x {block = 0 : i64} : (tensor<1x6x4x5xf32>) -> tensor<1x6x4x5xf32>
  return %0 : tensor<1x6x4x5xf32>
}

// -----

func.func @f(%x: tensor<1x6x4x5xf32>) -> tensor<1x1x8x10xf32> {
  // expected-error @+2 {{'nn.depth_to_space' op expects channels that are a multiple of 4, found 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.depth_to_space %x {block = 2 : i64} : (tensor<1x6x4x5xf32>) -> tensor<1x1x8x10xf32>
  return %0 : tensor<1x1x8x10xf32>
}

// -----

func.func @f(%x: tensor<1x6x4x5xf32>) -> tensor<1x24x2x2xf32> {
  // expected-error @+2 {{'nn.space_to_depth' op expects sizes that are a multiple of 2, found 5 in dim 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.space_to_depth %x {block = 2 : i64} : (tensor<1x6x4x5xf32>) -> tensor<1x24x2x2xf32>
  return %0 : tensor<1x24x2x2xf32>
}

// -----

func.func @f(%x: tensor<2xf32>, %v: tensor<f32>) -> tensor<2xf32> {
  %p = nn.constant dense<[4611686018427387904, -4611686018427387904]> : tensor<2xi64>
  // expected-error @+2 {{'nn.pad' op expects pads from -1099511627776 to 1099511627776, found 4611686018427387904}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad constant %x, %p, %v : (tensor<2xf32>, tensor<2xi64>, tensor<f32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @f(%x: tensor<4x5xf32>, %s: tensor<1xi64>) -> tensor<2x3xf32> {
  %n = nn.constant dense<[2, 3]> : tensor<2xi64>
  // expected-error @+2 {{'nn.slice_at' op expects a start, a step and a size for each of 2 dims}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice_at %x, %s, %n, %n : (tensor<4x5xf32>, tensor<1xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<4x5xf32>, %s: tensor<2xi64>) -> tensor<2x3xf32> {
  // expected-error @+2 {{'nn.slice_at' op expects sizes known before the program runs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice_at %x, %s, %s, %s : (tensor<4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @f(%x: tensor<0xf32>, %s: tensor<1xi64>) -> tensor<2xf32> {
  %n = nn.constant dense<2> : tensor<1xi64>
  // expected-error @+2 {{'nn.slice_at' op expects elements to take in dim 0, found none}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice_at %x, %s, %s, %n : (tensor<0xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
