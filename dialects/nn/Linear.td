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

def NN_MatMulPackedOp : NN_Op<"matmul_packed"> {
  let summary = "The product with a constant matrix of fewer bits than it is computed in";
  let description = [{
    [.., K] times a matrix [K, N], N = `columns`, that was packed at compile time into panels of 16 columns, P of
    them, the last one filled up with zeros; sums are made in the type of the lhs. With `bits` = 16 weights are bf16
    [P, K, 16]. Of 8 or 4 bits, weights are i8 [P, bytes]: blocks of `block` rows, the last one of the rest,
    ```
    scale[16] f32, zero[16] ui8, codes: rows of 16 ui8; of 4 bits two rows share one, the first in the low bits
    weight[k, n] = (code[k, n] - zero[n]) * scale[n]
    ```
  }];
  let arguments = (ins NN_FloatTensor:$lhs, NN_NumberTensor:$weights, I64Attr:$columns, I64Attr:$bits,
                       I64Attr:$block);
  let results = (outs NN_FloatTensor:$result);
}

#endif
