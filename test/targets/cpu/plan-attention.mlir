// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention))" | FileCheck %s
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention{registers=16 register-bytes=32}))" | FileCheck %s --check-prefix=AVX2

// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention{l1-bytes=1024}))" | FileCheck %s --check-prefix=SMALL
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention{l1-bytes=1073741824}))" | FileCheck %s --check-prefix=LARGE

// Never more panels than a tile may have.
// RUN: nncc-opt %s --split-input-file --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention{registers=80 register-bytes=64}))" -o /dev/null

// BERT: the heads of query, key, value and result lie beside one another. A unit is a head.
// CHECK-LABEL: @bert
// CHECK: plan = #kern.attention_plan<queries = 3, keys = 8, key_block = 128, rows = 8, panels = 2, unit_blocks = 3, in_place = false>
// Two registers a panel and 12 for the sums.
// AVX2-LABEL: @bert
// AVX2: plan = #kern.attention_plan<queries = {{[1-3]}}, keys = {{[1-6]}}, key_block = 128, rows = {{[1-4]}}, panels = {{[1-6]}},
func.func @bert(%q: tensor<1x128x12x64xf32>, %k: tensor<1x128x12x64xf32>, %v: tensor<1x128x12x64xf32>, %m: tensor<1x1x1x128xf32>) -> tensor<1x128x12x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x12x128x64xf32>
  %tq = linalg.transpose ins(%q : tensor<1x128x12x64xf32>) outs(%e : tensor<1x12x128x64xf32>) permutation = [0, 2, 1, 3]
  %tk = linalg.transpose ins(%k : tensor<1x128x12x64xf32>) outs(%e : tensor<1x12x128x64xf32>) permutation = [0, 2, 1, 3]
  %tv = linalg.transpose ins(%v : tensor<1x128x12x64xf32>) outs(%e : tensor<1x12x128x64xf32>) permutation = [0, 2, 1, 3]
  %y = kern.attention ins(%tq, %tk, %tv : tensor<1x12x128x64xf32>, tensor<1x12x128x64xf32>, tensor<1x12x128x64xf32>) mask(%m : tensor<1x1x1x128xf32>) outs(%e : tensor<1x12x128x64xf32>) {scale = 0.125 : f32} -> tensor<1x12x128x64xf32>
  %o = tensor.empty() : tensor<1x128x12x64xf32>
  %r = linalg.transpose ins(%y : tensor<1x12x128x64xf32>) outs(%o : tensor<1x128x12x64xf32>) permutation = [0, 2, 1, 3]
  return %r : tensor<1x128x12x64xf32>
}

// -----

// One query: keys and values are read in place.
// CHECK-LABEL: @one
// CHECK: unit_blocks = 1, in_place = true
// AVX2-LABEL: @one
func.func @one(%q: tensor<2x4x1x32xf32>, %k: tensor<2x2x128x32xf32>, %v: tensor<2x2x128x32xf32>) -> tensor<2x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<2x4x1x32xf32>
  %y = kern.attention ins(%q, %k, %v : tensor<2x4x1x32xf32>, tensor<2x2x128x32xf32>, tensor<2x2x128x32xf32>) outs(%e : tensor<2x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<2x4x1x32xf32>
  return %y : tensor<2x4x1x32xf32>
}

// -----

// Scores of all keys are too many for the L1 cache: blocks of keys.
// CHECK-LABEL: @long
// CHECK: plan = #kern.attention_plan<queries = 3, keys = 8, key_block = 128, rows = 8, panels = 2, unit_blocks = 8, in_place = false>
// AVX2-LABEL: @long
// SMALL-LABEL: @long
// SMALL: key_block = 16,
// LARGE-LABEL: @long
// LARGE: key_block = 1504,
// LARGE-LABEL: @open
// LARGE: key_block = 16384,
func.func @long(%q: tensor<1x6x1500x64xf32>) -> tensor<1x6x1500x64xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x6x1500x64xf32>
  %y = kern.attention ins(%q, %q, %q : tensor<1x6x1500x64xf32>, tensor<1x6x1500x64xf32>, tensor<1x6x1500x64xf32>) outs(%e : tensor<1x6x1500x64xf32>) {scale = 1.0 : f32} -> tensor<1x6x1500x64xf32>
  return %y : tensor<1x6x1500x64xf32>
}

// -----

// Blocks of a fixed size where a run tells the number of keys.
// CHECK-LABEL: @open
// CHECK: key_block = {{[0-9]+}}, rows = 8, panels = 2,
func.func @open(%q: tensor<1x6x?x64xf32>, %n: index) -> tensor<1x6x?x64xf32> attributes {rt.kernel} {
  %e = tensor.empty(%n) : tensor<1x6x?x64xf32>
  %y = kern.attention ins(%q, %q, %q : tensor<1x6x?x64xf32>, tensor<1x6x?x64xf32>, tensor<1x6x?x64xf32>) outs(%e : tensor<1x6x?x64xf32>) {scale = 1.0 : f32} -> tensor<1x6x?x64xf32>
  return %y : tensor<1x6x?x64xf32>
}

// -----

// Nothing to compute.
// CHECK-LABEL: @empty
// AVX2-LABEL: @empty
func.func @empty(%q: tensor<0x4x1x32xf32>) -> tensor<0x4x1x32xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<0x4x1x32xf32>
  %y = kern.attention ins(%q, %q, %q : tensor<0x4x1x32xf32>, tensor<0x4x1x32xf32>, tensor<0x4x1x32xf32>) outs(%e : tensor<0x4x1x32xf32>) {scale = 1.0 : f32} -> tensor<0x4x1x32xf32>
  return %y : tensor<0x4x1x32xf32>
}
