// RUN: nncc-opt %s --nncc-verify-kernels --split-input-file --verify-diagnostics
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{is left in the program: expected kernels for everything that computes}}
  %y = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// -----
module {
  module @k {
    func.func @k(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
      // expected-error @+1 {{is left in a kernel: expected linalg and kern operations}}
      %y = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
  }
  func.func @main() {
    return
  }
}
// -----
// expected-error @+1 {{holds no program: expected a func.func}}
module {
}
// -----
module {
  // expected-error @+1 {{expects a function of the name of the kernel, with 'rt.kernel'}}
  module @k {
    func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
      return %x : tensor<4xf32>
    }
  }
  func.func @main() {
    return
  }
}
// -----
module {
  // expected-error @+1 {{expects the module of a kernel to have the kernel's name}}
  module {
  }
  func.func @main() {
    return
  }
}
// -----
module @k {
  func.func @k(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
    return %x : tensor<4xf32>
  }
}
func.func @main(%x: tensor<2x2xf32>) -> tensor<4xf32> {
  %v = rt.view %x : tensor<2x2xf32> -> tensor<4xf32>
  %y = rt.dispatch @k(%v) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// -----
// expected-error @+1 {{has a size over symbol 1, but 'nn.dims' of the program has 1 names}}
func.func @main(%x: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) attributes {nn.dims = ["n"]} {
  return
}
