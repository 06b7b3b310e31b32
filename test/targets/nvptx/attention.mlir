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
// CHECK-COUNT-16: vector.load {{.*}} {alignment = 16 : i64} : memref<16384xf32>, vector<4xf32>
// CHECK-COUNT-2: nvvm.shfl.sync bfly
// CHECK: math.exp
// CHECK: } else {
// CHECK: vector.load {{.*}} {alignment = 4 : i64} : memref<16384xf32>, vector<1xf32>
// CHECK-COUNT-3: nvvm.shfl.sync bfly
// CHECK: memref.store
// CHECK: nvvm.barrier
// CHECK-COUNT-8: math.exp
// CHECK-NOT: math.exp
// CHECK-NOT: nvvm.barrier
// CHECK: arith.divf
func.func @one(%q: tensor<2x4x1x32xf32>, %k: tensor<2x2x128x32xf32>, %v: tensor<2x2x128x32xf32>) -> tensor<2x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<2x4x1x32xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<2x4x1x32xf32>, tensor<2x2x128x32xf32>, tensor<2x2x128x32xf32>) outs(%e : tensor<2x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<2x4x1x32xf32>
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
