// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(nncc-nvptx-emit-kernel,func.func(canonicalize,cse))" | FileCheck %s

// One row, two directions: each is a unit. 64 threads have the products of a unit n with a part of the state each.
// CHECK-LABEL: func.func @one
// CHECK-SAME: rt.scratch = 0 : i64, rt.threads = 512 : i64, rt.units = 2 : i64
// CHECK-DAG: %[[STATE:.*]] = memref.get_global @{{.*}} : memref<64xf32, 3>
// CHECK-DAG: %[[SUMS:.*]] = memref.get_global @{{.*}} : memref<1024xf32, 3>
// CHECK: memref.store %{{.*}}, %[[STATE]]
// CHECK: nvvm.barrier
// CHECK: scf.for %[[T:.*]] = %c0 to %c9
// Both gates share the state.
// CHECK: scf.for {{.*}} step %c4 iter_args({{.*}}) -> (f32, f32)
// CHECK-COUNT-8: memref.load %{{.*}} : memref<16384xf32>
// CHECK: vector.load %[[STATE]]{{.*}} vector<4xf32>
// CHECK-COUNT-8: math.fma
// CHECK-NOT: math.fma
// CHECK: memref.store %{{.*}}, %[[SUMS]]
// CHECK: nvvm.barrier
// CHECK: %[[BACK:.*]] = arith.subi %c8, %[[T]]
// CHECK: arith.select %{{.*}}, %[[BACK]], %[[T]]
// CHECK-COUNT-16: memref.load %[[SUMS]]
// CHECK: math.tanh
// CHECK: memref.store %{{.*}}, %[[STATE]]
// CHECK: nvvm.barrier
func.func @one(%x: tensor<9x1x256xf32>, %r: tensor<2x4x2x64x16xf32>) -> tensor<9x2x1x64xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<9x2x1x64xf32>
  %0 = kern.recurrence ins(%x, %r : tensor<9x1x256xf32>, tensor<2x4x2x64x16xf32>) y_init(%y : tensor<9x2x1x64xf32>) reverse [false, true] cell {
  ^bb0(%a: f32, %b: f32, %s: f32, %t: f32, %h: f32):
    %1 = arith.addf %s, %t : f32
    %2 = math.tanh %1 : f32
    kern.states %2 : f32
  } -> tensor<9x2x1x64xf32>
  return %0 : tensor<9x2x1x64xf32>
}

// -----

// Rows and steps are open. Lengths decide which rows have a step; others have an output of 0.
// CHECK-LABEL: func.func @open
// CHECK: memref.load {{.*}} : memref<?xi32>
// CHECK: scf.for
// CHECK: nvvm.barrier
// CHECK: memref.load {{.*}} : memref<?xi32>
// CHECK: scf.if
// CHECK: math.tanh
// CHECK: } else {
// CHECK: memref.store %cst
// CHECK: nvvm.barrier
// A row of no step ends with a state of 0.
// CHECK: %[[EMPTY:.*]] = arith.cmpi eq
// CHECK: arith.select %[[EMPTY]], %cst
#x = affine_map<()[s0, s1] -> (s0, s1, 40)>
#y = affine_map<()[s0, s1] -> (s0, 1, s1, 40)>
#h = affine_map<()[s0, s1] -> (1, s1, 40)>
#n = affine_map<()[s0, s1] -> (s1)>
func.func @open(%x: tensor<?x?x40xf32, #x>, %r: tensor<1x3x1x40x16xf32>, %n: tensor<?xi32, #n>, %h: tensor<1x?x40xf32, #h>) -> (tensor<?x1x?x40xf32, #y>, tensor<1x?x40xf32, #h>) attributes {rt.kernel} {
  %s0 = rt.symbol 0 : index
  %s1 = rt.symbol 1 : index
  %e = tensor.empty(%s0, %s1) : tensor<?x1x?x40xf32, #y>
  %l = tensor.empty(%s1) : tensor<1x?x40xf32, #h>
  %0:2 = kern.recurrence ins(%x, %r : tensor<?x?x40xf32, #x>, tensor<1x3x1x40x16xf32>) lengths(%n : tensor<?xi32, #n>) h(%h : tensor<1x?x40xf32, #h>)
      y_init(%e : tensor<?x1x?x40xf32, #y>) h_init(%l : tensor<1x?x40xf32, #h>) reverse [false] cell {
  ^bb0(%a: f32, %s: f32, %old: f32):
    %1 = arith.addf %a, %s : f32
    %2 = math.tanh %1 : f32
    kern.states %2 : f32
  } -> tensor<?x1x?x40xf32, #y>, tensor<1x?x40xf32, #h>
  return %0#0, %0#1 : tensor<?x1x?x40xf32, #y>, tensor<1x?x40xf32, #h>
}

// -----

// With a reset: products of all gates but one, the reset, products of that one, the cell. States of f64.
// CHECK-LABEL: func.func @reset
// CHECK: scf.for
// CHECK: math.fma
// CHECK: nvvm.barrier
// CHECK: math.exp
// CHECK: nvvm.barrier
// CHECK: math.fma
// CHECK: nvvm.barrier
// CHECK: math.tanh
// CHECK: nvvm.barrier
func.func @reset(%x: tensor<9x1x32xf64>, %r: tensor<1x1x2x16x16xf64>) -> tensor<1x1x16xf64> attributes {rt.kernel} {
  %l = tensor.empty() : tensor<1x1x16xf64>
  %0 = kern.recurrence ins(%x, %r : tensor<9x1x32xf64>, tensor<1x1x2x16x16xf64>) h_init(%l : tensor<1x1x16xf64>) reverse [true] cell {
  ^bb0(%a: f64, %b: f64, %s: f64, %t: f64, %h: f64):
    %1 = math.tanh %t : f64
    kern.states %1 : f64
  } reset {
  ^bb0(%a: f64, %s: f64, %h: f64):
    %1 = math.exp %s : f64
    kern.states %1 : f64
  } -> tensor<1x1x16xf64>
  return %0 : tensor<1x1x16xf64>
}

// -----

// 256 rows share the weights two by two; the sums of 4000 units and 4 gates do not fit into shared memory.
// CHECK-LABEL: func.func @large
// CHECK-SAME: rt.scratch = {{[1-9][0-9]*}} : i64, rt.threads = 512 : i64, rt.units = 128 : i64
// CHECK: memref.get_global @{{.*}} : memref<8000xf32, 3>
// CHECK: rt.scratch
func.func @large(%x: tensor<9x256x16000xf32>, %r: tensor<1x250x4x4000x16xf32>) -> tensor<1x256x4000xf32> attributes {rt.kernel} {
  %l = tensor.empty() : tensor<1x256x4000xf32>
  %0 = kern.recurrence ins(%x, %r : tensor<9x256x16000xf32>, tensor<1x250x4x4000x16xf32>) h_init(%l : tensor<1x256x4000xf32>) reverse [false] cell {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %s: f32, %t: f32, %u: f32, %v: f32, %h: f32):
    kern.states %s : f32
  } -> tensor<1x256x4000xf32>
  return %0 : tensor<1x256x4000xf32>
}
