// RUN: nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/patterns.pdll | FileCheck %s
// RUN: not nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/patterns-bad.pdll 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not nncc-opt %s --nncc-apply-patterns=file=%S/Inputs/nowhere.pdll 2>&1 | FileCheck %s --check-prefix=NONE

// BAD: error: unknown operation or native function 'IsOdd'
// NONE: nowhere.pdll

// CHECK-LABEL: @relu_of_relu
// CHECK: %[[R:.*]] = nn.relu %arg0
// CHECK-NEXT: return %[[R]]
func.func @relu_of_relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
