// RUN: %nncc-opt %s --nncc-plan-memory --split-input-file --verify-diagnostics | FileCheck %s

// Spaces: 0 the inputs, 1 the outputs, 2 the arena, 3 the weights. %a and %c live at different
// times and share a place, 64 bytes are spare behind each value; the view of %b is a part of it.
// CHECK:       module attributes {rt.arena_size = 384 : i64, rt.weights_size = 704 : i64}
// CHECK:       func.func @chain(%{{.*}}: tensor<4x8xf32>, %{{.*}}: tensor<4x8xf32>)
// CHECK-SAME:    rt.result_names = ["y"], rt.result_types = [tensor<32xf32>]
// CHECK:         kern.pack {{.*}} {rt.offset = 0 : i64}
// CHECK:         nn.constant {{.*}} tensor<4xf32> {rt.offset = 576 : i64}
// CHECK:         rt.run @k spaces [0, 3, 2] indices [1, 0, 0] offsets [0, 0, 0] {{.*}}nodes = "A"
// CHECK:         rt.run @k spaces [2, 3, 2] indices [0, 0, 0] offsets [0, 0, 192] {{.*}}nodes = "B"
// CHECK:         rt.run @part spaces [2, 3, 2] indices [0, 0, 0] offsets [224, 576, 0] {{.*}}nodes = "C"
// CHECK:         rt.run @k spaces [2, 3, 1] indices [0, 0, 0] offsets [0, 0, 0] {{.*}}nodes = "D"
// CHECK:         return{{$}}
module {
  func.func @chain(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>) -> (tensor<32xf32> {nn.name = "y"}) {
    %w = nn.constant dense<0.5> : tensor<8x8xf32>
    %p = kern.pack %w dims [1, 0, 1] factors [16, 1, 1] : tensor<8x8xf32> -> tensor<1x8x16xf32>
    %c4 = nn.constant dense<0.5> : tensor<4xf32>
    %a = rt.dispatch @k(%z, %p) {nodes = "A"} : (tensor<4x8xf32>, tensor<1x8x16xf32>) -> tensor<4x8xf32>
    %b = rt.dispatch @k(%a, %p) {nodes = "B"} : (tensor<4x8xf32>, tensor<1x8x16xf32>) -> tensor<4x8xf32>
    %v = rt.view %b + 8 : tensor<4x8xf32> -> tensor<8xf32>
    %c = rt.dispatch @part(%v, %c4) {nodes = "C"} : (tensor<8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
    %d = rt.dispatch @k(%c, %p) {nodes = "D"} : (tensor<4x8xf32>, tensor<1x8x16xf32>) -> tensor<4x8xf32>
    %y = rt.view %d : tensor<4x8xf32> -> tensor<32xf32>
    return %y : tensor<32xf32>
  }
  module @k {
    func.func private @k(tensor<4x8xf32>, tensor<1x8x16xf32>) -> tensor<4x8xf32> attributes {rt.kernel}
  }
  module @part {
    func.func private @part(tensor<8xf32>, tensor<4xf32>) -> tensor<4x8xf32> attributes {rt.kernel}
  }
}
// -----
// The same constant is stored once.
// CHECK:       rt.weights_size = 128 : i64
// CHECK:       rt.run @k spaces [3, 1] indices [0, 0] offsets [0, 0]
// CHECK:       rt.run @k spaces [3, 1] indices [0, 1] offsets [0, 0]
module {
  func.func @equal() -> (tensor<4xf32>, tensor<4xf32>) {
    %a = nn.constant dense<0.5> : tensor<4xf32>
    %b = nn.constant dense<0.5> : tensor<4xf32>
    %0 = rt.dispatch @k(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = rt.dispatch @k(%b) : (tensor<4xf32>) -> tensor<4xf32>
    return %0, %1 : tensor<4xf32>, tensor<4xf32>
  }
  module @k {
    func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel}
  }
}
// -----
module {
  // expected-error @+1 {{result 0 is not written by a kernel of its own}}
  func.func @argument(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}
