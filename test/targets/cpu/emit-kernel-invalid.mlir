// RUN: %nncc-opt --nncc-cpu-emit-kernel --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expects a kernel on tensors of sizes that are constants or expressions over symbols, found 'tensor<?xf32>'}}
func.func @dynamic(%a: tensor<?xf32>) -> tensor<?xf32> attributes {rt.kernel} {
  return %a : tensor<?xf32>
}

// -----

// expected-error @+1 {{a kernel cannot store elements of type 'index'}}
func.func @unknown(%a: tensor<4xf32>, %i: tensor<2xindex>) -> tensor<4xf32> attributes {rt.kernel} {
  return %a : tensor<4xf32>
}

// -----

func.func @generate() -> tensor<4xf32> attributes {rt.kernel} {
  // expected-error @+1 {{cannot be scheduled in a kernel}}
  %0 = tensor.generate {
  ^bb0(%i: index):
    %c = arith.constant 1.0 : f32
    tensor.yield %c : f32
  } : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @two_roots(%a: tensor<1x4x4x16xf32>) -> tensor<1x4x4x16xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x4x4x16xf32>
  // expected-error @+1 {{is not the only root of its kernel}}
  %0 = kern.window max ins(%a : tensor<1x4x4x16xf32>) extras() outs(%e : tensor<1x4x4x16xf32>)
      kernel [1, 1] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x4x4x16xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0 : tensor<1x4x4x16xf32>) outs(%e : tensor<1x4x4x16xf32>) {
  ^bb0(%x: f32, %o: f32):
    %n = arith.negf %x : f32
    linalg.yield %n : f32
  } -> tensor<1x4x4x16xf32>
  return %1 : tensor<1x4x4x16xf32>
}

// -----

#open = affine_map<()[s0] -> (s0)>
func.func @data_dependent_pad(%a: tensor<?xf32, #open>, %n: tensor<1xi64>) -> tensor<?xf32, affine_map<()[s0] -> (s0 + 1)>> attributes {rt.kernel} {
  %zero = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %i = tensor.extract %n[%zero] : tensor<1xi64>
  %low = arith.index_cast %i : i64 to index
  // expected-error @+1 {{expects padding that is constant or an expression over symbols}}
  %0 = tensor.pad %a low[%low] high[0] {
  ^bb0(%d: index):
    tensor.yield %z : f32
  } : tensor<?xf32, #open> to tensor<?xf32, affine_map<()[s0] -> (s0 + 1)>>
  return %0 : tensor<?xf32, affine_map<()[s0] -> (s0 + 1)>>
}

// -----

func.func @data_dependent_slice(%a: tensor<9xf32>, %n: tensor<1xi64>) -> tensor<4xf32> attributes {rt.kernel} {
  %zero = arith.constant 0 : index
  %i = tensor.extract %n[%zero] : tensor<1xi64>
  %at = arith.index_cast %i : i64 to index
  // expected-error @+1 {{expects offsets and strides that are constant or expressions over symbols}}
  %0 = tensor.extract_slice %a[%at] [4] [1] : tensor<9xf32> to tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

#x = affine_map<()[s0] -> (8, s0)>
func.func @open_channels(%x: tensor<8x?xf32, #x>) -> tensor<6x?xf32, affine_map<()[s0] -> (6, s0)>> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %y = tensor.empty(%n) : tensor<6x?xf32, affine_map<()[s0] -> (6, s0)>>
  // expected-error @below {{expects a constant number of channels, at constant distances, found 'tensor<6x?xf32}}
  %0 = kern.window max ins(%x : tensor<8x?xf32, #x>) extras() outs(%y : tensor<6x?xf32, affine_map<()[s0] -> (6, s0)>>)
      kernel [3] strides [1] dilations [1] pads [0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<6x?xf32, affine_map<()[s0] -> (6, s0)>>
  return %0 : tensor<6x?xf32, affine_map<()[s0] -> (6, s0)>>
}

// -----

// Neither the rows nor the columns of b are neighbours in memory.
#a = affine_map<()[s0, s1, s2] -> (s2, 4, s0)>
#b = affine_map<()[s0, s1, s2] -> (s0, s1, s2)>
#t = affine_map<()[s0, s1, s2] -> (s2, s0, s1)>
#y = affine_map<()[s0, s1, s2] -> (s2, 4, s1)>
#plan = #kern.plan<rows = 2, panels = 2, k_blocks = 1, unit_tiles = 2, unroll = 4, n_slow = true>
func.func @open_distances(%x: tensor<?x4x?xf32, #a>, %w: tensor<?x?x?xf32, #b>) -> tensor<?x4x?xf32, #y> attributes {rt.kernel} {
  %n = rt.symbol 0 : index
  %e = tensor.empty(%n, %n, %n) : tensor<?x?x?xf32, #t>
  %t = linalg.transpose ins(%w : tensor<?x?x?xf32, #b>) outs(%e : tensor<?x?x?xf32, #t>) permutation = [2, 0, 1]
  %y = tensor.empty(%n, %n) : tensor<?x4x?xf32, #y>
  // expected-error @below {{expects the columns or the rows of b at a constant distance}}
  %0 = kern.contract plain ins(%x, %t : tensor<?x4x?xf32, #a>, tensor<?x?x?xf32, #t>) extras() outs(%y : tensor<?x4x?xf32, #y>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x4x?xf32, #y>
  return %0 : tensor<?x4x?xf32, #y>
}

// -----

func.func @uninitialised(%x: tensor<4xf32>) -> tensor<4xf32> attributes {rt.kernel} {
  %w = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // expected-error @+1 {{reads a tensor that nothing has written}}
  %0 = linalg.add ins(%x, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @uninitialised_sum(%x: tensor<4x9xf32>) -> tensor<4xf32> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<4xf32>
  // expected-error @+1 {{reads a tensor that nothing has written}}
  %0 = linalg.reduce {arith.addf} ins(%x : tensor<4x9xf32>) outs(%e : tensor<4xf32>) dimensions = [1]
  return %0 : tensor<4xf32>
}

// -----

func.func @uninitialised_result() -> tensor<4xf32> attributes {rt.kernel} {
  // expected-error @+1 {{reads a tensor that nothing has written}}
  %e = tensor.empty() : tensor<4xf32>
  return %e : tensor<4xf32>
}

// -----

#plan = #kern.plan<rows = 3, panels = 1, k_blocks = 2, unit_tiles = 1, unroll = 4, n_slow = true>
func.func @blocks(%x: tensor<3x16xui8>, %w: tensor<1x4x16x4xi8>) -> tensor<3x16xi8> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<3x16xi8>
  // expected-error @+1 {{expects a reduction in one block where init cannot hold sums of 'i32'}}
  %0 = kern.contract packed ins(%x, %w : tensor<3x16xui8>, tensor<1x4x16x4xi8>) extras() outs(%y : tensor<3x16xi8>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: i32):
    %low = arith.trunci %acc : i32 to i8
    kern.yield %low : i8
  } -> tensor<3x16xi8>
  return %0 : tensor<3x16xi8>
}

// -----

func.func @signed_weights(%x: tensor<1x6x6x8xi8>, %w: tensor<3x3x8xi8>) -> tensor<1x4x4x8xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<1x4x4x8xf32>
  // expected-error @+1 {{has no schedule for weights of type 'i8'}}
  %0 = kern.window depthwise ins(%x, %w : tensor<1x6x6x8xi8>, tensor<3x3x8xi8>) extras() outs(%y : tensor<1x4x4x8xf32>)
      kernel [3, 3] strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] maps [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<1x4x4x8xf32>
  return %0 : tensor<1x4x4x8xf32>
}

// -----

#plan = #kern.plan<rows = 2, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = true, prefetches = 1>
func.func @ahead(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<4x16xf32>
  // expected-error @+1 {{expects no prefetches but of packed weights of constant size}}
  %0 = kern.contract plain ins(%x, %w : tensor<4x8xf32>, tensor<8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

#plan = #kern.plan<rows = 2, panels = 1, k_blocks = 1, unit_tiles = 1, unroll = 4, n_slow = true, lead = 8>
func.func @lead(%x: tensor<4x8xf32>, %w: tensor<8x16xf32>) -> tensor<4x16xf32> attributes {rt.kernel} {
  %y = tensor.empty() : tensor<4x16xf32>
  // expected-error @+1 {{expects no lead but of packed weights}}
  %0 = kern.contract plain ins(%x, %w : tensor<4x8xf32>, tensor<8x16xf32>) extras() outs(%y : tensor<4x16xf32>)
      strides [] dilations [] pads [] maps [] attributes {plan = #plan} {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

func.func @attention_of_halves(%q: tensor<1x4x32x16xf16>) -> tensor<1x4x32x16xf16> attributes {rt.kernel} {
  %e = tensor.empty() : tensor<1x4x32x16xf16>
  // expected-error @below {{expects operands of f32 on a processor, found 'f16'}}
  %y = kern.attention ins(%q, %q, %q : tensor<1x4x32x16xf16>, tensor<1x4x32x16xf16>, tensor<1x4x32x16xf16>) outs(%e : tensor<1x4x32x16xf16>) {scale = 1.0 : f32} -> tensor<1x4x32x16xf16>
  return %y : tensor<1x4x32x16xf16>
}
