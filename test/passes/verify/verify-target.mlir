// RUN: nncc-opt %s --nncc-verify-target --split-input-file --verify-diagnostics
module {
  module @k {
    llvm.func @k(%x: !llvm.ptr) -> i32 {
      // expected-error @+1 {{is not translated by this target}}
      %c = arith.constant 0 : i32
      llvm.return %c : i32
    }
  }
}
// -----
module {
  module @k {
    llvm.func @k(%x: !llvm.ptr) -> i32 {
      %c = llvm.mlir.constant(0 : i32) : i32
      llvm.return %c : i32
    }
  }
}
