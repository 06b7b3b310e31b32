// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd))" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd{mode=off}))" | FileCheck %s --check-prefix=OFF
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd{mode=2}))" | FileCheck %s --check-prefix=TWO
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd{mode=4 registers=16 register-bytes=32}))" | FileCheck %s --check-prefix=FOUR
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd))" --remarks-filter=nncc-cpu 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd{l2-bytes=262144}))" | FileCheck %s --check-prefix=SMALL
// RUN: not nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd{mode=5}))" 2>&1 | FileCheck %s --check-prefix=MODE

// OFF-NOT: winograd<
// MODE: expects auto, off, 2 or 4 as mode, found '5'

// All columns in a unit, so that V is made once.
// CHECK-LABEL: @early
// CHECK: plan = #kern.winograd<tile = 4, unit_tiles = {{[0-9]+}}, unit_panels = 4, k_block = 64, rows = {{[0-9]+}}, panels = {{[0-9]+}}>
// Of what does not stay in a smaller cache all is read again for each unit.
// SMALL-LABEL: @early
// SMALL: unit_tiles = 50,
// TWO-LABEL: @early
// TWO: plan = #kern.winograd<tile = 2,
// Each sum takes two of 16 registers of 32 bytes.
// FOUR-LABEL: @early
// FOUR: plan = #kern.winograd<tile = 4, {{.*}} rows = 2, panels = 2>
// REMARK: [Analysis] winograd | Category:nncc-cpu
// REMARK-SAME: direct_kcycles={{[0-9]+}}, tile=4, tile_2_kcycles={{[0-9]+}}, tile_4_kcycles={{[0-9]+}}
func.func @early(%x: tensor<1x56x56x64xf32>, %w: tensor<4x3x3x64x16xf32>, %y: tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<1x56x56x64xf32>, tensor<4x3x3x64x16xf32>) extras() outs(%y : tensor<1x56x56x64xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x56x56x64xf32>
  return %0 : tensor<1x56x56x64xf32>
}

// -----

// One tile is too little for what the transformed weights cost.
// CHECK-LABEL: @small
// CHECK-NOT: plan
// FOUR-LABEL: @small
// FOUR: plan = #kern.winograd<tile = 4, unit_tiles = 1,
func.func @small(%x: tensor<1x4x4x64xf32>, %w: tensor<4x3x3x64x16xf32>, %y: tensor<1x4x4x64xf32>) -> tensor<1x4x4x64xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<1x4x4x64xf32>, tensor<4x3x3x64x16xf32>) extras() outs(%y : tensor<1x4x4x64xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x4x4x64xf32>
  return %0 : tensor<1x4x4x64xf32>
}

// -----

// Other windows and open sizes stay direct, whatever the mode.
// CHECK-LABEL: @strided
// CHECK-NOT: plan
// FOUR-LABEL: @strided
// FOUR-NOT: plan
func.func @strided(%x: tensor<1x56x56x64xf32>, %w: tensor<4x3x3x64x16xf32>, %y: tensor<1x28x28x64xf32>) -> tensor<1x28x28x64xf32> {
  %0 = kern.contract packed ins(%x, %w : tensor<1x56x56x64xf32>, tensor<4x3x3x64x16xf32>) extras() outs(%y : tensor<1x28x28x64xf32>)
      strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x28x28x64xf32>
  return %0 : tensor<1x28x28x64xf32>
}

// CHECK-LABEL: @open
// CHECK-NOT: plan
// FOUR-LABEL: @open
// FOUR-NOT: plan
#x = affine_map<()[s0] -> (s0, 56, 56, 64)>
func.func @open(%x: tensor<?x56x56x64xf32, #x>, %w: tensor<4x3x3x64x16xf32>, %y: tensor<?x56x56x64xf32, #x>) -> tensor<?x56x56x64xf32, #x> {
  %0 = kern.contract packed ins(%x, %w : tensor<?x56x56x64xf32, #x>, tensor<4x3x3x64x16xf32>) extras() outs(%y : tensor<?x56x56x64xf32, #x>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x56x56x64xf32, #x>
  return %0 : tensor<?x56x56x64xf32, #x>
}
