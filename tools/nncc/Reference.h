// Where reference results come from.
#pragma once

#include "tools/nncc/Value.h"

#include "llvm/ADT/ArrayRef.h"

namespace nncc::tool {

/// The values of an .npz, of a folder of NAME.npy, NAME.pb or output_N.pb, or of the folder
/// "test_data_set_0"-style test of ONNX. `results` are the model's in its order, which gives the N
/// its meaning, and say what a .pb holds; files of other values are left alone.
llvm::Expected<std::vector<Value>> readReference(const std::string &path,
                                                 llvm::ArrayRef<Value> results);

/// What ONNX Runtime computes for `results`, outputs or any other values of the graph of the .onnx
/// file `model`. Runs the Python interpreter `python`, which must be able to import onnxruntime.
/// For values that are no tensors of numbers it must be able to import onnx as well.
llvm::Expected<std::vector<Value>> runOnnxRuntime(const std::string &python,
                                                  const std::string &model,
                                                  llvm::ArrayRef<Value> inputs,
                                                  llvm::ArrayRef<Value> results);

} // namespace nncc::tool
