// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-emit-kernel,canonicalize,cse))" | FileCheck %s

// A ragged matrix product: 7 = 6 + 1 rows, 40 = 32 + 8 columns. The last panel is stored, and its
// bias loaded, under a mask; nothing is masked elsewhere.
// CHECK-LABEL: @ragged
// CHECK: scf.for
// CHECK: scf.if
// CHECK-COUNT-2: kern.brgemm {{.*}} nv = 1
// CHECK: } else {
// CHECK-NOT: mask
// CHECK-COUNT-2: kern.brgemm {{.*}} nv = 2
#plan = #kern.plan<rows = 6, panels = 2, k_blocks = 1, unit_tiles = 9, unroll = 4, n_slow = true>
func.func @ragged(%x: tensor<7x8xf32>, %w: tensor<3x8x16xf32>, %bias: tensor<40xf32>) -> tensor<7x40xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<7x40xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<7x8xf32>, tensor<3x8x16xf32>) extras(%bias : tensor<40xf32>) outs(%y : tensor<7x40xf32>)
      strides [] dilations [] pads [] maps [affine_map<(d0, d1) -> (d1)>] attributes {plan = #plan} {
  ^bb0(%acc: f32, %b: f32):
    %r = arith.addf %acc, %b : f32
    kern.yield %r : f32
  } -> tensor<7x40xf32>
  return %0 : tensor<7x40xf32>
}

// -----

// Padding: rows clip the taps at run time; columns by tiles, whose borders leave out the taps that
// are outside of the image: two reductions at a border, one inside.
// CHECK-LABEL: @padded
// CHECK: arith.maxsi
// CHECK-COUNT-2: kern.brgemm
// CHECK: scf.for
// CHECK-COUNT-1: kern.brgemm
// CHECK-COUNT-2: kern.brgemm
// CHECK-NOT: kern.brgemm
#plan = #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 4, unroll = 4, n_slow = false>
func.func @padded(%x: tensor<16x16x8xf32>, %w: tensor<1x3x3x8x16xf32>) -> tensor<16x16x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<16x16x16xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<16x16x8xf32>, tensor<1x3x3x8x16xf32>) extras() outs(%y : tensor<16x16x16xf32>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<16x16x16xf32>
  return %0 : tensor<16x16x16xf32>
}

// -----

// K and Q of attention in their [sequence, heads, width] order: K is packed into scratch, 16 x 16
// elements at a time in registers.
// CHECK-LABEL: @scores
// CHECK-SAME: rt.scratch = {{[1-9]}}
// CHECK-SAME: rt.units = 24
// CHECK: %[[PANELS:.*]] = rt.scratch
// CHECK: vector.shuffle
// CHECK: vector.store {{.*}}, %[[PANELS]]
// CHECK: kern.brgemm {{.*}}, %[[PANELS]]
#plan = #kern.plan<rows = 4, panels = 4, k_blocks = 1, unit_tiles = 32, unroll = 4, n_slow = true>
func.func @scores(%q: tensor<128x12x64xf32>, %k: tensor<128x12x64xf32>) -> tensor<12x128x128xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<12x128x64xf32>
  %a = linalg.transpose ins(%q : tensor<128x12x64xf32>) outs(%e : tensor<12x128x64xf32>) permutation = [1, 0, 2]
  %b = linalg.transpose ins(%k : tensor<128x12x64xf32>) outs(%e : tensor<12x128x64xf32>) permutation = [1, 0, 2]
  %y = tensor.empty() : tensor<12x128x128xf32>
  %0 = kern.contract transposed ins(%a, %b : tensor<12x128x64xf32>, tensor<12x128x64xf32>) extras() outs(%y : tensor<12x128x128xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<12x128x128xf32>
  return %0 : tensor<12x128x128xf32>
}

// -----

// Blocks of K: each has sums of its own; those of the blocks before wait in the result and are
// added. The epilogue, a heavy one, runs over the rows of the last block's tile.
// CHECK-LABEL: @blocks
// CHECK: %[[Y:.*]] = rt.buffer %{{.*}}[2]
// CHECK: scf.for %[[BLOCK:.*]] = %{{.*}} to %{{.*}} step
// CHECK: kern.brgemm
// CHECK: scf.if
// CHECK: %[[BEFORE:.*]] = vector.load %[[Y]]
// CHECK: arith.addf %[[BEFORE]]
// CHECK: vector.store {{.*}}, %[[Y]]
// CHECK: scf.if
// CHECK: scf.for
// CHECK: math.tanh
#plan = #kern.plan<rows = 4, panels = 1, k_blocks = 2, unit_tiles = 2, unroll = 4, n_slow = true>
func.func @blocks(%x: tensor<8x64xf32>, %w: tensor<1x64x16xf32>) -> tensor<8x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<8x16xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<8x64xf32>, tensor<1x64x16xf32>) extras() outs(%y : tensor<8x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    %r = math.tanh %acc : f32
    kern.yield %r : f32
  } -> tensor<8x16xf32>
  return %0 : tensor<8x16xf32>
}

// -----

// Batch and sequence are one loop of s0 * s1 rows, in parts of 2 tiles of 4 rows: whole tiles, then
// one of 2 rows and one of 1. The columns are constant, and the last panel is one of 8.
// CHECK: #[[UNITS:.*]] = affine_map<()[s0, s1] -> ((s0 * s1) ceildiv 8)>
// CHECK-LABEL: @open_rows
// CHECK-SAME: rt.scratch = 0 : i64, rt.units = #[[UNITS]]}
// CHECK-DAG: rt.dim %{{.*}}[0]
// CHECK-DAG: rt.dim %{{.*}}[1]
// CHECK: scf.for
// CHECK: scf.for
// CHECK: kern.brgemm {{.*}} acc(%{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}})
// CHECK: scf.for
// CHECK: kern.brgemm {{.*}} acc(%{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}})
// CHECK: scf.for
// CHECK: kern.brgemm {{.*}} acc(%{{[^,)]*}}, %{{[^,)]*}})
// CHECK-NOT: kern.brgemm
#x = affine_map<()[s0, s1] -> (s0, s1, 8)>
#y = affine_map<()[s0, s1] -> (s0, s1, 24)>
#plan = #kern.plan<rows = 4, panels = 2, k_blocks = 1, unit_tiles = 2, unroll = 4, n_slow = true>
func.func @open_rows(%x: tensor<?x?x8xf32, #x>, %w: tensor<2x8x16xf32>) -> tensor<?x?x24xf32, #y> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %y = tensor.empty(%n, %n) : tensor<?x?x24xf32, #y>
  %0 = kern.contract packed ins(%x, %w : tensor<?x?x8xf32, #x>, tensor<2x8x16xf32>) extras() outs(%y : tensor<?x?x24xf32, #y>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x?x24xf32, #y>
  return %0 : tensor<?x?x24xf32, #y>
}

// -----

// Everything open: columns that fill all panels of the plan, or panel by panel under a mask; blocks
// of 512 steps of the reduction, packed into scratch of a constant size; rows of A at a distance
// that is a value.
// CHECK: #[[UNITS:.*]] = affine_map<()[s0, s1, s2] -> ((s0 ceildiv 4) * (s2 ceildiv 32))>
// CHECK-LABEL: @all_open
// CHECK-SAME: rt.scratch = {{[1-9][0-9]*}} : i64, rt.units = #[[UNITS]]}
// CHECK: %[[DEPTH:.*]] = rt.dim %{{.*}}[1]
// CHECK: %[[PANELS:.*]] = rt.scratch
// CHECK: vector.create_mask
// CHECK: vector.store {{.*}}, %[[PANELS]]
// CHECK: scf.if
// CHECK: kern.brgemm {{.*}}, %[[PANELS]][{{.*}} strides(%[[DEPTH]]) {{.*}} nv = 2
// CHECK: } else {
// CHECK: %[[MASK:.*]] = vector.create_mask
// CHECK: kern.brgemm {{.*}}, %[[PANELS]][{{.*}} strides(%[[DEPTH]]) {{.*}} nv = 1
// CHECK: vector.maskedstore {{.*}}, %[[MASK]]
#a = affine_map<()[s0, s1] -> (s0, s1)>
#b = affine_map<()[s0, s1, s2] -> (s1, s2)>
#c = affine_map<()[s0, s1, s2] -> (s0, s2)>
#plan = #kern.plan<rows = 2, panels = 2, k_blocks = 1, unit_tiles = 2, unroll = 4, n_slow = true>
func.func @all_open(%x: tensor<?x?xf32, #a>, %w: tensor<?x?xf32, #b>) -> tensor<?x?xf32, #c> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %y = tensor.empty(%n, %n) : tensor<?x?xf32, #c>
  %0 = kern.contract plain ins(%x, %w : tensor<?x?xf32, #a>, tensor<?x?xf32, #b>) extras() outs(%y : tensor<?x?xf32, #c>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x?xf32, #c>
  return %0 : tensor<?x?xf32, #c>
}

// -----

// An image of any width: whole tiles and one of half the rows inside, no padding there; all others
// one by one, with the taps that each sees.
// CHECK: #[[UNITS:.*]] = affine_map<()[s0] -> ((s0 ceildiv 16) * 16)>
// CHECK-LABEL: @open_width
// CHECK-SAME: rt.units = #[[UNITS]]}
// CHECK: kern.brgemm {{.*}} acc(%{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}}, %{{[^,)]*}})
// CHECK: kern.brgemm {{.*}} acc(%{{[^,)]*}}, %{{[^,)]*}})
// CHECK: arith.select
// CHECK: kern.brgemm {{.*}} acc(%{{[^,)]*}})
// CHECK-NOT: kern.brgemm
#x = affine_map<()[s0] -> (16, s0, 8)>
#y = affine_map<()[s0] -> (16, s0, 16)>
#plan = #kern.plan<rows = 4, panels = 1, k_blocks = 1, unit_tiles = 4, unroll = 4, n_slow = false>
func.func @open_width(%x: tensor<16x?x8xf32, #x>, %w: tensor<1x3x3x8x16xf32>) -> tensor<16x?x16xf32, #y> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %y = tensor.empty(%n) : tensor<16x?x16xf32, #y>
  %0 = kern.contract packed ins(%x, %w : tensor<16x?x8xf32, #x>, tensor<1x3x3x8x16xf32>) extras() outs(%y : tensor<16x?x16xf32, #y>)
      strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<16x?x16xf32, #y>
  return %0 : tensor<16x?x16xf32, #y>
}

// -----

// Bytes: steps of four; sums of two blocks are added as integers where the result holds them.
// CHECK-LABEL: @bytes
// CHECK: kern.brgemm {{.*}}{aStrides = array<i64: 4>, bStrides = array<i64: 64>{{.*}} : memref<32xi8>, memref<512xi8>, vector<16xi32>
// CHECK: arith.addi {{.*}} : vector<16xi32>
// CHECK-NOT: arith.addf
#plan = #kern.plan<rows = 1, panels = 1, k_blocks = 2, unit_tiles = 9, unroll = 4, n_slow = true>
func.func @bytes(%x: tensor<1x32xi8>, %w: tensor<1x8x16x4xi8>) -> tensor<1x16xi32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<1x16xi32>
  %0 = kern.contract packed ins(%x, %w : tensor<1x32xi8>, tensor<1x8x16x4xi8>) extras() outs(%y : tensor<1x16xi32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: i32):
    kern.yield %acc : i32
  } -> tensor<1x16xi32>
  return %0 : tensor<1x16xi32>
}

// -----

// 17 columns: the last one is stored as a scalar, the others as a vector, in the element type of the
// result.
// CHECK-LABEL: @codes
// CHECK-DAG: vector.store {{.*}} : memref<17xi8>, vector<16xi8>
// CHECK-DAG: memref.store {{.*}} : memref<17xi8>
// CHECK-NOT: vector.maskedstore
#plan = #kern.plan<rows = 1, panels = 1, k_blocks = 1, unit_tiles = 9, unroll = 4, n_slow = true>
func.func @codes(%x: tensor<1x8xi8>, %w: tensor<2x2x16x4xi8>) -> tensor<1x17xi8> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<1x17xi8>
  %0 = kern.contract packed ins(%x, %w : tensor<1x8xi8>, tensor<2x2x16x4xi8>) extras() outs(%y : tensor<1x17xi8>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: i32):
    %low = arith.trunci %acc : i32 to i8
    kern.yield %low : i8
  } -> tensor<1x17xi8>
  return %0 : tensor<1x17xi8>
}

// -----

// Three tiles of rows fetch a third of the next group of two panels each: 2 * 12 lines in 3 iterations of four
// steps.
// CHECK-LABEL: @ahead
// CHECK: scf.for
// CHECK: %[[B:.*]] = arith.muli %{{.*}}, %c384
// CHECK: %[[NEXT:.*]] = arith.addi %[[B]], %c384
// CHECK: scf.for %[[TILE:.*]] =
// CHECK: %[[BEGIN:.*]] = arith.muli %[[TILE]], %c144
// CHECK: %[[PART:.*]] = arith.minsi %[[BEGIN]], %c240
// CHECK: %[[AHEAD:.*]] = arith.addi %[[NEXT]], %[[PART]]
// CHECK: kern.brgemm {{.*}} prefetch[%[[AHEAD]]] {{.*}} prefetches = 3
#plan = #kern.plan<rows = 4, panels = 2, k_blocks = 1, unit_tiles = 3, unroll = 4, n_slow = true, prefetches = 3>
func.func @ahead(%x: tensor<12x12xf32>, %w: tensor<4x12x16xf32>) -> tensor<12x64xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<12x64xf32>
  %0 = kern.contract packed ins(%x, %w : tensor<12x12xf32>, tensor<4x12x16xf32>) extras() outs(%y : tensor<12x64xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<12x64xf32>
  return %0 : tensor<12x64xf32>
}
