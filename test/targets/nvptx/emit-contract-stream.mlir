// RUN: %nncc-opt %s --pass-pipeline='builtin.module(builtin.module(nncc-nvptx-emit-kernel{capability=90},func.func(canonicalize,cse)))' | FileCheck %s
// RUN: %nncc-opt %s --pass-pipeline='builtin.module(builtin.module(nncc-nvptx-emit-kernel{capability=90}))' --remarks-filter=nncc-nvptx --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// One row. A block for 8 columns, two threads side by side; 96 parts of the depth have 8 steps each, in two groups that
// are loaded before the first product. No barrier but that behind the sums of the lanes.
// REMARK: depth parts=96, instruction=fma, part=1x4, rows=1, stages=2, steps=4, threads=192, tile=1x8
// CHECK: memref.global "private" @row_shared_0 : memref<48xf32, 3>
// CHECK-LABEL: func.func @row
// CHECK-SAME: rt.threads = 192 : i64, rt.units = 96 : i64
// CHECK: scf.if
// CHECK-COUNT-8: vector.load {{.*}} {alignment = 16 : i64} : memref<589824xf32>, vector<4xf32>
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<768xf32>, vector<4xf32>
// CHECK: math.fma
// CHECK: } else {
// CHECK: vector.load {{.*}} {alignment = 4 : i64} : memref<{{.*}}>, vector<1xf32>
// CHECK: nvvm.shfl.sync bfly
// CHECK: memref.store %{{.*}} : memref<48xf32, 3>
// CHECK: nvvm.barrier0
// CHECK-COUNT-6: memref.load %{{.*}} : memref<48xf32, 3>
// CHECK-NOT: nvvm.barrier0
// CHECK: return
module @row {
  func.func @row(%a: tensor<1x768xf32>, %b: tensor<48x768x16xf32>) -> tensor<1x768xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<1x768xf32>
    %0 = kern.contract packed ins(%a, %b : tensor<1x768xf32>, tensor<48x768x16xf32>) extras() outs(%e : tensor<1x768xf32>)
        strides [] dilations [] pads [] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<1x768xf32>
    return %0 : tensor<1x768xf32>
  }
}

// Codes of 4 bits: 16 bytes are two rows of a panel. Numbers are made from the bits of 2^23.
// REMARK: depth parts=128, instruction=fma, part=2x16, rows=2, stages=2, steps=8, threads=256, tile=2x32
// CHECK-LABEL: func.func @codes
// CHECK: %[[POWER:.*]] = arith.constant 1258291200 : i32
// CHECK: scf.if
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<11010048xi8>, vector<16xi8>
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<11010048xi8>, vector<16xi8>
// CHECK: arith.shrui
// CHECK: arith.andi
// CHECK: arith.ori %{{.*}}, %[[POWER]]
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: math.fma
module @codes {
  func.func @codes(%a: tensor<2x4096xf32>, %b: tensor<256x43008xi8>) -> tensor<2x4096xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<2x4096xf32>
    %0 = kern.contract packed ins(%a, %b : tensor<2x4096xf32>, tensor<256x43008xi8>) extras() outs(%e : tensor<2x4096xf32>)
        strides [] dilations [] pads [] maps [] attributes {blocks = #kern.blocks<bits = 4, rows = 32>} {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<2x4096xf32>
    return %0 : tensor<2x4096xf32>
  }
}

// Bytes: four of the reduction in a word.
// REMARK: instruction=dp4a, part=4x4, {{.*}}, tile=4x8
// CHECK-LABEL: func.func @bytes
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<65536xi8>, vector<16xi8>
// CHECK: nvvm.dot.accumulate.4way
module @bytes {
  func.func @bytes(%a: tensor<4x512xi8>, %b: tensor<8x128x16x4xi8>) -> tensor<4x128xi32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<4x128xi32>
    %0 = kern.contract packed ins(%a, %b : tensor<4x512xi8>, tensor<8x128x16x4xi8>) extras() outs(%e : tensor<4x128xi32>)
        strides [] dilations [] pads [] maps [] {
    ^bb0(%acc: i32):
      kern.yield %acc : i32
    } -> tensor<4x128xi32>
    return %0 : tensor<4x128xi32>
  }
}

// The depth is known at run time only: chunks of groups, groups behind them, steps behind these.
// CHECK-LABEL: func.func @scores
// CHECK: scf.for
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
// CHECK: scf.for
// CHECK: scf.for
module @scores {
  func.func @scores(%a: tensor<2x1x?xf32, affine_map<()[s0] -> (2, 1, s0)>>, %b: tensor<2x?x64xf32, affine_map<()[s0] -> (2, s0, 64)>>) -> tensor<2x1x64xf32> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<2x1x64xf32>
    %0 = kern.contract plain ins(%a, %b : tensor<2x1x?xf32, affine_map<()[s0] -> (2, 1, s0)>>, tensor<2x?x64xf32, affine_map<()[s0] -> (2, s0, 64)>>) extras() outs(%e : tensor<2x1x64xf32>)
        strides [] dilations [] pads [] maps [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<2x1x64xf32>
    return %0 : tensor<2x1x64xf32>
  }
}
