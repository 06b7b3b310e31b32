// RUN: %nncc-opt %s -split-input-file -verify-diagnostics

func.func @wide(%x: tensor<8xui8>, %shape: tensor<1xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expects a type of less than 8 bits, found int8}}
  %0 = nn.unpack %x, %shape {to = i8} : (tensor<8xui8>, tensor<1xi64>) -> tensor<8xi8>
  return
}
// -----
func.func @rank(%x: tensor<2x4xui8>) {
  %shape = nn.constant dense<16> : tensor<1xi64>
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expects operands of rank 1}}
  %0 = nn.unpack %x, %shape {to = i4} : (tensor<2x4xui8>, tensor<1xi64>) -> tensor<16xi4>
  return
}
// -----
func.func @unknown(%x: tensor<8xui8>, %shape: tensor<1xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expects a shape known before the program runs}}
  %0 = nn.unpack %x, %shape {to = i4} : (tensor<8xui8>, tensor<1xi64>) -> tensor<16xi4>
  return
}
// -----
func.func @few(%x: tensor<8xui8>) {
  %shape = nn.constant dense<17> : tensor<1xi64>
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expects 9 bytes, found 8}}
  %0 = nn.unpack %x, %shape {to = i4} : (tensor<8xui8>, tensor<1xi64>) -> tensor<17xi4>
  return
}
// -----
func.func @whole(%x: tensor<8xf8E5M2>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expects elements of less than 8 bits, found float8e5m2}}
  %0 = nn.pack %x : (tensor<8xf8E5M2>) -> tensor<8xui8>
  return
}
// -----
func.func @complex(%x: tensor<8xcomplex<f32>>) {
  // expected-error @+1 {{converts real numbers, found 'complex<f32>' to 'f32'}}
  %0 = nn.cast %x {to = f32} : (tensor<8xcomplex<f32>>) -> tensor<8xf32>
  return
}
