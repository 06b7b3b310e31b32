// RUN: %nncc-opt %s --pass-pipeline='builtin.module(builtin.module(nncc-nvptx-emit-kernel,func.func(canonicalize,cse)))' | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// A thread has four neighbours, read and written in 16 bytes where the buffers of the caller are aligned to them. Blocks
// are alike, as the size is a multiple of one. Nothing is shared: no barrier.
// CHECK-LABEL: func.func @pointwise
// CHECK-SAME: (%[[CALL:.*]]: !llvm.ptr) attributes {rt.kernel, rt.narrow, rt.scratch = 0 : i64, rt.threads = 128 : i64, rt.units = 6 : i64}
// CHECK-DAG: %[[STRETCH:.*]] = arith.constant 500 : index
// CHECK-DAG: %[[VECTORS:.*]] = arith.constant 125 : index
// CHECK-DAG: %[[BITS:.*]] = arith.constant 15 : i64
// CHECK-DAG: %[[X:.*]] = rt.buffer %[[CALL]][0]
// CHECK-DAG: %[[Y:.*]] = rt.buffer %[[CALL]][1]
// CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK: %[[THREAD:.*]] = arith.index_castui %[[TID]]
// CHECK: %[[CTAID:.*]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK: %[[BLOCK:.*]] = arith.index_castui %[[CTAID]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[BLOCK]], %[[STRETCH]]
// CHECK: %[[LOW:.*]] = arith.andi %{{.*}}, %[[BITS]]
// CHECK: %[[ALIGNED:.*]] = arith.cmpi eq, %[[LOW]]
// CHECK: arith.cmpi ult, %[[THREAD]], %[[VECTORS]]
// CHECK:   scf.if %[[ALIGNED]]
// CHECK:     vector.load %[[X]][%{{.*}}] {alignment = 16 : i64} : memref<3000xf32>, vector<4xf32>
// CHECK:   else
// CHECK-COUNT-4: memref.load %[[X]]
// CHECK-COUNT-4: arith.negf
// CHECK:   scf.if %[[ALIGNED]]
// CHECK:     vector.store %{{.*}}, %[[Y]][%{{.*}}] {alignment = 16 : i64} : memref<3000xf32>, vector<4xf32>
// CHECK:   else
// CHECK-COUNT-4: memref.store %{{.*}}, %[[Y]]
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @pointwise {
  func.func @pointwise(%x: tensor<3x1000xf32>) -> tensor<3x1000xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<3x1000xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<3x1000xf32>) outs(%e : tensor<3x1000xf32>) {
    ^bb0(%in: f32, %out: f32):
      %n = arith.negf %in : f32
      linalg.yield %n : f32
    } -> tensor<3x1000xf32>
    return %y : tensor<3x1000xf32>
  }
}

// Rows of some hundred elements: one for each warp, which keeps it in registers: each element is read once. Its lanes sum
// in a tree, and all of them have the result. Nothing is shared: no barrier.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 16 : i64
// CHECK: %[[X:.*]] = rt.buffer %{{.*}}[0]
// CHECK: %[[Y:.*]] = rt.buffer %{{.*}}[1]
// CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %{{.*}}, %c50
// CHECK: vector.load %[[X]]{{.*}} {alignment = 16 : i64} : memref<12800xf32>, vector<4xf32>
// CHECK: scf.if %[[EXISTS]]
// CHECK:   vector.load %[[X]]{{.*}} {alignment = 16 : i64} : memref<12800xf32>, vector<4xf32>
// CHECK: arith.select %[[EXISTS]]
// CHECK: %[[OTHER:.*]] = nvvm.shfl.sync bfly %{{[^,]*}}, %[[PART:[^,]*]],
// CHECK: arith.addf %[[PART]], %[[OTHER]]
// CHECK-COUNT-4: nvvm.shfl.sync
// CHECK-NOT: memref.load %[[X]]
// CHECK-NOT: vector.load
// CHECK: arith.divf
// CHECK: vector.store %{{.*}}, %[[Y]]{{.*}} {alignment = 16 : i64}
// CHECK: scf.if %[[EXISTS]]
// CHECK:   vector.store %{{.*}}, %[[Y]]
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @rows {
  func.func @rows(%x: tensor<64x200xf32>) -> tensor<64x200xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %e0 = tensor.empty() : tensor<64xf32>
    %e1 = tensor.empty() : tensor<64x200xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e0 : tensor<64xf32>) -> tensor<64xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<64x200xf32>) outs(%f : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<64xf32>
    %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %sum : tensor<64x200xf32>, tensor<64xf32>) outs(%e1 : tensor<64x200xf32>) {
    ^bb0(%in: f32, %s: f32, %out: f32):
      %q = arith.divf %in, %s : f32
      linalg.yield %q : f32
    } -> tensor<64x200xf32>
    return %y : tensor<64x200xf32>
  }
}

// A long row has all threads; the warps' sums meet in shared memory.
// CHECK: memref.global "private" @long_row_shared_0 : memref<16xf32, 3>
// CHECK-LABEL: func.func @long_row
// CHECK-SAME: rt.threads = 512 : i64, rt.units = 1 : i64
// CHECK-COUNT-5: nvvm.shfl.sync
// CHECK: %[[PARTS:.*]] = memref.get_global @long_row_shared_0
// CHECK: memref.store %{{.*}}, %[[PARTS]]
// CHECK: nvvm.barrier0
// CHECK-COUNT-16: memref.load %[[PARTS]]
// CHECK: scf.if
// CHECK:   memref.store
module @long_row {
  func.func @long_row(%x: tensor<1x9000xf32>) -> tensor<1xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1xf32>) -> tensor<1xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<1x9000xf32>) outs(%f : tensor<1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<1xf32>
    return %sum : tensor<1xf32>
  }
}

// Sums along a strided dim: neighbouring threads read neighbouring columns, of which a block has few, so that all of a GPU
// has work; each of its parts has some rows, and the first one adds the parts' sums.
// CHECK: memref.global "private" @columns_shared_0 : memref<128xf32, 3>
// CHECK-LABEL: func.func @columns
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 512 : i64
// CHECK: %[[SUMS:.*]] = memref.get_global @columns_shared_0
// CHECK-COUNT-6: memref.load
// CHECK-NOT: nvvm.shfl
// CHECK: memref.store %{{.*}}, %[[SUMS]]
// CHECK: nvvm.barrier0
// CHECK: scf.if
// CHECK-COUNT-16: memref.load %[[SUMS]]
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @columns {
  func.func @columns(%x: tensor<100x4096xf32>) -> tensor<4096xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<4096xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4096xf32>) -> tensor<4096xf32>
    %sum = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, #row],
                           iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<100x4096xf32>) outs(%f : tensor<4096xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<4096xf32>
    return %sum : tensor<4096xf32>
  }
}

// A transposition: rows of a tile are read 16 bytes at a time, and columns are what rows of the result are written from. A
// row of the tile is one element longer, so that neither meets in a bank.
// CHECK: memref.global "private" @transpose_shared_0 : memref<4160xi8, 3>
// CHECK-LABEL: func.func @transpose
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 8 : i64
// CHECK: %[[X:.*]] = rt.buffer %{{.*}}[0]
// CHECK: %[[Y:.*]] = rt.buffer %{{.*}}[1]
// CHECK: %[[TILE:.*]] = memref.get_global @transpose_shared_0
// CHECK: vector.load %[[X]]{{.*}} {alignment = 16 : i64} : memref<32768xi8>, vector<16xi8>
// CHECK: memref.store %{{.*}}, %[[TILE]]
// CHECK: nvvm.barrier0
// CHECK: memref.load %[[TILE]]
// CHECK: vector.store %{{.*}}, %[[Y]]{{.*}} {alignment = 16 : i64} : memref<32768xi8>, vector<16xi8>
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @transpose {
  func.func @transpose(%x: tensor<128x256xi8>) -> tensor<256x128xi8> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<256x128xi8>
    %y = linalg.transpose ins(%x : tensor<128x256xi8>) outs(%e : tensor<256x128xi8>) permutation = [1, 0]
    return %y : tensor<256x128xi8>
  }
}

// A row of a table at an index that the body computes: 16 bytes at a time where the buffers are aligned. One of a
// length that is not a multiple of that, element by element.
// CHECK-LABEL: func.func @rows_of_table
// CHECK: %[[TABLE:.*]] = rt.buffer %{{.*}}[0]
// CHECK: %[[INDICES:.*]] = rt.buffer %{{.*}}[1]
// CHECK: %[[Y:.*]] = rt.buffer %{{.*}}[2]
// CHECK: %[[INDEX:.*]] = memref.load %[[INDICES]]
// CHECK: %[[ROW:.*]] = arith.index_cast %[[INDEX]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[ROW]], %c64
// CHECK: scf.if
// CHECK:   vector.load %[[TABLE]]{{.*}} {alignment = 16 : i64} : memref<6400xf32>, vector<4xf32>
// CHECK:   vector.store %{{.*}}, %[[Y]]{{.*}} {alignment = 16 : i64} : memref<512xf32>, vector<4xf32>
// CHECK: else
// CHECK-COUNT-4: memref.load %[[TABLE]]
// CHECK-COUNT-4: memref.store %{{.*}}, %[[Y]]
// CHECK-LABEL: func.func @parts_of_rows
// CHECK-NOT: vector.load
// CHECK: return
module @rows_of_table {
  func.func @rows_of_table(%t: tensor<100x64xf32>, %i: tensor<8xi64>) -> tensor<8x64xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<8x64xf32>
    %y = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%i : tensor<8xi64>) outs(%e : tensor<8x64xf32>) {
    ^bb0(%in: i64, %out: f32):
      %r = arith.index_cast %in : i64 to index
      %c = linalg.index 1 : index
      %v = tensor.extract %t[%r, %c] : tensor<100x64xf32>
      linalg.yield %v : f32
    } -> tensor<8x64xf32>
    return %y : tensor<8x64xf32>
  }
}
module @parts_of_rows {
  func.func @parts_of_rows(%t: tensor<100x66xf32>, %i: tensor<8xi64>) -> tensor<8x64xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<8x64xf32>
    %y = linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%i : tensor<8xi64>) outs(%e : tensor<8x64xf32>) {
    ^bb0(%in: i64, %out: f32):
      %r = arith.index_cast %in : i64 to index
      %c = linalg.index 1 : index
      %v = tensor.extract %t[%r, %c] : tensor<100x66xf32>
      linalg.yield %v : f32
    } -> tensor<8x64xf32>
    return %y : tensor<8x64xf32>
  }
}

// Two slices of both operands in shared memory take turns: one barrier before the first, one behind each. The epilogue
// is on the sums in registers.
// CHECK: memref.global "private" @gemm_shared_0 : memref<4352xf32, 3>
// CHECK-LABEL: func.func @gemm
// CHECK-SAME: rt.threads = 256 : i64, rt.units = 4 : i64
// CHECK: %[[SHARED:.*]] = memref.get_global @gemm_shared_0
// CHECK: memref.store %{{.*}}, %[[SHARED]]
// CHECK: nvvm.barrier0
// CHECK: scf.for
// CHECK:   memref.load
// CHECK:   vector.load %[[SHARED]][%{{.*}}] {alignment = 16 : i64} : memref<4352xf32, 3>, vector<4xf32>
// CHECK:   math.fma
// CHECK:   memref.store %{{.*}}, %[[SHARED]]
// CHECK:   nvvm.barrier0
// CHECK-NOT: nvvm.barrier0
// CHECK: arith.addf
// CHECK: return
module @gemm {
  func.func @gemm(%a: tensor<256x64xf32>, %b: tensor<4x64x16xf32>, %bias: tensor<64xf32>) -> tensor<256x64xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<256x64xf32>
    %0 = kern.contract packed ins(%a, %b : tensor<256x64xf32>, tensor<4x64x16xf32>) extras(%bias : tensor<64xf32>) outs(%e : tensor<256x64xf32>)
        strides [] dilations [] pads [] maps [#column] {
    ^bb0(%acc: f32, %x: f32):
      %s = arith.addf %acc, %x : f32
      kern.yield %s : f32
    } -> tensor<256x64xf32>
    return %0 : tensor<256x64xf32>
  }
}

// A thread for each element of a small result. Taps outside of the image are left out: of a row that has some, the nearest
// column inside is read instead, and does not count.
// CHECK-LABEL: func.func @window
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 2 : i64
// CHECK: scf.if
// CHECK:   scf.if
// CHECK-COUNT-8: arith.maximumf
// CHECK:   else
// CHECK:     scf.for
// CHECK:       %[[INSIDE:.*]] = arith.cmpi ule, %[[COLUMN:[^,]*]],
// CHECK:       %[[RIGHT:.*]] = arith.maxsi %[[COLUMN]]
// CHECK:       arith.minsi %[[RIGHT]]
// CHECK:       %[[MOST:.*]] = arith.maximumf
// CHECK:       arith.select %[[INSIDE]], %[[MOST]]
module @window {
  func.func @window(%a: tensor<1x9x9x16xf32>) -> tensor<1x5x3x16xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x5x3x16xf32>
    %0 = kern.window max ins(%a : tensor<1x9x9x16xf32>) extras() outs(%e : tensor<1x5x3x16xf32>)
        kernel [3, 3] strides [2, 3] dilations [1, 1] pads [1, 1, 1, 0] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x5x3x16xf32>
    return %0 : tensor<1x5x3x16xf32>
  }
}

// One of enough elements for a tile of four columns of four channels for each thread: it reads six columns in three rows
// and nine weights, 16 bytes at a time, or single elements where buffers are not aligned. The last tile of a row has
// three columns.
// CHECK-LABEL: func.func @window_tiles
// CHECK-SAME: rt.threads = 128 : i64, rt.units = 153 : i64
// CHECK: %[[A:.*]] = rt.buffer %{{.*}}[0]
// CHECK: %[[W:.*]] = rt.buffer %{{.*}}[1]
// CHECK: %[[C:.*]] = rt.buffer %{{.*}}[3]
// CHECK: scf.if %{{.*}} {
// CHECK:   scf.if %[[ALIGNED:.*]] {
// CHECK:     scf.if %{{.*}} -> (f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32, f32)
// CHECK-COUNT-27: vector.load %{{.*}} {alignment = 16 : i64} : memref<{{.*}}xf32>, vector<4xf32>
// CHECK-NOT: vector.load
// CHECK:     else
// CHECK:       scf.for
// CHECK-COUNT-9: vector.load %{{.*}} {alignment = 16 : i64} : memref<{{.*}}xf32>, vector<4xf32>
// CHECK:     vector.load %{{.*}} {alignment = 16 : i64} : memref<64xf32>, vector<4xf32>
// CHECK:     vector.store %{{.*}}, %[[C]]
// CHECK-COUNT-3: vector.store %{{.*}}, %[[C]]
// CHECK:   else
// CHECK:     scf.for
// CHECK:       scf.for
// CHECK:         vector.load %[[A]]{{.*}} vector<1xf32>
// CHECK:         vector.load %[[W]]{{.*}} vector<1xf32>
module @window_tiles {
  func.func @window_tiles(%a: tensor<1x72x67x64xf32>, %w: tensor<3x3x64xf32>, %bias: tensor<64xf32>) -> tensor<1x72x67x64xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x72x67x64xf32>
    %0 = kern.window depthwise ins(%a, %w : tensor<1x72x67x64xf32>, tensor<3x3x64xf32>) extras(%bias : tensor<64xf32>) outs(%e : tensor<1x72x67x64xf32>)
        kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [affine_map<(d0, d1, d2, d3) -> (d3)>] {
    ^bb0(%acc: f32, %x: f32):
      %s = arith.addf %acc, %x : f32
      kern.yield %s : f32
    } -> tensor<1x72x67x64xf32>
    return %0 : tensor<1x72x67x64xf32>
  }
}
