// What a model is run on: --input, --inputs, --random, --seed.
#pragma once

#include "tools/nncc/Model.h"

namespace nncc::tool {

struct GivenInputs {
  std::vector<Value> values; ///< in the model's order
  bool fromPb = false;       ///< they came as input_N.pb; outputs then go the same way
};

/// Which inputs are generated where they are not given.
enum class Generate {
  None,
  All,       ///< sizes that nothing gives are 1
  KnownSizes ///< sizes that nothing gives are an error
};

/// Finds, reads or generates a value for each input and compares types and shapes. Only tensors of
/// numbers are generated; optionals that are not given have no value. Open sizes of generated ones
/// come from `options` (--dim, --shape) and from inputs that are given. `otherwise` is a folder or
/// an .npz to read when the user names no inputs at all.
llvm::Expected<GivenInputs> gatherInputs(llvm::ArrayRef<ValueInfo> infos,
                                         const CompileOptions &options, Generate missing,
                                         const std::string &otherwise = {});

/// Whether the user names inputs: --input or --inputs.
bool inputsAreGiven();

/// A tensor's name as the name of a file: without '/'.
std::string fileName(llvm::StringRef tensor);

} // namespace nncc::tool
