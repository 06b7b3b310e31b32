// RUN: nncc-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<2x9xf32>, %y: tensor<2x4xi64>) {
  // expected-error @below {{expects an operand [batch, n, m] and init [batch, count]}}
  %0 = kern.argsort ins(%x : tensor<2x9xf32>) outs(%y : tensor<2x4xi64>) -> tensor<2x4xi64>
  return
}

// -----

func.func @f(%x: tensor<2x9x1xf32>, %y: tensor<2x4xi32>) {
  // expected-error @below {{expects init and a result of one type, of i64}}
  %0 = kern.argsort ins(%x : tensor<2x9x1xf32>) outs(%y : tensor<2x4xi32>) -> tensor<2x4xi32>
  return
}

// -----

func.func @f(%b: tensor<2x7x4xf32>, %s: tensor<2x3x6xf32>, %o: tensor<2x3x6xi64>, %n: index, %t: f32) {
  // expected-error @below {{expects boxes [B, N, 4] and scores [B, C, N]}}
  %0 = kern.suppress ins(%b, %s, %o : tensor<2x7x4xf32>, tensor<2x3x6xf32>, tensor<2x3x6xi64>) limits(%n, %t, %t)
      outs(%o : tensor<2x3x6xi64>) -> tensor<2x3x6xi64>
  return
}

// -----

func.func @f(%b: tensor<2x6x4xf16>, %s: tensor<2x3x6xf32>, %o: tensor<2x3x6xi64>, %n: index, %t: f32) {
  // expected-error @below {{expects boxes and scores of f32}}
  %0 = kern.suppress ins(%b, %s, %o : tensor<2x6x4xf16>, tensor<2x3x6xf32>, tensor<2x3x6xi64>) limits(%n, %t, %t)
      outs(%o : tensor<2x3x6xi64>) -> tensor<2x3x6xi64>
  return
}

// -----

func.func @f(%b: tensor<2x6x4xf32>, %s: tensor<2x3x6xf32>, %o: tensor<2x3x5xi64>, %n: index, %t: f32) {
  // expected-error @below {{expects an order, init and a result of i64 as large as the scores}}
  %0 = kern.suppress ins(%b, %s, %o : tensor<2x6x4xf32>, tensor<2x3x6xf32>, tensor<2x3x5xi64>) limits(%n, %t, %t)
      outs(%o : tensor<2x3x5xi64>) -> tensor<2x3x5xi64>
  return
}

// -----

func.func @f(%x: tensor<9xi8>, %y: tensor<4xi64>) {
  // expected-error @below {{expects a mask [n] of i1}}
  %0 = kern.positions ins(%x : tensor<9xi8>) outs(%y : tensor<4xi64>) -> tensor<4xi64>
  return
}

// -----

func.func @f(%x: tensor<9xi1>, %y: tensor<2x4xi64>) {
  // expected-error @below {{expects init [count] and a result of one type, of i64}}
  %0 = kern.positions ins(%x : tensor<9xi1>) outs(%y : tensor<2x4xi64>) -> tensor<2x4xi64>
  return
}
