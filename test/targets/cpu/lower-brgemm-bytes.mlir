// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=512}))" | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=256}))" | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=0}))" | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: not nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=100}))" 2>&1 | FileCheck %s --check-prefix=ERROR

// Two rows, one step: four bytes of each row for all lanes, times four bytes of each column; one
// instruction, one for each half of the lanes, or products of 16 bits that are added in pairs.
// CHECK-LABEL: @bytes
// CHECK-SAME: %[[A:.*]]: memref<64xi8>, %[[B:.*]]: memref<64xi8>, %[[X:.*]]: vector<16xi32>, %[[Y:.*]]: vector<16xi32>
// CHECK: %[[COLUMNS:.*]] = vector.load %[[B]]{{.*}} : memref<64xi8>, vector<64xi8>
// CHECK: %[[FOUR:.*]] = vector.load %[[A]]{{.*}} : memref<64xi8>, vector<4xi8>
// CHECK: vector.bitcast %[[FOUR]] : vector<4xi8> to vector<1xi32>
// CHECK: %[[ROW:.*]] = vector.bitcast %{{.*}} : vector<16xi32> to vector<64xi8>
// WIDE: %[[FIRST:.*]] = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[X]], %[[ROW]], %[[COLUMNS]])
// WIDE: %[[SECOND:.*]] = llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[Y]], %{{.*}}, %[[COLUMNS]])
// WIDE: return %[[FIRST]], %[[SECOND]]
// HALF: %[[LOW:.*]] = vector.extract_strided_slice %[[X]] {offsets = [0], sizes = [8]
// HALF: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%[[LOW]],
// HALF: %[[HIGH:.*]] = vector.extract_strided_slice %[[X]] {offsets = [8], sizes = [8]
// HALF: vector.extract_strided_slice %[[COLUMNS]] {offsets = [32], sizes = [32]
// HALF: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%[[HIGH]],
// HALF-COUNT-2: vpdpbusd.256
// HALF-NOT: vpdpbusd
// NONE-NOT: llvm.call_intrinsic
// NONE: arith.shrui {{.*}} : vector<32xi16>
// NONE: arith.shrsi {{.*}} : vector<32xi16>
// NONE: arith.muli {{.*}} : vector<32xi32>
// NONE-COUNT-2: vector.shuffle
// NONE: arith.addi %[[X]], %{{.*}} : vector<16xi32>
// ERROR: expects dot-bits of 0, 128, 256 or 512, found 100
func.func @bytes(%a: memref<64xi8>, %b: memref<64xi8>, %x: vector<16xi32>, %y: vector<16xi32>) -> (vector<16xi32>, vector<16xi32>) {
  %zero = arith.constant 0 : index
  %count = arith.constant 1 : index
  %0:2 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x, %y) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<64xi8>, memref<64xi8>, vector<16xi32>, vector<16xi32> -> vector<16xi32>, vector<16xi32>
  return %0#0, %0#1 : vector<16xi32>, vector<16xi32>
}
