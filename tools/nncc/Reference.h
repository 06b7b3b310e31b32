// Where reference results come from.
#pragma once

#include "tools/nncc/Tensor.h"

#include "llvm/ADT/ArrayRef.h"

namespace nncc::tool {

/// The tensors of an .npz, of a folder of NAME.npy or output_N.pb, or of the folder
/// "test_data_set_0"-style test of ONNX. `names` are the outputs in the model's order, which gives
/// the N its meaning; files of other tensors are left alone.
llvm::Expected<std::vector<Tensor>> readReference(const std::string &path,
                                                  llvm::ArrayRef<std::string> names);

/// What ONNX Runtime computes: `names`, outputs or any other values of the graph of the .onnx file
/// `model`. Runs the Python interpreter `python`, which must be able to import onnxruntime.
llvm::Expected<std::vector<Tensor>> runOnnxRuntime(const std::string &python,
                                                   const std::string &model,
                                                   llvm::ArrayRef<Tensor> inputs,
                                                   llvm::ArrayRef<std::string> names);

} // namespace nncc::tool
