// RUN: nncc-opt %s --nncc-form-kernels | FileCheck %s

// A softmax and the elementwise operations on its rows share a kernel; the scale moves into it.
// CHECK-LABEL: func.func @rows
// CHECK: %[[Y:.*]] = rt.dispatch @softmax_0(%arg0) {flops = {{.*}}, nodes = "scale;softmax"}
// CHECK: return %[[Y]]
func.func @rows(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %s = nn.constant dense<2.0> : tensor<f32>
  %0 = nn.mul %x, %s : (tensor<4x16xf32>, tensor<f32>) -> tensor<4x16xf32> loc("scale")
  %1 = nn.softmax %0 {axis = 1 : i64} : (tensor<4x16xf32>) -> tensor<4x16xf32> loc("softmax")
  return %1 : tensor<4x16xf32>
}

// A reshape between kernels is a view of the program; what is returned as it came is copied.
// CHECK-LABEL: func.func @views
// CHECK: %[[V:.*]] = rt.view %arg0 : tensor<4x16xf32> -> tensor<64xf32>
// CHECK: %[[E:.*]] = rt.dispatch @exp_{{.*}}(%[[V]])
// CHECK: %[[C:.*]] = rt.dispatch @cast_{{.*}}(%arg0)
// CHECK: return %[[E]], %[[C]]
func.func @views(%x: tensor<4x16xf32>) -> (tensor<64xf32>, tensor<4x16xf32>) {
  %shape = nn.constant dense<64> : tensor<1xi64>
  %0 = nn.reshape %x, %shape : (tensor<4x16xf32>, tensor<1xi64>) -> tensor<64xf32>
  %1 = nn.exp %0 : (tensor<64xf32>) -> tensor<64xf32>
  return %1, %x : tensor<64xf32>, tensor<4x16xf32>
}

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

// CHECK-LABEL: module @softmax_0
// CHECK: func.func @softmax_0(%arg0: tensor<4x16xf32>) -> tensor<4x16xf32> attributes {rt.kernel}
// CHECK: nn.mul
// CHECK: nn.softmax
