// RUN: nncc-opt %s --nncc-verify-program --split-input-file --verify-diagnostics
module attributes {rt.arena_size = 128 : i64, rt.weights_size = 64 : i64} {
  module @k {
  }
  func.func @main(%x: tensor<2048xf32>) {
    rt.run @k spaces [0, 3, 2] indices [0, 0, 0] offsets [4096, 0, 64]
    // expected-error @+1 {{has a buffer at 128, outside of its memory of 128 bytes}}
    rt.run @k spaces [2] indices [0] offsets [128]
    return
  }
}
// -----
module {
  func.func @main() {
    // expected-error @+1 {{runs a kernel that does not exist}}
    rt.run @k spaces [] indices [] offsets []
    return
  }
}
// -----
func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{has no place in memory}}
  %v = rt.view %x : tensor<4xf32> -> tensor<2x2xf32>
  return
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.units = affine_map<()[s0, s1] -> (s1)>, rt.scratch = 0 : i64} {
      return
    }
  }
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {nn.dims = ["n"]} {
    rt.slot 0 bytes 64
    rt.run @k spaces [0, 2] indices [0, 0] offsets [0, 0] {dims = affine_map<()[s0] -> (s0, s0)>}
    // expected-error @+1 {{has a buffer in arena 1, of 1}}
    rt.run @k spaces [0, 2] indices [0, 1] offsets [0, 0] {dims = affine_map<()[s0] -> (s0, s0)>}
    return
  }
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.units = affine_map<()[s0, s1] -> (s1)>, rt.scratch = 0 : i64} {
      return
    }
  }
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {nn.dims = ["n"]} {
    // expected-error @+1 {{gives its kernel 1 sizes, which has 2 symbols}}
    rt.run @k spaces [0] indices [0] offsets [0] {dims = affine_map<()[s0] -> (s0)>}
    return
  }
}
// -----
module {
  module @k {
  }
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {nn.dims = ["n"]} {
    // expected-error @+1 {{has sizes over symbol 1, but 'nn.dims' of the program has 1 names}}
    rt.run @k spaces [0] indices [0] offsets [0] {dims = affine_map<()[s0, s1] -> (s1)>}
    return
  }
}
// -----
// expected-error @+1 {{symbol 1 has no value: it is not the size of an argument}}
func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {nn.dims = ["n", "m"], rt.sizes = affine_map<()[s0, s1] -> (s0 + s1)>} {
  return
}
// -----
func.func @main() {
  // expected-error @+1 {{expects number 0}}
  rt.slot 1 bytes 64
  return
}
