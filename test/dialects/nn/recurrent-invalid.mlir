// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects activations, alpha and beta of 1 functions}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["sigmoid", "tanh"], alpha = array<f32: 0., 0.>, beta = array<f32: 0., 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects names of activations, found 'swish'}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["swish"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>, %c: tensor<1x4x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects initial c of an lstm only}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r c %c : tensor<1x4x8xf32> {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects input_forget of an lstm only}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>, input_forget} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects linear_before_reset of a gru only}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>, linear_before_reset} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x24xf32>, %r: tensor<1x24x8xf32>, %p: tensor<1x1x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects parameters of an lstm or of a gru with linear_before_reset only}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence gru forward %x, %r params %p : tensor<1x1x8xf32> {activations = ["sigmoid", "tanh"], alpha = array<f32: 0., 0.>, beta = array<f32: 0., 0.>} : tensor<5x4x24xf32>, tensor<1x24x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects a bound of 0 or more to clip to}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>, clip = -1. : f32} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects x and r of rank 3, found rank 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x?xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects units, dim 2 of r, that are known, from 1 to 2^31 - 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x?xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<2x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects x of size 16 in dim 2, found 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn bidirectional %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<2x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x9x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects r of size 8 in dim 1, found 9}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x9x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x16xf32>, %r: tensor<1x8x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects r of size 2 in dim 0, found 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn bidirectional %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x16xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x32xf32>, %r: tensor<1x32x8xf32>, %p: tensor<1x1x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects params of size 3 in dim 1, found 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2, %c2 = nn.recurrence lstm forward %x, %r params %p : tensor<1x1x8xf32> {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0., 0., 0.>, beta = array<f32: 0., 0., 0.>} : tensor<5x4x32xf32>, tensor<1x32x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>, %n: tensor<5xi32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects lengths of size 4 in dim 0, found 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r lengths %n : tensor<5xi32> {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>, %n: tensor<4x1xi32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects lengths of rank 1, found rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r lengths %n : tensor<4x1xi32> {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf32>, %h: tensor<2x4x8xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects initial h of size 1 in dim 0, found 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r h %h : tensor<2x4x8xf32> {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x32xf32>, %r: tensor<1x32x8xf32>, %c: tensor<1x4x7xf32>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects initial c of size 8 in dim 2, found 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2, %c2 = nn.recurrence lstm forward %x, %r c %c : tensor<1x4x7xf32> {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0., 0., 0.>, beta = array<f32: 0., 0., 0.>} : tensor<5x4x32xf32>, tensor<1x32x8xf32> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x8x8xf64>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects operands of one element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf32>, tensor<1x8x8xf64> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}

// -----

func.func @f(%x: tensor<5x4x8xf16>, %r: tensor<1x8x8xf16>) -> tensor<5x1x4x8xf32> {
  // expected-error @+2 {{'nn.recurrence' op expects elements of f32 or f64}}
  // expected-error @+1 {{failed to infer returned types}}
  %y, %h2 = nn.recurrence rnn forward %x, %r {activations = ["tanh"], alpha = array<f32: 0.>, beta = array<f32: 0.>} : tensor<5x4x8xf16>, tensor<1x8x8xf16> -> tensor<5x1x4x8xf32>, tensor<1x4x8xf32>
  return %y : tensor<5x1x4x8xf32>
}
