// Between elements of less than a byte as a caller stores them and as kernels do.
#ifndef NNCC_NN_PACK
#define NNCC_NN_PACK

include "dialects/nn/NNBase.td"

def NN_Bytes : RankedTensorOf<[UI8]>;

def NN_UnpackOp : NN_Op<"unpack"> {
  let summary = "Elements of `to` in row-major order, out of bytes that hold several";
  let description = [{
    Element i has the bits [i * width, (i + 1) * width) of the bytes, the lowest first.
    ```mlir
    %x = nn.unpack %bytes, %shape {to = i4} : (tensor<8xui8>, tensor<2xi64>) -> tensor<3x5xi4>
    ```
  }];
  let arguments = (ins NN_Bytes:$bytes, NN_IndexTensor:$shape, TypeAttr:$to);
  let results = (outs NN_NumberTensor:$result);
}

def NN_PackOp : NN_Op<"pack"> {
  let summary = "The bytes of which nn.unpack makes the operand; unused bits are 0";
  let arguments = (ins NN_NumberTensor:$operand);
  let results = (outs NN_Bytes:$result);
}

#endif
