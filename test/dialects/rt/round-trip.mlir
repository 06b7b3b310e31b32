// RUN: nncc-opt %s | nncc-opt | FileCheck %s
module @k {
  func.func private @k(tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 2)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
}
// The kernel's s0 and s1 are 4 and the program's s1 + 1.
// CHECK-LABEL: func.func @program
func.func @program(%x: tensor<4x?xf32, affine_map<()[s0, s1] -> (4, s1 * 2 + 2)>>) {
  // CHECK: rt.dispatch @k(%{{.*}}) {dims = #{{.*}}} : (tensor<4x?xf32, #{{.*}}>) -> tensor<4xf32>
  %y = rt.dispatch @k(%x) {dims = affine_map<()[s0, s1] -> (4, s1 + 1)>} : (tensor<4x?xf32, affine_map<()[s0, s1] -> (4, s1 * 2 + 2)>>) -> tensor<4xf32>
  // CHECK: rt.view %{{.*}} {start = #{{.*}}} :
  %v = rt.view %x {start = affine_map<()[s0, s1] -> (s1 * 2)>} : tensor<4x?xf32, affine_map<()[s0, s1] -> (4, s1 * 2 + 2)>> -> tensor<8xf32>
  // CHECK: rt.view %{{.*}} + 4 : tensor<8xf32> -> tensor<4xf32>
  %w = rt.view %v + 4 : tensor<8xf32> -> tensor<4xf32>
  return
}
// CHECK-LABEL: func.func @planned
func.func @planned() {
  // CHECK: rt.check #{{.*}}, "node 'a': add of [batch], [n]"
  rt.check affine_map<()[s0, s1] -> (s0 - s1)>, "node 'a': add of [batch], [n]"
  // CHECK: rt.slot 0 bytes 4160
  // CHECK: rt.slot 1 bytes #{{.*}} above [0]
  rt.slot 0 bytes 4160
  rt.slot 1 bytes affine_map<()[s0] -> (s0 * 256 + 64)> above [0]
  // CHECK: rt.run @k spaces [2, 1] indices [1, 0] offsets [0, 64] {dims = #{{.*}}, starts = #{{.*}}}
  rt.run @k spaces [2, 1] indices [1, 0] offsets [0, 64] {dims = affine_map<()[s0] -> (s0)>, starts = affine_map<()[s0] -> (s0, 0)>}
  return
}
// CHECK-LABEL: func.func @pointer
func.func @pointer(%memory: memref<64xf32, 3>, %i: index) -> !llvm.ptr<3> {
  // CHECK: rt.pointer %{{.*}}[%{{.*}}] : memref<64xf32, 3> -> !llvm.ptr<3>
  %p = rt.pointer %memory[%i] : memref<64xf32, 3> -> !llvm.ptr<3>
  return %p : !llvm.ptr<3>
}
// CHECK-LABEL: func.func @team
func.func @team(%call: !llvm.ptr) -> index {
  // CHECK: rt.team %{{.*}} : !llvm.ptr -> index
  %workers = rt.team %call : !llvm.ptr -> index
  // CHECK: rt.barrier %{{.*}} : !llvm.ptr
  rt.barrier %call : !llvm.ptr
  return %workers : index
}
