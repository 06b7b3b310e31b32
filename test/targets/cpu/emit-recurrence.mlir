// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-recurrence,nncc-cpu-emit-kernel,canonicalize,cse))" | FileCheck %s

// One row, two directions: each is a unit. In a step the products of all panels, then the cell.
// CHECK-LABEL: @one
// CHECK-SAME: rt.units = 2 : i64
// CHECK: scf.for %[[D:.*]] = %c0 to %c2
// CHECK: scf.for %[[T:.*]] = %c0 to %c9
// CHECK: scf.for %[[G:.*]] = %c0 to %c2
// CHECK: kern.brgemm {{.*}}aStrides = array<i64: 1>, bStrides = array<i64: 16>, nv = 4 : i64, panelStride = 1024 : i64
// CHECK: %[[BACK:.*]] = arith.subi %c8, %[[T]]
// CHECK: arith.select %{{.*}}, %[[BACK]], %[[T]]
// CHECK: scf.for %{{.*}} = %c0 to %c4
// CHECK-NOT: vector.create_mask
// CHECK: math.tanh
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

// Rows and steps are open: tiles of 8, 4, 2 and 1 rows. Units behind the last one are masked. Lengths decide which
// rows have a step; others have an output of 0.
// CHECK-LABEL: @open
// CHECK: kern.brgemm {{.*}}nv = 3 : i64
// CHECK: kern.brgemm {{.*}}nv = 3 : i64
// CHECK: kern.brgemm {{.*}}nv = 3 : i64
// CHECK: kern.brgemm {{.*}}nv = 3 : i64
// CHECK-NOT: kern.brgemm
// CHECK: memref.load {{.*}} : memref<?xi32>
// CHECK: scf.if
// CHECK: vector.create_mask
// CHECK: math.tanh
// CHECK: } else {
// CHECK: vector.maskedstore {{.*}} %cst
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

// With a reset: products of all gates but one, the reset, products of that one, the cell.
// CHECK-LABEL: @reset
// CHECK: kern.brgemm
// CHECK: math.exp
// CHECK: kern.brgemm
// CHECK: math.tanh
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

// No row: nothing to compute.
// CHECK-LABEL: @none
// CHECK-SAME: rt.units = 0 : i64
// CHECK-NOT: kern.brgemm
func.func @none(%x: tensor<9x0x16xf32>, %r: tensor<1x1x1x16x16xf32>) -> tensor<1x0x16xf32> attributes {rt.kernel} {
  %l = tensor.empty() : tensor<1x0x16xf32>
  %0 = kern.recurrence ins(%x, %r : tensor<9x0x16xf32>, tensor<1x1x1x16x16xf32>) h_init(%l : tensor<1x0x16xf32>) reverse [false] cell {
  ^bb0(%a: f32, %s: f32, %h: f32):
    kern.states %s : f32
  } -> tensor<1x0x16xf32>
  return %0 : tensor<1x0x16xf32>
}

// -----

// A team: each worker takes its share of the 4 panels of all units. States are in the scratch of worker 0, h twice.
// All wait after the states have their first values and in each step; where there is a reset, for what it makes of h too.
// CHECK-LABEL: @team
// CHECK-SAME: %[[CALL:.*]]: !llvm.ptr, %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[WORKER:.*]]: i32
// CHECK-SAME: rt.team = 3 : i64, rt.units = 1 : i64
// CHECK: %[[N:.*]] = rt.team %[[CALL]]
// CHECK: %[[TEAM:.*]] = arith.cmpi sgt, %[[N]], %c1
// CHECK: arith.select %[[TEAM]], %c0, %[[BEGIN]]
// CHECK: %[[FIRST:.*]] = arith.divui
// CHECK: %[[PAST:.*]] = arith.divui
// CHECK: %[[OWNER:.*]] = arith.select %[[TEAM]], %c0_i32, %[[WORKER]]
// CHECK: rt.scratch %[[CALL]], %[[OWNER]] {{.*}} -> memref<128xf32>
// CHECK: rt.scratch %[[CALL]], %[[WORKER]] {{.*}} -> memref<192xf32>
// CHECK: rt.scratch %[[CALL]], %[[OWNER]] {{.*}} -> memref<64xf32>
// CHECK: scf.if %[[TEAM]] {
// CHECK-NEXT: rt.barrier %[[CALL]]
// CHECK: scf.for %{{.*}} = %c0 to %c9
// CHECK: arith.remui
// CHECK: kern.brgemm {{.*}}nv = 4 : i64, panelStride = 3072
// CHECK: kern.brgemm {{.*}}nv = 1 : i64
// CHECK: math.exp
// CHECK: rt.barrier
// CHECK: kern.brgemm
// CHECK: math.tanh
// CHECK: rt.barrier
// CHECK-NOT: rt.barrier
func.func @team(%x: tensor<9x1x192xf32>, %r: tensor<1x4x3x64x16xf32>) -> tensor<1x1x64xf32> attributes {rt.kernel} {
  %l = tensor.empty() : tensor<1x1x64xf32>
  %0 = kern.recurrence ins(%x, %r : tensor<9x1x192xf32>, tensor<1x4x3x64x16xf32>) h_init(%l : tensor<1x1x64xf32>) reverse [false]
      attributes {plan = #kern.recurrence_plan<unit_rows = 1, rows = 1, tile_rows = 1, sums = 26, team = 3>} cell {
  ^bb0(%a: f32, %b: f32, %c: f32, %s: f32, %t: f32, %u: f32, %h: f32):
    %1 = math.tanh %u : f32
    kern.states %1 : f32
  } reset {
  ^bb0(%a: f32, %b: f32, %s: f32, %t: f32, %h: f32):
    %1 = math.exp %s : f32
    kern.states %1 : f32
  } -> tensor<1x1x64xf32>
  return %0 : tensor<1x1x64xf32>
}
