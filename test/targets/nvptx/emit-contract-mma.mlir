// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=80 math=tf32},func.func(canonicalize,cse))' --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s
// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=90 math=bf16x3},func.func(canonicalize,cse))' | FileCheck %s --check-prefix=SPLIT
// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=75 math=tf32})' --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s --check-prefix=THREADS
// RUN: nncc-opt %s --pass-pipeline='builtin.module(nncc-nvptx-emit-kernel{capability=90})' --remarks-filter=nncc-nvptx 2>&1 | FileCheck %s --check-prefix=EXACT

// CHECK: remark: {{.*}} instruction=mma.m16n8k32.u8.s8, part=16x16, rows=70, stages=2, steps=16, threads=128, tile=16x64
// CHECK: remark: {{.*}} instruction=mma.m16n8k8.tf32, {{.*}}, stages=4
// THREADS: remark: {{.*}} instruction=dp4a, part=4x4
// THREADS: remark: {{.*}} instruction=fma, part=4x4
// THREADS-NOT: nvvm.mma.sync
// EXACT: remark: {{.*}} instruction=mma.m16n8k32.u8.s8
// EXACT: remark: {{.*}} instruction=fma, part=4x4

// A group of copies ends where it is waited for: each commit is needed.
//
// Two slices of 16 words. Buffers that are aligned are copied 16 bytes at a time; others pass through registers. A line
// of A is 20 words apart from the next one, a step of B 72.
// CHECK: memref.global "private" @products_shared_0 : memref<6400xi32, 3>
// CHECK-LABEL: func.func @bytes
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 5
// CHECK: %[[A:.*]] = rt.buffer %{{.*}}[0]
// CHECK: %[[B:.*]] = rt.buffer %{{.*}}[1]
// CHECK: %[[SHARED:.*]] = memref.get_global @bytes_shared_0
// CHECK: %[[AT:.*]] = rt.pointer %[[A]][%{{.*}}] : memref<8960xi8> -> !llvm.ptr<1>
// CHECK: %[[OF_A:.*]] = llvm.ptrtoint %[[AT]]
// CHECK: %[[OF_BOTH:.*]] = arith.ori %[[OF_A]]
// CHECK: arith.andi %[[OF_BOTH]], %c15_i64
// CHECK: %[[ALIGNED:.*]] = arith.cmpi eq
// CHECK: scf.if %[[ALIGNED]] -> (i32, i32, i32, i32, i32, i32, i32, i32)
// CHECK:   nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK-NOT: nvvm.cp.async.commit.group
// CHECK:   scf.for
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 0
// CHECK-NEXT: nvvm.barrier0
// CHECK:        scf.if
// CHECK:          %[[EXISTS:.*]] = arith.select %{{.*}}, %c16_i32, %c0_i32 : i32
// CHECK:          %[[TO:.*]] = rt.pointer %[[SHARED]]
// CHECK:          %[[FROM:.*]] = rt.pointer %[[A]]
// CHECK:          nvvm.cp.async.shared.global %[[TO]], %[[FROM]], 16, cache = cg, %[[EXISTS]]
// CHECK-NOT:    nvvm.cp.async.commit.group
// CHECK:        %[[ROWS:.*]] = nvvm.ldmatrix %{{.*}} num = 4
// CHECK-DAG:    %[[A0:.*]] = llvm.extractvalue %[[ROWS]][0]
// CHECK-DAG:    %[[A3:.*]] = llvm.extractvalue %[[ROWS]][3]
// CHECK-DAG:    memref.load %[[SHARED]]
// CHECK:        nvvm.mma.sync A[%[[A0]], {{.*}}, %[[A3]]] B[%{{.*}}, %{{.*}}] C[{{.*}}] {intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, {{.*}}multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>, shape = #nvvm.shape<m = 16, n = 8, k = 32>}
// CHECK-COUNT-3: nvvm.mma.sync
// CHECK:   } else {
// CHECK-NOT: cp.async
// CHECK:   scf.for
// CHECK-NEXT: nvvm.barrier0
// CHECK-COUNT-4: nvvm.mma.sync
// CHECK-NOT: cp.async
// A bias is the same in both rows of a thread: it is loaded once for each column.
// CHECK: scf.if
// CHECK-COUNT-4: memref.load
// CHECK: } else {
func.func @bytes(%x: tensor<70x128xi8>, %w: tensor<4x32x16x4xi8>, %bias: tensor<64xi32>) -> tensor<70x64xi32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<70x64xi32>
  %y = kern.contract packed ins(%x, %w : tensor<70x128xi8>, tensor<4x32x16x4xi8>) extras(%bias : tensor<64xi32>) outs(%e : tensor<70x64xi32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] {
  ^bb0(%acc: i32, %b: i32):
    %r = arith.addi %acc, %b : i32
    kern.yield %r : i32
  } -> tensor<70x64xi32>
  return %y : tensor<70x64xi32>
}

// Where B has neighbours along the reduction its lines are columns, and fragments of both come by ldmatrix. Buffers that are
// not aligned to 16 bytes are copied by 4.
// CHECK-LABEL: func.func @products
// CHECK:   nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK-COUNT-2: nvvm.cp.async.commit.group
// CHECK:   scf.for
// CHECK-NEXT: nvvm.cp.async.commit.group
// CHECK-NEXT: nvvm.cp.async.wait.group 2
// CHECK:     %[[ROWS:.*]] = nvvm.ldmatrix
// CHECK:     %[[COLUMNS:.*]] = nvvm.ldmatrix
// CHECK:     nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK:     nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<tf32>, {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
// CHECK:   } else {
// CHECK:   nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 4, cache = ca

// Each product three times, on 16 steps, of operands in two parts.
// SPLIT-LABEL: func.func @products
// SPLIT: %[[HIGH:.*]] = nvvm.convert.f32x2.to.bf16x2 %[[Y:.*]], %[[X:.*]] {rnd = #nvvm.fp_rnd_mode<rn>}
// SPLIT: %[[WORD:.*]] = llvm.bitcast %[[HIGH]] : vector<2xbf16> to i32
// SPLIT: %[[LOW:.*]] = arith.shli %[[WORD]], %c16_i32
// SPLIT: %[[OF_X:.*]] = arith.bitcast %[[LOW]] : i32 to f32
// SPLIT: %[[REST:.*]] = arith.subf %[[X]], %[[OF_X]]
// SPLIT: nvvm.convert.f32x2.to.bf16x2 %{{.*}}, %[[REST]]
// SPLIT: nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<bf16>, {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>
func.func @products(%x: tensor<2x70x256xf32>, %w: tensor<2x64x256xf32>) -> tensor<2x70x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<2x70x64xf32>
  %y = kern.contract transposed ins(%x, %w : tensor<2x70x256xf32>, tensor<2x64x256xf32>) extras() outs(%e : tensor<2x70x64xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x70x64xf32>
  return %y : tensor<2x70x64xf32>
}
