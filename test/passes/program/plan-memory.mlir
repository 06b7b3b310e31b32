// RUN: %nncc-opt %s --nncc-plan-memory --split-input-file --verify-diagnostics | FileCheck %s
// RUN: not %nncc-opt %s --nncc-plan-memory --split-input-file --remarks-filter=nncc-plan-memory 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// Spaces: 0 the inputs, 1 the outputs, 2 the arena, 3 the weights. %a and %c live at different
// times and share a place, 64 bytes are spare behind each value; the view of %b is a part of it.
// REMARK:      3 values in an arena of 384 bytes, 256 of them live at the same time
// CHECK:       module attributes {rt.arena_size = 384 : i64, rt.live_size = 256 : i64, rt.weights_size = 704 : i64}
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
// -----
// Sizes that are not constant: slots by the order of their nominal offsets. %a and %c live at
// different times and begin at the same place; %b is above both of them.
// CHECK-NOT:   rt.arena_size
// CHECK:       func.func @open
// CHECK-SAME:    rt.sizes = #[[SIZES:[a-z0-9]*]]}
// CHECK:         rt.slot 0 bytes #[[BYTES:[a-z0-9]*]]{{$}}
// CHECK:         rt.slot 1 bytes #[[BYTES]]{{$}}
// CHECK:         rt.slot 2 bytes #[[BYTES]] above [0, 1]
// CHECK:         rt.run @k spaces [0, 2] indices [0, 0] offsets [0, 0] {bytes = 4.096000e+03 : f64, dims = #{{.*}}, nodes = "A"}
// CHECK:         rt.run @k spaces [2, 2] indices [0, 2] offsets [0, 0] {{.*}}nodes = "B"
// CHECK:         rt.run @k spaces [2, 2] indices [2, 1] offsets [0, 0] {{.*}}nodes = "C"
// CHECK:         rt.run @part spaces [2, 1] indices [1, 0] offsets [0, 0] {{.*}}nodes = "D", starts = #{{.*}}}
module {
  func.func @open(%x: tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) -> tensor<8xf32> attributes {nn.dims = ["rows"]} {
    %a = rt.dispatch @k(%x) {nodes = "A", dims = affine_map<()[s0] -> (s0)>} : (tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
    %b = rt.dispatch @k(%a) {nodes = "B", dims = affine_map<()[s0] -> (s0)>} : (tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
    %c = rt.dispatch @k(%b) {nodes = "C", dims = affine_map<()[s0] -> (s0)>} : (tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
    %last = rt.view %c {start = affine_map<()[s0] -> (s0 * 8 - 8)>} : tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>> -> tensor<8xf32>
    %y = rt.dispatch @part(%last) {nodes = "D"} : (tensor<8xf32>) -> tensor<8xf32>
    return %y : tensor<8xf32>
  }
  module @k {
    func.func private @k(tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>) -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>> attributes {rt.kernel}
  }
  module @part {
    func.func private @part(tensor<8xf32>) -> tensor<8xf32> attributes {rt.kernel}
  }
}
// -----
// Of slots that live together only the highest one below is named.
// CHECK:         rt.slot 0 bytes 576
// CHECK:         rt.slot 1 bytes {{.*}} above [0]
// CHECK:         rt.slot 2 bytes {{.*}} above [1]
module {
  func.func @three(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>> attributes {nn.dims = ["n"]} {
    %a = rt.dispatch @fix(%x) {dims = affine_map<()[s0] -> (s0)>} : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<128xf32>
    %b = rt.dispatch @k(%x) {dims = affine_map<()[s0] -> (s0)>} : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
    %c = rt.dispatch @k(%x) {dims = affine_map<()[s0] -> (s0)>} : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
    %y = rt.dispatch @all(%a, %b, %c) {dims = affine_map<()[s0] -> (s0)>} : (tensor<128xf32>, tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
    return %y : tensor<?xf32, affine_map<()[s0] -> (s0)>>
  }
  module @k {
    func.func private @k(tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>> attributes {rt.kernel}
  }
  module @fix {
    func.func private @fix(tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<128xf32> attributes {rt.kernel}
  }
  module @all {
    func.func private @all(tensor<128xf32>, tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>> attributes {rt.kernel}
  }
}
// -----
// Largest first, %a and %d would be at 0, %b behind %a and %c behind %b: 4096 bytes.
// REMARK:      4 values in an arena of 3072 bytes, 2944 of them live at the same time
// CHECK:       rt.arena_size = 3072 : i64, rt.live_size = 2944 : i64
module {
  func.func @order(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = rt.dispatch @large(%x) : (tensor<4xf32>) -> tensor<496xf32>
    %b = rt.dispatch @less(%a) : (tensor<496xf32>) -> tensor<240xf32>
    %c = rt.dispatch @same(%b) : (tensor<240xf32>) -> tensor<240xf32>
    %d = rt.dispatch @large(%x) : (tensor<4xf32>) -> tensor<496xf32>
    %y = rt.dispatch @both(%c, %d) : (tensor<240xf32>, tensor<496xf32>) -> tensor<4xf32>
    return %y : tensor<4xf32>
  }
  module @large {
    func.func private @large(tensor<4xf32>) -> tensor<496xf32> attributes {rt.kernel}
  }
  module @less {
    func.func private @less(tensor<496xf32>) -> tensor<240xf32> attributes {rt.kernel}
  }
  module @same {
    func.func private @same(tensor<240xf32>) -> tensor<240xf32> attributes {rt.kernel}
  }
  module @both {
    func.func private @both(tensor<240xf32>, tensor<496xf32>) -> tensor<4xf32> attributes {rt.kernel}
  }
}
