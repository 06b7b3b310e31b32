// RUN: %nncc-opt %s --split-input-file --nncc-form-integer-products | FileCheck %s
// RUN: %nncc-opt %s --split-input-file --nncc-form-integer-products --remarks-filter=nncc-form-integer-products --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Three channels get a fourth one. No zero point: the pads stay, and no sums of weights.
// CHECK-LABEL: @conv
// CHECK-SAME:    %[[X:.*]]: tensor<1x4x5x5xui8>
// CHECK:         %[[W:.*]] = nn.constant dense<2> : tensor<2x4x3x3xi8>
// CHECK:         %[[P:.*]] = nn.conv %[[X]], %[[W]] {{.*}}pads = array<i64: 1, 1, 1, 1>{{.*}} -> tensor<1x2x5x5xi32>
// CHECK:         nn.dequantize %[[P]], %{{.*}} : (tensor<1x2x5x5xi32>, tensor<2x1x1xf32>, tensor<i32>) -> tensor<1x2x5x5xf32>
// REMARK:      [Passed] Formed | Category:nncc-form-integer-products
// REMARK-SAME: nn.conv of ui8 and i8
func.func @conv(%x: tensor<1x4x5x5xui8>) -> tensor<1x2x5x5xf32> {
  %w = nn.constant dense<2> : tensor<2x4x3x3xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<[0.25, 0.5]> : tensor<2xf32>
  %column = nn.reshape %t {shape = #nncc.shape<[2, 1, 1, 1]>} : (tensor<2xf32>) -> tensor<2x1x1x1xf32>
  %zx = nn.constant dense<0> : tensor<ui8>
  %zw = nn.constant dense<0> : tensor<i8>
  %0 = nn.dequantize %x, %s, %zx : (tensor<1x4x5x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x4x5x5xf32>
  %1 = nn.dequantize %w, %t, %zw : (tensor<2x4x3x3xi8>, tensor<2xf32>, tensor<i8>) -> tensor<2x4x3x3xf32>
  return %0 : tensor<1x4x5x5xf32>
}
