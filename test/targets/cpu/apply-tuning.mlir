// RUN: split-file %s %t
// RUN: nncc-opt %t/model.mlir --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{files=%t/plans.txt processor=some/32x64})" | FileCheck %s
// RUN: nncc-opt %t/model.mlir --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{files=%t/plans.txt processor=some/32x64})" --remarks-filter=nncc-cpu 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: nncc-opt %t/model.mlir --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{files=%t/plans.txt processor=some/32x64 winograd=off})" | FileCheck %s --check-prefix=OFF
// RUN: nncc-opt %t/model.mlir --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{files=%t/plans.txt processor=some/16x32 registers=16 register-bytes=32})" | FileCheck %s --check-prefix=OTHER
// RUN: nncc-opt %t/model.mlir --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{files=%t/plans.txt,%t/later.txt processor=some/32x64})" | FileCheck %s --check-prefix=LATER
// RUN: not nncc-opt %t/model.mlir --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{files=%t/broken.txt})" 2>&1 | FileCheck %s --check-prefix=BROKEN

// CHECK-LABEL: @product
// CHECK: plan = #kern.plan<rows = 3, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true>
// OTHER-LABEL: @product
// OTHER: plan = #kern.plan<rows = 2, panels = 1,
// LATER-LABEL: @product
// LATER: plan = #kern.plan<rows = 4, panels = 1,

// A plan that is there stays.
// CHECK-LABEL: @planned
// CHECK: plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 1, n_slow = false>

// No kernel can be made of 40 rows in 32 registers.
// CHECK-LABEL: @narrow
// CHECK-NOT: plan =
// CHECK-LABEL: @convolution
// CHECK: plan = #kern.winograd<tile = 2, unit_tiles = 16,
// OFF-LABEL: @convolution
// OFF-NOT: plan =

// REMARK-DAG: [Passed] tuning | Category:nncc-cpu | gain=1.250, plan="#kern.plan<rows = 3,{{.*}}threads=2
// REMARK-DAG: [Missed] tuning | Category:nncc-cpu | Reason="its register tile does not fit the registers", plan="#kern.plan<rows = 40,
// REMARK-DAG: [Missed] tuning | Category:nncc-cpu | Reason="from 0 to 64 lines are fetched ahead", plan="#kern.plan<{{.*}}prefetches = -5
// REMARK-DAG: [Missed] tuning | Category:nncc-cpu | Reason="from 0 to 64 lines are fetched ahead", plan="#kern.plan<{{.*}}prefetches = 1000000000
// REMARK-DAG: [Missed] tuning | Category:nncc-cpu | Reason="panels are fetched from 0 to 64 lines before they are read", plan="#kern.plan<{{.*}}lead = 65
// REMARK-DAG: [Analysis] tuning-unused | Category:nncc-cpu | of_other_processors=1, of_unknown_problems=1, processor=some/32x64

// BROKEN: broken.txt:3: expected threads <n>, found 'threads none'

//--- plans.txt
# nncc tuning 1
# of some machines
some/32x64 | kern.contract (tensor<12x8xf32>, tensor<1x8x16xf32>, tensor<12x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 2 | #kern.plan<rows = 3, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true> | gain 1.250
some/16x32 | kern.contract (tensor<12x8xf32>, tensor<1x8x16xf32>, tensor<12x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 2 | #kern.plan<rows = 2, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true> | gain 1.250
some/32x64 | kern.contract (tensor<50x8xf32>, tensor<1x8x16xf32>, tensor<50x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 2 | #kern.plan<rows = 40, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true> | gain 1.250
some/32x64 | kern.contract (tensor<1x56x56x64xf32>, tensor<4x3x3x64x16xf32>, tensor<1x56x56x64xf32>) {b_layout = 0 : i32, dilations = array<i64: 1, 1>, groups = 1 : i64, maps = [], pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} {kern.yield %0} | threads 1 | #kern.winograd<tile = 2, unit_tiles = 16, unit_panels = 4, k_block = 64, rows = 8, panels = 2> | gain 1.100
some/32x64 | kern.contract (tensor<60x8xf32>, tensor<1x8x16xf32>, tensor<60x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 2 | #kern.plan<rows = 3, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true, prefetches = -5> | gain 1.250
some/32x64 | kern.contract (tensor<70x8xf32>, tensor<1x8x16xf32>, tensor<70x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 2 | #kern.plan<rows = 3, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true, prefetches = 1000000000> | gain 1.250
some/32x64 | kern.contract (tensor<80x8xf32>, tensor<1x8x16xf32>, tensor<80x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 2 | #kern.plan<rows = 3, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true, lead = 65> | gain 1.250
some/32x64 | kern.contract of something else | threads 1 | #kern.winograd<tile = 2, unit_tiles = 16, unit_panels = 4, k_block = 64, rows = 8, panels = 2> | gain 1.100

//--- later.txt
# nncc tuning 1
some/32x64 | kern.contract (tensor<12x8xf32>, tensor<1x8x16xf32>, tensor<12x16xf32>) {b_layout = 0 : i32, dilations = array<i64>, groups = 1 : i64, maps = [], pads = array<i64>, strides = array<i64>} {kern.yield %0} | threads 1 | #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true> | gain 1.010

//--- broken.txt
# nncc tuning 1

some/32x64 | kern.contract | threads none | #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 2, unroll = 2, n_slow = true> | gain 1.010

//--- model.mlir
func.func @product(%x: tensor<12x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<12x16xf32>) -> tensor<12x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<12x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<12x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<12x16xf32>
  return %0 : tensor<12x16xf32>
}

func.func @planned(%x: tensor<12x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<12x16xf32>) -> tensor<12x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<12x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<12x16xf32>)
      strides [] dilations [] pads [] maps []
      attributes {plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 1, n_slow = false>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<12x16xf32>
  return %0 : tensor<12x16xf32>
}

func.func @narrow(%x: tensor<50x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<50x16xf32>) -> tensor<50x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<50x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<50x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<50x16xf32>
  return %0 : tensor<50x16xf32>
}

func.func @convolution(%x: tensor<1x56x56x64xf32>, %w: tensor<4x3x3x64x16xf32>, %y: tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<1x56x56x64xf32>, tensor<4x3x3x64x16xf32>) extras() outs(%y : tensor<1x56x56x64xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x56x56x64xf32>
  return %0 : tensor<1x56x56x64xf32>
}

func.func @ahead_60(%x: tensor<60x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<60x16xf32>) -> tensor<60x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<60x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<60x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<60x16xf32>
  return %0 : tensor<60x16xf32>
}

func.func @ahead_70(%x: tensor<70x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<70x16xf32>) -> tensor<70x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<70x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<70x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<70x16xf32>
  return %0 : tensor<70x16xf32>
}

func.func @ahead_80(%x: tensor<80x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<80x16xf32>) -> tensor<80x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<80x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<80x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<80x16xf32>
  return %0 : tensor<80x16xf32>
}
