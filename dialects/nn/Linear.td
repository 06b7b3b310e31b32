// Matrix products.
#ifndef NNCC_NN_LINEAR
#define NNCC_NN_LINEAR

include "dialects/nn/NNBase.td"

def NN_MatMulOp : NN_Op<"matmul"> {
  let summary = "The matrix product, as NumPy's matmul";
  let description = [{
    Leading dims broadcast; an operand of rank 1 is a row (lhs) or a column (rhs) whose dim is dropped
    from the result. Operands and result are of one type, or lhs and rhs ui8 and i8 and the result i32. Sums of integers
    wrap. ONNX MatMul, MatMulInteger.
    ```mlir
    %c = nn.matmul %a, %b : (tensor<2x5x8xf32>, tensor<8x4xf32>) -> tensor<2x5x4xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
}

#endif
