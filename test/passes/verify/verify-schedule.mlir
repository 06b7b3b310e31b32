// RUN: nncc-opt %s --nncc-verify-schedule --split-input-file --verify-diagnostics
module {
  module @k {
    func.func @k(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32
        attributes {rt.kernel, rt.units = 1 : i64, rt.scratch = 0 : i64} {
      %b = rt.buffer %call[1] : !llvm.ptr -> memref<4xf32>
      %c = arith.constant 0 : i32
      return %c : i32
    }
  }
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = rt.dispatch @k(%x) : (tensor<4xf32>) -> tensor<4xf32>
    // expected-error @+1 {{gives its kernel 1 buffers, which has 2 arguments}}
    rt.dispatch @k(%y) : (tensor<4xf32>) -> ()
    return %y : tensor<4xf32>
  }
}
// -----
module {
  module @k {
    // expected-error @+1 {{expects a size in 'rt.scratch' of a scheduled kernel}}
    func.func @k() attributes {rt.kernel, rt.units = 1 : i64} {
      return
    }
  }
  func.func @main() {
    return
  }
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.kernel, rt.units = 1 : i64, rt.scratch = 0 : i64} {
      // expected-error @+1 {{is in a kernel: expected no allocation}}
      %m = memref.alloc() : memref<4xf32>
      return
    }
  }
  func.func @main() {
    return
  }
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.kernel, rt.units = 1 : i64, rt.scratch = 0 : i64} {
      // expected-error @+1 {{is left in a kernel: expected loops on buffers}}
      %t = tensor.empty() : tensor<4xf32>
      return
    }
  }
  func.func @main() {
    return
  }
}
// -----
module {
  module @k {
    // expected-error @+1 {{expects a number of bytes in 'rt.workspace', found 0 : i64}}
    func.func @k() attributes {rt.kernel, rt.units = 1 : i64, rt.scratch = 0 : i64, rt.workspace = 0 : i64} {
      return
    }
  }
  func.func @main() {
    return
  }
}
// -----
// A workspace of an open size is one more buffer, and its size is over what calls give.
module attributes {nn.dims = ["n"]} {
  module @k {
    func.func @k(%call: !llvm.ptr)
        attributes {rt.kernel, rt.units = 1 : i64, rt.scratch = 0 : i64, rt.workspace = affine_map<()[s0, s1] -> (s1 * 4)>} {
      %b = rt.buffer %call[1] : !llvm.ptr -> memref<?xf32>
      return
    }
  }
  func.func @main(%x: tensor<4xf32>) {
    // expected-error @+1 {{gives its kernel 0 sizes, which has 2 symbols}}
    rt.dispatch @k(%x) : (tensor<4xf32>) -> ()
    return
  }
}
