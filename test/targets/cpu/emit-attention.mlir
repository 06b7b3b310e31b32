// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention,nncc-cpu-emit-kernel,canonicalize,cse))" | FileCheck %s

// BERT: the heads of query, key, value and result lie beside one another. A unit is a head.
// CHECK-LABEL: @bert
// CHECK-SAME: rt.scratch = {{[0-9]+}} : i64, rt.units = 12 : i64
// CHECK: scf.for %{{.*}} = %arg1 to %arg2
// Scores of 8 keys and 3 x 16 queries, which are scaled; the mask has one element a key.
// CHECK: arith.mulf
// CHECK: kern.brgemm {{.*}}aStrides = array<i64: 1>, bStrides = array<i64: 16>, nv = 3 : i64, panelStride = 1024 : i64, rowStride = 64 : i64
// CHECK: memref.load
// CHECK: arith.addf
// CHECK: math.exp {{.*}} fastmath<ninf,afn>
// The result: weights transposed times values, all keys at once.
// CHECK: kern.brgemm {{.*}}acc(%[[ZERO:[a-z_0-9]+]], %[[ZERO]], {{.*}}aStrides = array<i64: 16>, bStrides = array<i64: 64>, nv = 2 : i64, panelStride = 16 : i64, rowStride = 1 : i64
func.func @bert(%q: tensor<1x128x12x64xf32>, %k: tensor<1x128x12x64xf32>, %v: tensor<1x128x12x64xf32>, %m: tensor<1x1x1x128xf32>) -> tensor<1x128x12x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x12x128x64xf32>
  %tq = linalg.transpose ins(%q : tensor<1x128x12x64xf32>) outs(%e : tensor<1x12x128x64xf32>) permutation = [0, 2, 1, 3]
  %tk = linalg.transpose ins(%k : tensor<1x128x12x64xf32>) outs(%e : tensor<1x12x128x64xf32>) permutation = [0, 2, 1, 3]
  %tv = linalg.transpose ins(%v : tensor<1x128x12x64xf32>) outs(%e : tensor<1x12x128x64xf32>) permutation = [0, 2, 1, 3]
  %y = kern.attention ins(%tq, %tk, %tv : tensor<1x12x128x64xf32>, tensor<1x12x128x64xf32>, tensor<1x12x128x64xf32>) mask(%m : tensor<1x1x1x128xf32>) outs(%e : tensor<1x12x128x64xf32>) {scale = 0.125 : f32} -> tensor<1x12x128x64xf32>
  %o = tensor.empty() : tensor<1x128x12x64xf32>
  %r = linalg.transpose ins(%y : tensor<1x12x128x64xf32>) outs(%o : tensor<1x128x12x64xf32>) permutation = [0, 2, 1, 3]
  return %r : tensor<1x128x12x64xf32>
}

// -----

// Blocks of keys: the largest scores and the sums of both panels of queries are carried from block to block, and what is
// there already is scaled.
// CHECK-LABEL: @blocks
// CHECK: %[[STATE:.*]]:4 = scf.for {{.*}} iter_args(%[[MAX:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %[[SUM:.*]] = %{{.*}}, %{{.*}} = %{{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: kern.brgemm {{.*}}nv = 2 : i64
// CHECK: %[[DROP:.*]] = arith.subf %[[MAX]],
// CHECK: %[[FACTOR:.*]] = math.exp %[[DROP]] fastmath<ninf,afn>
// CHECK: vector.fma %[[SUM]], %[[FACTOR]],
// CHECK: %[[OLD:.*]] = arith.mulf
// CHECK: kern.brgemm {{.*}}acc(%[[OLD]],
// CHECK: arith.divf %{{.*}}, %[[STATE]]#2
func.func @blocks(%q: tensor<1x1x32x16xf32>, %k: tensor<1x1x64x16xf32>) -> tensor<1x1x32x16xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x1x32x16xf32>
  %y = kern.attention ins(%q, %k, %k : tensor<1x1x32x16xf32>, tensor<1x1x64x16xf32>, tensor<1x1x64x16xf32>) outs(%e : tensor<1x1x32x16xf32>) {scale = 1.0 : f32, plan = #kern.attention_plan<queries = 2, keys = 8, key_block = 32, rows = 8, panels = 1, unit_blocks = 1, in_place = true>} -> tensor<1x1x32x16xf32>
  return %y : tensor<1x1x32x16xf32>
}

// -----

// One query: keys and values are read in place.
// CHECK-LABEL: @one
// CHECK: kern.brgemm {{.*}}rowStride = 32 : i64
// CHECK: kern.brgemm {{.*}}bStrides = array<i64: 32>
func.func @one(%q: tensor<2x4x1x32xf32>, %k: tensor<2x2x128x32xf32>, %v: tensor<2x2x128x32xf32>) -> tensor<2x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<2x4x1x32xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<2x4x1x32xf32>, tensor<2x2x128x32xf32>, tensor<2x2x128x32xf32>) outs(%e : tensor<2x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<2x4x1x32xf32>
  return %y : tensor<2x4x1x32xf32>
}

// -----

// Nothing to compute.
// CHECK-LABEL: @empty
// CHECK-SAME: rt.units = 0 : i64
func.func @empty(%q: tensor<0x4x1x32xf32>) -> tensor<0x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<0x4x1x32xf32>
  %y = kern.attention ins(%q, %q, %q : tensor<0x4x1x32xf32>, tensor<0x4x1x32xf32>, tensor<0x4x1x32xf32>) outs(%e : tensor<0x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<0x4x1x32xf32>
  return %y : tensor<0x4x1x32xf32>
}
