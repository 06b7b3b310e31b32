// RUN: %nncc-opt %s --pass-pipeline='builtin.module(builtin.module(nncc-nvptx-emit-kernel,func.func(canonicalize,cse)))' | FileCheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A thread has the sum of a row, and alone reads it: no barrier.
// CHECK-LABEL: func.func @means
// CHECK: %[[SUMS:.*]] = memref.get_global @means_shared_0
// CHECK: memref.store %{{.*}}, %[[SUMS]]
// CHECK-NOT: nvvm.barrier0
// CHECK: memref.load %[[SUMS]]
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @means {
  func.func @means(%x: tensor<127x10xf32>) -> tensor<127xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %n = arith.constant 0.1 : f32
    %e = tensor.empty() : tensor<127xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<127xf32>) -> tensor<127xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<127x10xf32>) outs(%f : tensor<127xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<127xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
        ins(%sum : tensor<127xf32>) outs(%e : tensor<127xf32>) {
    ^bb0(%in: f32, %out: f32):
      %q = arith.mulf %in, %n : f32
      linalg.yield %q : f32
    } -> tensor<127xf32>
    return %y : tensor<127xf32>
  }
}

// Each thread reads the sums of other threads' rows.
// CHECK-LABEL: func.func @shares
// CHECK: %[[SUMS:.*]] = memref.get_global @shares_shared_0
// CHECK: memref.store %{{.*}}, %[[SUMS]]
// CHECK: nvvm.barrier0
// CHECK: memref.load %[[SUMS]]
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @shares {
  func.func @shares(%x: tensor<1000x10xf32>) -> tensor<1000x10xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<1000xf32>
    %e1 = tensor.empty() : tensor<1000x10xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1000xf32>) -> tensor<1000xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<1000x10xf32>) outs(%f : tensor<1000xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<1000xf32>
    %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x, %sum : tensor<1000x10xf32>, tensor<1000xf32>) outs(%e1 : tensor<1000x10xf32>) {
    ^bb0(%in: f32, %s: f32, %out: f32):
      %q = arith.divf %in, %s : f32
      linalg.yield %q : f32
    } -> tensor<1000x10xf32>
    return %y : tensor<1000x10xf32>
  }
}

// A row is the block's, its sum the first thread's, which has the root as well: no barrier but the one for the sums of
// warps.
// CHECK-LABEL: func.func @norm
// CHECK: %[[SUM:.*]] = memref.get_global @norm_shared_0
// CHECK: nvvm.barrier0
// CHECK: memref.store %{{.*}}, %[[SUM]]
// CHECK-NOT: nvvm.barrier0
// CHECK: memref.load %[[SUM]]
// CHECK: math.sqrt
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @norm {
  func.func @norm(%x: tensor<3x40000xf32>) -> tensor<3xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<3xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x : tensor<3x40000xf32>) outs(%f : tensor<3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %t = arith.mulf %in, %in : f32
      %s = arith.addf %t, %out : f32
      linalg.yield %s : f32
    } -> tensor<3xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
        ins(%sum : tensor<3xf32>) outs(%e : tensor<3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %q = math.sqrt %in : f32
      linalg.yield %q : f32
    } -> tensor<3xf32>
    return %y : tensor<3xf32>
  }
}

// Each thread has the same elements of a row in all sweeps, in scratch, which one row has after the other: all threads
// wait for the sums of warps and for that of the row. What the next row does before that reaches nothing that others have
// still to read: no barrier behind a row.
// CHECK-LABEL: func.func @long_rows
// CHECK: scf.for %{{.*}} to %c9 step
// CHECK: %[[ROW:.*]] = rt.scratch
// CHECK: %[[SUM:.*]] = memref.get_global @long_rows_shared_0
// CHECK: vector.store %{{.*}}, %[[ROW]]
// CHECK: %[[PARTS:.*]] = memref.get_global @long_rows_shared_1
// CHECK: memref.store %{{.*}}, %[[PARTS]]
// CHECK-NEXT: }
// CHECK-NEXT: nvvm.barrier0
// CHECK: memref.store %{{.*}}, %[[SUM]]
// CHECK-NEXT: }
// CHECK-NEXT: nvvm.barrier0
// CHECK: vector.load %[[ROW]]
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @long_rows {
  func.func @long_rows(%x: tensor<9x40000xf32>) -> tensor<9x40000xf32> attributes {rt.kernel} {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<9xf32>
    %e1 = tensor.empty() : tensor<9x40000xf32>
    %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<9x40000xf32>) outs(%e1 : tensor<9x40000xf32>) {
    ^bb0(%in: f32, %out: f32):
      %q = math.exp %in : f32
      linalg.yield %q : f32
    } -> tensor<9x40000xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<9xf32>) -> tensor<9xf32>
    %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%p : tensor<9x40000xf32>) outs(%f : tensor<9xf32>) {
    ^bb0(%in: f32, %out: f32):
      %s = arith.addf %in, %out : f32
      linalg.yield %s : f32
    } -> tensor<9xf32>
    %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%p, %sum : tensor<9x40000xf32>, tensor<9xf32>) outs(%e1 : tensor<9x40000xf32>) {
    ^bb0(%in: f32, %s: f32, %out: f32):
      %q = arith.divf %in, %s : f32
      linalg.yield %q : f32
    } -> tensor<9x40000xf32>
    return %y : tensor<9x40000xf32>
  }
}

// Elements of a row meet those of other threads: a barrier before they are read, and one before the next row takes their
// place.
// CHECK-LABEL: func.func @reversed
// CHECK: scf.for %{{.*}} to %c9 step
// CHECK: %[[ROW:.*]] = rt.scratch
// CHECK: vector.store %{{.*}}, %[[ROW]]
// CHECK: nvvm.barrier0
// CHECK: memref.load %[[ROW]]
// CHECK: nvvm.barrier0
// CHECK-NEXT: }
// CHECK-NEXT: return
module @reversed {
  func.func @reversed(%x: tensor<9x40000xf32>) -> tensor<9x40000xf32> attributes {rt.kernel} {
    %e1 = tensor.empty() : tensor<9x40000xf32>
    %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<9x40000xf32>) outs(%e1 : tensor<9x40000xf32>) {
    ^bb0(%in: f32, %out: f32):
      %q = math.exp %in : f32
      linalg.yield %q : f32
    } -> tensor<9x40000xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, 39999 - d1)>, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%p, %p : tensor<9x40000xf32>, tensor<9x40000xf32>) outs(%e1 : tensor<9x40000xf32>) {
    ^bb0(%in: f32, %s: f32, %out: f32):
      %q = arith.divf %in, %s : f32
      linalg.yield %q : f32
    } -> tensor<9x40000xf32>
    return %y : tensor<9x40000xf32>
  }
}

// Of one row there is no other one: neither a loop nor that barrier.
// CHECK-LABEL: func.func @reversed_one
// CHECK-NOT: scf.for %{{.*}} to %c1 step
// CHECK: nvvm.barrier0
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @reversed_one {
  func.func @reversed_one(%x: tensor<1x40000xf32>) -> tensor<1x40000xf32> attributes {rt.kernel} {
    %e1 = tensor.empty() : tensor<1x40000xf32>
    %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<1x40000xf32>) outs(%e1 : tensor<1x40000xf32>) {
    ^bb0(%in: f32, %out: f32):
      %q = math.exp %in : f32
      linalg.yield %q : f32
    } -> tensor<1x40000xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, 39999 - d1)>, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%p, %p : tensor<1x40000xf32>, tensor<1x40000xf32>) outs(%e1 : tensor<1x40000xf32>) {
    ^bb0(%in: f32, %s: f32, %out: f32):
      %q = arith.divf %in, %s : f32
      linalg.yield %q : f32
    } -> tensor<1x40000xf32>
    return %y : tensor<1x40000xf32>
  }
}
