// Reductions and scans over axes.
#ifndef NNCC_NN_REDUCE
#define NNCC_NN_REDUCE

include "dialects/nn/NNBase.td"

def NN_ReduceKind : I32EnumAttr<"ReduceKind", "What a reduction computes", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">,
    I32EnumAttrCase<"Max", 2, "max">, // NaN propagates
    I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Prod", 4, "prod">,
    I32EnumAttrCase<"L1", 5, "l1">, I32EnumAttrCase<"L2", 6, "l2">,
    I32EnumAttrCase<"SumSquare", 7, "sum_square">, I32EnumAttrCase<"LogSum", 8, "log_sum">,
    I32EnumAttrCase<"LogSumExp", 9, "log_sum_exp">]> {
  let cppNamespace = "::nncc::nn";
}

def NN_ReduceOp : NN_Op<"reduce"> {
  let summary = "The sum, mean, largest... element along axes";
  let description = [{
    `axes` count from the back where negative; without them all dims are reduced, and empty ones
    reduce nothing. A reduced dim becomes 1 with `keepdims` and is dropped without. ONNX
    ReduceSum, ReduceMean...
    ```mlir
    %m = nn.reduce mean %x, %axes {keepdims} : (tensor<2x8x7x7xf32>, tensor<2xi64>) -> tensor<2x8x1x1xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$operand, Optional<NN_IndexTensor>:$axes, NN_ReduceKind:$kind,
                       UnitAttr:$keepdims);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_ArgReduceKind : I32EnumAttr<"ArgReduceKind", "Which element is looked for", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Min", 1, "min">]> {
  let cppNamespace = "::nncc::nn";
}

def NN_ArgReduceOp : NN_Op<"arg_reduce"> {
  let summary = "The index of the largest or smallest element along an axis";
  let description = [{
    The first of equal ones, with `select_last` the last; a NaN counts as the largest and the
    smallest. ONNX ArgMax, ArgMin.
  }];
  let arguments = (ins NN_Tensor:$operand, NN_ArgReduceKind:$kind, I64Attr:$axis, UnitAttr:$keepdims,
                       UnitAttr:$select_last);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "$kind operands attr-dict `:` functional-type(operands, results)";
}

class NN_Scan<string mnemonic, string text> : NN_Op<mnemonic> {
  let summary = text;
  let arguments = (ins NN_Tensor:$operand, NN_IndexTensor:$axis, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs NN_Tensor:$result);
}
def NN_CumSumOp : NN_Scan<"cumsum", "The sum of all elements up to this one along an axis"> {
  let description = "`exclusive` leaves this element out, `reverse` starts at the end. ONNX CumSum.";
}
def NN_CumProdOp : NN_Scan<"cumprod", "The product of all elements up to this one along an axis"> {
  let description = "`exclusive` leaves this element out, `reverse` starts at the end. ONNX CumProd.";
}

#endif
