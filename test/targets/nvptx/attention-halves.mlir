// RUN: nncc-opt %s --pass-pipeline="builtin.module(nncc-nvptx-emit-kernel{capability=90},func.func(canonicalize,cse))" --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s
// RUN: nncc-opt %s --pass-pipeline="builtin.module(nncc-nvptx-emit-kernel{capability=75},func.func(canonicalize,cse))" --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s --check-prefix=THREADS

// CHECK: remark: {{.*}} columns=64, depth=64, instruction=mma.m16n8k16.f16, keys=256, queries=64, stages=3, threads=64, tile=32x64
// CHECK: remark: {{.*}} instruction=mma.m16n8k16.bf16
// THREADS: remark: {{.*}} instruction=fma, {{.*}} tile=32x64

// Two warps with 16 queries each; three places for tiles of 64 keys and their values.
// CHECK-LABEL: func.func @tiles
// CHECK-SAME: rt.threads = 64 : i64, rt.units = 16 : i64
// CHECK: %[[SHARED:.*]] = memref.get_global @tiles_shared{{.*}}xf16, 3>
// Queries, then tiles, are copied by 16 bytes where buffers are aligned, else by elements.
// CHECK: scf.if
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK: } else {
// CHECK: memref.store
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.commit.group
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: nvvm.barrier0
// All of the queries stay in registers.
// CHECK-COUNT-4: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<row>
// CHECK: scf.for
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 1
// CHECK-NEXT: nvvm.barrier0
// CHECK: nvvm.cp.async.shared.global
// CHECK-COUNT-32: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// No key is behind the last one, and nothing is added to scores: they are scaled as they become weights.
// CHECK-NOT: scf.if
// CHECK: nvvm.shfl.sync bfly
// CHECK: math.fma
// CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
// CHECK: nvvm.convert.f32x2.to.f16x2
// CHECK: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<col>
// CHECK-COUNT-32: nvvm.mma.sync
// CHECK-NOT: nvvm.barrier0
// CHECK: arith.divf
// CHECK: vector.store {{.*}} {alignment = 4 : i64} : memref<32768xf16>, vector<2xf16>
// CHECK-NOT: nvvm.barrier0
// CHECK: return

// Elsewhere they become f32 on their way to shared memory.
// THREADS-LABEL: func.func @tiles
// THREADS: arith.extf %{{.*}} : f16 to f32
// THREADS-NOT: nvvm.mma.sync
// THREADS: math.fma
// THREADS: arith.truncf %{{.*}} : f32 to f16
func.func @tiles(%q: tensor<1x8x64x64xf16>, %k: tensor<1x2x256x64xf16>, %v: tensor<1x2x256x64xf16>) -> tensor<1x8x64x64xf16> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x8x64x64xf16>
  %y = kern.attention ins(%q, %k, %v : tensor<1x8x64x64xf16>, tensor<1x2x256x64xf16>, tensor<1x2x256x64xf16>) outs(%e : tensor<1x8x64x64xf16>) {scale = 0.125 : f32} -> tensor<1x8x64x64xf16>
  return %y : tensor<1x8x64x64xf16>
}

// Only tiles with keys that a query does not see, or that are not there, are masked.
// CHECK-LABEL: func.func @causal
// CHECK: scf.for
// CHECK: nvvm.mma.sync {{.*}}bf16
// CHECK: %[[PART:.*]] = arith.ori
// CHECK: scf.if %[[PART]] -> (f32
// CHECK: arith.select
// CHECK: } else {
// CHECK-NEXT: scf.yield
// CHECK: nvvm.convert.f32x2.to.bf16x2
func.func @causal(%q: tensor<1x1x100x16xbf16>) -> tensor<1x1x100x16xbf16> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x1x100x16xbf16>
  %y = kern.attention ins(%q, %q, %q : tensor<1x1x100x16xbf16>, tensor<1x1x100x16xbf16>, tensor<1x1x100x16xbf16>) outs(%e : tensor<1x1x100x16xbf16>) {scale = 1.0 : f32, causal} -> tensor<1x1x100x16xbf16>
  return %y : tensor<1x1x100x16xbf16>
}
