// RUN: %nncc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nncc-form-contractions,canonicalize,cse))' | FileCheck %s
// RUN: %nncc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nncc-form-contractions{whole-attention attention-of-halves},canonicalize,cse))' | FileCheck %s --check-prefix=WHOLE

// Weights are packed by a recipe, in panels of 16 channels; padding is a part of the op.
// CHECK-LABEL: @conv
// CHECK:         %[[W:.*]] = nn.constant
// CHECK:         %[[P:.*]] = kern.pack %[[W]] dims [0, 2, 3, 1, 0] factors [16, 1, 1, 1, 1] : tensor<20x8x3x3xf32> -> tensor<2x3x3x8x16xf32>
// CHECK:         kern.contract packed ins(%arg0, %[[P]] :
// CHECK-SAME:      strides [2, 1] dilations [1, 2] pads [1, 2, 1, 2]
// CHECK-NEXT:    ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:      kern.yield %[[ACC]]
func.func @conv(%x: tensor<1x14x14x8xf32>) -> tensor<1x7x14x20xf32> {
  %w = nn.constant dense<0.5> : tensor<20x8x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, pads = array<i64: 1, 2, 1, 2>, channels_last} : (tensor<1x14x14x8xf32>, tensor<20x8x3x3xf32>) -> tensor<1x7x14x20xf32>
  return %y : tensor<1x7x14x20xf32>
}
// -----
// A panel never holds channels of two groups: 10 channels per group are one panel each.
// CHECK-LABEL: @groups
// CHECK:         kern.pack %{{.*}} dims [0, 1, 3, 4, 2, 1] factors [1, 16, 1, 1, 1, 1] : tensor<2x10x4x1x1xf32> -> tensor<2x1x1x1x4x16xf32>
// CHECK:         kern.contract packed {{.*}} attributes {groups = 2 : i64}
func.func @groups(%x: tensor<1x14x14x8xf32>) -> tensor<1x14x14x20xf32> {
  %w = nn.constant dense<0.5> : tensor<20x4x1x1xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels_last} : (tensor<1x14x14x8xf32>, tensor<20x4x1x1xf32>) -> tensor<1x14x14x20xf32>
  return %y : tensor<1x14x14x20xf32>
}
// -----
// CHECK-LABEL: @depthwise
// CHECK:         %[[P:.*]] = kern.pack %{{.*}} dims [2, 3, 0] factors [1, 1, 1] : tensor<8x1x3x3xf32> -> tensor<3x3x8xf32>
// CHECK:         kern.window depthwise ins(%arg0, %[[P]] :
// CHECK-SAME:      kernel [3, 3]
func.func @depthwise(%x: tensor<1x14x14x8xf32>) -> tensor<1x14x14x8xf32> {
  %w = nn.constant dense<0.5> : tensor<8x1x3x3xf32>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 8 : i64, channels_last} : (tensor<1x14x14x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x14x14x8xf32>
  return %y : tensor<1x14x14x8xf32>
}
// -----
// Sums are in f32, whatever the elements are.
// CHECK-LABEL: @half
// CHECK-NOT:     nn.cast
// CHECK:         %[[W:.*]] = kern.pack %{{.*}} : tensor<8x16xf16> -> tensor<1x8x16xf16>
// CHECK:         kern.contract packed ins(%arg0, %[[W]] : tensor<2x8xf16>, tensor<1x8x16xf16>) extras() outs(%{{.*}} : tensor<2x16xf16>)
// CHECK:         ^bb0(%[[SUM:.*]]: f32):
// CHECK:         %[[RESULT:.*]] = arith.truncf %[[SUM]] : f32 to f16
// CHECK:         kern.yield %[[RESULT]] : f16
// CHECK-NOT:     nn.cast
func.func @half(%x: tensor<2x8xf16>) -> tensor<2x16xf16> {
  %w = nn.constant dense<0.5> : tensor<8x16xf16>
  %y = nn.matmul %x, %w : (tensor<2x8xf16>, tensor<8x16xf16>) -> tensor<2x16xf16>
  return %y : tensor<2x16xf16>
}
// -----
// CHECK-LABEL: @pool
// CHECK:         kern.window average_valid ins(%arg0 :
// CHECK-SAME:      kernel [2, 2] strides [2, 2] dilations [1, 1] pads [0, 0, 0, 0]
func.func @pool(%x: tensor<1x14x14x8xf32>) -> tensor<1x7x7x8xf32> {
  %y = nn.pool average_valid %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x14x14x8xf32>) -> tensor<1x7x7x8xf32>
  return %y : tensor<1x7x7x8xf32>
}
// -----
// A transpose of weights goes into the recipe.
// CHECK-LABEL: @weights
// CHECK-NOT:     nn.transpose
// CHECK:         %[[P:.*]] = kern.pack %{{.*}} dims [0, 1, 0] factors [16, 1, 1] : tensor<40x8xf32> -> tensor<3x8x16xf32>
// CHECK:         kern.contract packed ins(%arg0, %[[P]] : tensor<2x5x8xf32>,
func.func @weights(%x: tensor<2x5x8xf32>) -> tensor<2x5x40xf32> {
  %w = nn.constant dense<0.5> : tensor<40x8xf32>
  %t = nn.transpose %w {perm = array<i64: 1, 0>} : (tensor<40x8xf32>) -> tensor<8x40xf32>
  %y = nn.matmul %x, %t : (tensor<2x5x8xf32>, tensor<8x40xf32>) -> tensor<2x5x40xf32>
  return %y : tensor<2x5x40xf32>
}
// -----
// A product of activations reads the transposed matrix as it is stored: only dims before the last
// are moved.
// CHECK-LABEL: @attention
// CHECK:         %[[K:.*]] = nn.transpose %arg1 {perm = array<i64: 0, 2, 1, 3>}
// CHECK:         kern.contract transposed ins(%arg0, %[[K]] :
func.func @attention(%q: tensor<2x4x5x8xf32>, %k: tensor<2x5x4x8xf32>) -> tensor<2x4x5x5xf32> {
  %t = nn.transpose %k {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x5x4x8xf32>) -> tensor<2x4x8x5xf32>
  %y = nn.matmul %q, %t : (tensor<2x4x5x8xf32>, tensor<2x4x8x5xf32>) -> tensor<2x4x5x5xf32>
  return %y : tensor<2x4x5x5xf32>
}
// -----
// A vector is a matrix of one row or column.
// CHECK-LABEL: @vectors
// CHECK:         kern.contract plain {{.*}} outs(%{{.*}} : tensor<1x1xf32>)
// CHECK:         nn.reshape %{{.*}} -> tensor<f32>
func.func @vectors(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<f32> {
  %z = nn.matmul %x, %y : (tensor<8xf32>, tensor<8xf32>) -> tensor<f32>
  return %z : tensor<f32>
}
// -----
// Refused: integers, which are summed exactly. Not channels-last: images of one channel each.
// CHECK-LABEL: @refused
// CHECK:         nn.matmul
// CHECK:         nn.reshape %{{.*}} -> tensor<1x8x14x14x1xf32>
// CHECK:         kern.window max {{.*}} outs(%{{.*}} : tensor<1x8x7x7x1xf32>)
func.func @refused(%x: tensor<2x8xi32>, %w: tensor<8x4xi32>, %i: tensor<1x8x14x14xf32>) -> (tensor<2x4xi32>, tensor<1x8x7x7xf32>) {
  %y = nn.matmul %x, %w : (tensor<2x8xi32>, tensor<8x4xi32>) -> tensor<2x4xi32>
  %z = nn.pool max %i {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x14x14xf32>) -> tensor<1x8x7x7xf32>
  return %y, %z : tensor<2x4xi32>, tensor<1x8x7x7xf32>
}
// -----
// A mask of bools chooses; grouped heads stay as they are.
// CHECK-LABEL: @attention
// CHECK:         %[[M:.*]] = nn.cast %arg2 {to = f32}
// CHECK:         %[[M4:.*]] = nn.reshape %[[M]], %{{.*}} -> tensor<1x1x5x6xf32>
// CHECK:         kern.attention ins(%arg0, %arg1, %arg1 : {{.*}}) mask(%[[M4]] : tensor<1x1x5x6xf32>) outs({{.*}}) {fill = 0xFF800000 : f32, guard = 1 : i32, scale = 5.000000e-01 : f32}
func.func @attention(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x6x8xf32>, %m: tensor<5x6xi1>) -> tensor<1x4x5x8xf32> {
  %y = nn.attention %q, %k, %k, %m {scale = 0.5 : f32, guard = 1 : i32} : (tensor<1x4x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x8xf32>, tensor<5x6xi1>) -> tensor<1x4x5x8xf32>
  return %y : tensor<1x4x5x8xf32>
}
// -----
// Bytes: four of K together, for one step of a dot product.
// CHECK-LABEL: @bytes
// CHECK:         %[[P:.*]] = kern.pack %{{.*}} dims [0, 2, 3, 1, 0, 1] factors [16, 1, 1, 4, 1, 1] : tensor<20x8x3x3xi8> -> tensor<2x3x3x2x16x4xi8>
// CHECK:         kern.contract packed ins(%arg0, %[[P]] : {{.*}} outs(%{{.*}} : tensor<1x7x14x20xi32>)
// CHECK-NEXT:    ^bb0(%[[ACC:.*]]: i32):
// CHECK-NEXT:      kern.yield %[[ACC]]
func.func @bytes(%x: tensor<1x14x14x8xui8>) -> tensor<1x7x14x20xi32> {
  %w = nn.constant dense<3> : tensor<20x8x3x3xi8>
  %y = nn.conv %x, %w {strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, pads = array<i64: 1, 2, 1, 2>, channels_last} : (tensor<1x14x14x8xui8>, tensor<20x8x3x3xi8>) -> tensor<1x7x14x20xi32>
  return %y : tensor<1x7x14x20xi32>
}
// -----
// CHECK-LABEL: @grouped_bytes
// CHECK:         kern.pack %{{.*}} dims [0, 1, 3, 4, 2, 1, 2] factors [1, 16, 1, 1, 4, 1, 1] : tensor<2x10x4x1x1xi8> -> tensor<2x1x1x1x1x16x4xi8>
// CHECK:         kern.contract packed {{.*}} attributes {groups = 2 : i64}
func.func @grouped_bytes(%x: tensor<1x14x14x8xui8>) -> tensor<1x14x14x20xi32> {
  %w = nn.constant dense<3> : tensor<20x4x1x1xi8>
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels_last} : (tensor<1x14x14x8xui8>, tensor<20x4x1x1xi8>) -> tensor<1x14x14x20xi32>
  return %y : tensor<1x14x14x20xi32>
}
// -----
// A transpose of constants is a part of the recipe; what is no constant stays a product.
// CHECK-LABEL: @matrix_of_bytes
// CHECK:         kern.pack %{{.*}} dims [0, 1, 0, 1] factors [16, 4, 1, 1] : tensor<17x8xi8> -> tensor<2x2x16x4xi8>
// CHECK:         kern.contract packed
// CHECK:         nn.matmul %arg0, %arg1
func.func @matrix_of_bytes(%x: tensor<5x8xui8>, %v: tensor<8x17xi8>) -> (tensor<5x17xi32>, tensor<5x17xi32>) {
  %w = nn.constant dense<3> : tensor<17x8xi8>
  %t = nn.transpose %w {perm = array<i64: 1, 0>} : (tensor<17x8xi8>) -> tensor<8x17xi8>
  %0 = nn.matmul %x, %t : (tensor<5x8xui8>, tensor<8x17xi8>) -> tensor<5x17xi32>
  %1 = nn.matmul %x, %v : (tensor<5x8xui8>, tensor<8x17xi8>) -> tensor<5x17xi32>
  return %0, %1 : tensor<5x17xi32>, tensor<5x17xi32>
}
// -----
// Windows of floats load unsigned bytes.
// CHECK-LABEL: @widened
// CHECK:         kern.window depthwise ins(%arg0, %{{.*}} : tensor<1x14x14x8xui8>, tensor<3x3x8xf32>) {{.*}} outs(%{{.*}} : tensor<1x14x14x8xf32>)
// CHECK:         kern.window max ins(%arg0 : tensor<1x14x14x8xui8>) {{.*}} outs(%{{.*}} : tensor<1x7x7x8xf32>)
func.func @widened(%x: tensor<1x14x14x8xui8>) -> (tensor<1x14x14x8xf32>, tensor<1x7x7x8xui8>) {
  %w = nn.constant dense<0.5> : tensor<8x1x3x3xf32>
  %f = nn.cast %x {to = f32} : (tensor<1x14x14x8xui8>) -> tensor<1x14x14x8xf32>
  %0 = nn.conv %f, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 8 : i64, channels_last} : (tensor<1x14x14x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x14x14x8xf32>
  %1 = nn.pool max %f {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x14x14x8xf32>) -> tensor<1x7x7x8xf32>
  %2 = nn.cast %1 {to = ui8} : (tensor<1x7x7x8xf32>) -> tensor<1x7x7x8xui8>
  return %0, %2 : tensor<1x14x14x8xf32>, tensor<1x7x7x8xui8>
}
// -----
// Refused: a kernel for bytes takes four channels at a time.
// CHECK-LABEL: @three_channels
// CHECK:         nn.conv
// CHECK:         nn.matmul
func.func @three_channels(%x: tensor<1x5x5x3xui8>, %r: tensor<4x3xui8>) -> (tensor<1x5x5x8xi32>, tensor<4x16xi32>) {
  %w = nn.constant dense<3> : tensor<8x3x1x1xi8>
  %v = nn.constant dense<3> : tensor<3x16xi8>
  %0 = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels_last} : (tensor<1x5x5x3xui8>, tensor<8x3x1x1xi8>) -> tensor<1x5x5x8xi32>
  %1 = nn.matmul %r, %v : (tensor<4x3xui8>, tensor<3x16xi8>) -> tensor<4x16xi32>
  return %0, %1 : tensor<1x5x5x8xi32>, tensor<4x16xi32>
}

// -----

// Attention of few queries: products, or one kernel.
// CHECK-LABEL: @few_queries
// CHECK: kern.contract
// CHECK: nn.softmax
// CHECK: kern.contract
// WHOLE-LABEL: @few_queries
// WHOLE: kern.attention
// WHOLE-NOT: nn.softmax
// WHOLE: return
func.func @few_queries(%q: tensor<1x4x1x8xf32>, %k: tensor<1x4x6x8xf32>) -> tensor<1x4x1x8xf32> {
  %y = nn.attention %q, %k, %k {scale = 0.5 : f32} : (tensor<1x4x1x8xf32>, tensor<1x4x6x8xf32>, tensor<1x4x6x8xf32>) -> tensor<1x4x1x8xf32>
  return %y : tensor<1x4x1x8xf32>
}

// -----

// Keys and values of 16 bits: converted before, or as they are stored.
// CHECK-LABEL: @cache
// CHECK-DAG: %[[K:.*]] = nn.cast %arg1
// CHECK-DAG: %[[V:.*]] = nn.cast %arg2
// CHECK: kern.attention ins(%arg0, %[[K]], %[[V]] : tensor<1x4x9x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x8xf32>)
// WHOLE-LABEL: @cache
// WHOLE-NOT: nn.cast
// WHOLE: kern.attention ins(%arg0, %arg1, %arg2 : tensor<1x4x9x8xf32>, tensor<1x2x6x8xf16>, tensor<1x2x6x8xbf16>) outs(%{{.*}} : tensor<1x4x9x8xf32>)
func.func @cache(%q: tensor<1x4x9x8xf32>, %k: tensor<1x2x6x8xf16>, %v: tensor<1x2x6x8xbf16>) -> tensor<1x4x9x8xf32> {
  %0 = nn.cast %k {to = f32} : (tensor<1x2x6x8xf16>) -> tensor<1x2x6x8xf32>
  %1 = nn.cast %v {to = f32} : (tensor<1x2x6x8xbf16>) -> tensor<1x2x6x8xf32>
  %y = nn.attention %q, %0, %1 {scale = 0.5 : f32} : (tensor<1x4x9x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x8xf32>) -> tensor<1x4x9x8xf32>
  return %y : tensor<1x4x9x8xf32>
}

// -----

// All of it: the result is of 16 bits as well.
// CHECK-LABEL: @attention_of_halves
// CHECK: kern.attention {{.*}} outs(%{{.*}} : tensor<1x4x9x8xf32>)
// CHECK: nn.cast
// WHOLE-LABEL: @attention_of_halves
// WHOLE-NOT: nn.cast
// WHOLE: kern.attention ins(%arg0, %arg0, %arg0 : {{.*}}) outs(%{{.*}} : tensor<1x4x9x8xf16>)
func.func @attention_of_halves(%q: tensor<1x4x9x8xf16>) -> tensor<1x4x9x8xf16> {
  %y = nn.attention %q, %q, %q {scale = 0.5 : f32} : (tensor<1x4x9x8xf16>, tensor<1x4x9x8xf16>, tensor<1x4x9x8xf16>) -> tensor<1x4x9x8xf16>
  return %y : tensor<1x4x9x8xf16>
}

// -----

// Masks are of f32.
// CHECK-LABEL: @halves
// CHECK: nn.cast %arg0 {to = f32}
// CHECK: kern.attention ins({{.*}} : tensor<1x4x16x8xf32>, tensor<1x4x6x8xf32>, tensor<1x4x6x8xf32>)
// CHECK: nn.cast %{{.*}} {to = f16}
// WHOLE-LABEL: @halves
// WHOLE: %[[M:.*]] = nn.cast %arg2 {to = f32}
// WHOLE: kern.attention ins(%arg0, %arg1, %arg1 : {{.*}}) mask(%[[M]] : tensor<1x1x16x6xf32>) outs(%{{.*}} : tensor<1x4x16x8xf16>)
func.func @halves(%q: tensor<1x4x16x8xf16>, %k: tensor<1x4x6x8xf16>, %m: tensor<1x1x16x6xf16>) -> tensor<1x4x16x8xf16> {
  %y = nn.attention %q, %k, %k, %m {scale = 0.5 : f32} : (tensor<1x4x16x8xf16>, tensor<1x4x6x8xf16>, tensor<1x4x6x8xf16>, tensor<1x1x16x6xf16>) -> tensor<1x4x16x8xf16>
  return %y : tensor<1x4x16x8xf16>
}
