// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=90},func.func(canonicalize,cse))' --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s
// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=86})' --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=75},func.func(canonicalize,cse))' --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=90},func.func(canonicalize,cse),convert-scf-to-cf,nncc-nvptx-lower-to-llvm,reconcile-unrealized-casts)' | FileCheck %s --check-prefix=LLVM
// As many slices, and as long ones, as the chip has shared memory for.
// CHECK: remark: {{.*}} instruction=mma.m16n8k16.bf16, part=64x64, rows=4096, stages=4, steps=64, threads=256, tile=128x256
// CHECK: remark: {{.*}} instruction=mma.m16n8k16.f16, part=16x16, rows=70, stages=3, steps=32, threads=128, tile=16x64
// SMALL: remark: {{.*}} instruction=mma.m16n8k16.bf16, {{.*}} stages=3, steps=32, {{.*}} tile=128x256
// THREADS: remark: {{.*}} instruction=fma

// CHECK: memref.global "public" @large_shared_0 : memref<0xi16, 3>
// CHECK-LABEL: func.func @large
// CHECK-SAME: rt.blocks = 1 : i64, {{.*}}rt.shared = 208896 : i64
// CHECK:     %[[SHARED:.*]] = memref.get_global @large_shared_0
// Fragments of the first step are there before the loop; B has neighbouring columns: its are transposed.
// CHECK:     nvvm.cp.async.wait.group 2
// CHECK:     nvvm.barrier0
// CHECK-COUNT-4: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<row>
// CHECK-COUNT-4: nvvm.ldmatrix {{.*}} layout = #nvvm.mma_layout<col>
// CHECK:     scf.for
// CHECK:       nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// Those of the next step, and then the products of this one.
// CHECK:       nvvm.ldmatrix
// CHECK:       nvvm.mma.sync {{.*}} {{.*}}multiplicandAPtxType = #nvvm.mma_type<bf16>, {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
// CHECK-COUNT-95: nvvm.mma.sync
// CHECK:       nvvm.cp.async.commit.group
// CHECK-NEXT:  nvvm.cp.async.wait.group 2
// CHECK-NEXT:  nvvm.barrier0
// CHECK:       nvvm.ldmatrix
// CHECK-COUNT-32: nvvm.mma.sync
// Where buffers are not aligned elements are copied in a loop.
// CHECK:   } else {
// CHECK-NOT: cp.async
// Sums pass through shared memory; a thread stores 16 bytes.
// CHECK:   nvvm.barrier0
// CHECK:   llvm.store %{{.*}}, %{{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<3>
// CHECK:   nvvm.barrier0
// CHECK:   scf.for
// CHECK:     llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<8xf32>
// CHECK:     arith.truncf
// CHECK:     vector.store %{{.*}} {alignment = 16 : i64} : memref<16777216xbf16>, vector<8xbf16>

// LLVM: llvm.mlir.global external @large_shared_0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i16>
// LLVM: llvm.func @large({{.*}}nvvm.maxntid = array<i32: 256>, nvvm.minctasm = 1
// LLVM: llvm.func @small({{.*}}nvvm.minctasm = 2

// THREADS-LABEL: func.func @large
// THREADS-NOT: nvvm.mma.sync
// THREADS: arith.extf %{{.*}} : bf16 to f32
// THREADS: math.fma
func.func @large(%x: tensor<4096x4096xbf16>, %w: tensor<4096x4096xbf16>) -> tensor<4096x4096xbf16> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<4096x4096xbf16>
  %y = kern.contract plain ins(%x, %w : tensor<4096x4096xbf16>, tensor<4096x4096xbf16>) extras() outs(%e : tensor<4096x4096xbf16>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    %r = arith.truncf %acc : f32 to bf16
    kern.yield %r : bf16
  } -> tensor<4096x4096xbf16>
  return %y : tensor<4096x4096xbf16>
}

// B has neighbours along the reduction: fragments of both as they are.
// CHECK-LABEL: func.func @small
// CHECK-NOT: mma_layout<col>{{.*}} num
// CHECK: %[[A:.*]] = llvm.bitcast %{{.*}} : i32 to vector<2xf16>
// CHECK: nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>{{.*}} vector<2xf16>
func.func @small(%x: tensor<70x96xf16>, %w: tensor<64x96xf16>) -> tensor<70x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<70x64xf32>
  %y = kern.contract transposed ins(%x, %w : tensor<70x96xf16>, tensor<64x96xf16>) extras() outs(%e : tensor<70x64xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<70x64xf32>
  return %y : tensor<70x64xf32>
}
