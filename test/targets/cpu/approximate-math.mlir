// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-approximate-math))" | FileCheck %s --check-prefix=OPS
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-approximate-math,convert-vector-to-scf),convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,finalize-memref-to-llvm,convert-arith-to-llvm,convert-ub-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)" \
// RUN:   | mlir-runner -e main -entry-point-result=void -shared-libs=%llvm/lib/libmlir_c_runner_utils.so | FileCheck %s

// No function of f32 is left; those of f64 are.
// OPS-LABEL: @functions
// OPS-NOT: math.{{(exp|exp2|expm1|log|log2|log10|log1p|powf|sin|cos|tan|sinh|cosh|tanh|asin|acos|atan|asinh|acosh|atanh|erf|erfc) }}
// OPS-LABEL: @wide
// OPS: math.exp {{.*}} : f64
func.func @main() {
  %x = arith.constant dense<[0.0, -0.0, 1.0, -2.5, 0x7F800000, 0xFF800000, 0x7FC00000, -103.5]> : vector<8xf32>
  %unit = arith.constant dense<[0.0, -0.0, 1.0, -0.5, 2.0, -2.0, 0x7FC00000, 0.25]> : vector<8xf32>
  %y = arith.constant dense<[0.0, -3.0, 5.0, 3.0, -1.0, 3.0, 0.0, 0.5]> : vector<8xf32>
  // Tiny arguments of log, which are no normal numbers; great ones of sin.
  %tiny = arith.constant dense<[1.0e-40, 1.4e-45, 1.1e-38, 1.0, 10.0, 0.0, -1.0, 0x7F800000]> : vector<8xf32>
  %great = arith.constant dense<[1.0e5, 1.0e10, -1.0e20, 3.0e38, 0x7F800000, 0x7FC00000, 2.0, 1.5]> : vector<8xf32>
  %below = arith.constant dense<[0.0, -0.0, -1.0, -2.5, -87.0213, 0xFF800000, 0x7FC00000, -88.5]> : vector<8xf32>
  %half = arith.constant 0.5 : f32
  call @functions(%x, %unit, %y, %tiny, %great, %below, %half) : (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, f32) -> ()
  return
}

// Of arguments, because functions of constants fold.
func.func @functions(%x: vector<8xf32>, %unit: vector<8xf32>, %y: vector<8xf32>, %tiny: vector<8xf32>, %great: vector<8xf32>, %below: vector<8xf32>, %half: f32) {

  // CHECK: ( 1, 1, 2.71828, 0.082085, inf, 0, {{-?}}nan, 1.4013e-45 )
  %exp = math.exp %x : vector<8xf32>
  vector.print %exp : vector<8xf32>
  // CHECK-NEXT: ( 1, 1, 2, 0.176777, inf, 0, {{-?}}nan, 6.97261e-32 )
  %exp2 = math.exp2 %x : vector<8xf32>
  vector.print %exp2 : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 1.71828, -0.917915, inf, -1, {{-?}}nan, -1 )
  %expm1 = math.expm1 %x : vector<8xf32>
  vector.print %expm1 : vector<8xf32>
  // CHECK-NEXT: ( -92.1034, -103.279, -87.4029, 0, 2.30259, -inf, {{-?}}nan, inf )
  %log = math.log %tiny : vector<8xf32>
  vector.print %log : vector<8xf32>
  // CHECK-NEXT: ( -132.877, -149, -126.096, 0, 3.32193, -inf, {{-?}}nan, inf )
  %log2 = math.log2 %tiny : vector<8xf32>
  vector.print %log2 : vector<8xf32>
  // CHECK-NEXT: ( -40, -44.8535, -37.9586, 0, 1, -inf, {{-?}}nan, inf )
  %log10 = math.log10 %tiny : vector<8xf32>
  vector.print %log10 : vector<8xf32>
  // CHECK-NEXT: ( 0.0357488, -0.487506, -0.656577, 0.874905, {{-?}}nan, {{-?}}nan, 0.909297, 0.997495 )
  %sin = math.sin %great : vector<8xf32>
  vector.print %sin : vector<8xf32>
  // CHECK-NEXT: ( -0.999361, 0.87312, 0.754259, -0.484295, {{-?}}nan, {{-?}}nan, -0.416147, 0.0707372 )
  %cos = math.cos %great : vector<8xf32>
  vector.print %cos : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 1.55741, 0.747022, {{-?}}nan, {{-?}}nan, {{-?}}nan, 0.174291 )
  %tan = math.tan %x : vector<8xf32>
  vector.print %tan : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 0.785398, -1.19029, 1.5708, -1.5708, {{-?}}nan, -1.56113 )
  %atan = math.atan %x : vector<8xf32>
  vector.print %atan : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 1.5708, -0.523599, {{-?}}nan, {{-?}}nan, {{-?}}nan, 0.25268 )
  %asin = math.asin %unit : vector<8xf32>
  vector.print %asin : vector<8xf32>
  // CHECK-NEXT: ( 1.5708, 1.5708, 0, 2.0944, {{-?}}nan, {{-?}}nan, {{-?}}nan, 1.31812 )
  %acos = math.acos %unit : vector<8xf32>
  vector.print %acos : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 1.1752, -6.0502, inf, -inf, {{-?}}nan, -inf )
  %sinh = math.sinh %x : vector<8xf32>
  vector.print %sinh : vector<8xf32>
  // CHECK-NEXT: ( 1, 1, 1.54308, 6.13229, inf, inf, {{-?}}nan, inf )
  %cosh = math.cosh %x : vector<8xf32>
  vector.print %cosh : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 0.761594, -0.986614, 1, -1, {{-?}}nan, -1 )
  %tanh = math.tanh %x : vector<8xf32>
  vector.print %tanh : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 0.881374, -1.64723, inf, -inf, {{-?}}nan, -5.33274 )
  %asinh = math.asinh %x : vector<8xf32>
  vector.print %asinh : vector<8xf32>
  // CHECK-NEXT: ( {{-?}}nan, {{-?}}nan, 0, {{-?}}nan, 1.31696, {{-?}}nan, {{-?}}nan, {{-?}}nan )
  %acosh = math.acosh %unit : vector<8xf32>
  vector.print %acosh : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, inf, -0.549306, {{-?}}nan, {{-?}}nan, {{-?}}nan, 0.255413 )
  %atanh = math.atanh %unit : vector<8xf32>
  vector.print %atanh : vector<8xf32>
  // CHECK-NEXT: ( 0, -0, 0.842701, -0.999593, 1, -1, {{-?}}nan, -1 )
  %erf = math.erf %x : vector<8xf32>
  vector.print %erf : vector<8xf32>
  // CHECK-NEXT: ( 1, -inf, 1, -15.625, 0, -inf, 1, {{-?}}nan )
  %pow = math.powf %x, %y : vector<8xf32>
  vector.print %pow : vector<8xf32>
  // Powers that are not positive: nothing below the normal numbers.
  // CHECK-NEXT: ( 1, 1, 0.367879, 0.082085, 1.61112e-38, 0, {{-?}}nan, 0 )
  %power = math.exp %below fastmath<ninf, afn> : vector<8xf32>
  vector.print %power : vector<8xf32>
  // Sums in which such a power is lost leave it open.
  // CHECK-NEXT: ( 1, 1, 0.367879, 0.082085, 1.64581e-38, 1.64581e-38, {{-?}}nan, 1.64581e-38 )
  %lost = math.exp %below fastmath<afn> : vector<8xf32>
  vector.print %lost : vector<8xf32>
  // Scalars take the same way.
  // CHECK-NEXT: 0.479426
  %scalar = math.sin %half : f32
  vector.print %scalar : f32
  return
}

func.func @wide(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  return %0 : f64
}

// Where NaN may be passed over, the larger number is one comparison.
// OPS-LABEL: @maxima
// OPS-SAME: %[[X:.*]]: vector<8xf32>, %[[Y:.*]]: vector<8xf32>
// OPS: %[[LARGER:.*]] = arith.cmpf ogt, %[[X]], %[[Y]]
// OPS: %[[MAX:.*]] = arith.select %[[LARGER]], %[[X]], %[[Y]]
// OPS: arith.maximumf %[[MAX]], %[[Y]]
func.func @maxima(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %0 = arith.maximumf %x, %y fastmath<nnan> : vector<8xf32>
  %1 = arith.maximumf %0, %y : vector<8xf32>
  return %1 : vector<8xf32>
}
