// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-recurrence))" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-recurrence{registers=16 register-bytes=32}))" | FileCheck %s --check-prefix=AVX2

// One row is one unit.
// CHECK-LABEL: @one
// CHECK: plan = #kern.recurrence_plan<unit_rows = 1, rows = 1, tile_rows = 1, sums = 26, team = 1>
// AVX2-LABEL: @one
// AVX2: plan = #kern.recurrence_plan<unit_rows = 1, rows = 1, tile_rows = 1, sums = 6, team = 1>
func.func @one(%x: tensor<9x1x64xf32>, %r: tensor<1x4x1x64x16xf32>, %y: tensor<9x1x1x64xf32>) -> tensor<9x1x1x64xf32> {
  %0 = kern.recurrence ins(%x, %r : tensor<9x1x64xf32>, tensor<1x4x1x64x16xf32>) y_init(%y : tensor<9x1x1x64xf32>) reverse [false] cell {
  ^bb0(%a: f32, %s: f32, %h: f32):
    kern.states %s : f32
  } -> tensor<9x1x1x64xf32>
  return %0 : tensor<9x1x1x64xf32>
}

// -----

// Rows are shared by threads, and taken together where one has several units.
// CHECK-LABEL: @many
// CHECK: plan = #kern.recurrence_plan<unit_rows = 4, rows = 8, tile_rows = 8, sums = 26, team = 1>
// AVX2-LABEL: @many
// AVX2: plan = #kern.recurrence_plan<unit_rows = 4, rows = 8, tile_rows = 4, sums = 6, team = 1>
func.func @many(%x: tensor<9x16x64xf32>, %r: tensor<1x4x1x64x16xf32>, %y: tensor<9x1x16x64xf32>) -> tensor<9x1x16x64xf32> {
  %0 = kern.recurrence ins(%x, %r : tensor<9x16x64xf32>, tensor<1x4x1x64x16xf32>) y_init(%y : tensor<9x1x16x64xf32>) reverse [false] cell {
  ^bb0(%a: f32, %s: f32, %h: f32):
    kern.states %s : f32
  } -> tensor<9x1x16x64xf32>
  return %0 : tensor<9x1x16x64xf32>
}

// -----

// Much to read in each step: 13 workers have 128 KiB of weights each. The rows of a few stay together.
// CHECK-LABEL: @large
// CHECK: plan = #kern.recurrence_plan<unit_rows = 6, rows = 6, tile_rows = 4, sums = 26, team = 13>
func.func @large(%x: tensor<9x6x1152xf32>, %r: tensor<1x24x3x384x16xf32>, %y: tensor<9x1x6x384xf32>) -> tensor<9x1x6x384xf32> {
  %0 = kern.recurrence ins(%x, %r : tensor<9x6x1152xf32>, tensor<1x24x3x384x16xf32>) y_init(%y : tensor<9x1x6x384xf32>) reverse [false] cell {
  ^bb0(%a: f32, %b: f32, %c: f32, %s: f32, %t: f32, %u: f32, %h: f32):
    kern.states %s : f32
  } -> tensor<9x1x6x384xf32>
  return %0 : tensor<9x1x6x384xf32>
}
