// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-lower-brgemm))" | FileCheck %s

// Two rows by one panel, thirteen steps: four at a time, the last one in straight code.
// CHECK-LABEL: @remainder
// CHECK-SAME: %[[A:.*]]: memref<64xf32>, %[[B:.*]]: memref<208xf32>, %[[X:.*]]: vector<16xf32>, %[[Y:.*]]: vector<16xf32>
// CHECK: %[[SUMS:.*]]:2 = scf.for {{.*}} iter_args(%{{.*}} = %[[X]], %{{.*}} = %[[Y]])
// CHECK-COUNT-8: vector.fma
// CHECK: scf.yield
// CHECK: vector.load %[[B]]
// CHECK: memref.load %[[A]]
// CHECK: %[[FIRST:.*]] = vector.fma {{.*}}, %[[SUMS]]#0
// CHECK: %[[SECOND:.*]] = vector.fma {{.*}}, %[[SUMS]]#1
// CHECK: return %[[FIRST]], %[[SECOND]]
func.func @remainder(%a: memref<64xf32>, %b: memref<208xf32>, %x: vector<16xf32>, %y: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %zero = arith.constant 0 : index
  %count = arith.constant 13 : index
  %0:2 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x, %y) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 32 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<64xf32>, memref<208xf32>, vector<16xf32>, vector<16xf32> -> vector<16xf32>, vector<16xf32>
  return %0#0, %0#1 : vector<16xf32>, vector<16xf32>
}

// Clipped taps, known at run time only, around a reduction of three steps in straight code.
// CHECK-LABEL: @clipped
// CHECK-SAME: %[[TAPS:[a-z0-9]+]]: index
// CHECK: scf.for {{.*}} to %[[TAPS]]
// CHECK-NOT: scf.for
// CHECK-COUNT-3: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func @clipped(%a: memref<64xf32>, %b: memref<144xf32>, %x: vector<16xf32>, %taps: index) -> vector<16xf32> {
  %zero = arith.constant 0 : index
  %count = arith.constant 3 : index
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%taps, %count) acc(%x) {aStrides = array<i64: 8, 1>, bStrides = array<i64: 48, 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<64xf32>, memref<144xf32>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}

// A count known at run time only: whole steps of the unrolled loop, then the others one by one.
// CHECK-LABEL: @dynamic
// CHECK: arith.divui
// CHECK: scf.for
// CHECK-COUNT-4: vector.fma
// CHECK: scf.for
// CHECK: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func @dynamic(%a: memref<64xf32>, %b: memref<144xf32>, %x: vector<16xf32>, %count: index) -> vector<16xf32> {
  %zero = arith.constant 0 : index
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<64xf32>, memref<144xf32>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}

// Rows at a distance that is known at run time only; so is that of the steps in b.
// CHECK-LABEL: @open_strides
// CHECK-SAME: %[[ROW:[a-z0-9]+]]: index, %[[STEP:[a-z0-9]+]]: index
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: arith.muli %[[I]], %[[STEP]]
// CHECK: arith.addi {{.*}}, %[[ROW]]
func.func @open_strides(%a: memref<?xf32>, %b: memref<?xf32>, %x: vector<16xf32>, %y: vector<16xf32>, %row: index, %step: index) -> (vector<16xf32>, vector<16xf32>) {
  %zero = arith.constant 0 : index
  %count = arith.constant 3 : index
  %0:2 = kern.brgemm %a[%zero], %b[%zero] counts(%count) strides(%row, %step) acc(%x, %y) {aStrides = array<i64: 1>, bStrides = array<i64: -9223372036854775808>, rowStride = -9223372036854775808 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 1 : i64}
      : memref<?xf32>, memref<?xf32>, vector<16xf32>, vector<16xf32> -> vector<16xf32>, vector<16xf32>
  return %0#0, %0#1 : vector<16xf32>, vector<16xf32>
}

// Weights of 4 bits: two rows out of each 16 bytes. Of one row of A the sums of codes are scaled, at the end of a block.
// CHECK-LABEL: @blocks
// CHECK-SAME: %[[A:.*]]: memref<64xf32>, %[[B:.*]]: memref<672xi8>, %[[X:.*]]: vector<16xf32>
// CHECK: scf.for {{.*}} iter_args(%[[SUM:.*]] = %[[X]])
// CHECK: %[[CODES:.*]]:2 = scf.for
// CHECK-COUNT-2: vector.load %[[B]]{{.*}} : memref<672xi8>, vector<16xi8>
// CHECK: scf.yield
// CHECK: vector.load %[[B]]{{.*}} : memref<672xi8>, vector<64xi8>
// CHECK: %[[SCALE:.*]] = vector.bitcast
// CHECK: %[[OFFSET:.*]] = arith.negf
// CHECK: %[[SCALED:.*]] = vector.fma %[[CODES]]#0, %[[SCALE]], %[[SUM]]
// CHECK: vector.fma %[[CODES]]#1, %[[OFFSET]], %[[SCALED]]
func.func @blocks(%a: memref<64xf32>, %b: memref<672xi8>, %x: vector<16xf32>) -> vector<16xf32> {
  %zero = arith.constant 0 : index
  %blocks = arith.constant 2 : index
  %rows = arith.constant 32 : index
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%blocks, %rows) acc(%x) {aStrides = array<i64: 32, 1>, bStrides = array<i64: 336, 8>, rowStride = 0 : i64, panelStride = 672 : i64, nv = 1 : i64, unroll = 4 : i64, blocks = #kern.blocks<bits = 4, rows = 32>}
      : memref<64xf32>, memref<672xi8>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}

// Several rows share weights, which are made of the codes: scales and zero points once per block.
// CHECK-LABEL: @blocks_of_rows
// CHECK-SAME: %[[A:.*]]: memref<64xf32>, %[[B:.*]]: memref<672xi8>
// CHECK: scf.for
// CHECK: vector.load %[[B]]{{.*}} : memref<672xi8>, vector<64xi8>
// CHECK: %[[OFFSET:.*]] = arith.negf
// CHECK: scf.for
// CHECK: vector.load %[[B]]{{.*}} : memref<672xi8>, vector<16xi8>
// CHECK: vector.fma {{.*}}, %[[OFFSET]]
// CHECK: scf.yield
// CHECK-NOT: vector.load
// CHECK: return
func.func @blocks_of_rows(%a: memref<64xf32>, %b: memref<672xi8>, %x: vector<16xf32>, %y: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %zero = arith.constant 0 : index
  %blocks = arith.constant 2 : index
  %rows = arith.constant 32 : index
  %0:2 = kern.brgemm %a[%zero], %b[%zero] counts(%blocks, %rows) acc(%x, %y) {aStrides = array<i64: 32, 1>, bStrides = array<i64: 336, 8>, rowStride = 0 : i64, panelStride = 672 : i64, nv = 1 : i64, unroll = 4 : i64, blocks = #kern.blocks<bits = 4, rows = 32>}
      : memref<64xf32>, memref<672xi8>, vector<16xf32>, vector<16xf32> -> vector<16xf32>, vector<16xf32>
  return %0#0, %0#1 : vector<16xf32>, vector<16xf32>
}

// bf16 is the high half of a float.
// CHECK-LABEL: @bf16
// CHECK: %[[BITS:.*]] = vector.load {{.*}} : memref<64xbf16>, vector<16xbf16>
// CHECK: arith.bitcast %[[BITS]] : vector<16xbf16> to vector<16xi16>
// CHECK: arith.shli
// CHECK: vector.fma
func.func @bf16(%a: memref<64xf32>, %b: memref<64xbf16>, %x: vector<16xf32>) -> vector<16xf32> {
  %zero = arith.constant 0 : index
  %count = arith.constant 4 : index
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64}
      : memref<64xf32>, memref<64xbf16>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}

// Two cache lines in each iteration of the innermost loop, of four steps: 64 floats by a run of it.
// CHECK-LABEL: @ahead
// CHECK-SAME: %[[B:[a-z0-9]+]]: memref<4096xf32>, %[[X:[a-z0-9]+]]: vector<16xf32>, %[[FROM:[a-z0-9]+]]: index
// CHECK: scf.for %[[OUTER:[a-z0-9]+]] =
// CHECK: %[[RUNS:.*]] = arith.muli %[[OUTER]], %c64
// CHECK: %[[BEGIN:.*]] = arith.addi %[[FROM]], %[[RUNS]]
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[ITERATION:.*]] = arith.divui %[[I]], %c4
// CHECK: %[[LINES:.*]] = arith.muli %[[ITERATION]], %c32
// CHECK: %[[AT:.*]] = arith.addi %[[BEGIN]], %[[LINES]]
// CHECK: memref.prefetch %[[B]][%[[AT]]], read, locality<2>, data
// CHECK: %[[NEXT:.*]] = arith.addi %[[AT]], %c16
// CHECK: memref.prefetch %[[B]][%[[NEXT]]], read, locality<2>, data
// CHECK-COUNT-4: vector.fma
func.func @ahead(%a: memref<64xf32>, %b: memref<4096xf32>, %x: vector<16xf32>, %from: index) -> vector<16xf32> {
  %zero = arith.constant 0 : index
  %runs = arith.constant 3 : index
  %count = arith.constant 8 : index
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%runs, %count) prefetch[%from] acc(%x) {aStrides = array<i64: 8, 1>, bStrides = array<i64: 256, 16>, rowStride = 0 : i64, panelStride = 0 : i64, nv = 1 : i64, unroll = 4 : i64, prefetches = 2 : i64}
      : memref<64xf32>, memref<4096xf32>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}

// Two panels of bf16, each 8 lines before it is read: a line has the columns of two steps.
// CHECK-LABEL: @lead
// CHECK-SAME: %[[B:[a-z0-9]+]]: memref<4096xbf16>
// CHECK: scf.for %[[I:[a-z0-9]+]] =
// CHECK: %[[Y:.*]] = arith.muli %[[I]], %c16
// CHECK: %[[AT:.*]] = arith.addi %[[Y]], %c256
// CHECK: memref.prefetch %[[B]][%[[AT]]], read, locality<3>, data
// CHECK-NOT: memref.prefetch
// CHECK: vector.load %[[B]][%[[Y]]]
// CHECK: %[[OTHER:.*]] = arith.addi %[[Y]], %c128
// CHECK: arith.addi %[[OTHER]], %c256
// CHECK: memref.prefetch
// CHECK-COUNT-3: vector.load
// CHECK-COUNT-2: memref.prefetch
// CHECK-NOT: memref.prefetch
// CHECK: scf.yield
func.func @lead(%b: memref<4096xbf16>, %a: memref<64xf32>, %x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %zero = arith.constant 0 : index
  %count = arith.constant 8 : index
  %0:2 = kern.brgemm %a[%zero], %b[%zero] counts(%count) acc(%x, %x) {aStrides = array<i64: 1>, bStrides = array<i64: 16>, rowStride = 0 : i64, panelStride = 128 : i64, nv = 2 : i64, unroll = 4 : i64, lead = 8 : i64}
      : memref<64xf32>, memref<4096xbf16>, vector<16xf32>, vector<16xf32> -> vector<16xf32>, vector<16xf32>
  return %0#0, %0#1 : vector<16xf32>, vector<16xf32>
}

// The head of a block, and a line of codes in each iteration, which takes as many rows as lie in one.
// CHECK-LABEL: @lead_of_blocks
// CHECK: scf.for %[[BLOCK:.*]] =
// CHECK: memref.prefetch
// CHECK: scf.for
// CHECK: memref.prefetch
// CHECK-NOT: memref.prefetch
// CHECK-COUNT-8: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
func.func @lead_of_blocks(%a: memref<64xf32>, %b: memref<672xi8>, %x: vector<16xf32>) -> vector<16xf32> {
  %zero = arith.constant 0 : index
  %blocks = arith.constant 2 : index
  %rows = arith.constant 32 : index
  %0 = kern.brgemm %a[%zero], %b[%zero] counts(%blocks, %rows) acc(%x) {aStrides = array<i64: 32, 1>, bStrides = array<i64: 336, 8>, rowStride = 0 : i64, panelStride = 672 : i64, nv = 1 : i64, unroll = 4 : i64, blocks = #kern.blocks<bits = 4, rows = 32>, lead = 8 : i64}
      : memref<64xf32>, memref<672xi8>, vector<16xf32> -> vector<16xf32>
  return %0 : vector<16xf32>
}
