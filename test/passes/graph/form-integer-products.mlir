// RUN: %nncc-opt %s --split-input-file --nncc-form-integer-products | FileCheck %s
// RUN: %nncc-opt %s --split-input-file --nncc-form-integer-products --remarks-filter=nncc-form-integer-products --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// No zero point: the pads stay, and nothing is taken from the sums.
// CHECK-LABEL: @conv
// CHECK-SAME:    %[[X:.*]]: tensor<1x4x5x5xui8>
// CHECK-DAG:     %[[W:.*]] = nn.constant dense<2> : tensor<2x4x3x3xi8>
// CHECK-DAG:     %[[NONE:.*]] = nn.constant dense<0> : tensor<i32>
// CHECK:         %[[P:.*]] = nn.conv %[[X]], %[[W]] {{.*}}pads = array<i64: 1, 1, 1, 1>{{.*}} -> tensor<1x2x5x5xi32>
// CHECK:         nn.dequantize %[[P]], %{{.*}}, %[[NONE]] : (tensor<1x2x5x5xi32>, tensor<2x1x1xf32>, tensor<i32>) -> tensor<1x2x5x5xf32>
// REMARK:      remark: [Passed] Formed | Category:nncc-form-integer-products
// REMARK-SAME: nn.conv of ui8 and i8
func.func @conv(%a: tensor<1x4x5x5xui8>) -> tensor<1x2x5x5xf32> {
  %b = nn.constant dense<2> : tensor<2x4x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<[[[[0.25]]], [[[0.5]]]]> : tensor<2x1x1x1xf32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x4x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x4x5x5xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<2x4x3x3xi8>, tensor<2x1x1x1xf32>, tensor<i8>) -> tensor<2x4x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x4x5x5xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x5x5xf32>
  return %y : tensor<1x2x5x5xf32>
}
// -----
// Three channels get a fourth one, and rows of padding the zero point, which is taken from the sums:
// 7 times the sum of a column, 3 * 3 * 3 * 2.
// CHECK-LABEL: @padded_conv
// CHECK-SAME:    %[[X:.*]]: tensor<1x3x5x5xui8>
// CHECK-DAG:     %[[SUMS:.*]] = nn.constant dense<54> : tensor<2x1x1xi32>
// CHECK-DAG:     %[[Z:.*]] = nn.constant dense<7> : tensor<ui8>
// CHECK-DAG:     %[[PADS:.*]] = nn.constant dense<[0, 0, 1, 0, 0, 1, 0, 2]> : tensor<8xi64>
// CHECK-DAG:     %[[W:.*]] = nn.pad constant {{.*}} -> tensor<2x4x3x3xi8>
// CHECK-DAG:     %[[P:.*]] = nn.pad constant %[[X]], %[[PADS]], %[[Z]] : {{.*}} -> tensor<1x4x6x7xui8>
// CHECK:         %[[Y:.*]] = nn.conv %[[P]], %[[W]] {{.*}}pads = array<i64: 0, 0, 0, 0>
// CHECK:         %[[WIDE:.*]] = nn.cast %[[Z]] {to = i32}
// CHECK:         %[[TAKE:.*]] = nn.mul %[[WIDE]], %[[SUMS]]
// CHECK:         nn.dequantize %[[Y]], %{{.*}}, %[[TAKE]]
func.func @padded_conv(%a: tensor<1x3x5x5xui8>) -> tensor<1x2x4x5xf32> {
  %b = nn.constant dense<2> : tensor<2x3x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<7> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x3x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x3x5x5xf32>
  %w = nn.dequantize %b, %s, %0 : (tensor<2x3x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x3x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 0, 0, 2>} : (tensor<1x3x5x5xf32>, tensor<2x3x3x3xf32>) -> tensor<1x2x4x5xf32>
  return %y : tensor<1x2x4x5xf32>
}
// -----
// Depthwise: sums of codes as floats.
// CHECK-LABEL: @depthwise
// CHECK-DAG:     %[[X:.*]] = nn.cast %{{.*}} {to = f32} : (tensor<1x2x7x7xui8>)
// CHECK-DAG:     %[[W:.*]] = nn.cast %{{.*}} {to = f32} : (tensor<2x1x3x3xi8>)
// CHECK:         %[[P:.*]] = nn.conv %[[X]], %[[W]]
// CHECK:         %[[D:.*]] = nn.sub %[[P]]
// CHECK:         nn.mul %[[D]]
func.func @depthwise(%a: tensor<1x2x5x5xui8>) -> tensor<1x2x5x5xf32> {
  %b = nn.constant dense<2> : tensor<2x1x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<7> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x2x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x5x5xf32>
  %w = nn.dequantize %b, %s, %0 : (tensor<2x1x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x1x3x3xf32>
  %y = nn.conv %x, %w {groups = 2 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x5x5xf32>, tensor<2x1x3x3xf32>) -> tensor<1x2x5x5xf32>
  return %y : tensor<1x2x5x5xf32>
}
// -----
// Signed activations and unsigned weights are shifted by 128; weights may be transposed. The order of
// rounding behind is open.
// CHECK-LABEL: @shifted
// CHECK-SAME:    %[[A:.*]]: tensor<4x8xi8>
// CHECK-DAG:     %[[B:.*]] = nn.constant dense<130> : tensor<2x8xui8>
// CHECK-DAG:     %[[SUMS:.*]] = nn.constant dense<16> : tensor<2xi32>
// CHECK-DAG:     %[[HIGH:.*]] = nn.constant dense<-128> : tensor<i8>
// CHECK:         %[[FLIPPED:.*]] = nn.xor %[[B]]
// CHECK:         %[[SIGNED:.*]] = nn.bitcast %[[FLIPPED]] {to = i8}
// CHECK:         %[[W:.*]] = nn.transpose %[[SIGNED]] {perm = array<i64: 1, 0>}
// CHECK:         %[[CODES:.*]] = nn.xor %[[A]], %[[HIGH]]
// CHECK:         %[[X:.*]] = nn.bitcast %[[CODES]] {to = ui8}
// CHECK:         %[[P:.*]] = nn.matmul %[[X]], %[[W]] : (tensor<4x8xui8>, tensor<8x2xi8>) -> tensor<4x2xi32>
// CHECK:         %[[Y:.*]] = nn.dequantize %[[P]]
// CHECK:         nn.quantize %[[Y]], {{.*}} {by_reciprocal}
func.func @shifted(%a: tensor<4x8xi8>) -> tensor<4x2xui8> {
  %b = nn.constant dense<130> : tensor<2x8xui8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<7> : tensor<i8>
  %middle = nn.constant dense<128> : tensor<ui8>
  %out = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %a, %s, %z : (tensor<4x8xi8>, tensor<f32>, tensor<i8>) -> tensor<4x8xf32>
  %w = nn.dequantize %b, %s, %middle : (tensor<2x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x8xf32>
  %t = nn.transpose %w {perm = array<i64: 1, 0>} : (tensor<2x8xf32>) -> tensor<8x2xf32>
  %y = nn.matmul %x, %t : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %q = nn.quantize %y, %s, %out : (tensor<4x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x2xui8>
  return %q : tensor<4x2xui8>
}
// -----
// Five products are eight; the zero point is known in a run only.
// CHECK-LABEL: @zero_of_a_run
// CHECK-SAME:    %[[A:.*]]: tensor<3x4x5xui8>, %[[Z:.*]]: tensor<ui8>
// CHECK-DAG:     %[[MORE:.*]] = nn.constant dense<[0, 0, 0, 0, 0, 3]>
// CHECK-DAG:     %[[X:.*]] = nn.pad constant %[[A]], %[[MORE]], %[[Z]] : {{.*}} -> tensor<3x4x8xui8>
// CHECK-DAG:     %[[W:.*]] = nn.pad constant {{.*}} -> tensor<8x2xi8>
// CHECK:         nn.matmul %[[X]], %[[W]]
// CHECK:         %[[WIDE:.*]] = nn.cast %[[Z]] {to = i32}
// CHECK:         nn.mul %[[WIDE]], %{{.*}} -> tensor<2xi32>
func.func @zero_of_a_run(%a: tensor<3x4x5xui8>, %z: tensor<ui8>) -> tensor<3x4x2xf32> {
  %b = nn.constant dense<2> : tensor<5x2xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<3x4x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<3x4x5xf32>
  %w = nn.dequantize %b, %s, %0 : (tensor<5x2xi8>, tensor<f32>, tensor<i8>) -> tensor<5x2xf32>
  %y = nn.matmul %x, %w : (tensor<3x4x5xf32>, tensor<5x2xf32>) -> tensor<3x4x2xf32>
  return %y : tensor<3x4x2xf32>
}
// -----
// Pools take codes; what is quantized as it was before stays as it is, of another scale it does not.
// CHECK-LABEL: @between
// CHECK-SAME:    %[[A:.*]]: tensor<1x3x6x6xui8>, %[[B:.*]]: tensor<4xui8>
// CHECK:         %[[X:.*]] = nn.cast %[[A]] {to = f32}
// CHECK:         %[[P:.*]] = nn.pool max %[[X]]
// CHECK:         %[[C:.*]] = nn.cast %[[P]] {to = ui8}
// CHECK:         nn.dequantize %[[C]]
// CHECK:         %[[Q:.*]] = nn.quantize
// CHECK-NOT:     nn.quantize
// CHECK:         return %{{.*}}, %[[B]], %[[Q]]
func.func @between(%a: tensor<1x3x6x6xui8>, %b: tensor<4xui8>) -> (tensor<1x3x3x3xf32>, tensor<4xui8>, tensor<4xui8>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %z = nn.constant dense<9> : tensor<ui8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x3x6x6xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x3x6x6xf32>
  %p = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x6x6xf32>) -> tensor<1x3x3x3xf32>
  %y = nn.dequantize %b, %s, %z : (tensor<4xui8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  %q = nn.quantize %y, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  %r = nn.quantize %y, %t, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %p, %q, %r : tensor<1x3x3x3xf32>, tensor<4xui8>, tensor<4xui8>
}
// -----
// Integers as they were imported: no floats between.
// CHECK-LABEL: @integers
// CHECK:         %[[P:.*]] = nn.matmul {{.*}} -> tensor<4x2xi32>
// CHECK:         %[[Y:.*]] = nn.sub %[[P]]
// CHECK:         return %[[Y]]
func.func @integers(%a: tensor<4x8xui8>, %z: tensor<ui8>) -> tensor<4x2xi32> {
  %b = nn.constant dense<3> : tensor<8x2xi8>
  %one = nn.constant dense<1.0> : tensor<f64>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %one, %z : (tensor<4x8xui8>, tensor<f64>, tensor<ui8>) -> tensor<4x8xf64>
  %w = nn.dequantize %b, %one, %0 : (tensor<8x2xi8>, tensor<f64>, tensor<i8>) -> tensor<8x2xf64>
  %y = nn.matmul %x, %w : (tensor<4x8xf64>, tensor<8x2xf64>) -> tensor<4x2xf64>
  %i = nn.cast %y {to = i32} : (tensor<4x2xf64>) -> tensor<4x2xi32>
  return %i : tensor<4x2xi32>
}
// -----
// CHECK-LABEL: @other_zero_point
// CHECK:         nn.matmul {{.*}} -> tensor<4x2xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: weights are no symmetric 8-bit constants with a scale per column
func.func @other_zero_point(%a: tensor<4x8xui8>) -> tensor<4x2xf32> {
  %b = nn.constant dense<2> : tensor<8x2xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %1 = nn.constant dense<1> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<4x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x8xf32>
  %w = nn.dequantize %b, %s, %1 : (tensor<8x2xi8>, tensor<f32>, tensor<i8>) -> tensor<8x2xf32>
  %y = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
// -----
// A scale per row of weights.
// CHECK-LABEL: @scale_per_row
// CHECK:         nn.matmul {{.*}} -> tensor<4x2xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: weights are no symmetric 8-bit constants with a scale per column
func.func @scale_per_row(%a: tensor<4x8xui8>) -> tensor<4x2xf32> {
  %b = nn.constant dense<2> : tensor<8x2xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<8x1xf32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<4x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x8xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<8x2xi8>, tensor<8x1xf32>, tensor<i8>) -> tensor<8x2xf32>
  %y = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
// -----
// One element of codes that a scale repeats.
// CHECK-LABEL: @repeated_codes
// CHECK:         nn.matmul {{.*}} -> tensor<4x2xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: weights are no symmetric 8-bit constants with a scale per column
func.func @repeated_codes(%a: tensor<4x1xui8>) -> tensor<4x2xf32> {
  %b = nn.constant dense<2> : tensor<1x1xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<1x2xf32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<4x1xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x1xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<1x1xi8>, tensor<1x2xf32>, tensor<i8>) -> tensor<1x2xf32>
  %y = nn.matmul %x, %w : (tensor<4x1xf32>, tensor<1x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
// -----
// CHECK-LABEL: @scale_per_column_of_activations
// CHECK:         nn.matmul {{.*}} -> tensor<4x2xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: the left side has more than one scale, or is no 8-bit integer
func.func @scale_per_column_of_activations(%a: tensor<4x8xui8>) -> tensor<4x2xf32> {
  %b = nn.constant dense<2> : tensor<8x2xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<8xf32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %t, %z : (tensor<4x8xui8>, tensor<8xf32>, tensor<ui8>) -> tensor<4x8xf32>
  %w = nn.dequantize %b, %s, %0 : (tensor<8x2xi8>, tensor<f32>, tensor<i8>) -> tensor<8x2xf32>
  %y = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
// -----
// CHECK-LABEL: @groups
// CHECK:         nn.conv {{.*}} -> tensor<1x4x3x3xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: groups whose channels are no multiple of 4
func.func @groups(%a: tensor<1x6x5x5xui8>) -> tensor<1x4x3x3xf32> {
  %b = nn.constant dense<2> : tensor<4x3x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x6x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x6x5x5xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<4x3x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<4x3x3x3xf32>
  %y = nn.conv %x, %w {groups = 2 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x6x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x3x3xf32>
  return %y : tensor<1x4x3x3xf32>
}
// -----
// More products than f32 sums exactly.
// CHECK-LABEL: @long_depthwise
// CHECK:         nn.conv {{.*}} -> tensor<1x2x1x1xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: groups whose channels are no multiple of 4
func.func @long_depthwise(%a: tensor<1x2x23x23xui8>) -> tensor<1x2x1x1xf32> {
  %b = nn.constant dense<2> : tensor<2x1x23x23xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x2x23x23xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2x23x23xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<2x1x23x23xi8>, tensor<f32>, tensor<i8>) -> tensor<2x1x23x23xf32>
  %y = nn.conv %x, %w {groups = 2 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x23x23xf32>, tensor<2x1x23x23xf32>) -> tensor<1x2x1x1xf32>
  return %y : tensor<1x2x1x1xf32>
}
// -----
// CHECK-LABEL: @window_of_three_dims
// CHECK:         nn.conv {{.*}} -> tensor<1x2x3x3x3xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: a window of more than two dims
func.func @window_of_three_dims(%a: tensor<1x4x5x5x5xui8>) -> tensor<1x2x3x3x3xf32> {
  %b = nn.constant dense<2> : tensor<2x4x3x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x4x5x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x4x5x5x5xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<2x4x3x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x4x3x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1, 1>, dilations = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>} : (tensor<1x4x5x5x5xf32>, tensor<2x4x3x3x3xf32>) -> tensor<1x2x3x3x3xf32>
  return %y : tensor<1x2x3x3x3xf32>
}
// -----
// CHECK-LABEL: @words
// CHECK:         nn.conv {{.*}} -> tensor<1x2x3x3xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: the input has more than one scale, or is no 8-bit integer
func.func @words(%a: tensor<1x4x5x5xui16>) -> tensor<1x2x3x3xf32> {
  %b = nn.constant dense<2> : tensor<2x4x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui16>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x4x5x5xui16>, tensor<f32>, tensor<ui16>) -> tensor<1x4x5x5xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<2x4x3x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x4x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x5x5xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}
// -----
// CHECK-LABEL: @scale_per_input_channel
// CHECK:         nn.conv {{.*}} -> tensor<1x2x3x3xf32>
// REMARK:      remark: [Missed] NotFormed
// REMARK-SAME: weights are no symmetric 8-bit constants with a scale per output channel
func.func @scale_per_input_channel(%a: tensor<1x4x5x5xui8>) -> tensor<1x2x3x3xf32> {
  %b = nn.constant dense<2> : tensor<2x4x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.5> : tensor<4x1x1xf32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.constant dense<0> : tensor<i8>
  %x = nn.dequantize %a, %s, %z : (tensor<1x4x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x4x5x5xf32>
  %w = nn.dequantize %b, %t, %0 : (tensor<2x4x3x3xi8>, tensor<4x1x1xf32>, tensor<i8>) -> tensor<2x4x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x5x5xf32>, tensor<2x4x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %y : tensor<1x2x3x3xf32>
}
