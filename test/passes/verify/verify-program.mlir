// RUN: nncc-opt %s --nncc-verify-program --split-input-file --verify-diagnostics
module attributes {rt.arena_size = 128 : i64, rt.weights_size = 64 : i64} {
  module @k {
  }
  func.func @main() {
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
