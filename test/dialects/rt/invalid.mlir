// RUN: nncc-opt %s --split-input-file --verify-diagnostics
module @k {
  func.func private @k(tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0 * 2)>>
}
func.func @types(%x: tensor<?x8xf32, affine_map<()[s0, s1] -> (s1, 8)>>) {
  // expected-error @+1 {{has other types than its kernel}}
  %y = rt.dispatch @k(%x) {dims = affine_map<()[s0, s1] -> (s0)>} : (tensor<?x8xf32, affine_map<()[s0, s1] -> (s1, 8)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0 * 2)>>
  return
}
// -----
module @k {
  func.func private @k(tensor<?xf32, affine_map<()[s0] -> (s0)>>)
}
func.func @no_dims(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) {
  // expected-error @+1 {{has other types than its kernel}}
  rt.dispatch @k(%x) : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> ()
  return
}
// -----
module @k {
  func.func private @k(tensor<4xf32>)
}
func.func @dims(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects expressions over symbols in 'dims', found affine_map<(d0) -> (d0)>}}
  rt.dispatch @k(%x) {dims = affine_map<(d0) -> (d0)>} : (tensor<4xf32>) -> ()
  return
}
// -----
func.func @other_count(%x: tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) {
  // expected-error @+1 {{reaches beyond its source}}
  %y = rt.view %x : tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>> -> tensor<?xf32, affine_map<()[s0] -> (s0 * 9)>>
  return
}
// -----
func.func @start(%x: tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) {
  // expected-error @+1 {{reaches beyond its source}}
  %y = rt.view %x {start = affine_map<()[s0] -> (s0 * 8)>} : tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>> -> tensor<8xf32>
  return
}
// -----
func.func @negative(%x: tensor<4xf32>) {
  // expected-error @+1 {{reaches beyond its source}}
  %y = rt.view %x + -1 : tensor<4xf32> -> tensor<2xf32>
  return
}
// -----
func.func @slot() {
  // expected-error @+1 {{is above slot 1, expected one of a lower number}}
  rt.slot 1 bytes 64 above [1]
  return
}
// -----
func.func @starts() {
  // expected-error @+1 {{expects one start per buffer, found 1}}
  rt.run @k spaces [0, 1] indices [0, 0] offsets [0, 0] {starts = affine_map<()[s0] -> (s0)>}
  return
}
// -----
func.func @check_of_dims() {
  // expected-error @+1 {{expects expressions over symbols, found affine_map<(d0) -> (d0)>}}
  rt.check affine_map<(d0) -> (d0)>, "node 'a'"
  return
}
