// RUN: nncc-opt %s --nncc-verify-target --split-input-file --verify-diagnostics
module {
  module @k {
    llvm.func @k(%call: !llvm.ptr, %begin: i64, %end: i64, %worker: i32) -> i32 {
      // expected-error @+1 {{is not translated by this target}}
      %c = arith.constant 0 : i32
      llvm.return %c : i32
    }
  }
}
// -----
module {
  module @k {
    llvm.func @k(%call: !llvm.ptr, %begin: i64, %end: i64, %worker: i32) -> i32 {
      %c = llvm.mlir.constant(0 : i32) : i32
      llvm.return %c : i32
    }
  }
}
// -----
module {
  module @k {
    // expected-error @+1 {{has type '!llvm.func<i32 (ptr)>', expected '!llvm.func<i32 (ptr, i64, i64, i32)>' of a kernel}}
    llvm.func @k(%call: !llvm.ptr) -> i32 {
      %c = llvm.mlir.constant(0 : i32) : i32
      llvm.return %c : i32
    }
  }
}
// -----
module {
  // expected-error @+1 {{expects a function of the name of the kernel}}
  module @k {
  }
}
