// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(nncc-cpu-widen-halves)" | FileCheck %s

// One conversion of what two contractions read; what the epilogue reads stays as it is, and the argument with it.
// CHECK-LABEL: func.func @program
// CHECK-NEXT: %[[X:.*]] = rt.dispatch @widen_0(%arg0) {flops = 2.048000e+03 : f64, nodes = "a"} : (tensor<64x32xf16>) -> tensor<64x32xf32>
// CHECK-NEXT: %[[W:.*]] = rt.dispatch @widen_1(%arg1) {{.*}} : (tensor<32x64xf16>) -> tensor<32x64xf32>
// CHECK-NEXT: %[[A:.*]] = rt.dispatch @product(%arg2, %[[X]], %[[W]]) {{.*}} : (tensor<64xf16>, tensor<64x32xf32>, tensor<32x64xf32>) -> tensor<64x64xf16>
// CHECK-NEXT: %[[V:.*]] = rt.dispatch @widen_2(%[[A]])
// CHECK-NEXT: rt.dispatch @squares(%arg0, %[[V]], %[[X]])
func.func @program(%x: tensor<64x32xf16>, %w: tensor<32x64xf16>, %bias: tensor<64xf16>) -> tensor<64x32xf16> {
  %0 = rt.dispatch @product(%x, %w, %bias) {nodes = "a", flops = 1.0 : f64} : (tensor<64x32xf16>, tensor<32x64xf16>, tensor<64xf16>) -> tensor<64x64xf16>
  %1 = rt.dispatch @squares(%x, %0) {nodes = "b"} : (tensor<64x32xf16>, tensor<64x64xf16>) -> tensor<64x32xf16>
  return %1 : tensor<64x32xf16>
}
// CHECK-LABEL: module @product
// CHECK: func.func @product(%[[BIAS:.*]]: tensor<64xf16>, %[[A:.*]]: tensor<64x32xf32>, %[[B:.*]]: tensor<32x64xf32>) -> tensor<64x64xf16>
// CHECK: kern.contract plain ins(%[[A]], %[[B]] : tensor<64x32xf32>, tensor<32x64xf32>) extras(%[[BIAS]] : tensor<64xf16>)
module @product {
  func.func @product(%a: tensor<64x32xf16>, %b: tensor<32x64xf16>, %bias: tensor<64xf16>) -> tensor<64x64xf16> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<64x64xf16>
    %0 = kern.contract plain ins(%a, %b : tensor<64x32xf16>, tensor<32x64xf16>) extras(%bias : tensor<64xf16>) outs(%e : tensor<64x64xf16>)
        strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
    ^bb0(%acc: f32, %x: f16):
      %r = arith.truncf %acc : f32 to f16
      %s = arith.addf %r, %x : f16
      kern.yield %s : f16
    } -> tensor<64x64xf16>
    return %0 : tensor<64x64xf16>
  }
}
// What only moves elements is done on the converted ones.
// CHECK-LABEL: module @squares
// CHECK: func.func @squares(%[[RESIDUAL:.*]]: tensor<64x32xf16>, %[[B:.*]]: tensor<64x64xf32>, %[[A:.*]]: tensor<64x32xf32>)
// CHECK: %[[TURNED:.*]] = linalg.transpose ins(%[[A]] : tensor<64x32xf32>) outs(%{{.*}} : tensor<32x64xf32>)
// CHECK: kern.contract transposed ins(%[[B]], %[[TURNED]] : tensor<64x64xf32>, tensor<32x64xf32>)
module @squares {
  func.func @squares(%a: tensor<64x32xf16>, %b: tensor<64x64xf16>) -> tensor<64x32xf16> attributes {rt.kernel} {
    %t = tensor.empty() : tensor<32x64xf16>
    %turned = linalg.transpose ins(%a : tensor<64x32xf16>) outs(%t : tensor<32x64xf16>) permutation = [1, 0]
    %e = tensor.empty() : tensor<64x32xf16>
    %0 = kern.contract transposed ins(%b, %turned : tensor<64x64xf16>, tensor<32x64xf16>) extras(%a : tensor<64x32xf16>) outs(%e : tensor<64x32xf16>)
        strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d0, d1)>] {
    ^bb0(%acc: f32, %x: f16):
      %r = arith.truncf %acc : f32 to f16
      kern.yield %r : f16
    } -> tensor<64x32xf16>
    return %0 : tensor<64x32xf16>
  }
}
// CHECK: module @widen_0
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<64x32xf16>) outs(%{{.*}} : tensor<64x32xf32>)
// CHECK: arith.extf

// -----

// Weights of bf16 that few rows use are converted in registers.
// CHECK-LABEL: func.func @weights
// CHECK: %[[X:.*]] = rt.dispatch @widen_0(%arg0)
// CHECK: rt.dispatch @product(%arg1, %[[X]])
func.func @weights(%x: tensor<20x32xbf16>, %w: tensor<4x32x16xbf16>) -> tensor<20x64xbf16> {
  %0 = rt.dispatch @product(%x, %w) : (tensor<20x32xbf16>, tensor<4x32x16xbf16>) -> tensor<20x64xbf16>
  return %0 : tensor<20x64xbf16>
}
// CHECK: kern.contract packed ins(%arg1, %arg0 : tensor<20x32xf32>, tensor<4x32x16xbf16>)
module @product {
  func.func @product(%a: tensor<20x32xbf16>, %b: tensor<4x32x16xbf16>) -> tensor<20x64xbf16> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<20x64xbf16>
    %0 = kern.contract packed ins(%a, %b : tensor<20x32xbf16>, tensor<4x32x16xbf16>) extras() outs(%e : tensor<20x64xbf16>)
        strides [] dilations [] pads [] maps [] {
    ^bb0(%acc: f32):
      %r = arith.truncf %acc : f32 to bf16
      kern.yield %r : bf16
    } -> tensor<20x64xbf16>
    return %0 : tensor<20x64xbf16>
  }
}

// -----

// A plain product of open depth keeps its sums, between the blocks of the reduction, in its result.
#a = affine_map<()[s0] -> (4, s0)>
#b = affine_map<()[s0] -> (s0, 64)>
// CHECK-LABEL: func.func @open
// CHECK: %[[WIDE:.*]] = rt.dispatch @sums({{.*}} -> tensor<4x64xf32>
// CHECK: %[[HALVES:.*]] = rt.dispatch @narrow_2(%[[WIDE]]) {{.*}} : (tensor<4x64xf32>) -> tensor<4x64xf16>
// CHECK: return %[[HALVES]]
func.func @open(%x: tensor<4x?xf16, #a>, %w: tensor<?x64xf16, #b>) -> tensor<4x64xf16> attributes {nn.dims = [""]} {
  %0 = rt.dispatch @sums(%x, %w) {nodes = "a", flops = 1.0 : f64, dims = affine_map<()[s0] -> (s0)>} : (tensor<4x?xf16, #a>, tensor<?x64xf16, #b>) -> tensor<4x64xf16>
  return %0 : tensor<4x64xf16>
}
// CHECK-LABEL: module @sums
// CHECK: kern.contract plain {{.*}} outs(%{{.*}} : tensor<4x64xf32>)
// CHECK: %[[ROUNDED:.*]] = arith.truncf %{{.*}} : f32 to f16
// CHECK: %[[SAME:.*]] = arith.extf %[[ROUNDED]] : f16 to f32
// CHECK: kern.yield %[[SAME]]
module @sums {
  func.func @sums(%a: tensor<4x?xf16, #a>, %b: tensor<?x64xf16, #b>) -> tensor<4x64xf16> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<4x64xf16>
    %0 = kern.contract plain ins(%a, %b : tensor<4x?xf16, #a>, tensor<?x64xf16, #b>) extras() outs(%e : tensor<4x64xf16>)
        strides [] dilations [] pads [] maps [] {
    ^bb0(%acc: f32):
      %r = arith.truncf %acc : f32 to f16
      kern.yield %r : f16
    } -> tensor<4x64xf16>
    return %0 : tensor<4x64xf16>
  }
}
// CHECK: module @narrow_2
// CHECK: arith.truncf
