// RUN: %nncc-opt %s --split-input-file --nncc-form-kernels | FileCheck %s

// A contraction is a kernel, operations over the same rows are one; a reshape is a view; a weight
// is packed in the program. What is returned is written by a kernel: an argument is copied.
// CHECK-LABEL: func.func @main
// CHECK:         %[[W:.*]] = nn.constant
// CHECK:         %[[P:.*]] = kern.pack %[[W]]
// CHECK:         %[[C:.*]] = rt.dispatch @[[CONTRACT:.*]](%arg0, %[[P]]) {flops = 1.024000e+03 : f64, nodes = "MatMul_0;Add_1"}
// CHECK:         %[[V:.*]] = rt.view %arg1 : tensor<2x3x4xf32> -> tensor<6x4xf32>
// CHECK:         %[[R:.*]] = rt.dispatch @[[ROWS:.*]](%[[V]]) {{.*}}nodes = "Exp_2;Softmax_3;Add_4"
// CHECK:         %[[COPY:.*]] = rt.dispatch @{{.*}}(%arg0)
// CHECK:         return %[[C]], %[[R]], %[[COPY]]
// CHECK:       module @[[CONTRACT]]
// CHECK-NEXT:    func.func @[[CONTRACT]](%arg0: tensor<4x8xf32>, %arg1: tensor<1x8x16xf32>) -> tensor<4x16xf32> attributes {rt.kernel}
// CHECK:           kern.contract packed ins(%arg0, %arg1
// CHECK:       module @[[ROWS]]
// CHECK-NEXT:    func.func @[[ROWS]](%arg0: tensor<6x4xf32>)
// CHECK:           %[[ONE:.*]] = nn.constant dense<1.0{{.*}}> : tensor<4xf32>
// CHECK:           nn.exp %arg0
// CHECK:           nn.softmax
// CHECK:           nn.add %{{.*}}, %[[ONE]]
func.func @main(%x: tensor<4x8xf32>, %y: tensor<2x3x4xf32>) -> (tensor<4x16xf32>, tensor<6x4xf32>, tensor<4x8xf32>) {
  %w = nn.constant dense<0.5> : tensor<8x16xf32>
  %sizes = nn.constant dense<[6, 4]> : tensor<2xi64>
  %p = kern.pack %w dims [1, 0, 1] factors [16, 1, 1] : tensor<8x16xf32> -> tensor<1x8x16xf32>
  %e = tensor.empty() : tensor<4x16xf32>
  %c = kern.contract packed ins(%x, %p : tensor<4x8xf32>, tensor<1x8x16xf32>) extras() outs(%e : tensor<4x16xf32>) strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32> loc(fused["MatMul_0", "Add_1"])
  %r = nn.reshape %y, %sizes : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
  %one = nn.constant dense<1.0> : tensor<4xf32>
  %a = nn.exp %r : (tensor<6x4xf32>) -> tensor<6x4xf32> loc("Exp_2")
  %s = nn.softmax %a {axis = 1 : i64} : (tensor<6x4xf32>) -> tensor<6x4xf32> loc("Softmax_3")
  %b = nn.add %s, %one : (tensor<6x4xf32>, tensor<4xf32>) -> tensor<6x4xf32> loc("Add_4")
  return %c, %b, %x : tensor<4x16xf32>, tensor<6x4xf32>, tensor<4x8xf32>
}
// -----
// What two kernels need is computed once, by a kernel of its own.
// CHECK-LABEL: func.func @shared
// CHECK:         %[[E:.*]] = rt.dispatch @exp_{{.*}}(%arg0)
// CHECK:         rt.dispatch @softmax_{{.*}}(%[[E]])
// CHECK:         rt.dispatch @softmax_{{.*}}(%[[E]])
func.func @shared(%x: tensor<6x4xf32>) -> (tensor<6x4xf32>, tensor<6x4xf32>) {
  %0 = nn.exp %x : (tensor<6x4xf32>) -> tensor<6x4xf32>
  %1 = nn.softmax %0 {axis = 0 : i64} : (tensor<6x4xf32>) -> tensor<6x4xf32>
  %2 = nn.softmax %0 {axis = 1 : i64} : (tensor<6x4xf32>) -> tensor<6x4xf32>
  return %1, %2 : tensor<6x4xf32>, tensor<6x4xf32>
}
// -----
// A parameter is a part of the kernel, the table that is looked up is data.
// CHECK-LABEL: func.func @parameters
// CHECK:         %[[TABLE:.*]] = nn.constant dense<{{.*}}> : tensor<2x2xf32>
// CHECK:         %[[G:.*]] = rt.dispatch @gather_0(%[[TABLE]], %arg0)
// CHECK:         rt.dispatch @slice_1(%[[G]])
// CHECK:       func.func @slice_1(%arg0: tensor<3x2xf32>)
// CHECK:         nn.constant dense<1> : tensor<1xi64>
func.func @parameters(%i: tensor<3xi64>) -> tensor<2x2xf32> {
  %table = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %start = nn.constant dense<1> : tensor<1xi64>
  %end = nn.constant dense<3> : tensor<1xi64>
  %axis = nn.constant dense<0> : tensor<1xi64>
  %0 = nn.gather %table, %i {axis = 0 : i64} : (tensor<2x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
  %1 = nn.slice %0, %start, %end, %axis, %start : (tensor<3x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}
// -----
// So are the scales of a resize, floats.
// CHECK-LABEL: func.func @scales
// CHECK:         rt.dispatch @resize_0(%arg0)
// CHECK:       func.func @resize_0(%arg0: tensor<2x3xf32>)
// CHECK:         nn.constant dense<[2.000000e+00, 1.000000e+00]> : tensor<2xf32>
func.func @scales(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %scales = nn.constant dense<[2.0, 1.0]> : tensor<2xf32>
  %0 = nn.resize linear half_pixel floor stretch %x scales %scales : tensor<2xf32> {axes = array<i64: 0, 1>, cubic_coefficient = -0.75 : f32, extrapolation = 0.0 : f32} : tensor<2x3xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
// -----
// A product of activations reads its transposed operand as it is stored.
// CHECK-LABEL: func.func @attention
// CHECK: rt.dispatch @contract_{{[0-9]+}}(%arg1, %arg0)
// CHECK-NOT: rt.dispatch
func.func @attention(%q: tensor<2x4x5x8xf32>, %k: tensor<2x5x4x8xf32>) -> tensor<2x4x5x5xf32> {
  %t = nn.transpose %k {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x5x4x8xf32>) -> tensor<2x4x5x8xf32>
  %e = tensor.empty() : tensor<2x4x5x5xf32>
  %c = kern.contract transposed ins(%q, %t : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) extras() outs(%e : tensor<2x4x5x5xf32>)
      strides [] dilations [] pads [] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<2x4x5x5xf32>
  return %c : tensor<2x4x5x5xf32>
}

// -----

// A kernel numbers the symbols of its sizes anew; the dispatch gives their values. Sizes that are
// choices are symbols of their own.
// CHECK-LABEL: func.func @open
// CHECK:         rt.check
// CHECK:         %[[E:.*]] = rt.dispatch @[[EXP:.*]](%arg0) {dims = #[[LAST:.*]], flops
// CHECK:         rt.dispatch @[[SLICE:.*]](%{{.*}}) {dims = #[[LESSER:.*]], flops
// CHECK:       func.func @[[EXP]](%arg0: tensor<?x4xf32, #[[OWN:.*]]>) -> tensor<?x4xf32, #[[OWN]]>
// CHECK:       func.func @[[SLICE]](%{{.*}}: tensor<64x4xf32>) -> tensor<?x4xf32, #[[OWN]]>
// CHECK:         nn.sizes #{{.*}} as tensor<1xi64>
func.func @open(%x: tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>, %t: tensor<64x4xf32>)
    -> (tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>, tensor<?x4xf32, affine_map<()[s0, s1] -> (64 - (s1 - 64) * ((s1 - 64) floordiv 1099511627776), 4)>>)
    attributes {nn.dims = ["a", "b"]} {
  rt.check affine_map<()[s0, s1] -> (s0 - s1)>, "node 'a'"
  %e = nn.exp %x : (tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>
  %z = nn.constant dense<0> : tensor<1xi64>
  %i = nn.constant dense<1> : tensor<1xi64>
  %n = nn.sizes affine_map<()[s0, s1] -> (s1)> as tensor<1xi64>
  %s = nn.slice %t, %z, %n, %z, %i : (tensor<64x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4xf32, affine_map<()[s0, s1] -> (64 - (s1 - 64) * ((s1 - 64) floordiv 1099511627776), 4)>>
  return %e, %s : tensor<?x4xf32, affine_map<()[s0, s1] -> (s1, 4)>>, tensor<?x4xf32, affine_map<()[s0, s1] -> (64 - (s1 - 64) * ((s1 - 64) floordiv 1099511627776), 4)>>
}

// -----
// An attention reads heads as they are stored: a transpose, and a part of query, key and value in one.
// What the program returns as well is a kernel of its own.
// CHECK-LABEL: @heads
// CHECK:         %[[V:.*]] = rt.dispatch @transpose_{{[0-9]+}}(%arg1)
// CHECK-NEXT:    %[[Y:.*]] = rt.dispatch @attention_{{[0-9]+}}(%arg0, %[[V]])
// CHECK-NEXT:    return %[[Y]], %[[V]]
// CHECK:         module @attention
// CHECK:         nn.slice
// CHECK-NEXT:    nn.reshape
// CHECK-NEXT:    nn.transpose
// CHECK-NEXT:    kern.attention
// CHECK-NEXT:    nn.transpose
func.func @heads(%x: tensor<2x5x3x4x8xf32>, %p: tensor<2x5x4x8xf32>) -> (tensor<2x5x4x8xf32>, tensor<2x4x5x8xf32>) {
  %zero = nn.constant dense<0> : tensor<1xi64>
  %one = nn.constant dense<1> : tensor<1xi64>
  %two = nn.constant dense<2> : tensor<1xi64>
  %shape = nn.constant dense<[2, 5, 4, 8]> : tensor<4xi64>
  %s = nn.slice %x, %zero, %one, %two, %one : (tensor<2x5x3x4x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x5x1x4x8xf32>
  %r = nn.reshape %s, %shape : (tensor<2x5x1x4x8xf32>, tensor<4xi64>) -> tensor<2x5x4x8xf32>
  %q = nn.transpose %r {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x5x4x8xf32>) -> tensor<2x4x5x8xf32>
  %v = nn.transpose %p {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x5x4x8xf32>) -> tensor<2x4x5x8xf32>
  %e = tensor.empty() : tensor<2x4x5x8xf32>
  %a = kern.attention ins(%q, %v, %v : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) outs(%e : tensor<2x4x5x8xf32>) {scale = 1.0 : f32} -> tensor<2x4x5x8xf32>
  %y = nn.transpose %a {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x4x5x8xf32>) -> tensor<2x5x4x8xf32>
  return %y, %v : tensor<2x5x4x8xf32>, tensor<2x4x5x8xf32>
}
