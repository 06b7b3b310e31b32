// Between floats and small integers that stand for them: x = (q - zero_point) * scale.
#ifndef NNCC_NN_QUANT
#define NNCC_NN_QUANT

include "dialects/nn/NNBase.td"

/// Elementwise on operands of different types, which broadcast.
class NN_Quant<string mnemonic, string text> : NN_Op<mnemonic, [DeclareOpInterfaceMethods<ScalarOpInterface>]> {
  let summary = text;
  let extraClassDefinition = [{
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>> $cppClass::lower(::mlir::OpBuilder &b) {
      return ::nncc::nn::lowerElementwise(*this, b);
    }
  }];
}

def NN_QuantizeOp : NN_Quant<"quantize", "round(x / scale) + zero_point, in the type of the zero point"> {
  let description = [{
    Halves round to even; what the type cannot hold becomes its smallest or largest value. Scale and
    zero point broadcast: one of each, or one per channel or block. Floats of 8 bits and less are rounded once, by
    the conversion; `wide`: see nn.cast. With `by_reciprocal` it is x * (1 / scale), which differs where x / scale is all but
    half-way between two integers. ONNX QuantizeLinear.
    ```mlir
    %q = nn.quantize %x, %scale, %zero : (tensor<2x3xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x3xui8>
    ```
  }];
  let arguments = (ins NN_Tensor:$operand, NN_FloatTensor:$scale, NN_NumberTensor:$zero_point,
                       UnitAttr:$wide, UnitAttr:$by_reciprocal);
  let results = (outs NN_NumberTensor:$result);
}

def NN_DequantizeOp : NN_Quant<"dequantize", "(x - zero_point) * scale, in the type of the scale"> {
  let description = "Scale and zero point broadcast. ONNX DequantizeLinear.";
  let arguments = (ins NN_NumberTensor:$operand, NN_FloatTensor:$scale, NN_NumberTensor:$zero_point);
  let results = (outs NN_FloatTensor:$result);
}

#endif
