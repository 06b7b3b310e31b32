// RUN: %nncc-opt --split-input-file --nncc-cpu-emit-kernel --canonicalize --cse %s | FileCheck %s
// RUN: %nncc-opt --split-input-file --nncc-cpu-emit-kernel=byte-windows=true --canonicalize --cse %s | FileCheck %s --check-prefix=BYTES

// The tile in the middle: 7 pixels of 16 channels see 9 columns of the input; the rows of taps are a
// loop whose bounds padding clips.

// CHECK-LABEL: func.func @depthwise
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-12: vector.load
// CHECK-NOT: vector.load
// CHECK: scf.yield
// CHECK-COUNT-7: vector.store
func.func @depthwise(%a: tensor<1x28x28x32xf32>, %w: tensor<3x3x32xf32>) -> tensor<1x28x28x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x28x28x32xf32>
  %0 = kern.window depthwise ins(%a, %w : tensor<1x28x28x32xf32>, tensor<3x3x32xf32>) extras() outs(%e : tensor<1x28x28x32xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x28x28x32xf32>
  return %0 : tensor<1x28x28x32xf32>
}

// Bytes, with weights that are bytes: three rows of taps are one word of each channel, 0 in the weights where padding has
// a row, and a column of the window is one dot product. The tile in the middle sees 9 columns and has 21 of them.

// BYTES-LABEL: func.func @bytes
// BYTES-COUNT-9: arith.fptosi
// BYTES: scf.for
// BYTES-COUNT-3: arith.cmpi ult
// BYTES: scf.for
// BYTES-COUNT-9: "llvm.x86.avx512.permvar.qi.512"
// BYTES-NOT: permvar
// BYTES: arith.sitofp
// BYTES-COUNT-7: vector.store
// CHECK-LABEL: func.func @bytes
// CHECK-NOT: call_intrinsic
// CHECK: vector.fma
func.func @bytes(%a: tensor<1x28x28x32xi8>, %w: tensor<3x3x32xf32>) -> tensor<1x28x28x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x28x28x32xf32>
  %0 = kern.window depthwise ins(%a, %w : tensor<1x28x28x32xi8>, tensor<3x3x32xf32>) extras() outs(%e : tensor<1x28x28x32xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] attributes {byte_weights} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x28x28x32xf32>
  return %0 : tensor<1x28x28x32xf32>
}

// NaN propagates through a maximum; what is left of the channels is masked.

// CHECK-LABEL: func.func @max
// CHECK: arith.maximumf
// CHECK: vector.maskedload
// CHECK: vector.maskedstore
func.func @max(%a: tensor<1x8x8x20xf32>) -> tensor<1x4x4x20xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x4x4x20xf32>
  %0 = kern.window max ins(%a : tensor<1x8x8x20xf32>) extras() outs(%e : tensor<1x4x4x20xf32>)
      kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x4x4x20xf32>
  return %0 : tensor<1x4x4x20xf32>
}

// -----

// An image of any width: tiles of pixels whose windows see no padding at their sides, unrolled over
// the columns of the window; other pixels one by one, in a loop over the columns that they see.
// CHECK: #[[UNITS:.*]] = affine_map<()[s0] -> ((s0 * 16) ceildiv 7)>
// CHECK-LABEL: @open_width
// CHECK-SAME: rt.units = #[[UNITS]]}
// CHECK-COUNT-24: vector.fma
// CHECK: arith.select
// CHECK: scf.for
// CHECK: scf.for
// CHECK: vector.fma
#x = affine_map<()[s0, s1] -> (s0, 16, s1, 32)>
func.func @open_width(%x: tensor<?x16x?x32xf32, #x>, %w: tensor<3x3x32xf32>) -> tensor<?x16x?x32xf32, #x> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %y = tensor.empty(%n, %n) : tensor<?x16x?x32xf32, #x>
  %0 = kern.window depthwise ins(%x, %w : tensor<?x16x?x32xf32, #x>, tensor<3x3x32xf32>) extras() outs(%y : tensor<?x16x?x32xf32, #x>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x16x?x32xf32, #x>
  return %0 : tensor<?x16x?x32xf32, #x>
}
