// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(nncc-nvptx-emit-kernel,func.func(canonicalize,cse))" | FileCheck %s

// A block for each row. All of a row that fits into shared memory is sorted there: of bits of the element, with the
// place behind them; a barrier behind each step of the network.
// CHECK: memref.global "private" @[[ENTRIES:.*]] : memref<1000xi64, 3>
// CHECK-LABEL: func.func @all
// CHECK-SAME: rt.scratch = 0 : i64, rt.threads = 512 : i64, rt.units = 3 : i64
// CHECK: arith.bitcast {{.*}} : f32 to i32
// CHECK: arith.shli %{{.*}}, %c32_i64
// CHECK: nvvm.barrier0
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.cmpi ult, %{{.*}}, %{{.*}} : i64
// CHECK: nvvm.barrier0
// CHECK: arith.trunci %{{.*}} : i64 to i32
func.func @all(%x: tensor<3x1000x1xf32>) -> tensor<3x1000xi64> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<3x1000xi64>
  %0 = kern.argsort ins(%x : tensor<3x1000x1xf32>) outs(%y : tensor<3x1000xi64>) -> tensor<3x1000xi64>
  return %0 : tensor<3x1000xi64>
}

// -----

// Few of many: the least one of each thread, sorted; then only what is up to the bound.
// CHECK-LABEL: func.func @few
// CHECK-SAME: rt.threads = 512 : i64, rt.units = 2 : i64
// CHECK: arith.minui
// CHECK: nvvm.barrier0
// CHECK: llvm.atomicrmw add %{{.*}}, %{{.*}} syncscope("block") monotonic
// CHECK: nvvm.barrier0
func.func @few(%x: tensor<2x50000x1xf32>) -> tensor<2x40xi64> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<2x40xi64>
  %0 = kern.argsort ins(%x : tensor<2x50000x1xf32>) outs(%y : tensor<2x40xi64>) {descending} -> tensor<2x40xi64>
  return %0 : tensor<2x40xi64>
}

// -----

// Rows of several columns are compared where they are.
// CHECK-LABEL: func.func @columns
// CHECK: scf.while
// CHECK: memref.load
// CHECK: arith.cmpi ult, %{{.*}}, %{{.*}} : i8
func.func @columns(%x: tensor<1x9x4xi8>) -> tensor<1x9xi64> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<1x9xi64>
  %0 = kern.argsort ins(%x : tensor<1x9x4xi8>) outs(%y : tensor<1x9xi64>) {is_unsigned} -> tensor<1x9xi64>
  return %0 : tensor<1x9xi64>
}

// -----

// A block for each class; threads share the boxes behind one that is chosen.
// CHECK-LABEL: func.func @suppress
// CHECK-SAME: rt.threads = 256 : i64, rt.units = 6 : i64
// CHECK: nvvm.barrier0
// CHECK: scf.while
// CHECK: scf.for
// CHECK: arith.divf
// CHECK: nvvm.barrier0
func.func @suppress(%b: tensor<2x500x4xf32>, %s: tensor<2x3x500xf32>, %o: tensor<2x3x500xi64>, %n: tensor<1xi64>, %t: tensor<1xf32>) -> tensor<2x3x500xi64> attributes {rt.kernel} {
  %c0 = arith.constant 0 : index
  %m = tensor.extract %n[%c0] : tensor<1xi64>
  %most = arith.index_cast %m : i64 to index
  %limit = tensor.extract %t[%c0] : tensor<1xf32>
  %y = tensor.empty() : tensor<2x3x500xi64>
  %0 = kern.suppress ins(%b, %s, %o : tensor<2x500x4xf32>, tensor<2x3x500xf32>, tensor<2x3x500xi64>) limits(%most, %limit, %limit)
      outs(%y : tensor<2x3x500xi64>) -> tensor<2x3x500xi64>
  return %0 : tensor<2x3x500xi64>
}

// -----

// Two parts of the mask. The block of the second one counts what is before it. Then each thread has 16 elements, 16 bytes
// that one load reads, as the bits of a number; the sums of warps meet in shared memory, a barrier behind them. The last
// block fills up with zeros.
// CHECK-LABEL: func.func @positions
// CHECK-SAME: rt.scratch = 0 : i64, rt.threads = 512 : i64, rt.units = 2 : i64
// CHECK: scf.for
// CHECK:   vector.load %{{.*}} {alignment = 16 : i64} : memref<10000xi8>, vector<16xi8>
// CHECK:   math.ctpop
// CHECK: nvvm.shfl.sync
// CHECK: nvvm.barrier0
// CHECK: vector.load %{{.*}} {alignment = 16 : i64} : memref<10000xi8>, vector<16xi8>
// CHECK: nvvm.shfl.sync
// CHECK: nvvm.barrier0
// CHECK-NOT: nvvm.barrier0
// CHECK: math.cttz
// CHECK: memref.store %c0_i64
func.func @positions(%x: tensor<10000xi1>) -> tensor<300xi64> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<300xi64>
  %0 = kern.positions ins(%x : tensor<10000xi1>) outs(%y : tensor<300xi64>) -> tensor<300xi64>
  return %0 : tensor<300xi64>
}

// -----

// Few elements are one warp's, which has no barrier.
// CHECK-LABEL: func.func @few_positions
// CHECK-SAME: rt.threads = 32 : i64, rt.units = 1 : i64
// CHECK-NOT: nvvm.barrier0
// CHECK: return
func.func @few_positions(%x: tensor<100xi1>) -> tensor<30xi64> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<30xi64>
  %0 = kern.positions ins(%x : tensor<100xi1>) outs(%y : tensor<30xi64>) -> tensor<30xi64>
  return %0 : tensor<30xi64>
}
