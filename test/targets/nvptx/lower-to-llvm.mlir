// RUN: %nncc-opt %s --pass-pipeline='builtin.module(builtin.module(nncc-nvptx-lower-to-llvm,reconcile-unrealized-casts,canonicalize,cse))' | FileCheck %s

// Buffers, sizes, then scratch and its stride: block b has the part at b * stride.
// CHECK: llvm.func @k(%{{.*}}: !llvm.ptr, %[[B:.*]]: !llvm.ptr, %[[D0:.*]]: i64, %[[D1:.*]]: i64, %[[SCRATCH:.*]]: !llvm.ptr, %[[STRIDE:.*]]: i64)
// CHECK-SAME: nvvm.kernel, nvvm.maxntid = array<i32: 64>
// CHECK-SAME: rt.buffers = 2 : i64, rt.dims = 2 : i64
// CHECK-SAME: rt.uses_scratch
// CHECK-DAG: %[[BLOCK:.*]] = nvvm.read.ptx.sreg.ctaid.x : i32
// CHECK-DAG: %[[WORKER:.*]] = llvm.zext %[[BLOCK]] : i32 to i64
// CHECK: %[[OWN:.*]] = llvm.mul %[[WORKER]], %[[STRIDE]] : i64
// CHECK: %[[AT:.*]] = llvm.add %[[OWN]], %{{.*}} : i64
// CHECK: llvm.getelementptr %[[SCRATCH]][%[[AT]]]
// CHECK: llvm.getelementptr {{.*}}%[[B]][%[[D1]]]
// CHECK: nvvm.barrier0
module @k {
  func.func @k(%call: !llvm.ptr) attributes {rt.kernel, rt.threads = 64 : i64, rt.scratch = 256 : i64, rt.units = 1 : i64} {
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %c64 = arith.constant 64 : index
    %s = rt.scratch %call, %block + %c64 : !llvm.ptr -> memref<16xf32>
    %v = memref.load %s[%c64] : memref<16xf32>
    %n = rt.dim %call[1] : !llvm.ptr -> index
    %b = rt.buffer %call[1] : !llvm.ptr -> memref<?xf32>
    memref.store %v, %b[%n] : memref<?xf32>
    nvvm.barrier0
    return
  }
}

// Shared memory and constants are variables in their spaces.
// CHECK-DAG: llvm.mlir.global private @shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<4 x f32>
// CHECK-DAG: llvm.mlir.global private constant @table(dense<[1, 2]> : tensor<2xi32>) {addr_space = 1 : i32
// CHECK: llvm.func @variables() attributes
module @variables {
  memref.global "private" @shared : memref<4xf32, 3> = uninitialized {alignment = 16 : i64}
  memref.global "private" constant @table : memref<2xi32, 1> = dense<[1, 2]> {alignment = 16 : i64}
  func.func @variables(%call: !llvm.ptr) attributes {rt.kernel, rt.threads = 32 : i64, rt.scratch = 0 : i64, rt.units = 1 : i64} {
    %c0 = arith.constant 0 : index
    %s = memref.get_global @shared : memref<4xf32, 3>
    %t = memref.get_global @table : memref<2xi32, 1>
    %i = memref.load %t[%c0] : memref<2xi32, 1>
    %f = arith.sitofp %i : i32 to f32
    memref.store %f, %s[%c0] : memref<4xf32, 3>
    return
  }
}

// Pointers have all their bits where indices are of 32.
// CHECK-LABEL: llvm.func @pointers(%{{.*}}: !llvm.ptr)
// CHECK-DAG: %[[GLOBAL:.*]] = llvm.addrspacecast %{{.*}} : !llvm.ptr to !llvm.ptr<1>
// CHECK-DAG: %[[FROM:.*]] = llvm.getelementptr %[[GLOBAL]][5] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
// CHECK-DAG: %[[TO:.*]] = llvm.getelementptr %{{.*}}[5] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i32
// CHECK: nvvm.cp.async.shared.global %[[TO]], %[[FROM]], 4, cache = ca
module @pointers {
  memref.global "private" @places : memref<8xi32, 3> = uninitialized {alignment = 16 : i64}
  func.func @pointers(%call: !llvm.ptr) attributes {rt.kernel, rt.narrow, rt.threads = 32 : i64, rt.scratch = 0 : i64, rt.units = 1 : i64} {
    %c5 = arith.constant 5 : index
    %b = rt.buffer %call[0] : !llvm.ptr -> memref<64xi32>
    %s = memref.get_global @places : memref<8xi32, 3>
    %to = rt.pointer %s[%c5] : memref<8xi32, 3> -> !llvm.ptr<3>
    %from = rt.pointer %b[%c5] : memref<64xi32> -> !llvm.ptr<1>
    nvvm.cp.async.shared.global %to, %from, 4, cache = ca : !llvm.ptr<3>, !llvm.ptr<1>
    return
  }
}
