// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract))" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract{registers=16 register-bytes=32}))" | FileCheck %s --check-prefix=AVX2
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract{l2-bytes=262144}))" | FileCheck %s --check-prefix=SMALL
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract{fma-latency=40}))" | FileCheck %s --check-prefix=LATENCY
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract{loads=1}))" | FileCheck %s --check-prefix=LOADS
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract))" --remarks-filter=nncc-cpu 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// Weights that fit the L2 cache: rows outer. Tiles of 14 divide the width of 28.
// CHECK-LABEL: @conv
// CHECK: plan = #kern.plan<rows = 14, panels = 2, k_blocks = 1, unit_tiles = 2, unroll = 1, n_slow = false, prefetches = 1>
// Two registers a panel and 12 for the sums.
// AVX2-LABEL: @conv
// AVX2: plan = #kern.plan<rows = {{[1-6]}}, panels = 1,
// They do not fit a smaller one.
// SMALL-LABEL: @conv
// SMALL: n_slow = true
// Square tiles load least.
// LOADS-LABEL: @conv
// LOADS: plan = #kern.plan<rows = 6, panels = 4,
// REMARK: [Analysis] plan | Category:nncc-cpu
// REMARK-SAME: columns=64, depth=576, plan="#kern.plan<rows = 14, {{.*}}", rows=784
func.func @conv(%x: tensor<1x28x28x64xf32>, %w: tensor<4x3x3x64x16xf32>, %y: tensor<1x28x28x64xf32>) -> tensor<1x28x28x64xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<1x28x28x64xf32>, tensor<4x3x3x64x16xf32>) extras() outs(%y : tensor<1x28x28x64xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x28x28x64xf32>
  return %0 : tensor<1x28x28x64xf32>
}

// -----

// K in four blocks of 768; all rows pass each group of panels.
// CHECK-LABEL: @deep
// CHECK: plan = #kern.plan<rows = 8, panels = 3, k_blocks = 4, unit_tiles = 16, unroll = 4, n_slow = true, prefetches = 1>
func.func @deep(%x: tensor<128x3072xf32>, %w: tensor<48x3072x16xf32>, %y: tensor<128x768xf32>) -> tensor<128x768xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<128x3072xf32>, tensor<48x3072x16xf32>) extras() outs(%y : tensor<128x768xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<128x768xf32>
  return %0 : tensor<128x768xf32>
}

// -----

// Rows of 4 KiB share one set of the L1 cache: no tile of more than 8.
// CHECK-LABEL: @aliasing_rows
// CHECK: plan = #kern.plan<rows = {{[1-8]}}, panels
func.func @aliasing_rows(%x: tensor<196x1024xf32>, %w: tensor<16x1024x16xf32>, %y: tensor<196x256xf32>) -> tensor<196x256xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<196x1024xf32>, tensor<16x1024x16xf32>) extras() outs(%y : tensor<196x256xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<196x256xf32>
  return %0 : tensor<196x256xf32>
}

// -----

// An image of one column, as sequences often come: tiles take its rows.
// CHECK-LABEL: @column
// CHECK: plan = #kern.plan<rows = 6, panels = 4,
// As many sums as there can be hide a long latency.
// LATENCY-LABEL: @column
// LATENCY: plan = #kern.plan<rows = 14, panels = 2,
func.func @column(%x: tensor<1x512x1x256xf32>, %w: tensor<32x5x1x256x16xf32>, %y: tensor<1x508x1x512xf32>) -> tensor<1x508x1x512xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<1x512x1x256xf32>, tensor<32x5x1x256x16xf32>) extras() outs(%y : tensor<1x508x1x512xf32>)
      strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x508x1x512xf32>
  return %0 : tensor<1x508x1x512xf32>
}

// -----

// A plan that is there stays.
// CHECK-LABEL: @planned
// CHECK: plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 2, n_slow = true>
func.func @planned(%x: tensor<4x8xf32>, %w: tensor<1x8x16xf32>, %y: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps []
      attributes {plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 2, n_slow = true>} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

// Rows of any number: tiles as for many of them, units of 128.
// CHECK-LABEL: @open_rows
// CHECK: plan = #kern.plan<rows = 8, panels = 3, k_blocks = 1, unit_tiles = {{[1-9]|1[0-6]}}, unroll = 4, n_slow = true
#rows = affine_map<()[s0, s1] -> (s0, s1, 768)>
func.func @open_rows(%x: tensor<?x?x768xf32, #rows>, %w: tensor<48x768x16xf32>, %y: tensor<?x?x768xf32, #rows>) -> tensor<?x?x768xf32, #rows> {
  %0 = kern.contract packed ins(%x, %w : tensor<?x?x768xf32, #rows>, tensor<48x768x16xf32>) extras() outs(%y : tensor<?x?x768xf32, #rows>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x?x768xf32, #rows>
  return %0 : tensor<?x?x768xf32, #rows>
}

// -----

// One row reads each panel once: many of them side by side. One multiplication for a line of f32 leaves room for those
// to come; conversions of bf16 do not.
// CHECK-LABEL: @one_row
// CHECK: plan = #kern.plan<rows = 1, panels = 8, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = true>
// CHECK: plan = #kern.plan<rows = 1, panels = 8, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = true, lead = 8>
func.func @one_row(%x: tensor<1x768xf32>, %w: tensor<192x768x16xf32>, %v: tensor<192x768x16xbf16>, %y: tensor<1x3072xf32>) -> (tensor<1x3072xf32>, tensor<1x3072xf32>) {
  %0 = kern.contract packed ins(%x, %w : tensor<1x768xf32>, tensor<192x768x16xf32>) extras() outs(%y : tensor<1x3072xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x3072xf32>
  %1 = kern.contract packed ins(%x, %v : tensor<1x768xf32>, tensor<192x768x16xbf16>) extras() outs(%y : tensor<1x3072xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x3072xf32>
  return %0, %1 : tensor<1x3072xf32>, tensor<1x3072xf32>
}

// -----

// So do multiplications for several rows, whatever the panels are of. What the L1 cache keeps is not fetched.
// CHECK-LABEL: @few_rows
// CHECK: plan = #kern.plan<rows = 4, {{.*}}, lead = 8>
// CHECK: plan = #kern.plan<rows = 4, {{.*}}, n_slow = false>
func.func @few_rows(%x: tensor<4x768xf32>, %w: tensor<192x768x16xf32>, %v: tensor<1x768x16xf32>, %y: tensor<4x3072xf32>, %z: tensor<4x16xf32>) -> (tensor<4x3072xf32>, tensor<4x16xf32>) {
  %0 = kern.contract packed ins(%x, %w : tensor<4x768xf32>, tensor<192x768x16xf32>) extras() outs(%y : tensor<4x3072xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x3072xf32>
  %1 = kern.contract packed ins(%x, %v : tensor<4x768xf32>, tensor<1x768x16xf32>) extras() outs(%z : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0, %1 : tensor<4x3072xf32>, tensor<4x16xf32>
}
