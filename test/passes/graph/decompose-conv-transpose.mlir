// RUN: %nncc-opt %s --nncc-decompose-conv-transpose --canonicalize | FileCheck %s

// As large as its stride: each input makes a block of results.
// CHECK-LABEL: @blocks
// CHECK-SAME:    (%[[X:.*]]: tensor<1x8x8x32xf32>
// CHECK-NOT:     nn.pad
// CHECK:         %[[C:.*]] = nn.conv %[[X]], %{{.*}} {channels_last, dilations = array<i64: 1, 1>, {{.*}}pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
// CHECK-SAME:      -> tensor<1x8x8x64xf32>
// CHECK:         nn.transpose %{{.*}} {perm = array<i64: 0, 1, 3, 2, 4, 5>} : (tensor<1x8x8x2x2x16xf32>) -> tensor<1x8x2x8x2x16xf32>
// CHECK-NOT:     nn.slice
// CHECK:         return %{{.*}} : tensor<1x16x16x16xf32>
func.func @blocks(%x: tensor<1x8x8x32xf32>, %w: tensor<32x16x2x2xf32>) -> tensor<1x16x16x16xf32> {
  %0 = nn.conv_transpose %x, %w {channels_last, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_pads = array<i64: 0, 0>} : (tensor<1x8x8x32xf32>, tensor<32x16x2x2xf32>) -> tensor<1x16x16x16xf32>
  return %0 : tensor<1x16x16x16xf32>
}

// A kernel that the stride does not divide: one phase has two taps, one has one and a zero. The pad
// of 1 is one row of two phases that are computed and left out.
// CHECK-LABEL: @odd
// CHECK:         nn.pad constant %{{.*}} -> tensor<32x16x4xf32>
// CHECK:         nn.slice {{.*}} : (tensor<32x16x2x2xf32>, {{.*}} -> tensor<32x16x2x2xf32>
// CHECK:         nn.conv %{{.*}} {channels_last, {{.*}}pads = array<i64: 1, 0>
// CHECK-SAME:      -> tensor<1x8x32xf32>
// CHECK:         nn.slice {{.*}} : (tensor<1x16x16xf32>, {{.*}} -> tensor<1x15x16xf32>
func.func @odd(%x: tensor<1x8x32xf32>, %w: tensor<32x16x3xf32>) -> tensor<1x15x16xf32> {
  %0 = nn.conv_transpose %x, %w {channels_last, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, output_pads = array<i64: 0>} : (tensor<1x8x32xf32>, tensor<32x16x3xf32>) -> tensor<1x15x16xf32>
  return %0 : tensor<1x15x16xf32>
}

// What is left out of a size that only a run knows: a slice of it might be empty, a padding of less is not.
// CHECK-LABEL: @open
// CHECK:         nn.pad constant %{{.*}} : (tensor<1x?x16xf32{{.*}}>, {{.*}} -> tensor<1x?x16xf32
func.func @open(%x: tensor<1x?x32xf32, affine_map<()[s0] -> (1, s0, 32)>>, %w: tensor<32x16x7xf32>) -> tensor<1x?x16xf32, affine_map<()[s0] -> (1, s0 * 2 - 7, 16)>> {
  %0 = nn.conv_transpose %x, %w {channels_last, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 6, 6>, output_pads = array<i64: 0>} : (tensor<1x?x32xf32, affine_map<()[s0] -> (1, s0, 32)>>, tensor<32x16x7xf32>) -> tensor<1x?x16xf32, affine_map<()[s0] -> (1, s0 * 2 - 7, 16)>>
  return %0 : tensor<1x?x16xf32, affine_map<()[s0] -> (1, s0 * 2 - 7, 16)>>
}

// Not channels-last: left to its own lowering.
// CHECK-LABEL: @original
// CHECK:         nn.conv_transpose
func.func @original(%x: tensor<1x4x5x5xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x6x7x7xf32> {
  %0 = nn.conv_transpose %x, %w {groups = 2 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_pads = array<i64: 0, 0>} : (tensor<1x4x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<1x6x7x7xf32>
  return %0 : tensor<1x6x7x7xf32>
}
