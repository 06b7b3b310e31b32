// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(builtin.module(func.func(nncc-cpu-plan-contract)),nncc-cpu-fuse-bands)" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(builtin.module(func.func(nncc-cpu-plan-contract)),nncc-cpu-fuse-bands{mode=off})" | FileCheck %s --check-prefix=OFF
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(builtin.module(func.func(nncc-cpu-plan-contract)),nncc-cpu-fuse-bands{mode=always rows=3})" | FileCheck %s --check-prefix=ALWAYS
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(builtin.module(func.func(nncc-cpu-plan-contract)),nncc-cpu-fuse-bands)" --remarks-filter=nncc-cpu 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(builtin.module(func.func(nncc-cpu-plan-contract)),nncc-cpu-fuse-bands{l2-bytes=16777216})" | FileCheck %s --check-prefix=LARGE
// RUN: not nncc-opt %s --split-input-file --pass-pipeline="builtin.module(builtin.module(func.func(nncc-cpu-plan-contract)),nncc-cpu-fuse-bands{mode=2})" 2>&1 | FileCheck %s --check-prefix=MODE

// MODE: expects auto, off or always as mode, found '2'
// OFF-NOT: bands
// LARGE-NOT: bands

// 4.8 MB between the first two, which are computed for as many rows as the L2 cache holds.
// CHECK-LABEL: func.func @early
// CHECK-NEXT: %[[X:.*]] = rt.dispatch @bands_0(%arg0, %arg1, %arg2)
// CHECK-SAME: {flops = 6.000000e+00 : f64, nodes = "expand;depthwise;relu"}
// CHECK-NEXT: rt.dispatch @early_project(%[[X]], %arg3)
// CHECK-NOT: module @early_expand
// REMARK: [Analysis] bands | Category:nncc-cpu
// REMARK-SAME: best=contract+window, fused=contract+window, gain_kcycles={{[0-9]+}}, recomputed_percent={{[0-9]+}}, rows={{[0-9]+}}, scratch_kb={{[0-9]+}}
// ALWAYS-LABEL: func.func @early
// ALWAYS: kern.band_rows = 3 : i64
func.func @early(%x: tensor<1x112x112x16xf32>, %we: tensor<6x1x1x16x16xf32>, %ww: tensor<3x3x96xf32>, %wp: tensor<2x1x1x96x16xf32>) -> (tensor<1x56x56x24xf32>) {
  %0 = rt.dispatch @early_expand(%x, %we) {flops = 4.0 : f64, nodes = "expand"} : (tensor<1x112x112x16xf32>, tensor<6x1x1x16x16xf32>) -> tensor<1x112x112x96xf32>
  %1 = rt.dispatch @early_depthwise(%0, %ww) {flops = 2.0 : f64, nodes = "depthwise;relu"} : (tensor<1x112x112x96xf32>, tensor<3x3x96xf32>) -> tensor<1x56x56x96xf32>
  %2 = rt.dispatch @early_project(%1, %wp) {flops = 1.0 : f64, nodes = "project"} : (tensor<1x56x56x96xf32>, tensor<2x1x1x96x16xf32>) -> tensor<1x56x56x24xf32>
  return %2 : tensor<1x56x56x24xf32>
}
module @early_expand {
  func.func @early_expand(%a: tensor<1x112x112x16xf32>, %w: tensor<6x1x1x16x16xf32>) -> tensor<1x112x112x96xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x112x112x96xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x112x112x16xf32>, tensor<6x1x1x16x16xf32>) extras() outs(%e : tensor<1x112x112x96xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x112x112x96xf32>
    return %0 : tensor<1x112x112x96xf32>
  }
}
module @early_depthwise {
  func.func @early_depthwise(%a: tensor<1x112x112x96xf32>, %w: tensor<3x3x96xf32>) -> tensor<1x56x56x96xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x56x56x96xf32>
    %0 = kern.window depthwise ins(%a, %w : tensor<1x112x112x96xf32>, tensor<3x3x96xf32>) extras() outs(%e : tensor<1x56x56x96xf32>)
        kernel [3, 3] strides [2, 2] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x56x56x96xf32>
    return %0 : tensor<1x56x56x96xf32>
  }
}
module @early_project {
  func.func @early_project(%a: tensor<1x56x56x96xf32>, %w: tensor<2x1x1x96x16xf32>) -> tensor<1x56x56x24xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x56x56x24xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x56x56x96xf32>, tensor<2x1x1x96x16xf32>) extras() outs(%e : tensor<1x56x56x24xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x56x56x24xf32>
    return %0 : tensor<1x56x56x24xf32>
  }
}

// -----

// All three, of which each hands 1.8 MB to the next.
// CHECK-LABEL: func.func @middle
// CHECK-NEXT: %[[Y:.*]] = rt.dispatch @bands_0(%arg0, %arg1, %arg2, %arg3)
// CHECK-SAME: {flops = 7.000000e+00 : f64, nodes = "expand;depthwise;relu;project"}
// CHECK-NEXT: return %[[Y]]
// CHECK-NOT: module @middle
// CHECK: module @bands_0
// CHECK: func.func @bands_0(%[[A:.*]]: tensor<1x56x56x24xf32>, %[[E:.*]]: tensor<9x1x1x24x16xf32>, %[[D:.*]]: tensor<3x3x144xf32>, %[[P:.*]]: tensor<2x1x1x144x16xf32>) -> tensor<1x56x56x24xf32>
// CHECK-SAME: attributes {kern.band_rows = {{[0-9]+}} : i64, rt.kernel}
// CHECK: %[[U:.*]] = kern.contract packed ins(%[[A]], %[[E]] :
// CHECK-SAME: n_slow = false>}
// CHECK: %[[V:.*]] = kern.window depthwise ins(%[[U]], %[[D]] :
// CHECK: kern.contract packed ins(%[[V]], %[[P]] :
func.func @middle(%x: tensor<1x56x56x24xf32>, %we: tensor<9x1x1x24x16xf32>, %ww: tensor<3x3x144xf32>, %wp: tensor<2x1x1x144x16xf32>) -> (tensor<1x56x56x24xf32>) {
  %0 = rt.dispatch @middle_expand(%x, %we) {flops = 4.0 : f64, nodes = "expand"} : (tensor<1x56x56x24xf32>, tensor<9x1x1x24x16xf32>) -> tensor<1x56x56x144xf32>
  %1 = rt.dispatch @middle_depthwise(%0, %ww) {flops = 2.0 : f64, nodes = "depthwise;relu"} : (tensor<1x56x56x144xf32>, tensor<3x3x144xf32>) -> tensor<1x56x56x144xf32>
  %2 = rt.dispatch @middle_project(%1, %wp) {flops = 1.0 : f64, nodes = "project"} : (tensor<1x56x56x144xf32>, tensor<2x1x1x144x16xf32>) -> tensor<1x56x56x24xf32>
  return %2 : tensor<1x56x56x24xf32>
}
module @middle_expand {
  func.func @middle_expand(%a: tensor<1x56x56x24xf32>, %w: tensor<9x1x1x24x16xf32>) -> tensor<1x56x56x144xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x56x56x144xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x56x56x24xf32>, tensor<9x1x1x24x16xf32>) extras() outs(%e : tensor<1x56x56x144xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x56x56x144xf32>
    return %0 : tensor<1x56x56x144xf32>
  }
}
module @middle_depthwise {
  func.func @middle_depthwise(%a: tensor<1x56x56x144xf32>, %w: tensor<3x3x144xf32>) -> tensor<1x56x56x144xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x56x56x144xf32>
    %0 = kern.window depthwise ins(%a, %w : tensor<1x56x56x144xf32>, tensor<3x3x144xf32>) extras() outs(%e : tensor<1x56x56x144xf32>)
        kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x56x56x144xf32>
    return %0 : tensor<1x56x56x144xf32>
  }
}
module @middle_project {
  func.func @middle_project(%a: tensor<1x56x56x144xf32>, %w: tensor<2x1x1x144x16xf32>) -> tensor<1x56x56x24xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x56x56x24xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x56x56x144xf32>, tensor<2x1x1x144x16xf32>) extras() outs(%e : tensor<1x56x56x24xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x56x56x24xf32>
    return %0 : tensor<1x56x56x24xf32>
  }
}

// -----

// All of it stays in the L2 cache.
// CHECK-LABEL: func.func @late
// CHECK-COUNT-3: rt.dispatch
// REMARK: [Analysis] bands | Category:nncc-cpu | best=contract+window+contract, fused=contract+window+contract,
// REMARK: [Analysis] bands | Category:nncc-cpu | best=window+contract, fused=none, gain_kcycles=-{{[0-9]+}}
// ALWAYS-LABEL: func.func @late
// ALWAYS-NEXT: rt.dispatch @bands_0(%arg0, %arg1, %arg2, %arg3)
// ALWAYS-NEXT: return
// ALWAYS: kern.band_rows = 3 : i64
func.func @late(%x: tensor<1x14x14x64xf32>, %we: tensor<24x1x1x64x16xf32>, %ww: tensor<3x3x384xf32>, %wp: tensor<4x1x1x384x16xf32>) -> (tensor<1x14x14x64xf32>) {
  %0 = rt.dispatch @late_expand(%x, %we) {flops = 4.0 : f64, nodes = "expand"} : (tensor<1x14x14x64xf32>, tensor<24x1x1x64x16xf32>) -> tensor<1x14x14x384xf32>
  %1 = rt.dispatch @late_depthwise(%0, %ww) {flops = 2.0 : f64, nodes = "depthwise;relu"} : (tensor<1x14x14x384xf32>, tensor<3x3x384xf32>) -> tensor<1x14x14x384xf32>
  %2 = rt.dispatch @late_project(%1, %wp) {flops = 1.0 : f64, nodes = "project"} : (tensor<1x14x14x384xf32>, tensor<4x1x1x384x16xf32>) -> tensor<1x14x14x64xf32>
  return %2 : tensor<1x14x14x64xf32>
}
module @late_expand {
  func.func @late_expand(%a: tensor<1x14x14x64xf32>, %w: tensor<24x1x1x64x16xf32>) -> tensor<1x14x14x384xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x14x14x384xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x14x14x64xf32>, tensor<24x1x1x64x16xf32>) extras() outs(%e : tensor<1x14x14x384xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x14x14x384xf32>
    return %0 : tensor<1x14x14x384xf32>
  }
}
module @late_depthwise {
  func.func @late_depthwise(%a: tensor<1x14x14x384xf32>, %w: tensor<3x3x384xf32>) -> tensor<1x14x14x384xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x14x14x384xf32>
    %0 = kern.window depthwise ins(%a, %w : tensor<1x14x14x384xf32>, tensor<3x3x384xf32>) extras() outs(%e : tensor<1x14x14x384xf32>)
        kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x14x14x384xf32>
    return %0 : tensor<1x14x14x384xf32>
  }
}
module @late_project {
  func.func @late_project(%a: tensor<1x14x14x384xf32>, %w: tensor<4x1x1x384x16xf32>) -> tensor<1x14x14x64xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x14x14x64xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x14x14x384xf32>, tensor<4x1x1x384x16xf32>) extras() outs(%e : tensor<1x14x14x64xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x14x14x64xf32>
    return %0 : tensor<1x14x14x64xf32>
  }
}

// -----

// What something else reads is not kept from memory.
// CHECK-LABEL: func.func @twice
// CHECK-NEXT: rt.dispatch @twice_expand
// CHECK-NEXT: rt.dispatch @bands_0
// CHECK-NEXT: return
// CHECK: module @twice_expand
// CHECK-NOT: module @twice_depthwise
func.func @twice(%x: tensor<1x112x112x16xf32>, %we: tensor<6x1x1x16x16xf32>, %ww: tensor<3x3x96xf32>, %wp: tensor<2x1x1x96x16xf32>) -> (tensor<1x112x112x24xf32>, tensor<1x112x112x96xf32>) {
  %0 = rt.dispatch @twice_expand(%x, %we) {flops = 4.0 : f64, nodes = "expand"} : (tensor<1x112x112x16xf32>, tensor<6x1x1x16x16xf32>) -> tensor<1x112x112x96xf32>
  %1 = rt.dispatch @twice_depthwise(%0, %ww) {flops = 2.0 : f64, nodes = "depthwise;relu"} : (tensor<1x112x112x96xf32>, tensor<3x3x96xf32>) -> tensor<1x112x112x96xf32>
  %2 = rt.dispatch @twice_project(%1, %wp) {flops = 1.0 : f64, nodes = "project"} : (tensor<1x112x112x96xf32>, tensor<2x1x1x96x16xf32>) -> tensor<1x112x112x24xf32>
  return %2, %0 : tensor<1x112x112x24xf32>, tensor<1x112x112x96xf32>
}
module @twice_expand {
  func.func @twice_expand(%a: tensor<1x112x112x16xf32>, %w: tensor<6x1x1x16x16xf32>) -> tensor<1x112x112x96xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x112x112x96xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x112x112x16xf32>, tensor<6x1x1x16x16xf32>) extras() outs(%e : tensor<1x112x112x96xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x112x112x96xf32>
    return %0 : tensor<1x112x112x96xf32>
  }
}
module @twice_depthwise {
  func.func @twice_depthwise(%a: tensor<1x112x112x96xf32>, %w: tensor<3x3x96xf32>) -> tensor<1x112x112x96xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x112x112x96xf32>
    %0 = kern.window depthwise ins(%a, %w : tensor<1x112x112x96xf32>, tensor<3x3x96xf32>) extras() outs(%e : tensor<1x112x112x96xf32>)
        kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x112x112x96xf32>
    return %0 : tensor<1x112x112x96xf32>
  }
}
module @twice_project {
  func.func @twice_project(%a: tensor<1x112x112x96xf32>, %w: tensor<2x1x1x96x16xf32>) -> tensor<1x112x112x24xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x112x112x24xf32>
    %0 = kern.contract packed ins(%a, %w : tensor<1x112x112x96xf32>, tensor<2x1x1x96x16xf32>) extras() outs(%e : tensor<1x112x112x24xf32>)
        strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x112x112x24xf32>
    return %0 : tensor<1x112x112x24xf32>
  }
}
