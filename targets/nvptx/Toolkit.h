// What a CUDA toolkit has that is used here, where one is installed.
#pragma once

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace nncc::nvptx {

/// Whether $CUDA_ROOT says where it is: then nothing is looked for elsewhere.
bool isToolkitGiven();

/// A file of the toolkit, such as "bin/ptxas": below $CUDA_ROOT alone where that is set, else below
/// $CUDA_HOME, $CUDA_PATH, the folder of the ptxas in the PATH, or /usr/local/cuda.
std::optional<std::string> findInToolkit(llvm::StringRef file);

} // namespace nncc::nvptx
