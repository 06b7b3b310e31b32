// RUN: %nncc-opt %s | %nncc-opt | FileCheck %s

// CHECK-LABEL: @exp_0
// CHECK: nn.exp %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @exp_0(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @log_1
// CHECK: nn.log %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @log_1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.log %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @sqrt_2
// CHECK: nn.sqrt %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @sqrt_2(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sqrt %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @sin_3
// CHECK: nn.sin %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @sin_3(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @cos_4
// CHECK: nn.cos %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @cos_4(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.cos %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @tan_5
// CHECK: nn.tan %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @tan_5(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.tan %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @asin_6
// CHECK: nn.asin %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @asin_6(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.asin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @acos_7
// CHECK: nn.acos %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @acos_7(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.acos %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @atan_8
// CHECK: nn.atan %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @atan_8(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.atan %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @sinh_9
// CHECK: nn.sinh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @sinh_9(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sinh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @cosh_10
// CHECK: nn.cosh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @cosh_10(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.cosh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @asinh_11
// CHECK: nn.asinh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @asinh_11(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.asinh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @acosh_12
// CHECK: nn.acosh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @acosh_12(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.acosh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @atanh_13
// CHECK: nn.atanh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @atanh_13(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.atanh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @tanh_14
// CHECK: nn.tanh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @tanh_14(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @erf_15
// CHECK: nn.erf %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @erf_15(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.erf %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @floor_16
// CHECK: nn.floor %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @floor_16(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.floor %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @ceil_17
// CHECK: nn.ceil %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @ceil_17(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.ceil %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @round_18
// CHECK: nn.round %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @round_18(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.round %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @neg_19
// CHECK: nn.neg %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @neg_19(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @abs_20
// CHECK: nn.abs %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @abs_20(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @sign_21
// CHECK: nn.sign %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @sign_21(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.sign %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @reciprocal_22
// CHECK: nn.reciprocal %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @reciprocal_22(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.reciprocal %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @isnan_23
// CHECK: nn.isnan %{{.*}} : (tensor<4xf32>) -> tensor<4xi1>
func.func @isnan_23(%x: tensor<4xf32>) -> tensor<4xi1> {
  %0 = nn.isnan %x : (tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @isinf_24
// CHECK: nn.isinf %{{.*}} {negative} : (tensor<4xf32>) -> tensor<4xi1>
func.func @isinf_24(%x: tensor<4xf32>) -> tensor<4xi1> {
  %0 = nn.isinf %x {negative} : (tensor<4xf32>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @add_25
// CHECK: nn.add %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @add_25(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.add %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @sub_26
// CHECK: nn.sub %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @sub_26(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.sub %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @mul_27
// CHECK: nn.mul %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @mul_27(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.mul %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @max_28
// CHECK: nn.max %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @max_28(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.max %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @min_29
// CHECK: nn.min %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @min_29(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.min %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @div_30
// CHECK: nn.div %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @div_30(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.div %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @pow_31
// CHECK: nn.pow %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @pow_31(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.pow %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @mod_32
// CHECK: nn.mod %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @mod_32(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.mod %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @and_33
// CHECK: nn.and %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @and_33(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.and %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @or_34
// CHECK: nn.or %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @or_34(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.or %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @xor_35
// CHECK: nn.xor %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @xor_35(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.xor %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @mod_36
// CHECK: nn.mod %{{.*}}, %{{.*}} {fmod} : (tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
func.func @mod_36(%x: tensor<4xf32>, %y: tensor<2x1xf32>) -> tensor<2x4xf32> {
  %0 = nn.mod %x, %y {fmod} : (tensor<4xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: @bit_shift_37
// CHECK: nn.bit_shift left %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @bit_shift_37(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.bit_shift left %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @bit_shift_38
// CHECK: nn.bit_shift right %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
func.func @bit_shift_38(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xui8> {
  %0 = nn.bit_shift right %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @compare_39
// CHECK: nn.compare eq %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
func.func @compare_39(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xi1> {
  %0 = nn.compare eq %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @compare_40
// CHECK: nn.compare lt %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
func.func @compare_40(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xi1> {
  %0 = nn.compare lt %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @compare_41
// CHECK: nn.compare le %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
func.func @compare_41(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xi1> {
  %0 = nn.compare le %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @compare_42
// CHECK: nn.compare gt %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
func.func @compare_42(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xi1> {
  %0 = nn.compare gt %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @compare_43
// CHECK: nn.compare ge %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
func.func @compare_43(%x: tensor<4xui8>, %y: tensor<1xui8>) -> tensor<4xi1> {
  %0 = nn.compare ge %x, %y : (tensor<4xui8>, tensor<1xui8>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @not_44
// CHECK: nn.not %{{.*}} : (tensor<4xi1>) -> tensor<4xi1>
func.func @not_44(%c: tensor<4xi1>) -> tensor<4xi1> {
  %0 = nn.not %c : (tensor<4xi1>) -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// CHECK-LABEL: @where_45
// CHECK: nn.where %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @where_45(%c: tensor<4xi1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.where %c, %x, %x : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @cast_46
// CHECK: nn.cast %{{.*}} {to = ui8} : (tensor<4xf32>) -> tensor<4xui8>
func.func @cast_46(%x: tensor<4xf32>) -> tensor<4xui8> {
  %0 = nn.cast %x {to = ui8} : (tensor<4xf32>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: @bitcast
// CHECK: nn.bitcast %{{.*}} {to = i32} : (tensor<4xf32>) -> tensor<4xi32>
func.func @bitcast(%x: tensor<4xf32>) -> tensor<4xi32> {
  %0 = nn.bitcast %x {to = i32} : (tensor<4xf32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}
