// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  // expected-error @+2 {{'nn.resize' op expects scales or sizes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %s = nn.constant dense<[2.0]> : tensor<1xf32>
  // expected-error @+2 {{'nn.resize' op expects a roi of 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear tf_crop_and_resize floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xf32>) -> tensor<2x6xf32> {
  // expected-error @+2 {{'nn.resize' op expects scales known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %s = nn.constant dense<[2.0, 2.0]> : tensor<2xf32>
  // expected-error @+2 {{'nn.resize' op expects 1 scales, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<2xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %s = nn.constant dense<[-2.0]> : tensor<1xf32>
  // expected-error @+2 {{'nn.resize' op expects scales above 0 and below a million}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %s = nn.constant dense<[1.5]> : tensor<1xf32>
  // expected-error @+2 {{'nn.resize' op expects a size known at compile time in dim 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<1xf32> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x?xf32> -> tensor<2x?xf32>
  return %0 : tensor<2x?xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xi64>) -> tensor<2x6xf32> {
  // expected-error @+2 {{'nn.resize' op expects sizes known at compile time}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x sizes %s : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %s = nn.constant dense<[6, 6]> : tensor<2xi64>
  // expected-error @+2 {{'nn.resize' op expects 1 sizes, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x sizes %s : tensor<2xi64> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %s = nn.constant dense<[-6]> : tensor<1xi64>
  // expected-error @+2 {{'nn.resize' op expects sizes of 0 or more, of an operand with elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x sizes %s : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<2xf32>) -> tensor<2x6xf32> {
  %n = nn.constant dense<6> : tensor<1xi64>
  // expected-error @+2 {{'nn.resize' op expects 1 scales}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor stretch %x scales %s : tensor<2xf32> sizes %n : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xf32>) -> tensor<2x6xf32> {
  %n = nn.constant dense<6> : tensor<1xi64>
  // expected-error @+2 {{'nn.resize' op expects no scales beside sizes that keep proportions or average}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize linear half_pixel floor not_larger %x scales %s : tensor<1xf32> sizes %n : tensor<1xi64> {axes = array<i64: 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}
