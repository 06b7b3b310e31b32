// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s
// RUN: %nncc-opt %s --pass-pipeline='builtin.module(func.func(nncc-fold-shapes,canonicalize))' \
// RUN:   --mlir-print-local-scope | FileCheck %s --check-prefix=FOLD

// CHECK: #[[ELEMENTS:.*]] = affine_map<()[s0] -> (s0, 12, s0 * 2 - 1)>
// CHECK-LABEL: @sizes
// CHECK: nn.sizes #[[ELEMENTS]] as tensor<3xi64>
func.func @sizes() -> tensor<3xi64> {
  %0 = nn.sizes affine_map<()[s0] -> (s0, 12, s0 * 2 - 1)> as tensor<3xi64>
  return %0 : tensor<3xi64>
}

// The arithmetic that exporters leave comes to expressions.
// FOLD-LABEL: @arithmetic
// FOLD-NEXT: %[[SIZES:.*]] = nn.sizes affine_map<()[s0, s1] -> (s0 * s1, 384)> as tensor<2xi64>
// FOLD-NEXT: return %[[SIZES]]
#rows = affine_map<()[s0, s1] -> (s0, s1, 768)>
func.func @arithmetic(%x: tensor<?x?x768xf32, #rows>) -> tensor<2xi64> {
  %shape = nn.shape %x : (tensor<?x?x768xf32, #rows>) -> tensor<3xi64>
  %zero = nn.constant dense<0> : tensor<i64>
  %one = nn.constant dense<1> : tensor<i64>
  %two = nn.constant dense<2> : tensor<i64>
  %axes = nn.constant dense<0> : tensor<1xi64>
  %batch = nn.gather %shape, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %length = nn.gather %shape, %one {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %depth = nn.gather %shape, %two {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  %product = nn.mul %batch, %length : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %half = nn.div %depth, %two : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %first = nn.unsqueeze %product, %axes : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %second = nn.unsqueeze %half, %axes : (tensor<i64>, tensor<1xi64>) -> tensor<1xi64>
  %sizes = nn.concat %first, %second {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  return %sizes : tensor<2xi64>
}

// What holds for all sizes folds, as in the shape of an Expand, where -1 stands for the operand's.
// FOLD-LABEL: @choice
// FOLD-NEXT: %[[SIZES:.*]] = nn.sizes affine_map<()[s0, s1] -> (s0, s1)> as tensor<2xi64>
// FOLD-NEXT: return %[[SIZES]]
#pair = affine_map<()[s0, s1] -> (s0, s1)>
func.func @choice(%like: tensor<?x?xf32, #pair>) -> tensor<2xi64> {
  %shape = nn.shape %like : (tensor<?x?xf32, #pair>) -> tensor<2xi64>
  %minus = nn.constant dense<-1> : tensor<2xi64>
  %ones = nn.constant dense<1> : tensor<2xi64>
  %same = nn.compare eq %shape, %minus : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %sizes = nn.where %same, %ones, %shape : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %sizes : tensor<2xi64>
}

// The lesser of a size and 512: a test is the sign of a difference.
// FOLD-LABEL: @lesser
// FOLD-NEXT: nn.sizes affine_map<()[s0] -> (-(((s0 - 512) floordiv 1099511627776) * s0) + ((s0 - 512) floordiv 1099511627776) * 512 + 512)> as tensor<1xi64>
func.func @lesser(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<1xi64> {
  %n = nn.shape %x : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<1xi64>
  %most = nn.constant dense<512> : tensor<1xi64>
  %less = nn.min %n, %most : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  return %less : tensor<1xi64>
}

// Slices up to a size, from the back, and with the number that means all there is.
// FOLD-LABEL: @slices
// FOLD: nn.slice {{.*}} -> tensor<?x8xf32, affine_map<()[s0] -> (s0 - 1, 8)>>
// FOLD: nn.slice {{.*}} -> tensor<?x8xf32, affine_map<()[s0] -> (s0 ceildiv 2, 8)>>
#tall = affine_map<()[s0] -> (s0, 8)>
func.func @slices(%x: tensor<?x8xf32, #tall>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %minus = nn.constant dense<-1> : tensor<1xi64>
  %all = nn.constant dense<9223372036854775807> : tensor<1xi64>
  %y = nn.slice %x, %zero, %minus, %zero, %one : (tensor<?x8xf32, #tall>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  %z = nn.slice %x, %zero, %all, %zero, %two : (tensor<?x8xf32, #tall>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}

// Quotients of quotients are one, so that sizes that are halved twice stay comparable.
// FOLD-LABEL: @quotients
// FOLD-NEXT: nn.sizes affine_map<()[s0] -> ((s0 + 2) floordiv 4)> as tensor<1xi64>
func.func @quotients(%x: tensor<?xf32, affine_map<()[s0] -> (s0 floordiv 2)>>) -> tensor<1xi64> {
  %n = nn.shape %x : (tensor<?xf32, affine_map<()[s0] -> (s0 floordiv 2)>>) -> tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %more = nn.add %n, %one : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %half = nn.div %more, %two : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  return %half : tensor<1xi64>
}

// A broadcast that a run decides is one factor, which products do not multiply out. It is the same
// for the same sizes, in whatever order, and where they are repeated.
// FOLD-LABEL: @broadcasts
// FOLD: nn.add {{.*}} -> tensor<?xf32, affine_map<()[s0, s1] -> ([[XY:\(.*\) mod 1099511627776]])>>
// FOLD: nn.sub {{.*}} -> tensor<?xf32, affine_map<()[s0, s1] -> ([[XY]])>>
// FOLD: nn.mul {{.*}} -> tensor<?xf32, affine_map<()[s0, s1, s2] -> ([[XYZ:\(\([^,]*\) mod 1099511627776]])>>{{$}}
// FOLD: nn.div {{.*}} -> tensor<?xf32, affine_map<()[s0, s1, s2] -> ([[XYZ]])>>{{$}}
// FOLD: nn.reshape {{.*}} -> tensor<?xf32, affine_map<()[s0, s1] -> (([[XY]]) * ([[XY]]))>>
func.func @broadcasts(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>, %y: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>, %z: tensor<?xf32, affine_map<()[s0, s1, s2] -> (s2)>>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %xy = nn.add %x, %y : (tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) -> tensor<?xf32>
  %yx = nn.sub %y, %x : (tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32>
  %zy = nn.add %z, %y : (tensor<?xf32, affine_map<()[s0, s1, s2] -> (s2)>>, tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) -> tensor<?xf32>
  %all = nn.mul %zy, %yx : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %same = nn.div %all, %zy : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %one = nn.constant dense<[-1, 1]> : tensor<2xi64>
  %first = nn.constant dense<[1, -1]> : tensor<2xi64>
  %flat = nn.constant dense<-1> : tensor<1xi64>
  %column = nn.reshape %xy, %one : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x1xf32>
  %row = nn.reshape %yx, %first : (tensor<?xf32>, tensor<2xi64>) -> tensor<1x?xf32>
  %outer = nn.add %column, %row : (tensor<?x1xf32>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %elements = nn.reshape %outer, %flat : (tensor<?x?xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %xy, %yx, %same, %elements : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
