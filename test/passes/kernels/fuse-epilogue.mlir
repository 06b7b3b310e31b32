// RUN: %nncc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nncc-form-contractions,nncc-fuse-epilogue,canonicalize))' | FileCheck %s
// RUN: %nncc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nncc-form-contractions,nncc-fuse-epilogue))' --remarks-filter='nncc-fuse-epilogue' --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Bias, activation and residual become one region; a splat becomes a scalar constant.
// CHECK-DAG:   #[[SAME:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: @chain
// CHECK-SAME:    %[[X:.*]]: tensor<4x8xf32>, %[[BIAS:.*]]: tensor<16xf32>, %[[R:.*]]: tensor<4x16xf32>
// CHECK:         %[[Y:.*]] = kern.contract packed {{.*}} extras(%[[BIAS]], %[[R]] : tensor<16xf32>, tensor<4x16xf32>)
// CHECK-SAME:      maps [#[[COLUMN]], #[[SAME]]]
// CHECK:         ^bb0(%[[ACC:.*]]: f32, %[[B:.*]]: f32, %[[E:.*]]: f32):
// CHECK-DAG:       %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
// CHECK:           %[[A:.*]] = arith.addf %[[ACC]], %[[B]]
// CHECK:           %[[M:.*]] = arith.mulf %[[A]], %[[HALF]]
// CHECK:           %[[S:.*]] = arith.addf %[[E]], %[[M]]
// CHECK:           kern.yield %[[S]]
// CHECK:         return %[[Y]]
// REMARK:      remark: [Passed] Fused | Category:nncc-fuse-epilogue
// REMARK-SAME: nn.add into kern.contract
func.func @chain(%x: tensor<4x8xf32>, %bias: tensor<16xf32>, %r: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %half = nn.constant dense<0.5> : tensor<1xf32>
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = nn.add %0, %bias : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %2 = nn.mul %1, %half : (tensor<4x16xf32>, tensor<1xf32>) -> tensor<4x16xf32>
  %3 = nn.add %r, %2 : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %3 : tensor<4x16xf32>
}
// -----
// CHECK-LABEL: @window
// CHECK:         kern.window max
// CHECK-NEXT:    ^bb0(%[[ACC:.*]]: f32):
// CHECK:           %[[R:.*]] = arith.select %{{.*}}, %{{.*}}, %[[ACC]]
// CHECK:           kern.yield %[[R]]
// CHECK-NOT:     nn.relu
func.func @window(%x: tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32> {
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32>
  %1 = nn.relu %0 : (tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xf32>
  return %1 : tensor<1x2x2x8xf32>
}
// -----
// Of two contractions the later one takes the sum: the other one's result is there by then.
// CHECK-LABEL: @two
// CHECK:         %[[FIRST:.*]] = kern.contract {{.*}} extras()
// CHECK:         kern.contract {{.*}} extras(%[[FIRST]] :
// CHECK-NOT:     nn.add
func.func @two(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x16xf32> {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = nn.matmul %y, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %2 = nn.add %0, %1 : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %2 : tensor<4x16xf32>
}
// -----
// Refused: a product that is needed as it is, too.
// CHECK-LABEL: @used_twice
// CHECK:         nn.relu
// REMARK:      remark: [Missed] NotFused
// REMARK-SAME: the result of kern.contract is used elsewhere too
func.func @used_twice(%x: tensor<4x8xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = nn.relu %0 : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %0, %1 : tensor<4x16xf32>, tensor<4x16xf32>
}
// -----
// Refused: the sum is larger than the product.
// CHECK-LABEL: @broadcast
// CHECK:         nn.add
func.func @broadcast(%x: tensor<1x8xf32>, %r: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %0 = nn.matmul %x, %w : (tensor<1x8xf32>, tensor<8x16xf32>) -> tensor<1x16xf32>
  %1 = nn.add %0, %r : (tensor<1x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}
// -----
// Refused: a consumer of another element type.
// CHECK-LABEL: @types
// CHECK:         nn.compare lt
func.func @types(%x: tensor<4x8xf32>, %y: tensor<4x16xf32>) -> tensor<4x16xi1> {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = nn.compare lt %0, %y : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xi1>
  return %1 : tensor<4x16xi1>
}
// -----
// A contraction before a loop runs once, not in each iteration.
// CHECK-LABEL: @outside
// CHECK:         %[[Y:.*]] = kern.contract
// CHECK:         rt.loop
// CHECK:           nn.add %[[Y]]
// REMARK:      remark: [Missed] NotFused | {{.*}}kern.contract is outside of its branch or loop
func.func @outside(%x: tensor<4x8xf32>, %z: tensor<4x16xf32>) -> tensor<4x16xf32> attributes {nn.dims = [""]} {
  %w = nn.constant dense<0.25> : tensor<8x16xf32>
  %y = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %r = rt.loop counter 0 (%z) {trip = affine_map<() -> (5)>} : (tensor<4x16xf32>) -> tensor<4x16xf32> {
  ^bb0(%s: tensor<4x16xf32>):
    %a = nn.add %y, %s : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
    rt.yield %a : tensor<4x16xf32>
  }
  return %r : tensor<4x16xf32>
}
// -----
// Sums of bytes become codes where they are; a residual of codes is widened there too.
// CHECK-LABEL: @codes
// CHECK-SAME:    %[[X:.*]]: tensor<4x8xui8>, %[[R:.*]]: tensor<4x16xi8>
// CHECK:         %[[Y:.*]] = kern.contract packed ins(%[[X]], {{.*}} extras(%[[R]] : tensor<4x16xi8>) outs(%{{.*}} : tensor<4x16xui8>)
// CHECK-NEXT:    ^bb0(%[[ACC:.*]]: i32, %[[E:.*]]: i8):
// CHECK:           %[[SUM:.*]] = arith.sitofp %[[ACC]] : i32 to f32
// CHECK:           %[[WIDE:.*]] = arith.extsi %[[E]] : i8 to i32
// CHECK:           arith.subi %[[WIDE]]
// CHECK:           math.roundeven
// CHECK:           %[[CODE:.*]] = arith.trunci %{{.*}} : i32 to i8
// CHECK:           kern.yield %[[CODE]]
// CHECK:         return %[[Y]]
func.func @codes(%x: tensor<4x8xui8>, %r: tensor<4x16xi8>) -> tensor<4x16xui8> {
  %w = nn.constant dense<3> : tensor<8x16xi8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %none = nn.constant dense<0> : tensor<i32>
  %zr = nn.constant dense<5> : tensor<i8>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.matmul %x, %w : (tensor<4x8xui8>, tensor<8x16xi8>) -> tensor<4x16xi32>
  %1 = nn.dequantize %0, %s, %none : (tensor<4x16xi32>, tensor<f32>, tensor<i32>) -> tensor<4x16xf32>
  %2 = nn.dequantize %r, %s, %zr : (tensor<4x16xi8>, tensor<f32>, tensor<i8>) -> tensor<4x16xf32>
  %3 = nn.add %1, %2 : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  %4 = nn.quantize %3, %s, %z : (tensor<4x16xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x16xui8>
  return %4 : tensor<4x16xui8>
}
// -----
// Refused: an element type that no epilogue stores.
// CHECK-LABEL: @halves
// CHECK:         kern.contract {{.*}} outs(%{{.*}} : tensor<4x16xi32>)
// CHECK:         nn.cast
func.func @halves(%x: tensor<4x8xui8>) -> tensor<4x16xf16> {
  %w = nn.constant dense<3> : tensor<8x16xi8>
  %0 = nn.matmul %x, %w : (tensor<4x8xui8>, tensor<8x16xi8>) -> tensor<4x16xi32>
  %1 = nn.cast %0 {to = f16} : (tensor<4x16xi32>) -> tensor<4x16xf16>
  return %1 : tensor<4x16xf16>
}
// -----
// Refused: sums of floats are kept in the result, which holds them therefore.
// CHECK-LABEL: @sums_of_floats
// CHECK:         kern.contract {{.*}} outs(%{{.*}} : tensor<4x16xf32>)
// CHECK:         nn.quantize
func.func @sums_of_floats(%x: tensor<4x8xf32>) -> tensor<4x16xui8> {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %1 = nn.quantize %0, %s, %z : (tensor<4x16xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x16xui8>
  return %1 : tensor<4x16xui8>
}
// -----
// CHECK-LABEL: @window_of_codes
// CHECK:         kern.window max {{.*}} outs(%{{.*}} : tensor<1x2x2x8xui8>)
// CHECK-NOT:     nn.cast
func.func @window_of_codes(%x: tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xui8> {
  %0 = nn.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32>
  %1 = nn.cast %0 {to = ui8} : (tensor<1x2x2x8xf32>) -> tensor<1x2x2x8xui8>
  return %1 : tensor<1x2x2x8xui8>
}
