// What a CUDA toolkit has that is used here, where one is installed.
#pragma once

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace nncc::nvptx {

/// A file of the toolkit, such as "bin/ptxas": below $CUDA_ROOT, $CUDA_HOME, $CUDA_PATH, the folder
/// of the ptxas in the PATH, or /usr/local/cuda.
std::optional<std::string> findInToolkit(llvm::StringRef file);

} // namespace nncc::nvptx
