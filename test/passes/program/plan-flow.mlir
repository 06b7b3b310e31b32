// RUN: nncc-opt %s --nncc-plan-memory --split-input-file | FileCheck %s

// Both branches write the result where it lives; what they need for themselves shares memory.
// CHECK:       module attributes {rt.arena_size = 256 : i64
// CHECK:         rt.run @k spaces [0, 2] indices [1, 0] offsets [0, 0] {{.*}}nodes = "A"
// CHECK-NEXT:    rt.load i1 <input 0 + 0> as [0], "a condition"
// CHECK-NEXT:    rt.when 0 {
// CHECK-NEXT:      rt.run @k spaces [2, 2] indices [0, 0] offsets [0, 128] {{.*}}nodes = "T"
// CHECK-NEXT:    } else {
// CHECK-NEXT:      rt.run @k spaces [0, 2] indices [1, 0] offsets [0, 0] {{.*}}nodes = "U"
// CHECK-NEXT:      rt.run @k spaces [2, 2] indices [0, 0] offsets [0, 128] {{.*}}nodes = "V"
// CHECK:         rt.run @k spaces [2, 1] indices [0, 0] offsets [128, 0] {{.*}}nodes = "Y"
module {
  func.func @branches(%c: tensor<i1>, %x: tensor<4xf32>) -> (tensor<4xf32> {nn.name = "y"}) {
    %a = rt.dispatch @k(%x) {nodes = "A"} : (tensor<4xf32>) -> tensor<4xf32>
    %b = rt.if %c -> (tensor<4xf32>) {
      %t = rt.dispatch @k(%a) {nodes = "T"} : (tensor<4xf32>) -> tensor<4xf32>
      rt.yield %t : tensor<4xf32>
    } else {
      %u = rt.dispatch @k(%x) {nodes = "U"} : (tensor<4xf32>) -> tensor<4xf32>
      %v = rt.dispatch @k(%u) {nodes = "V"} : (tensor<4xf32>) -> tensor<4xf32>
      rt.yield %v : tensor<4xf32>
    } : tensor<i1>
    %y = rt.dispatch @k(%b) {nodes = "Y"} : (tensor<4xf32>) -> tensor<4xf32>
    return %y : tensor<4xf32>
  }
  module @k {
    func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel}
  }
}
// -----
// A state has two places that take turns (of 128 bytes), begins where it was, and is read through
// pointer 0; what is collected is written where it belongs, 16 bytes further in each iteration.
// CHECK-DAG:   #[[START:.*]] = affine_map<()[s0, s1] -> (0, s1)>
// CHECK-DAG:   #[[ITEM:.*]] = affine_map<()[s0] -> (0, s0 * 16)>
// CHECK-DAG:   #[[NEXT:.*]] = affine_map<()[s0, s1] -> (s0 + 1, -(((s0 - 4) floordiv 1099511627776) * s1))>
// CHECK:       func.func @loop{{.*}} {nn.dims = ["", "", ""]
// CHECK-NEXT:    rt.point 0 at <input 1 + 0>
// CHECK-NEXT:    rt.load i1 <input 0 + 0> as [1], "a condition"
// CHECK-NEXT:    rt.set [0, 2] = #[[START]]
// CHECK-NEXT:    rt.while 2 {
// CHECK-NEXT:      rt.point 1 at <arena 0 + 0 start ()[s0] -> ((s0 mod 2) * 128)>
// CHECK-NEXT:      rt.run @k2 spaces [4, 4, 2] indices [0, 1, 0] offsets [0, 0, 512]
// CHECK-NEXT:      rt.run @k spaces [4, 2] indices [1, 0] offsets [0, 320] {{.*}}starts = #[[ITEM]]
// CHECK-NEXT:      rt.point 0 at <pointer 1 + 0>
// CHECK-NEXT:      rt.load i1 <arena 0 + 512> as [1], "a condition"
// CHECK-NEXT:      rt.set [0, 2] = #[[NEXT]]
// CHECK:         rt.run @k spaces [4, 1] indices [0, 0]
// CHECK-NEXT:    rt.run @k5 spaces [2, 1] indices [0, 1] offsets [320, 0]
module {
  func.func @loop(%c: tensor<i1>, %x: tensor<4xf32>) -> (tensor<4xf32> {nn.name = "y"}, tensor<5x4xf32> {nn.name = "z"}) attributes {nn.dims = [""]} {
    %s, %e = rt.loop counter 0 (%c, %x) {conditional, trip = affine_map<() -> (5)>} : (tensor<i1>, tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
    ^bb0(%state: tensor<4xf32>):
      %n, %d = rt.dispatch @k2(%state) {nodes = "N"} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<i1>)
      %o = rt.dispatch @k(%n) {nodes = "O"} : (tensor<4xf32>) -> tensor<4xf32>
      rt.yield %d, %n, %o : tensor<i1>, tensor<4xf32>, tensor<4xf32>
    }
    %y = rt.dispatch @k(%s) {nodes = "Y"} : (tensor<4xf32>) -> tensor<4xf32>
    %z = rt.dispatch @k5(%e) {nodes = "Z"} : (tensor<5x4xf32>) -> tensor<5x4xf32>
    return %y, %z : tensor<4xf32>, tensor<5x4xf32>
  }
  module @k {
    func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel}
  }
  module @k2 {
    func.func private @k2(tensor<4xf32>) -> (tensor<4xf32>, tensor<i1>) attributes {rt.kernel}
  }
  module @k5 {
    func.func private @k5(tensor<5x4xf32>) -> tensor<5x4xf32> attributes {rt.kernel}
  }
}
// -----
// Sizes that the run computes: memory of the pool, given back when the next state is there; sizes
// are looked at before they are used; the host gives memory for the output.
// CHECK:       func.func @late
// CHECK-NEXT:    rt.point 1 at <input 0 + 0>
// CHECK-NEXT:    rt.point 3{{$}}
// CHECK-NEXT:    rt.set [1, 4, 2]
// CHECK-NEXT:    rt.while 4 {
// CHECK-NEXT:      rt.bound #{{.*}}, "node 'N': a size"
// CHECK-NEXT:      rt.allocate 2 bytes
// CHECK-NEXT:      rt.run @grow spaces [4, 4] indices [1, 2]
// CHECK-NEXT:      rt.free 3
// CHECK-NEXT:      rt.point 3 at <pointer 2 + 0>
// CHECK-NEXT:      rt.point 1 at <pointer 2 + 0>
// CHECK-NEXT:      rt.set [1, 4, 2]
// CHECK:         rt.load i64 <input 1 + 0> as [3], "node 'R': a size"
// CHECK-NEXT:    rt.bound #{{.*}}, "node 'Y': a size"
// CHECK-NEXT:    rt.output 0 of 0 sizes
// CHECK-NEXT:    rt.run @k spaces [4, 4] indices [1, 0]
// CHECK-NEXT:    rt.free 3
#n = affine_map<()[s0] -> (s0)>
#m = affine_map<()[s0, s1, s2] -> (s2)>
#k = affine_map<()[s0, s1, s2] -> (s1, s2)>
module {
  func.func @late(%x: tensor<?xf32, #n>, %n: tensor<i64>) -> (tensor<?xf32, affine_map<()[s0, s1, s2, s3] -> (s3)>> {nn.name = "y"}) attributes {nn.dims = ["n", "", "", ""]} {
    %s = rt.loop counter 1 (%x) {trip = affine_map<() -> (5)>, symbols = array<i64: 2>, starts = affine_map<()[s0] -> (s0)>} : (tensor<?xf32, #n>) -> tensor<?xf32, #m> {
    ^bb0(%state: tensor<?xf32, #m>):
      %next = rt.dispatch @grow(%state) {nodes = "N", dims = affine_map<()[s0, s1, s2] -> (s2)>} : (tensor<?xf32, #m>) -> tensor<?xf32, affine_map<()[s0, s1, s2] -> (s2 + 1)>>
      rt.yield %next {sizes = affine_map<()[s0, s1, s2] -> (s2 + 1)>} : tensor<?xf32, affine_map<()[s0, s1, s2] -> (s2 + 1)>>
    }
    rt.read %n as [3], "node 'R': a size" : tensor<i64>
    %y = rt.dispatch @k(%s) {nodes = "Y", dims = affine_map<()[s0, s1, s2, s3] -> (s2, s3)>} : (tensor<?xf32, #m>) -> tensor<?xf32, affine_map<()[s0, s1, s2, s3] -> (s3)>>
    return %y : tensor<?xf32, affine_map<()[s0, s1, s2, s3] -> (s3)>>
  }
  module @grow {
    func.func private @grow(tensor<?xf32, #n>) -> tensor<?xf32, affine_map<()[s0] -> (s0 + 1)>> attributes {rt.kernel}
  }
  module @k {
    func.func private @k(tensor<?xf32, #n>) -> tensor<?xf32, affine_map<()[s0, s1] -> (s1)>> attributes {rt.kernel}
  }
}
// -----
// Integers are looked at where they live, by count, before the next step.
// CHECK:       func.func @limits
// CHECK-NEXT:    rt.limit i64 <input 1 + 0> count #{{.*}} from #{{.*}} to #{{.*}}, "node 'G': an index"
// CHECK-NEXT:    rt.run @k
// CHECK-NOT:     rt.within
module {
  func.func @limits(%x: tensor<4xf32>, %i: tensor<2x3xi64>) -> (tensor<4xf32> {nn.name = "y"}) {
    %v = rt.view %i : tensor<2x3xi64> -> tensor<6xi64>
    rt.within %v from affine_map<() -> (-4)> to affine_map<() -> (3)>, "node 'G': an index" : tensor<6xi64>
    %y = rt.dispatch @k(%x) {nodes = "Y"} : (tensor<4xf32>) -> tensor<4xf32>
    return %y : tensor<4xf32>
  }
  module @k {
    func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel}
  }
}
