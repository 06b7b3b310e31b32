// RUN: nncc-opt %s --nncc-merge-kernels | FileCheck %s

// @b computes what @a does; @c does not.
// CHECK: rt.dispatch @a(%arg0)
// CHECK: rt.dispatch @a(
// CHECK: rt.dispatch @c(
// CHECK: module @a
// CHECK-NOT: module @b
// CHECK: module @c
module {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = rt.dispatch @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = rt.dispatch @b(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = rt.dispatch @c(%1) : (tensor<4xf32>) -> tensor<4xf32>
    return %2 : tensor<4xf32>
  }
  module @a {
    func.func @a(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
      %y = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32> loc("first")
      return %y : tensor<4xf32>
    }
  }
  module @b {
    func.func @b(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
      %y = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32> loc("second")
      return %y : tensor<4xf32>
    }
  }
  module @c {
    func.func @c(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
      %y = nn.log %x : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
  }
}
