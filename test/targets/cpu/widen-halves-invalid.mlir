// RUN: nncc-opt %s --verify-diagnostics --pass-pipeline="builtin.module(nncc-cpu-widen-halves)"

func.func @computed(%x: tensor<4x4xf16>, %w: tensor<4x4xf16>) -> tensor<4x4xf16> {
  %0 = rt.dispatch @product(%x, %w) : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  return %0 : tensor<4x4xf16>
}
module @product {
  func.func @product(%a: tensor<4x4xf16>, %b: tensor<4x4xf16>) -> tensor<4x4xf16> attributes {rt.kernel} {
    %e = tensor.empty() : tensor<4x4xf16>
    %n = arith.negf %a : tensor<4x4xf16>
    // expected-error @below {{reads something else than arguments as they are stored}}
    %0 = kern.contract plain ins(%n, %b : tensor<4x4xf16>, tensor<4x4xf16>) extras() outs(%e : tensor<4x4xf16>)
        strides [] dilations [] pads [] maps [] {
    ^bb0(%acc: f32):
      %r = arith.truncf %acc : f32 to f16
      kern.yield %r : f16
    } -> tensor<4x4xf16>
    return %0 : tensor<4x4xf16>
  }
}
