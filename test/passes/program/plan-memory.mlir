// RUN: nncc-opt %s --nncc-plan-memory | FileCheck %s

// Three results in a chain: the first and the third share memory, the last one is the caller's.
// The constant is used twice and stored once; a view lies where its source lies.
// CHECK: module attributes {rt.arena_size = 640 : i64, rt.weights_size = 320 : i64}
// CHECK: func.func @main
// CHECK-SAME: rt.result_names = ["y"], rt.result_types = [tensor<64xf32>]
// CHECK: nn.constant {{.*}}rt.offset = 0
// CHECK: rt.run @k spaces [0, 3, 2] indices [0, 0, 0] offsets [0, 0, 0]
// CHECK: rt.run @k spaces [2, 3, 2] indices [0, 0, 0] offsets [0, 0, 320]
// CHECK: rt.run @k spaces [2, 3, 2] indices [0, 0, 0] offsets [320, 0, 0]
// CHECK: rt.run @v spaces [2, 1] indices [0, 0] offsets [0, 0]
module {
  func.func @main(%x: tensor<64xf32>) -> (tensor<64xf32> {nn.name = "y"}) {
    %w = nn.constant dense_resource<w> : tensor<64xf32>
    %0 = rt.dispatch @k(%x, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    %1 = rt.dispatch @k(%0, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    %2 = rt.dispatch @k(%1, %w) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>
    %v = rt.view %2 : tensor<64xf32> -> tensor<8x8xf32>
    %3 = rt.dispatch @v(%v) : (tensor<8x8xf32>) -> tensor<64xf32>
    return %3 : tensor<64xf32>
  }
  module @k {
    func.func @k(%x: tensor<64xf32>, %w: tensor<64xf32>) -> tensor<64xf32> attributes {rt.kernel} {
      return %x : tensor<64xf32>
    }
  }
  module @v {
    func.func @v(%x: tensor<8x8xf32>) -> tensor<64xf32> attributes {rt.kernel} {
      %y = tensor.collapse_shape %x [[0, 1]] : tensor<8x8xf32> into tensor<64xf32>
      return %y : tensor<64xf32>
    }
  }
}
