// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-cpu-lower-to-llvm,reconcile-unrealized-casts)' | FileCheck %s

// Buffers and scratch come from the call; the signature is that of nncc_kernel_fn.
// CHECK-LABEL: llvm.func @k(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64, %arg3: i32) -> i32
// CHECK: %[[BUFFERS:.*]] = llvm.load %{{.*}} invariant {alignment = 8 : i64} : !llvm.ptr -> !llvm.ptr
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[BUFFERS]][8]
// CHECK: llvm.load %[[AT]] invariant
// CHECK: llvm.getelementptr %arg0[16]
// CHECK: llvm.getelementptr %arg0[24]
// CHECK: %[[WORKER:.*]] = llvm.zext %arg3 : i32 to i64
// CHECK: llvm.mul %[[WORKER]]
// CHECK: llvm.getelementptr %{{.*}}[256]
// CHECK: llvm.return
func.func @k(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32 {
  %b = rt.buffer %call[1] : !llvm.ptr -> memref<64xf32>
  %s = rt.scratch %call, %worker + 256 : !llvm.ptr -> memref<16xf32>
  %v = memref.load %b[%begin] : memref<64xf32>
  memref.store %v, %s[%end] : memref<16xf32>
  %ok = arith.constant 0 : i32
  return %ok : i32
}
