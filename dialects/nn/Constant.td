// Values known at compile time.
#ifndef NNCC_NN_CONSTANT
#define NNCC_NN_CONSTANT

include "dialects/nn/NNBase.td"

def NN_ConstantOp : NN_Op<"constant", [ConstantLike]> {
  let summary = "A tensor known at compile time";
  let description = [{
    `nn.constant dense<1.0> : tensor<4xf32>`; large ones are `dense_resource`, which refers to the
    mapped model file and is not copied.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value), [{
    $_state.getOrAddProperties<Properties>().value = value;
    $_state.addTypes(value.getShapedType());
  }]>];
  let skipDefaultBuilders = 1;
}

#endif
