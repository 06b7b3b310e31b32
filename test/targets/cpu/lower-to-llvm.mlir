// RUN: %nncc-opt %s --nncc-cpu-lower-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

// A buffer is call->buffers[2]; a worker's scratch begins at call->scratch + worker * call->scratch_stride.
// CHECK:       llvm.func @k(%[[CALL:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64, %[[WORKER:.*]]: i32) -> i32
// CHECK-SAME:    rt.scratch = 256
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[CALL]][0]
// CHECK:         %[[BUFFERS:.*]] = llvm.load %[[FIELD]] invariant
// CHECK:         %[[ENTRY:.*]] = llvm.getelementptr %[[BUFFERS]][16]
// CHECK:         llvm.load %[[ENTRY]] invariant
// CHECK:         %[[OFFSET:.*]] = llvm.mlir.constant(64
// CHECK:         llvm.getelementptr %[[CALL]][16]
// CHECK:         %[[SCRATCH:.*]] = llvm.load
// CHECK:         llvm.getelementptr %[[CALL]][24]
// CHECK:         %[[STRIDE:.*]] = llvm.load
// CHECK:         %[[W:.*]] = llvm.zext %[[WORKER]]
// CHECK:         %[[SLICE:.*]] = llvm.mul %[[W]], %[[STRIDE]]
// CHECK:         %[[OWN:.*]] = llvm.getelementptr %[[SCRATCH]][%[[SLICE]]]
// CHECK:         llvm.getelementptr %[[OWN]][%[[OFFSET]]]
// CHECK:         llvm.load %{{.*}} : !llvm.ptr -> f32
// CHECK:         llvm.store
// A size is call->dims[1].
// CHECK:         llvm.getelementptr %[[CALL]][8]
// CHECK:         %[[DIMS:.*]] = llvm.load
// CHECK:         llvm.getelementptr %[[DIMS]][8]
// CHECK:         llvm.load %{{.*}} invariant {{.*}} : !llvm.ptr -> i64
module @k {
  func.func @k(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32 attributes {rt.kernel, rt.scratch = 256 : i64} {
    %ok = arith.constant 0 : i32
    %a = rt.buffer %call[2] : !llvm.ptr -> memref<128xf32>
    %c64 = arith.constant 64 : index
    %s = rt.scratch %call, %worker + %c64 : !llvm.ptr -> memref<16xf32>
    %v = memref.load %a[%begin] : memref<128xf32>
    memref.store %v, %s[%end] : memref<16xf32>
    %n = rt.dim %call[1] : !llvm.ptr -> index
    %open = rt.buffer %call[0] : !llvm.ptr -> memref<?xf32>
    memref.store %v, %open[%n] : memref<?xf32>
    return %ok : i32
  }
}
// -----
// call->workers, and call->services->barrier(call->host).
// CHECK:       llvm.func @k(%[[CALL:.*]]: !llvm.ptr) -> i64
// CHECK:         llvm.getelementptr %[[CALL]][48]
// CHECK:         %[[WORKERS:.*]] = llvm.load {{.*}} invariant {{.*}} -> i32
// CHECK:         %[[N:.*]] = llvm.sext %[[WORKERS]]
// CHECK:         llvm.getelementptr %[[CALL]][32]
// CHECK:         %[[SERVICES:.*]] = llvm.load
// CHECK:         llvm.getelementptr %[[SERVICES]][24]
// CHECK:         %[[BARRIER:.*]] = llvm.load
// CHECK:         llvm.getelementptr %[[CALL]][40]
// CHECK:         %[[HOST:.*]] = llvm.load
// CHECK:         llvm.call %[[BARRIER]](%[[HOST]]) : !llvm.ptr, (!llvm.ptr) -> ()
module @k {
  func.func @k(%call: !llvm.ptr) -> index attributes {rt.kernel} {
    %n = rt.team %call : !llvm.ptr -> index
    rt.barrier %call : !llvm.ptr
    return %n : index
  }
}
// -----
module @k {
  func.func @k(%a: memref<8xf32>) attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    // expected-error @+1 {{failed to legalize operation 'linalg.fill'}}
    linalg.fill ins(%zero : f32) outs(%a : memref<8xf32>)
    return
  }
}
