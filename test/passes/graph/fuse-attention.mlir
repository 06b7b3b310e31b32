// RUN: %nncc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nncc-fuse-attention,canonicalize,cse))' | FileCheck %s
// RUN: %nncc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(nncc-fuse-attention))' --remarks-filter=nncc-fuse-attention 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// BERT: the scale at the scores, a mask by key.
// CHECK-LABEL: @masked
// CHECK-SAME:    (%[[Q:[^:]*]]: {{[^,]*}}, %[[K:[^:]*]]: {{[^,]*}}, %[[V:[^:]*]]: {{[^,]*}}, %[[M:[^:]*]]: tensor<1x1x1x6xf32>)
// CHECK-NEXT:    %[[T:.*]] = nn.transpose %[[K]] {perm = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT:    %[[Y:.*]] = nn.attention %[[Q]], %[[T]], %[[V]], %[[M]] {scale = 1.250000e-01 : f32}
// CHECK-NEXT:    return %[[Y]]
// REMARK: [Passed] Recognised | Category:nncc-fuse-attention
// REMARK-SAME: attention with a mask
func.func @masked(%q: tensor<1x2x5x8xf32>, %k: tensor<1x6x2x8xf32>, %v: tensor<1x2x6x4xf32>, %m: tensor<1x1x1x6xf32>) -> tensor<1x2x5x4xf32> {
  %c = nn.constant dense<8.0> : tensor<1xf32>
  %t = nn.transpose %k {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x6x2x8xf32>) -> tensor<1x2x8x6xf32>
  %p = nn.matmul %q, %t : (tensor<1x2x5x8xf32>, tensor<1x2x8x6xf32>) -> tensor<1x2x5x6xf32>
  %s = nn.div %p, %c : (tensor<1x2x5x6xf32>, tensor<1xf32>) -> tensor<1x2x5x6xf32>
  %a = nn.add %s, %m : (tensor<1x2x5x6xf32>, tensor<1x1x1x6xf32>) -> tensor<1x2x5x6xf32>
  %w = nn.softmax %a {axis = 3 : i64} : (tensor<1x2x5x6xf32>) -> tensor<1x2x5x6xf32>
  %y = nn.matmul %w, %v : (tensor<1x2x5x6xf32>, tensor<1x2x6x4xf32>) -> tensor<1x2x5x4xf32>
  return %y : tensor<1x2x5x4xf32>
}
// -----
// torch.export: the root of the scale at both operands, weights of no key are zeros.
// CHECK-LABEL: @guarded
// CHECK:         nn.attention %arg0, %arg1, %arg2, %arg3 {guard = 2 : i32, scale = 2.500000e-01 : f32}
func.func @guarded(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<1x2x6x4xf32>, %m: tensor<5x6xf32>) -> tensor<1x2x5x4xf32> {
  %c = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<1xf32>
  %t = nn.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x6x8xf32>) -> tensor<1x2x8x6xf32>
  %x = nn.mul %q, %c : (tensor<1x2x5x8xf32>, tensor<f32>) -> tensor<1x2x5x8xf32>
  %z = nn.mul %c, %t : (tensor<f32>, tensor<1x2x8x6xf32>) -> tensor<1x2x8x6xf32>
  %p = nn.matmul %x, %z : (tensor<1x2x5x8xf32>, tensor<1x2x8x6xf32>) -> tensor<1x2x5x6xf32>
  %a = nn.add %m, %p : (tensor<5x6xf32>, tensor<1x2x5x6xf32>) -> tensor<1x2x5x6xf32>
  %w = nn.softmax %a {axis = -1 : i64} : (tensor<1x2x5x6xf32>) -> tensor<1x2x5x6xf32>
  %n = nn.isnan %w : (tensor<1x2x5x6xf32>) -> tensor<1x2x5x6xi1>
  %o = nn.where %n, %zero, %w : (tensor<1x2x5x6xi1>, tensor<1xf32>, tensor<1x2x5x6xf32>) -> tensor<1x2x5x6xf32>
  %y = nn.matmul %o, %v : (tensor<1x2x5x6xf32>, tensor<1x2x6x4xf32>) -> tensor<1x2x5x4xf32>
  return %y : tensor<1x2x5x4xf32>
}
// -----
// Heads of one batch, scores chosen by a mask that is true where a key is left out, keys by depth.
// CHECK-LABEL: @chosen
// CHECK-DAG:     %[[M:.*]] = nn.not %arg3
// CHECK-DAG:     %[[Q:.*]] = nn.reshape %arg0, %{{.*}} -> tensor<1x2x5x8xf32>
// CHECK-DAG:     %[[K:.*]] = nn.reshape %{{.*}}, %{{.*}} -> tensor<1x2x6x8xf32>
// CHECK:         nn.attention %[[Q]], %[[K]], %{{.*}}, %[[M]] {fill = -1.000000e+04 : f32, scale = 1.000000e+00 : f32}
// CHECK-NEXT:    nn.reshape {{.*}} -> tensor<2x5x4xf32>
func.func @chosen(%q: tensor<2x5x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x4xf32>, %m: tensor<2x5x6xi1>) -> tensor<2x5x4xf32> {
  %fill = nn.constant dense<-1.0e4> : tensor<f32>
  %p = nn.matmul %q, %k : (tensor<2x5x8xf32>, tensor<2x8x6xf32>) -> tensor<2x5x6xf32>
  %a = nn.where %m, %fill, %p : (tensor<2x5x6xi1>, tensor<f32>, tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %w = nn.softmax %a {axis = 2 : i64} : (tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %y = nn.matmul %w, %v : (tensor<2x5x6xf32>, tensor<2x6x4xf32>) -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}
// -----
// Llama: keys and values of one head serve two of the query.
// CHECK-LABEL: @grouped
// CHECK:         nn.attention %arg0, %arg1, %arg2 {
func.func @grouped(%q: tensor<1x4x5x8xf32>, %k: tensor<1x2x6x8xf32>, %v: tensor<1x2x6x8xf32>) -> tensor<1x4x5x8xf32> {
  %one = nn.constant dense<[1, 2, 1, 6, 8]> : tensor<5xi64>
  %two = nn.constant dense<[1, 2, 2, 6, 8]> : tensor<5xi64>
  %all = nn.constant dense<[1, 4, 6, 8]> : tensor<4xi64>
  %k0 = nn.reshape %k, %one : (tensor<1x2x6x8xf32>, tensor<5xi64>) -> tensor<1x2x1x6x8xf32>
  %k1 = nn.expand %k0, %two : (tensor<1x2x1x6x8xf32>, tensor<5xi64>) -> tensor<1x2x2x6x8xf32>
  %k2 = nn.reshape %k1, %all : (tensor<1x2x2x6x8xf32>, tensor<4xi64>) -> tensor<1x4x6x8xf32>
  %v0 = nn.reshape %v, %one : (tensor<1x2x6x8xf32>, tensor<5xi64>) -> tensor<1x2x1x6x8xf32>
  %v1 = nn.expand %v0, %two : (tensor<1x2x1x6x8xf32>, tensor<5xi64>) -> tensor<1x2x2x6x8xf32>
  %v2 = nn.reshape %v1, %all : (tensor<1x2x2x6x8xf32>, tensor<4xi64>) -> tensor<1x4x6x8xf32>
  %t = nn.transpose %k2 {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x4x8x6xf32>
  %p = nn.matmul %q, %t : (tensor<1x4x5x8xf32>, tensor<1x4x8x6xf32>) -> tensor<1x4x5x6xf32>
  %w = nn.softmax %p {axis = 3 : i64} : (tensor<1x4x5x6xf32>) -> tensor<1x4x5x6xf32>
  %y = nn.matmul %w, %v2 : (tensor<1x4x5x6xf32>, tensor<1x4x6x8xf32>) -> tensor<1x4x5x8xf32>
  return %y : tensor<1x4x5x8xf32>
}
// -----
// ViT: query, key and value are parts of one product.
// CHECK-LABEL: @parts
// CHECK-NOT:     nn.transpose %arg0
// CHECK:         %[[S:.*]] = nn.slice %arg0, {{.*}} -> tensor<1x5x1x2x8xf32>
// CHECK:         %[[R:.*]] = nn.reshape %[[S]], {{.*}} -> tensor<1x5x2x8xf32>
// CHECK:         %[[Q:.*]] = nn.transpose %[[R]] {perm = array<i64: 0, 2, 1, 3>}
// CHECK:         nn.attention {{.*}}%[[Q]]
func.func @parts(%x: tensor<1x5x3x2x8xf32>) -> tensor<1x2x5x8xf32> {
  %0 = nn.constant dense<0> : tensor<1xi64>
  %1 = nn.constant dense<1> : tensor<1xi64>
  %2 = nn.constant dense<2> : tensor<1xi64>
  %3 = nn.constant dense<3> : tensor<1xi64>
  %shape = nn.constant dense<[1, 2, 5, 8]> : tensor<4xi64>
  %all = nn.transpose %x {perm = array<i64: 2, 0, 3, 1, 4>} : (tensor<1x5x3x2x8xf32>) -> tensor<3x1x2x5x8xf32>
  %q0 = nn.slice %all, %0, %1, %0, %1 : (tensor<3x1x2x5x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x1x2x5x8xf32>
  %k0 = nn.slice %all, %1, %2, %0, %1 : (tensor<3x1x2x5x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x1x2x5x8xf32>
  %v0 = nn.slice %all, %2, %3, %0, %1 : (tensor<3x1x2x5x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x1x2x5x8xf32>
  %q = nn.reshape %q0, %shape : (tensor<1x1x2x5x8xf32>, tensor<4xi64>) -> tensor<1x2x5x8xf32>
  %k = nn.reshape %k0, %shape : (tensor<1x1x2x5x8xf32>, tensor<4xi64>) -> tensor<1x2x5x8xf32>
  %v = nn.reshape %v0, %shape : (tensor<1x1x2x5x8xf32>, tensor<4xi64>) -> tensor<1x2x5x8xf32>
  %t = nn.transpose %k {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x8xf32>) -> tensor<1x2x8x5xf32>
  %p = nn.matmul %q, %t : (tensor<1x2x5x8xf32>, tensor<1x2x8x5xf32>) -> tensor<1x2x5x5xf32>
  %w = nn.softmax %p {axis = 3 : i64} : (tensor<1x2x5x5xf32>) -> tensor<1x2x5x5xf32>
  %y = nn.matmul %w, %v : (tensor<1x2x5x5xf32>, tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32>
  return %y : tensor<1x2x5x8xf32>
}
// -----
// Scores or weights that the model gives out as well; a soft-max over queries; f64.
// CHECK-LABEL: @refused
// CHECK-NOT:     nn.attention
// CHECK:         return
func.func @refused(%q: tensor<2x5x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x4xf32>) -> (tensor<2x5x4xf32>, tensor<2x5x6xf32>, tensor<2x5x4xf32>, tensor<2x5x6xf32>, tensor<2x5x4xf32>) {
  %p = nn.matmul %q, %k : (tensor<2x5x8xf32>, tensor<2x8x6xf32>) -> tensor<2x5x6xf32>
  %w = nn.softmax %p {axis = 2 : i64} : (tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %y = nn.matmul %w, %v : (tensor<2x5x6xf32>, tensor<2x6x4xf32>) -> tensor<2x5x4xf32>
  %r = nn.matmul %q, %k : (tensor<2x5x8xf32>, tensor<2x8x6xf32>) -> tensor<2x5x6xf32>
  %u = nn.softmax %r {axis = 2 : i64} : (tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %x = nn.matmul %u, %v : (tensor<2x5x6xf32>, tensor<2x6x4xf32>) -> tensor<2x5x4xf32>
  %o = nn.matmul %q, %k : (tensor<2x5x8xf32>, tensor<2x8x6xf32>) -> tensor<2x5x6xf32>
  %l = nn.softmax %o {axis = 1 : i64} : (tensor<2x5x6xf32>) -> tensor<2x5x6xf32>
  %z = nn.matmul %l, %v : (tensor<2x5x6xf32>, tensor<2x6x4xf32>) -> tensor<2x5x4xf32>
  return %y, %p, %x, %u, %z : tensor<2x5x4xf32>, tensor<2x5x6xf32>, tensor<2x5x4xf32>, tensor<2x5x6xf32>, tensor<2x5x4xf32>
}
