// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=512}))" | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=256}))" | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=0}))" | FileCheck %s --check-prefixes=CHECK,NONE
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=128 dot=usdot}))" | FileCheck %s --check-prefixes=CHECK,USDOT
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=128 dot=sdot}))" | FileCheck %s --check-prefixes=SDOT
// RUN: not nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot-bits=100}))" 2>&1 | FileCheck %s --check-prefix=ERROR
// RUN: not nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot=dot}))" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm{dot=sdot dot-bits=256}))" 2>&1 | FileCheck %s --check-prefix=WIDTH

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
// USDOT: %[[LOW:.*]] = vector.extract_strided_slice %[[X]] {offsets = [0], sizes = [4]
// USDOT: llvm.call_intrinsic "llvm.aarch64.neon.usdot.v4i32.v16i8"(%[[LOW]],
// USDOT-COUNT-7: "llvm.aarch64.neon.usdot.v4i32.v16i8"
// USDOT-NOT: sdot

// Only signed bytes: rows less 128, and 128 times the sums of the columns, which all rows share.
// SDOT-LABEL: @bytes
// SDOT-SAME: %[[X:[a-z0-9]+]]: vector<16xi32>, %[[Y:[a-z0-9]+]]: vector<16xi32>
// SDOT-DAG: %[[ONES:.*]] = arith.constant dense<1> : vector<64xi8>
// SDOT: vector.extract_strided_slice %[[ONES]] {offsets = [0], sizes = [16]
// SDOT-COUNT-4: "llvm.aarch64.neon.sdot.v4i32.v16i8"
// SDOT: %[[COLUMNS:.*]] = vector.insert_strided_slice {{.*}} {offsets = [12]
// SDOT: arith.xori %{{.*}}, %{{.*}} : vector<64xi8>
// SDOT-COUNT-4: "llvm.aarch64.neon.sdot.v4i32.v16i8"
// SDOT: arith.xori
// SDOT-COUNT-4: "llvm.aarch64.neon.sdot.v4i32.v16i8"
// SDOT: %[[MISSING:.*]] = arith.shli %[[COLUMNS]], %{{.*}} : vector<16xi32>
// SDOT: arith.addi %{{.*}}, %[[MISSING]] : vector<16xi32>
// SDOT: arith.addi %{{.*}}, %[[MISSING]] : vector<16xi32>
// UNKNOWN: expects vpdpbusd, usdot or sdot as dot, found 'dot'
// WIDTH: expects dot-bits of 0 or 128 with sdot
// ERROR: expects dot-bits of 0, 128, 256 or 512, found 100
func.func @bytes(%a: memref<64xi8>, %b: memref<64xi8>, %x: vector<16xi32>, %y: vector<16xi32>) -> (vector<16xi32>, vector<16xi32>) {
  %zero = arith.constant 0 : index
  %count = arith.constant 1 : index
  %0:2 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x, %y) {aStrides = array<i64: 4>, bStrides = array<i64: 64>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<64xi8>, memref<64xi8>, vector<16xi32>, vector<16xi32> -> vector<16xi32>, vector<16xi32>
  return %0#0, %0#1 : vector<16xi32>, vector<16xi32>
}
