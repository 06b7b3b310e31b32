// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(nncc-nvptx-emit-kernel,func.func(canonicalize,cse))" | FileCheck %s

// 32 queries a unit; 8 x 16 threads have 4 of them and 4 of 64 keys each. One row of threads is half a warp.
// CHECK-LABEL: func.func @tiles
// CHECK-SAME: rt.scratch = 0 : i64, rt.threads = 128 : i64, rt.units = 48 : i64
// CHECK-DAG: %[[QUERIES:.*]] = memref.get_global @{{.*}} : memref<2176xf32, 3>
// CHECK-DAG: %[[SLICES:.*]] = memref.get_global @{{.*}} : memref<4352xf32, 3>
// CHECK-DAG: %[[WEIGHTS:.*]] = memref.get_global @{{.*}} : memref<2176xf32, 3>
// The queries are scaled on their way.
// CHECK: arith.mulf
// CHECK: memref.store %{{.*}}, %[[QUERIES]]
// The largest score, the sum of weights and 4 columns of each of 4 queries go from tile to tile.
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)
// CHECK-NOT: nvvm.barrier
// CHECK: memref.store %{{.*}}, %[[SLICES]]
// CHECK: nvvm.barrier
// CHECK: vector.load %[[SLICES]]{{.*}} vector<4xf32>
// CHECK: math.fma
// The mask has one element a key.
// CHECK: memref.load
// CHECK: arith.addf
// CHECK-COUNT-4: nvvm.shfl.sync bfly
// CHECK: math.exp {{.*}} fastmath<ninf,afn>
// CHECK: memref.store %{{.*}}, %[[WEIGHTS]]
// CHECK: nvvm.barrier
// CHECK: memref.store %{{.*}}, %[[SLICES]]
// CHECK: nvvm.barrier
// CHECK: vector.load %[[WEIGHTS]]{{.*}} vector<4xf32>
// CHECK: math.fma
// Values are read before the keys of the next tile, if there is one, are in their place.
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %{{.*}}, %c128
// CHECK-NEXT: scf.if %[[MORE]]
// CHECK-NEXT: nvvm.barrier
// CHECK: arith.divf
// CHECK-NOT: nvvm.barrier
// CHECK: return
func.func @tiles(%q: tensor<1x128x12x64xf32>, %k: tensor<1x128x12x64xf32>, %v: tensor<1x128x12x64xf32>, %m: tensor<1x1x1x128xf32>) -> tensor<1x128x12x64xf32> attributes {rt.kernel} {
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

// One query: rows of keys and values, of 4 lanes each, go from memory to registers, all of them before the first score;
// by 16 bytes where the buffers are aligned. In the end the results of lanes and of 8 warps are joined.
// CHECK-LABEL: func.func @one
// CHECK-SAME: rt.threads = 256 : i64, rt.units = 8 : i64
// CHECK: llvm.ptrtoint
// CHECK: scf.if
// CHECK-NOT: nvvm.barrier
// CHECK-COUNT-16: vector.load {{.*}} {alignment = 16 : i64} : memref<32768xf32>, vector<4xf32>
// CHECK-COUNT-2: nvvm.shfl.sync bfly
// CHECK: math.exp
// CHECK: } else {
// CHECK: vector.load {{.*}} {alignment = 4 : i64} : memref<32768xf32>, vector<1xf32>
// CHECK-COUNT-3: nvvm.shfl.sync bfly
// CHECK: memref.store
// CHECK: nvvm.barrier
// CHECK-COUNT-8: math.exp
// CHECK-NOT: math.exp
// CHECK-NOT: nvvm.barrier
// CHECK: arith.divf
func.func @one(%q: tensor<2x4x1x32xf32>, %k: tensor<2x4x128x32xf32>, %v: tensor<2x4x128x32xf32>) -> tensor<2x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<2x4x1x32xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<2x4x1x32xf32>, tensor<2x4x128x32xf32>, tensor<2x4x128x32xf32>) outs(%e : tensor<2x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<2x4x1x32xf32>
  return %y : tensor<2x4x1x32xf32>
}

// -----

// With `causal` tiles of keys end with the block of queries. Queries that have no key sum up 0 times each value.
// CHECK-LABEL: func.func @causal
// CHECK: %[[LAST:.*]] = arith.addi %{{.*}}, %c32
// CHECK: %[[END:.*]] = arith.minsi %[[LAST]], %c100
// CHECK: scf.for {{.*}} to %[[END]] step %c64
// CHECK: %[[FUTURE:.*]] = arith.cmpi slt
// CHECK: arith.select %[[FUTURE]]
// CHECK: %[[ANY:.*]] = arith.ori
// CHECK: scf.if %{{.*}} -> (f32
// CHECK: scf.for {{.*}} to %c100
// CHECK: memref.load
// CHECK-NEXT: math.fma %cst
func.func @causal(%q: tensor<1x1x100x16xf32>) -> tensor<1x1x100x16xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x1x100x16xf32>
  %y = kern.attention ins(%q, %q, %q : tensor<1x1x100x16xf32>, tensor<1x1x100x16xf32>, tensor<1x1x100x16xf32>) outs(%e : tensor<1x1x100x16xf32>) {scale = 1.0 : f32, causal, guard = 1 : i32} -> tensor<1x1x100x16xf32>
  return %y : tensor<1x1x100x16xf32>
}

// -----

// Nothing to compute.
// CHECK-LABEL: func.func @empty
// CHECK-SAME: rt.units = 0 : i64
func.func @empty(%q: tensor<0x4x1x32xf32>) -> tensor<0x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<0x4x1x32xf32>
  %y = kern.attention ins(%q, %q, %q : tensor<0x4x1x32xf32>, tensor<0x4x1x32xf32>, tensor<0x4x1x32xf32>) outs(%e : tensor<0x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<0x4x1x32xf32>
  return %y : tensor<0x4x1x32xf32>
}

// -----

// Keys that are split: 24 tiles of 128 for 3 heads, a block for each, whose results go to the workspace behind the
// operands and the result: 3 * 24 * 66 elements, of each row the largest score, the sum of weights and 64 columns. No
// loop: a split is one tile. The second launch joins 12 of them at a time, in their order.
// CHECK-LABEL: func.func @splits(
// CHECK-SAME: rt.threads = 256 : i64, rt.units = 72 : i64, rt.workspace = 19008 : i64
// CHECK-DAG: %[[MEMORY:.*]] = rt.buffer %{{.*}}[4] : !llvm.ptr -> memref<4752xf32>
// CHECK: %[[SPLIT:.*]] = arith.divui %{{.*}}, %c3 :
// CHECK: scf.if
// CHECK: arith.muli %[[SPLIT]], %c128 
// CHECK-NOT: scf.for
// CHECK-COUNT-16: vector.load {{.*}} {alignment = 16 : i64} : memref<589824xf32>, vector<4xf32>
// CHECK: } else {
// CHECK: nvvm.barrier
// CHECK-NOT: arith.divf
// CHECK-COUNT-3: memref.store %{{.*}}, %[[MEMORY]]
// CHECK-LABEL: func.func @splits_results(
// CHECK-SAME: rt.threads = 64 : i64, rt.units = 3 : i64, rt.workspace = 19008 : i64
// CHECK-NOT: nvvm.barrier
// CHECK: scf.for {{.*}} = %c0 to %c24 step %c12
// CHECK-COUNT-36: memref.load
// CHECK-NOT: memref.load
// CHECK: arith.divf
// CHECK: memref.store
func.func @splits(%q: tensor<1x3x1x64xf32>, %k: tensor<1x3x3072x64xf32>, %v: tensor<1x3x3072x64xf32>) -> tensor<1x3x1x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x3x1x64xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<1x3x1x64xf32>, tensor<1x3x3072x64xf32>, tensor<1x3x3072x64xf32>) outs(%e : tensor<1x3x1x64xf32>) {scale = 1.0 : f32} -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

// A cache that grows: up to 256 keys (s0 = 255) one block makes the result of a head, and the second launch has no units.
// More keys are split into tiles of 128, or, for 80 multiprocessors of two blocks each, into 14 splits.
// CHECK-DAG: #[[UNITS:.*]] = affine_map<()[s0] -> ((s0 floordiv (((s0 - 256) floordiv 1099511627776) * -128 + ((s0 + 1) ceildiv 1792) * 128)) * 12 + 12)>
// CHECK-DAG: #[[BYTES:.*]] = affine_map<()[s0] -> ((s0 floordiv (((s0 - 256) floordiv 1099511627776) * -128 + ((s0 + 1) ceildiv 1792) * 128)) * 3168 + 3168)>
// CHECK-DAG: #[[RESULTS:.*]] = affine_map<()[s0] -> (((((s0 - 256) floordiv 1099511627776) * -128 + ((s0 + 1) ceildiv 1792) * 128 - s0 - 1) floordiv 1099511627776) * -12)>
// CHECK-LABEL: func.func @grows(
// CHECK-SAME: rt.units = #[[UNITS]], rt.workspace = #[[BYTES]]
// CHECK: %[[MEMORY:.*]] = rt.buffer %{{.*}}[4] : !llvm.ptr -> memref<?xf32>
// CHECK: nvvm.barrier
// CHECK: scf.if
// CHECK: memref.store %{{.*}}, %[[MEMORY]]
// CHECK: } else {
// CHECK: arith.divf
// CHECK-LABEL: func.func @grows_results(
// CHECK-SAME: rt.units = #[[RESULTS]], rt.workspace = #[[BYTES]]
// CHECK: scf.for {{.*}} step %c14
// A split behind the last one, whose memory nobody has written, is not read.
// CHECK: arith.minsi
func.func @grows(%q: tensor<1x12x1x64xf32>, %k: tensor<1x12x?x64xf32, affine_map<()[s0] -> (1, 12, s0 + 1, 64)>>, %v: tensor<1x12x?x64xf32, affine_map<()[s0] -> (1, 12, s0 + 1, 64)>>) -> tensor<1x12x1x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x12x1x64xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<1x12x1x64xf32>, tensor<1x12x?x64xf32, affine_map<()[s0] -> (1, 12, s0 + 1, 64)>>, tensor<1x12x?x64xf32, affine_map<()[s0] -> (1, 12, s0 + 1, 64)>>) outs(%e : tensor<1x12x1x64xf32>) {scale = 1.0 : f32} -> tensor<1x12x1x64xf32>
  return %y : tensor<1x12x1x64xf32>
}

// -----

// With `causal` two queries have two keys, however many there are.
// CHECK-LABEL: func.func @first_keys(
// CHECK-NOT: rt.workspace
// CHECK-NOT: scf.for {{.*}} -> (f32
// CHECK: return
// CHECK-NOT: func.func @first_keys_results
func.func @first_keys(%q: tensor<1x3x2x64xf32>, %k: tensor<1x3x3072x64xf32>, %v: tensor<1x3x3072x64xf32>) -> tensor<1x3x2x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x3x2x64xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<1x3x2x64xf32>, tensor<1x3x3072x64xf32>, tensor<1x3x3072x64xf32>) outs(%e : tensor<1x3x2x64xf32>) {scale = 1.0 : f32, causal} -> tensor<1x3x2x64xf32>
  return %y : tensor<1x3x2x64xf32>
}

// -----

// Halves are read as they are stored, by eight, all of them before the first becomes f32.
// CHECK-LABEL: func.func @halves(
// CHECK: %[[K:.*]] = rt.buffer %{{.*}}[1] : !llvm.ptr -> memref<98304xf16>
// CHECK: %[[V:.*]] = rt.buffer %{{.*}}[2] : !llvm.ptr -> memref<98304xbf16>
// CHECK: scf.if
// CHECK-NOT: arith.extf
// CHECK-COUNT-4: vector.load %[[K]]{{.*}} {alignment = 16 : i64} : memref<98304xf16>, vector<8xf16>
// CHECK-NOT: arith.extf
// CHECK-COUNT-4: vector.load %[[V]]{{.*}} {alignment = 16 : i64} : memref<98304xbf16>, vector<8xbf16>
// CHECK-COUNT-32: arith.extf {{.*}} : f16 to f32
// CHECK-COUNT-32: arith.extf {{.*}} : bf16 to f32
// CHECK: } else {
func.func @halves(%q: tensor<1x3x1x64xf32>, %k: tensor<1x3x512x64xf16>, %v: tensor<1x3x512x64xbf16>) -> tensor<1x3x1x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x3x1x64xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<1x3x1x64xf32>, tensor<1x3x512x64xf16>, tensor<1x3x512x64xbf16>) outs(%e : tensor<1x3x1x64xf32>) {scale = 1.0 : f32} -> tensor<1x3x1x64xf32>
  return %y : tensor<1x3x1x64xf32>
}

// -----

// Three heads that have the same keys, as queries of one: two blocks, and each key is loaded once.
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME: rt.units = 2 : i64
// CHECK-COUNT-12: vector.load {{.*}} {alignment = 16 : i64} : memref<16384xf32>, vector<4xf32>
// CHECK-NOT: {alignment = 16 : i64}
// CHECK: return
func.func @grouped(%q: tensor<1x6x1x64xf32>, %k: tensor<1x2x128x64xf32>, %v: tensor<1x2x128x64xf32>) -> tensor<1x6x1x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x6x1x64xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<1x6x1x64xf32>, tensor<1x2x128x64xf32>, tensor<1x2x128x64xf32>) outs(%e : tensor<1x6x1x64xf32>) {scale = 1.0 : f32} -> tensor<1x6x1x64xf32>
  return %y : tensor<1x6x1x64xf32>
}
