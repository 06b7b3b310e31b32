// The types of a model's values that are no tensors of numbers. No operation of nn takes one: the
// importer makes tensors of them (compiler/import/Values.h), and the program's attributes `nn.inputs`
// and `nn.outputs` tell which of its tensors were one value.
#ifndef NNCC_NN_VALUES_TD
#define NNCC_NN_VALUES_TD

include "mlir/IR/AttrTypeBase.td"
include "dialects/nn/NNBase.td"

def NN_StringType : TypeDef<NN_Dialect, "String"> {
  let mnemonic = "string";
  let summary = "A string of UTF-8, as an element of a tensor";
}

def NN_SequenceType : TypeDef<NN_Dialect, "Sequence"> {
  let mnemonic = "sequence";
  let summary = "A sequence of tensors";
  let description = [{
    `!nn.sequence<tensor<?x4xf32>>`: what is known of all tensors in it, `tensor<*xf32>` where they may have different
    numbers of dims; `!nn.sequence<f32>` where there is none yet.
  }];
  let parameters = (ins "::mlir::Type":$tensor);
  let assemblyFormat = "`<` $tensor `>`";
}

def NN_OptionalType : TypeDef<NN_Dialect, "Optional"> {
  let mnemonic = "optional";
  let summary = "A tensor, or a sequence, or nothing";
  let parameters = (ins "::mlir::Type":$value);
  let assemblyFormat = "`<` $value `>`";
}

#endif
