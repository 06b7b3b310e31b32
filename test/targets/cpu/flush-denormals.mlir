// RUN: %nncc-opt --split-input-file '--pass-pipeline=builtin.module(func.func(nncc-cpu-emit-kernel{flush-denormals=mxcsr}))' %s | FileCheck %s
// RUN: %nncc-opt --split-input-file '--pass-pipeline=builtin.module(func.func(nncc-cpu-emit-kernel{flush-denormals=fpcr}))' %s | FileCheck %s --check-prefix=FPCR
// RUN: %nncc-opt --split-input-file --nncc-cpu-emit-kernel %s | FileCheck %s --check-prefix=KEEP
// RUN: not %nncc-opt '--pass-pipeline=builtin.module(func.func(nncc-cpu-emit-kernel{flush-denormals=all}))' %s 2>&1 | FileCheck %s --check-prefix=BAD

// BAD: expects none, mxcsr or fpcr as flush-denormals, found 'all'

// KEEP-NOT: llvm.call_intrinsic

// CHECK-LABEL: func.func @depthwise
// CHECK: llvm.call_intrinsic "llvm.x86.sse.stmxcsr"(%[[BEFORE:[a-z0-9_]+]])
// CHECK: %[[WORD:[a-z0-9_]+]] = llvm.load %[[BEFORE]]
// CHECK: %[[BITS:[a-z0-9_]+]] = llvm.mlir.constant(32832 : i32)
// CHECK: %[[SET:[a-z0-9_]+]] = llvm.or %[[WORD]], %[[BITS]]
// CHECK: llvm.store %[[SET]], %[[AFTER:[a-z0-9_]+]] :
// CHECK: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"(%[[AFTER]])
// CHECK: scf.for
// CHECK: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"(%[[BEFORE]])
// CHECK-NEXT: arith.constant 0
// CHECK-NEXT: return

// FPCR-LABEL: func.func @depthwise
// FPCR: %[[BEFORE:[a-z0-9_]+]] = llvm.call_intrinsic "llvm.aarch64.get.fpcr"()
// FPCR: %[[SET:[a-z0-9_]+]] = llvm.or %[[BEFORE]]
// FPCR: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[SET]])
// FPCR: scf.for
// FPCR: llvm.call_intrinsic "llvm.aarch64.set.fpcr"(%[[BEFORE]])
func.func @depthwise(%a: tensor<1x28x28x32xf32>, %w: tensor<3x3x32xf32>) -> tensor<1x28x28x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x28x28x32xf32>
  %0 = kern.window depthwise ins(%a, %w : tensor<1x28x28x32xf32>, tensor<3x3x32xf32>) extras() outs(%e : tensor<1x28x28x32xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x28x28x32xf32>
  return %0 : tensor<1x28x28x32xf32>
}

// -----

// A maximum is one of its operands.

// CHECK-LABEL: func.func @max
// CHECK-NOT: llvm.call_intrinsic
func.func @max(%a: tensor<1x8x8x32xf32>) -> tensor<1x4x4x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x4x4x32xf32>
  %0 = kern.window max ins(%a : tensor<1x8x8x32xf32>) extras() outs(%e : tensor<1x4x4x32xf32>)
      kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x4x4x32xf32>
  return %0 : tensor<1x4x4x32xf32>
}
