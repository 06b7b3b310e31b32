// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(nncc-nvptx-emit-kernel,func.func(canonicalize,cse))" | FileCheck %s

// One block: all threads copy; an update goes where the data say, so that one thread has all of them.
// CHECK-LABEL: func.func @scatter
// CHECK-SAME: rt.threads = 512 : i64, rt.units = 1 : i64
// CHECK: %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK: scf.for
// CHECK: memref.store
// CHECK: nvvm.barrier
// CHECK: %[[FIRST:.*]] = arith.cmpi eq
// CHECK: scf.if %[[FIRST]]
// CHECK: scf.for %{{.*}} = %c0 to %c100 step %c1
// CHECK: memref.store
// CHECK-NOT: nvvm.barrier
// CHECK: return
func.func @scatter(%x: tensor<5000xf32>, %i: tensor<100xi64>, %u: tensor<100xf32>) -> tensor<5000xf32> attributes {rt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c100 = arith.constant 100 : index
  %r = scf.for %n = %c0 to %c100 step %c1 iter_args(%t = %x) -> tensor<5000xf32> {
    %v = tensor.extract %u[%n] : tensor<100xf32>
    %place = tensor.extract %i[%n] : tensor<100xi64>
    %at = arith.index_cast %place : i64 to index
    %s = tensor.insert %v into %t[%at] : tensor<5000xf32>
    scf.yield %s : tensor<5000xf32>
  }
  return %r : tensor<5000xf32>
}

// -----

// Iterations of the inner loop touch different columns: each thread has its own of them, for all rows in order.
// CHECK-LABEL: func.func @rows
// CHECK: %[[ID:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK: %[[THREAD:.*]] = arith.index_castui %[[ID]]
// CHECK: nvvm.barrier
// CHECK-NOT: scf.if
// CHECK: scf.for %{{.*}} = %c0 to %c7 step %c1
// CHECK: scf.for %{{.*}} = %[[THREAD]] to %c1000 step %c512
// CHECK: arith.addf
func.func @rows(%x: tensor<50x1000xf32>, %i: tensor<7xi64>, %u: tensor<7x1000xf32>) -> tensor<50x1000xf32> attributes {rt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %c1000 = arith.constant 1000 : index
  %r = scf.for %n = %c0 to %c7 step %c1 iter_args(%t = %x) -> tensor<50x1000xf32> {
    %place = tensor.extract %i[%n] : tensor<7xi64>
    %row = arith.index_cast %place : i64 to index
    %inner = scf.for %m = %c0 to %c1000 step %c1 iter_args(%w = %t) -> tensor<50x1000xf32> {
      %v = tensor.extract %u[%n, %m] : tensor<7x1000xf32>
      %old = tensor.extract %w[%row, %m] : tensor<50x1000xf32>
      %new = arith.addf %old, %v : f32
      %s = tensor.insert %new into %w[%row, %m] : tensor<50x1000xf32>
      scf.yield %s : tensor<50x1000xf32>
    }
    scf.yield %inner : tensor<50x1000xf32>
  }
  return %r : tensor<50x1000xf32>
}

// -----

// An element of another column is read: the columns are no longer independent.
// CHECK-LABEL: func.func @shifted
// CHECK: arith.cmpi eq
// CHECK: scf.if
// CHECK: scf.for %{{.*}} = %c1 to %c1000 step %c1
func.func @shifted(%x: tensor<1000xf32>) -> tensor<1000xf32> attributes {rt.kernel} {
  %c1 = arith.constant 1 : index
  %c1000 = arith.constant 1000 : index
  %r = scf.for %n = %c1 to %c1000 step %c1 iter_args(%t = %x) -> tensor<1000xf32> {
    %before = arith.subi %n, %c1 : index
    %old = tensor.extract %t[%before] : tensor<1000xf32>
    %s = tensor.insert %old into %t[%n] : tensor<1000xf32>
    scf.yield %s : tensor<1000xf32>
  }
  return %r : tensor<1000xf32>
}

// -----

// What is only updated is in the memory of what it becomes: nothing is copied.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: rt.scratch = 0 : i64
// CHECK-NOT: memref.get_global
// CHECK: scf.for %{{.*}} to %c300
// CHECK: nvvm.barrier
// CHECK-NOT: memref.load
// CHECK: memref.store %cst, %{{.*}}[%c7]
// CHECK: return
func.func @chain() -> tensor<300xf32> attributes {rt.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %c300 = arith.constant 300 : index
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<300xf32>
  %first = scf.for %n = %c0 to %c300 step %c1 iter_args(%t = %e) -> tensor<300xf32> {
    %i = arith.index_cast %n : index to i32
    %v = arith.sitofp %i : i32 to f32
    %s = tensor.insert %v into %t[%n] : tensor<300xf32>
    scf.yield %s : tensor<300xf32>
  }
  %r = tensor.insert %one into %first[%c7] : tensor<300xf32>
  return %r : tensor<300xf32>
}
