// RUN: %nncc-opt %s --split-input-file --nncc-fold-scales | FileCheck %s

// A bias and the scale of sums are divided by the scale of the codes; the bound is that of ui8.
// CHECK-LABEL: @sums
// CHECK-SAME:    %[[P:.*]]: tensor<4x2xi32>
// CHECK-DAG:     %[[ONE:.*]] = nn.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[S:.*]] = nn.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK-DAG:     %[[BIAS:.*]] = nn.constant dense<[1.200000e+01, -2.000000e+01]> : tensor<2xf32>
// CHECK:         %[[X:.*]] = nn.dequantize %[[P]], %[[S]]
// CHECK:         %[[Y:.*]] = nn.add %[[X]], %[[BIAS]]
// CHECK-NOT:     nn.relu
// CHECK:         nn.quantize %[[Y]], %[[ONE]], %{{.*}} {by_reciprocal}
func.func @sums(%p: tensor<4x2xi32>) -> tensor<4x2xui8> {
  %s = nn.constant dense<[0.5, 1.0]> : tensor<2xf32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %bias = nn.constant dense<[3.0, -5.0]> : tensor<2xf32>
  %none = nn.constant dense<0> : tensor<i32>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %p, %s, %none : (tensor<4x2xi32>, tensor<2xf32>, tensor<i32>) -> tensor<4x2xf32>
  %y = nn.add %x, %bias : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %r = nn.relu %y : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %q = nn.quantize %r, %t, %z {by_reciprocal} : (tensor<4x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x2xui8>
  return %q : tensor<4x2xui8>
}
// -----
// A dequantized bias, a product with a constant, and a residual of codes.
// CHECK-LABEL: @residual
// CHECK-SAME:    %[[P:.*]]: tensor<4x2xi32>, %[[R:.*]]: tensor<4x2xi8>
// CHECK-DAG:     %[[S:.*]] = nn.constant dense<2.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[FACTOR:.*]] = nn.constant dense<1.200000e+01> : tensor<f32>
// CHECK-DAG:     %[[BIAS:.*]] = nn.constant dense<[1.200000e+01, -2.000000e+01]> : tensor<2xf32>
// CHECK:         %[[X:.*]] = nn.dequantize %[[P]], %{{.*}}, %{{.*}} : (tensor<4x2xi32>
// CHECK:         %[[Y:.*]] = nn.mul %[[X]], %[[FACTOR]]
// CHECK:         %[[B:.*]] = nn.add %[[Y]], %[[BIAS]]
// CHECK:         %[[O:.*]] = nn.dequantize %[[R]], %[[S]]
// CHECK:         nn.add %[[B]], %[[O]]
func.func @residual(%p: tensor<4x2xi32>, %r: tensor<4x2xi8>) -> tensor<4x2xui8> {
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %codes = nn.constant dense<[6, -10]> : tensor<2xi32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %none = nn.constant dense<0> : tensor<i32>
  %zr = nn.constant dense<5> : tensor<i8>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %p, %s, %none : (tensor<4x2xi32>, tensor<f32>, tensor<i32>) -> tensor<4x2xf32>
  %bias = nn.dequantize %codes, %s, %none : (tensor<2xi32>, tensor<f32>, tensor<i32>) -> tensor<2xf32>
  %m = nn.mul %x, %three : (tensor<4x2xf32>, tensor<f32>) -> tensor<4x2xf32>
  %y = nn.add %m, %bias : (tensor<4x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  %o = nn.dequantize %r, %s, %zr : (tensor<4x2xi8>, tensor<f32>, tensor<i8>) -> tensor<4x2xf32>
  %sum = nn.add %y, %o : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  %q = nn.quantize %sum, %t, %z {by_reciprocal} : (tensor<4x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x2xui8>
  return %q : tensor<4x2xui8>
}
// -----
// Refused: rounding as ONNX states it, a number that is used elsewhere too, one that no constant makes,
// another float type.
// CHECK-LABEL: @stay
// CHECK-DAG:     %[[T:.*]] = nn.constant dense<2.500000e-01> : tensor<f32>
// CHECK-DAG:     %[[H:.*]] = nn.constant dense<2.500000e-01> : tensor<f16>
// CHECK:         nn.quantize %{{.*}}, %[[T]], %{{.*}} : (
// CHECK:         nn.quantize %{{.*}}, %[[T]], %{{.*}} {by_reciprocal}
// CHECK:         nn.quantize %{{.*}}, %[[T]], %{{.*}} {by_reciprocal}
// CHECK:         nn.quantize %{{.*}}, %[[H]], %{{.*}} {by_reciprocal}
func.func @stay(%p: tensor<2xi32>, %v: tensor<2xf32>) -> (tensor<2xui8>, tensor<2xui8>, tensor<2xf32>, tensor<2xui8>, tensor<2xui8>) {
  %s = nn.constant dense<0.5> : tensor<f32>
  %t = nn.constant dense<0.25> : tensor<f32>
  %half = nn.constant dense<0.5> : tensor<f16>
  %quarter = nn.constant dense<0.25> : tensor<f16>
  %none = nn.constant dense<0> : tensor<i32>
  %z = nn.constant dense<0> : tensor<ui8>
  %x = nn.dequantize %p, %s, %none : (tensor<2xi32>, tensor<f32>, tensor<i32>) -> tensor<2xf32>
  %0 = nn.quantize %x, %t, %z : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %y = nn.add %x, %s : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = nn.quantize %y, %t, %z {by_reciprocal} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %w = nn.add %x, %v : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = nn.quantize %w, %t, %z {by_reciprocal} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %h = nn.dequantize %p, %half, %none : (tensor<2xi32>, tensor<f16>, tensor<i32>) -> tensor<2xf16>
  %3 = nn.quantize %h, %quarter, %z {by_reciprocal} : (tensor<2xf16>, tensor<f16>, tensor<ui8>) -> tensor<2xui8>
  return %0, %1, %y, %2, %3 : tensor<2xui8>, tensor<2xui8>, tensor<2xf32>, tensor<2xui8>, tensor<2xui8>
}
// -----
// Bounds of ReLU6: 255 stands for 6 or more, and 0 for 0 or less. Another zero point leaves the lower
// one, another scale both.
// CHECK-LABEL: @bounds
// CHECK-SAME:    %[[X:.*]]: tensor<2xf32>
// CHECK:         nn.quantize %[[X]]
// CHECK:         %[[LOW:.*]] = nn.max %[[X]]
// CHECK-NOT:     nn.min
// CHECK:         nn.quantize %[[LOW]]
// CHECK:         %[[HIGH:.*]] = nn.min
// CHECK:         nn.quantize %[[HIGH]]
func.func @bounds(%x: tensor<2xf32>) -> (tensor<2xui8>, tensor<2xui8>, tensor<2xui8>) {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32>
  %s = nn.constant dense<0.023529412> : tensor<f32>
  %t = nn.constant dense<0.05> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %three = nn.constant dense<3> : tensor<ui8>
  %0 = nn.max %x, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %1 = nn.min %0, %six : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %a = nn.quantize %1, %s, %z : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %2 = nn.max %x, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %3 = nn.min %2, %six : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %b = nn.quantize %3, %s, %three : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %4 = nn.max %x, %zero : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %5 = nn.min %4, %six : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %c = nn.quantize %5, %t, %z : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  return %a, %b, %c : tensor<2xui8>, tensor<2xui8>, tensor<2xui8>
}
// -----
// Constants are quantized as they are.
// CHECK-LABEL: @constant
// CHECK:         nn.quantize
func.func @constant() -> tensor<2xui8> {
  %x = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<0> : tensor<ui8>
  %q = nn.quantize %x, %s, %z : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  return %q : tensor<2xui8>
}
// -----
// Codes between floats are not stored.
// CHECK-LABEL: @keep
// CHECK-SAME:    %[[X:.*]]: tensor<2xf32>
// CHECK-DAG:     %[[FOUR:.*]] = nn.constant dense<4.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[LOW:.*]] = nn.constant dense<-1.000000e+01> : tensor<f32>
// CHECK-DAG:     %[[HIGH:.*]] = nn.constant dense<2.450000e+02> : tensor<f32>
// CHECK-DAG:     %[[S:.*]] = nn.constant dense<2.500000e-01> : tensor<f32>
// CHECK:         %[[M:.*]] = nn.mul %[[X]], %[[FOUR]]
// CHECK:         %[[R:.*]] = nn.round %[[M]]
// CHECK:         %[[L:.*]] = nn.max %[[R]], %[[LOW]]
// CHECK:         %[[H:.*]] = nn.min %[[L]], %[[HIGH]]
// CHECK:         nn.mul %[[H]], %[[S]]
func.func @keep(%x: tensor<2xf32>) -> tensor<2xf32> {
  %s = nn.constant dense<0.25> : tensor<f32>
  %z = nn.constant dense<10> : tensor<ui8>
  %q = nn.quantize %x, %s, %z {by_reciprocal} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %y = nn.dequantize %q, %s, %z : (tensor<2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
// -----
// Refused: codes that are used elsewhere, other zero points, other float types.
// CHECK-LABEL: @codes
// CHECK-COUNT-4: nn.dequantize
func.func @codes(%x: tensor<2xf32>, %h: tensor<2xf16>) -> (tensor<2xf32>, tensor<2xui8>, tensor<2xf32>, tensor<2xf16>, tensor<2xf16>) {
  %s = nn.constant dense<0.25> : tensor<f32>
  %half = nn.constant dense<0.25> : tensor<f16>
  %z = nn.constant dense<10> : tensor<ui8>
  %other = nn.constant dense<11> : tensor<ui8>
  %q = nn.quantize %x, %s, %z {by_reciprocal} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %0 = nn.dequantize %q, %s, %z : (tensor<2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2xf32>
  %r = nn.quantize %x, %s, %z {by_reciprocal} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %1 = nn.dequantize %r, %s, %other : (tensor<2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2xf32>
  %t = nn.quantize %x, %s, %z {by_reciprocal} : (tensor<2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2xui8>
  %2 = nn.dequantize %t, %half, %z : (tensor<2xui8>, tensor<f16>, tensor<ui8>) -> tensor<2xf16>
  %u = nn.quantize %h, %half, %z {by_reciprocal} : (tensor<2xf16>, tensor<f16>, tensor<ui8>) -> tensor<2xui8>
  %3 = nn.dequantize %u, %half, %z : (tensor<2xui8>, tensor<f16>, tensor<ui8>) -> tensor<2xf16>
  return %0, %q, %1, %2, %3 : tensor<2xf32>, tensor<2xui8>, tensor<2xf32>, tensor<2xf16>, tensor<2xf16>
}
// -----
// Of two products that are added the first one's result waits in memory, as codes.
// CHECK-LABEL: @two_products
// CHECK:         nn.matmul
// CHECK:         %[[Q:.*]] = nn.quantize
// CHECK:         nn.matmul
// CHECK:         nn.round
// CHECK:         nn.dequantize %[[Q]]
func.func @two_products(%x: tensor<4x8xui8>, %w: tensor<8x2xi8>) -> tensor<4x2xf32> {
  %s = nn.constant dense<0.25> : tensor<f32>
  %none = nn.constant dense<0> : tensor<i32>
  %z = nn.constant dense<10> : tensor<ui8>
  %a = nn.matmul %x, %w : (tensor<4x8xui8>, tensor<8x2xi8>) -> tensor<4x2xi32>
  %0 = nn.dequantize %a, %s, %none : (tensor<4x2xi32>, tensor<f32>, tensor<i32>) -> tensor<4x2xf32>
  %q = nn.quantize %0, %s, %z {by_reciprocal} : (tensor<4x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x2xui8>
  %b = nn.matmul %x, %w : (tensor<4x8xui8>, tensor<8x2xi8>) -> tensor<4x2xi32>
  %1 = nn.dequantize %b, %s, %none : (tensor<4x2xi32>, tensor<f32>, tensor<i32>) -> tensor<4x2xf32>
  %r = nn.quantize %1, %s, %z {by_reciprocal} : (tensor<4x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<4x2xui8>
  %y = nn.dequantize %r, %s, %z : (tensor<4x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x2xf32>
  %p = nn.dequantize %q, %s, %z : (tensor<4x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x2xf32>
  %sum = nn.add %p, %y : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return %sum : tensor<4x2xf32>
}
