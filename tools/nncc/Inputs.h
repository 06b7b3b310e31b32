// What a model is run on: --input, --inputs, --random, --seed.
#pragma once

#include "tools/nncc/Model.h"

namespace nncc::tool {

struct GivenInputs {
  std::vector<Tensor> tensors; ///< in the model's order
  bool fromPb = false;         ///< they came as input_N.pb; outputs then go the same way
};

/// Finds, reads or generates a tensor for each input and compares types and shapes. Open sizes of
/// generated ones come from `options` (--dim, --shape), else they are 1. With `generateMissing`,
/// inputs that are not given are generated too. `otherwise` is a folder or an .npz to read when the
/// user names no inputs at all.
llvm::Expected<GivenInputs> gatherInputs(llvm::ArrayRef<InputInfo> infos,
                                         const CompileOptions &options, bool generateMissing,
                                         const std::string &otherwise = {});

/// Whether the user names inputs: --input or --inputs.
bool inputsAreGiven();

/// A tensor's name as the name of a file: without '/'.
std::string fileName(llvm::StringRef tensor);

} // namespace nncc::tool
