// RUN: %nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/patterns.pdll | FileCheck %s
// RUN: %nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/patterns.pdll --remark-format=emitRemark --remarks-filter=.* 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK
// RUN: not %nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/patterns-bad.pdll 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not %nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/nowhere.pdll 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not %nncc-opt %s --nncc-apply-patterns 2>&1 | FileCheck %s --check-prefix=OPTION

// BAD: patterns-bad.pdll:6:14: error: unknown operation 'nn.rleu' in a pattern
// BAD: patterns-bad.pdll:7:3: error: unknown native constraint 'IsOdd' in a pattern
// NONE: error: cannot read the pattern file '{{.*}}nowhere.pdll': no such file
// OPTION: error: nncc-apply-patterns needs its option 'file'
// REMARK: 4 rewrites by the patterns of {{.*}}patterns.pdll

// CHECK-LABEL: @is_splat
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK: return %[[X]]
func.func @is_splat(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = nn.constant dense<0.0> : tensor<4xf32>
  %r = nn.add %x, %zero : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// CHECK-LABEL: @is_constant
// CHECK: nn.add
// CHECK: nn.mul
func.func @is_constant(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %c = nn.constant dense<3.0> : tensor<4xf32>
  %0 = nn.mul %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.mul %0, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @has_one_use
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor
// CHECK-NEXT: %[[LOG:.*]] = nn.log %[[Y]]
// CHECK-NEXT: %[[EXP:.*]] = nn.exp %[[LOG]]
// CHECK-NEXT: return %[[X]], %[[LOG]], %[[EXP]]
func.func @has_one_use(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = nn.log %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.exp %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = nn.log %y : (tensor<4xf32>) -> tensor<4xf32>
  %3 = nn.exp %2 : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: @has_rank
// CHECK: nn.sigmoid {{.*}} : (tensor<4xf32>) -> tensor<4xf32>
// CHECK: nn.tanh {{.*}} : (tensor<2x2xf32>)
func.func @has_rank(%x: tensor<4xf32>, %y: tensor<2x2xf32>) -> (tensor<4xf32>, tensor<2x2xf32>) {
  %0 = nn.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.tanh %y : (tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0, %1 : tensor<4xf32>, tensor<2x2xf32>
}
