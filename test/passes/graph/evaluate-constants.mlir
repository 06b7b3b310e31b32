// RUN: %nncc-opt %s --nncc-evaluate-constants | FileCheck %s

// Arithmetic with broadcasting, in f32.
// CHECK-LABEL: @arithmetic
// CHECK-NEXT:    %[[C:.*]] = nn.constant dense<{{\[\[}}5.000000e-01, 1.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT:    return %[[C]]
func.func @arithmetic() -> tensor<2x2xf32> {
  %n = nn.constant dense<4> : tensor<i64>
  %a = nn.constant dense<[[1.0, 2.0], [6.0, 8.0]]> : tensor<2x2xf32>
  %one = nn.constant dense<[[1.0], [0.0]]> : tensor<2x1xf32>
  %0 = nn.cast %n {to = f32} : (tensor<i64>) -> tensor<f32>
  %1 = nn.sqrt %0 : (tensor<f32>) -> tensor<f32>
  %2 = nn.div %a, %1 : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %3 = nn.mul %2, %one : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %4 = nn.sub %2, %3 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = nn.add %4, %3 : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %5 : tensor<2x2xf32>
}

// CHECK-LABEL: @movement
// CHECK-NEXT:    nn.constant dense<{{\[\[}}6.000000e+00, 4.000000e+00, 7.000000e+00], [3.000000e+00, 1.000000e+00, 7.000000e+00]]> : tensor<2x3xf32>
// CHECK-NEXT:    nn.constant dense<{{\[\[}}1, 2], [1, 2], [1, 2]]> : tensor<3x2xui8>
// CHECK-NEXT:    return
func.func @movement() -> (tensor<2x3xf32>, tensor<3x2xui8>) {
  %a = nn.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> : tensor<6xf32>
  %seven = nn.constant dense<7.0> : tensor<2x1xf32>
  %shape = nn.constant dense<[2, 3]> : tensor<2xi64>
  %axes = nn.constant dense<0> : tensor<1xi64>
  %starts = nn.constant dense<-1> : tensor<1xi64>
  %ends = nn.constant dense<-9> : tensor<1xi64>
  %steps = nn.constant dense<-2> : tensor<1xi64>
  %0 = nn.reshape %a, %shape : (tensor<6xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %1 = nn.transpose %0 {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = nn.slice %1, %starts, %ends, %axes, %steps : (tensor<3x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
  %t = nn.transpose %2 {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %r = nn.slice %t, %starts, %ends, %axes, %starts : (tensor<2x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
  %3 = nn.concat %r, %seven {axis = -1 : i64} : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %b = nn.constant dense<[1, 2]> : tensor<2xui8>
  %to = nn.constant dense<[3, 1]> : tensor<2xi64>
  %4 = nn.expand %b, %to : (tensor<2xui8>, tensor<2xi64>) -> tensor<3x2xui8>
  return %3, %4 : tensor<2x3xf32>, tensor<3x2xui8>
}

// Other functions run as compiled code; one that needs no constant beside small ones, too.
// CHECK-LABEL: @compiled
// CHECK-NEXT:    %[[C:.*]] = nn.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT:    nn.add %{{.*}}, %[[C]]
func.func @compiled(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = nn.constant dense<[-1.0, 2.0]> : tensor<2xf32>
  %0 = nn.abs %a : (tensor<2xf32>) -> tensor<2xf32>
  %1 = nn.add %x, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// Too large: a model file must not grow by what a run computes in no time.
// CHECK-LABEL: @too_large
// CHECK:         nn.expand
func.func @too_large() -> tensor<4096x4096xf32> {
  %zero = nn.constant dense<0.0> : tensor<f32>
  %shape = nn.constant dense<4096> : tensor<2xi64>
  %0 = nn.expand %zero, %shape : (tensor<f32>, tensor<2xi64>) -> tensor<4096x4096xf32>
  return %0 : tensor<4096x4096xf32>
}

// The transpose of a product's weights is a part of their packing.
// CHECK-LABEL: @packed
// CHECK:         nn.transpose
// CHECK-NEXT:    nn.matmul
func.func @packed(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %w = nn.constant dense<1.0> : tensor<64x64xf32>
  %0 = nn.transpose %w {perm = array<i64: 1, 0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = nn.matmul %x, %0 : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
  return %1 : tensor<1x64xf32>
}

// One element that stands for more than a compiler should write out stays with its user.
// CHECK-LABEL: @repeated
// CHECK:         nn.reduce
func.func @repeated() -> tensor<1xf32> {
  %c = nn.constant dense<0.5> : tensor<8589934592xf32>
  %a = nn.constant dense<0> : tensor<1xi64>
  %0 = nn.reduce sum %c, %a {keepdims} : (tensor<8589934592xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %0 : tensor<1xf32>
}
