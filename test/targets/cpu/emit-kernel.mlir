// RUN: %nncc-opt --nncc-cpu-emit-kernel --canonicalize --cse --split-input-file %s | FileCheck %s

// Contiguous dims become one, which is cut into units; vectors side by side, no tail where none is.

// CHECK-LABEL: func.func @pointwise
// CHECK-SAME: (%[[CALL:.*]]: !llvm.ptr, %[[BEGIN:.*]]: index, %[[END:.*]]: index, %{{.*}}: i32) -> i32
// CHECK-SAME: rt.scratch = 0 : i64, rt.units = 96 : i64
// CHECK-DAG: %[[A:.*]] = rt.buffer %[[CALL]][0] : !llvm.ptr -> memref<393216xf32>
// CHECK-DAG: %[[B:.*]] = rt.buffer %[[CALL]][1] : !llvm.ptr -> memref<393216xf32>
// CHECK: scf.for %[[UNIT:.*]] =
// CHECK: scf.for
// CHECK-COUNT-4: vector.store %{{.*}}, %[[B]]
// CHECK-NOT: vector.{{.*}}store
// CHECK: return %{{.*}} : i32
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @pointwise(%a: tensor<128x3072xf32>) -> tensor<128x3072xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<128x3072xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<128x3072xf32>) outs(%e : tensor<128x3072xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.negf %x : f32
    linalg.yield %n : f32
  } -> tensor<128x3072xf32>
  return %0 : tensor<128x3072xf32>
}

// -----

// What one operation computes and another reads at the same point stays in a register; a row's sum
// passes through scratch. Two rows run at once.

// CHECK-LABEL: func.func @normalize
// CHECK-SAME: rt.scratch = 128 : i64
// CHECK: %[[SUM:.*]] = rt.scratch %{{.*}} -> memref<2xf32>
// CHECK: %[[PARTS:.*]]:4 = scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4: math.absf %{{.*}} : vector<16xf32>
// CHECK-NOT: vector.store
// CHECK: vector.extract
// CHECK: memref.store %{{.*}}, %[[SUM]]
// CHECK: vector.extract
// CHECK: memref.store %{{.*}}, %[[SUM]]
// CHECK: arith.divf %{{.*}} : vector<16xf32>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @normalize(%a: tensor<8x64xf32>) -> tensor<8x64xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8x64xf32>
  %s = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%s : tensor<8xf32>) -> tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<8x64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = math.absf %x : f32
    linalg.yield %n : f32
  } -> tensor<8x64xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<8x64xf32>) outs(%f : tensor<8xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.addf %o, %x : f32
    linalg.yield %n : f32
  } -> tensor<8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a, %1 : tensor<8x64xf32>, tensor<8xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %n = arith.divf %x, %y : f32
    linalg.yield %n : f32
  } -> tensor<8x64xf32>
  return %2 : tensor<8x64xf32>
}

// -----

// A reduction over outer dims keeps its sums in registers: several vectors of columns at once.

// CHECK-LABEL: func.func @columns
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4: vector.load
// CHECK: scf.yield
// CHECK-COUNT-4: vector.store
func.func @columns(%a: tensor<100x64xf32>) -> tensor<64xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %s = tensor.empty() : tensor<64xf32>
  %f = linalg.fill ins(%zero : f32) outs(%s : tensor<64xf32>) -> tensor<64xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>],
                       iterator_types = ["reduction", "parallel"]}
      ins(%a : tensor<100x64xf32>) outs(%f : tensor<64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.addf %o, %x : f32
    linalg.yield %n : f32
  } -> tensor<64xf32>
  return %1 : tensor<64xf32>
}

// -----

// A tail is masked: nothing outside of a tensor is read or written.

// CHECK-LABEL: func.func @tail
// CHECK: %[[MASK:.*]] = arith.constant dense<[true, true, true, false, {{.*}}]> : vector<16xi1>
// CHECK: vector.load %{{.*}} : memref<19xf32>, vector<16xf32>
// CHECK: vector.maskedload %{{.*}}, %[[MASK]],
// CHECK: vector.maskedstore %{{.*}}, %[[MASK]],
func.func @tail(%a: tensor<19xf32>) -> tensor<19xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<19xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%a : tensor<19xf32>) outs(%e : tensor<19xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.negf %x : f32
    linalg.yield %n : f32
  } -> tensor<19xf32>
  return %0 : tensor<19xf32>
}

// -----

// A transposed result is written in place: no copy, no scratch.

// CHECK-LABEL: func.func @view
// CHECK-SAME: rt.scratch = 0 : i64
// CHECK: %[[R:.*]] = rt.buffer %{{.*}}[1] : !llvm.ptr -> memref<480xf32>
// CHECK: vector.store %{{.*}}, %[[R]]
// CHECK-NOT: memref.copy
func.func @view(%a: tensor<2x5x48xf32>) -> tensor<10x48xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<2x5x48xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a : tensor<2x5x48xf32>) outs(%e : tensor<2x5x48xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.negf %x : f32
    linalg.yield %n : f32
  } -> tensor<2x5x48xf32>
  %t = tensor.empty() : tensor<5x2x48xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x5x48xf32>) outs(%t : tensor<5x2x48xf32>) permutation = [1, 0, 2]
  %2 = tensor.collapse_shape %1 [[0, 1], [2]] : tensor<5x2x48xf32> into tensor<10x48xf32>
  return %2 : tensor<10x48xf32>
}

// -----

// The parts of a concatenation are units of their own; a computed part is written where it belongs.

// CHECK-LABEL: func.func @concat
// CHECK-SAME: rt.scratch = 0 : i64, rt.units = 2 : i64
// CHECK: scf.for
// CHECK: arith.negf
// CHECK: scf.for
func.func @concat(%a: tensor<4x64xf32>, %b: tensor<4x64xf32>) -> tensor<8x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<4x64xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.negf %x : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  %1 = tensor.concat dim(0) %0, %b : (tensor<4x64xf32>, tensor<4x64xf32>) -> tensor<8x64xf32>
  return %1 : tensor<8x64xf32>
}

// -----

// Matrices are transposed in registers, tile by tile.

// CHECK-LABEL: func.func @transpose
// CHECK-COUNT-16: vector.load
// CHECK-COUNT-64: vector.shuffle
// CHECK-COUNT-16: vector.store
// CHECK-NOT: vector.gather
func.func @transpose(%a: tensor<64x128xf32>) -> tensor<128x64xf32> attributes {rt.kernel} {
  %t = tensor.empty() : tensor<128x64xf32>
  %1 = linalg.transpose ins(%a : tensor<64x128xf32>) outs(%t : tensor<128x64xf32>) permutation = [1, 0]
  return %1 : tensor<128x64xf32>
}

// -----

// Few channels: whole pixels are taken apart.

// CHECK-LABEL: func.func @channels
// CHECK-COUNT-3: vector.load
// CHECK-COUNT-9: vector.shuffle
// CHECK-COUNT-3: vector.store
// CHECK-NOT: vector.gather
func.func @channels(%a: tensor<1024x3xf32>) -> tensor<3x1024xf32> attributes {rt.kernel} {
  %t = tensor.empty() : tensor<3x1024xf32>
  %1 = linalg.transpose ins(%a : tensor<1024x3xf32>) outs(%t : tensor<3x1024xf32>) permutation = [1, 0]
  return %1 : tensor<3x1024xf32>
}

// -----

// Bools are bytes in memory.

// CHECK-LABEL: func.func @bools
// CHECK: rt.buffer %{{.*}}[0] : !llvm.ptr -> memref<64xi8>
// CHECK: arith.cmpi ne, %{{.*}} : vector<64xi8>
// CHECK: arith.extui %{{.*}} : vector<64xi1> to vector<64xi8>
func.func @bools(%a: tensor<64xi1>) -> tensor<64xi1> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<64xi1>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%a : tensor<64xi1>) outs(%e : tensor<64xi1>) {
  ^bb0(%x: i1, %o: i1):
    %true = arith.constant true
    %n = arith.xori %x, %true : i1
    linalg.yield %n : i1
  } -> tensor<64xi1>
  return %0 : tensor<64xi1>
}

// -----

// Sizes that a run chooses: dims of one piece are one still; its length, in vectors and a rest under
// a mask, is a value, and the units are an expression.

// CHECK: #[[UNITS:.*]] = affine_map<()[s0] -> ((s0 * 64) ceildiv 4096)>
// CHECK-LABEL: func.func @open_pointwise
// CHECK-SAME: rt.scratch = 0 : i64, rt.units = #[[UNITS]]
// CHECK: %[[ROWS:.*]] = rt.dim %{{.*}}[0]
// CHECK: %[[SIZE:.*]] = arith.muli %[[ROWS]], %c64
// CHECK: %[[B:.*]] = rt.buffer %{{.*}}[1] : !llvm.ptr -> memref<?xf32>
// CHECK: scf.for
// CHECK: %[[LEFT:.*]] = arith.subi %[[SIZE]]
// CHECK: arith.minsi %[[LEFT]], %c4096
// CHECK: scf.for
// CHECK-COUNT-4: vector.store %{{.*}}, %[[B]]
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask
// CHECK: vector.maskedstore %[[B]][%{{.*}}], %[[MASK]]
// CHECK-NOT: store
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @open_pointwise(%a: tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>) -> tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %e = tensor.empty(%n) : tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>) outs(%e : tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>) {
  ^bb0(%x: f32, %o: f32):
    %m = arith.negf %x : f32
    linalg.yield %m : f32
  } -> tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>
  return %0 : tensor<?x64xf32, affine_map<()[s0] -> (s0, 64)>>
}

// -----

// Two rows at once, and the odd one; an intermediate of another type than the result takes as much
// scratch as its row is long; long sums are sums of sums.

// CHECK-DAG: #[[SCRATCH:.*]] = affine_map<()[s0, s1] -> (((s1 * 8 + 127) floordiv 64) * 64 + 128)>
// CHECK-DAG: #[[UNITS:.*]] = affine_map<()[s0] -> (s0 ceildiv 64)>
// CHECK-LABEL: func.func @open_rows
// CHECK-SAME: rt.scratch = #[[SCRATCH]], rt.units = #[[UNITS]]
// CHECK: %[[COLUMNS:.*]] = rt.dim %{{.*}}[1]
// CHECK: %[[ROW:.*]] = rt.scratch {{.*}} -> memref<?xf32>
// CHECK: %[[PAIRS:.*]] = arith.divui %{{.*}}, %c2
// CHECK: %[[ODD:.*]] = arith.remui %{{.*}}, %c2
// CHECK: scf.for %{{.*}} = %c0 to %[[PAIRS]]
// CHECK: %[[VECTORS:.*]] = arith.divui %[[COLUMNS]], %c16
// CHECK: %[[PLUS:.*]] = arith.addi %[[VECTORS]], %c127
// CHECK: %[[CHUNKS:.*]] = arith.divui %[[PLUS]], %c128
// CHECK: scf.for %{{.*}} = %c0 to %[[CHUNKS]] step %c1 iter_args
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.store %{{.*}}, %[[ROW]]
// CHECK: arith.addf
// CHECK: %[[HAS_ODD:.*]] = arith.cmpi eq, %[[ODD]], %c1
// CHECK: scf.if %[[HAS_ODD]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#rows = affine_map<()[s0, s1] -> (s0, s1)>
func.func @open_rows(%a: tensor<?x?xf32, #rows>) -> tensor<?x?xf16, #rows> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %r = rt.symbol 0 : index
  %c = rt.symbol 1 : index
  %e = tensor.empty(%r, %c) : tensor<?x?xf32, #rows>
  %s = tensor.empty(%r) : tensor<?xf32, affine_map<()[s0] -> (s0)>>
  %f = linalg.fill ins(%zero : f32) outs(%s : tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<?x?xf32, #rows>) outs(%e : tensor<?x?xf32, #rows>) {
  ^bb0(%x: f32, %o: f32):
    %n = math.exp %x : f32
    linalg.yield %n : f32
  } -> tensor<?x?xf32, #rows>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<?x?xf32, #rows>) outs(%f : tensor<?xf32, affine_map<()[s0] -> (s0)>>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.addf %o, %x : f32
    linalg.yield %n : f32
  } -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
  %h = tensor.empty(%r, %c) : tensor<?x?xf16, #rows>
  %2 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %1 : tensor<?x?xf32, #rows>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) outs(%h : tensor<?x?xf16, #rows>) {
  ^bb0(%x: f32, %y: f32, %o: f16):
    %d = arith.divf %x, %y : f32
    %n = arith.truncf %d : f32 to f16
    linalg.yield %n : f16
  } -> tensor<?x?xf16, #rows>
  return %2 : tensor<?x?xf16, #rows>
}

// -----

// Powers are kept where the result will be, and scaled there. While they are computed, the lines of
// the next row and of the result are fetched.

// CHECK-LABEL: func.func @in_place
// CHECK-SAME: rt.scratch = 128 : i64
// CHECK-DAG: %[[IN:.*]] = rt.buffer %{{.*}}[0] : !llvm.ptr -> memref<8192xf32>
// CHECK-DAG: %[[OUT:.*]] = rt.buffer %{{.*}}[1] : !llvm.ptr -> memref<8192xf32>
// CHECK: scf.for
// CHECK: memref.prefetch %[[IN]][%{{.*}}], read
// CHECK: memref.prefetch %[[OUT]][%{{.*}}], write
// CHECK: %[[POWER:.*]] = math.exp %{{.*}} : vector<16xf32>
// CHECK: vector.store %[[POWER]], %[[OUT]]
// CHECK: scf.for
// CHECK-NOT: memref.prefetch
// CHECK: %[[KEPT:.*]] = vector.load %[[OUT]]
// CHECK: %[[SHARE:.*]] = arith.divf %[[KEPT]]
// CHECK: vector.store %[[SHARE]], %[[OUT]]

// Of rows that the L1 cache does not hold nothing is fetched; they are scaled from their end on, which
// was written last.

// CHECK-LABEL: func.func @in_place_long
// CHECK-NOT: memref.prefetch
// CHECK: vector.store
// CHECK: scf.for %[[I:.*]] = %c0 to %c500 step %c1 {
// CHECK: %[[STEP:.*]] = arith.subi %c499, %[[I]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[STEP]], %c64
// CHECK: %[[AT:.*]] = arith.addi %{{.*}}, %[[FIRST]]
// CHECK: vector.load %{{.*}}[%[[AT]]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @in_place(%a: tensor<4x2048xf32>) -> tensor<4x2048xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x2048xf32>
  %s = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%s : tensor<4xf32>) -> tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x2048xf32>) outs(%e : tensor<4x2048xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = math.exp %x : f32
    linalg.yield %n : f32
  } -> tensor<4x2048xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<4x2048xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.addf %o, %x : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %1 : tensor<4x2048xf32>, tensor<4xf32>) outs(%e : tensor<4x2048xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %n = arith.divf %x, %y : f32
    linalg.yield %n : f32
  } -> tensor<4x2048xf32>
  return %2 : tensor<4x2048xf32>
}

func.func @in_place_long(%a: tensor<4x32000xf32>) -> tensor<4x32000xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x32000xf32>
  %s = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%s : tensor<4xf32>) -> tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x32000xf32>) outs(%e : tensor<4x32000xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = math.exp %x : f32
    linalg.yield %n : f32
  } -> tensor<4x32000xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%0 : tensor<4x32000xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.addf %o, %x : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %1 : tensor<4x32000xf32>, tensor<4xf32>) outs(%e : tensor<4x32000xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %n = arith.divf %x, %y : f32
    linalg.yield %n : f32
  } -> tensor<4x32000xf32>
  return %2 : tensor<4x32000xf32>
}

// -----

// Soft-max of a row that the L1 cache does not hold, in blocks of 2048: the sum so far shrinks by what
// the maximum so far has grown; then powers relative to it, in one loop with the maximum of the next
// block, of which the last one is no further than the row. At the end each block is scaled by what
// became of its maximum, the last one first. A row of nothing but -infinity starts from the least
// number.

// CHECK-LABEL: func.func @softmax
// CHECK-DAG: %[[IN:.*]] = rt.buffer %{{.*}}[0] : !llvm.ptr -> memref<20000xf32>
// CHECK-DAG: %[[OUT:.*]] = rt.buffer %{{.*}}[1] : !llvm.ptr -> memref<20000xf32>
// CHECK-DAG: %[[REFERENCES:.*]] = rt.scratch {{.*}} -> memref<5xf32>
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -3.40282347E+38 : f32
// CHECK: memref.store %[[LEAST]], %[[MAX:[a-z0-9_]+]][%c0]
// CHECK: memref.store %{{.*}}, %[[SUM:[a-z0-9_]+]][%c0]
// CHECK: memref.store %{{.*}}, %[[MAX]]
// CHECK: scf.for %[[BLOCK:.*]] = %c0 to %c5 step %c1 iter_args(%[[BEFORE:.*]] = %[[LEAST]])
// CHECK: %[[NOW:.*]] = memref.load %[[MAX]]
// CHECK: %[[STEP:.*]] = arith.subf %[[BEFORE]], %[[NOW]] : f32
// CHECK: %[[SHRINKS:.*]] = math.exp %[[STEP]] : f32
// CHECK: arith.mulf %{{.*}}, %[[SHRINKS]] : f32
// CHECK: memref.store %{{.*}}, %[[SUM]]
// CHECK: memref.store %[[NOW]], %[[REFERENCES]][%[[BLOCK]]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %c2048
// CHECK: %[[LEFT:.*]] = arith.subi %c10000, %[[FIRST]]
// CHECK: %[[LENGTH:.*]] = arith.minsi %[[LEFT]], %c2048
// CHECK-DAG: %[[NEXT:.*]] = arith.addi %[[FIRST]], %c2048
// CHECK-DAG: %[[END:.*]] = arith.subi %c10000, %[[LENGTH]]
// CHECK: arith.minsi %[[NEXT]], %[[END]]
// CHECK: memref.prefetch %[[IN]][%{{.*}}], read
// CHECK: memref.prefetch %[[OUT]][%{{.*}}], write
// CHECK: arith.maximumf %{{.*}} : vector<16xf32>
// CHECK: math.exp %{{.*}} : vector<16xf32>
// CHECK: vector.store %{{.*}}, %[[OUT]]
// CHECK-DAG: memref.store %{{.*}}, %[[MAX]]
// CHECK-DAG: memref.store %{{.*}}, %[[SUM]]
// CHECK: scf.yield %[[NOW]]
// CHECK: scf.for %[[I:.*]] = %c0 to %c5 step %c1 {
// CHECK: %[[LAST:.*]] = arith.subi %c4, %[[I]]
// CHECK: %[[REFERENCE:.*]] = memref.load %[[REFERENCES]][%[[LAST]]]
// CHECK: math.exp %{{.*}} : f32
// CHECK: arith.divf
// CHECK: memref.store %{{.*}}, %[[SUM]]
// CHECK: vector.store %{{.*}}, %[[OUT]]

// A sum that is all that remains of the powers needs no more. A row whose length is one symbol
// counts as short.

// CHECK-LABEL: func.func @sum_of_powers
// CHECK-NOT: memref<10xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c10 step %c1 iter_args
// CHECK: math.exp %{{.*}} : f32
// CHECK: math.exp %{{.*}} : vector<16xf32>
// CHECK-LABEL: func.func @sum_of_open_powers
// CHECK-NOT: math.exp %{{.*}} : f32
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#open = affine_map<()[s0] -> (2, s0)>
func.func @softmax(%a: tensor<2x10000xf32>) -> tensor<2x10000xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x10000xf32>
  %s = tensor.empty() : tensor<2xf32>
  %f = linalg.fill ins(%low : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %g = linalg.fill ins(%zero : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<2x10000xf32>) outs(%f : tensor<2xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.maximumf %x, %o : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a, %0 : tensor<2x10000xf32>, tensor<2xf32>) outs(%e : tensor<2x10000xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %d = arith.subf %x, %y : f32
    %n = math.exp %d : f32
    linalg.yield %n : f32
  } -> tensor<2x10000xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%1 : tensor<2x10000xf32>) outs(%g : tensor<2xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.addf %x, %o : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  %3 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%1, %2 : tensor<2x10000xf32>, tensor<2xf32>) outs(%e : tensor<2x10000xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %d = arith.divf %one, %y : f32
    %n = arith.mulf %x, %d : f32
    linalg.yield %n : f32
  } -> tensor<2x10000xf32>
  return %3 : tensor<2x10000xf32>
}

func.func @sum_of_powers(%a: tensor<2x20000xf32>) -> tensor<2xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %s = tensor.empty() : tensor<2xf32>
  %f = linalg.fill ins(%low : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %g = linalg.fill ins(%zero : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<2x20000xf32>) outs(%f : tensor<2xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.maximumf %x, %o : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a, %0 : tensor<2x20000xf32>, tensor<2xf32>) outs(%g : tensor<2xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %d = arith.subf %x, %y : f32
    %p = math.exp %d : f32
    %n = arith.addf %p, %o : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%1 : tensor<2xf32>) outs(%s : tensor<2xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.negf %x : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  return %2 : tensor<2xf32>
}

func.func @sum_of_open_powers(%a: tensor<2x?xf32, #open>) -> tensor<2xf32> attributes {rt.kernel} {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %s = tensor.empty() : tensor<2xf32>
  %f = linalg.fill ins(%low : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %g = linalg.fill ins(%zero : f32) outs(%s : tensor<2xf32>) -> tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<2x?xf32, #open>) outs(%f : tensor<2xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.maximumf %x, %o : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a, %0 : tensor<2x?xf32, #open>, tensor<2xf32>) outs(%g : tensor<2xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %d = arith.subf %x, %y : f32
    %p = math.exp %d : f32
    %n = arith.addf %p, %o : f32
    linalg.yield %n : f32
  } -> tensor<2xf32>
  return %1 : tensor<2xf32>
}
