// ptxas, which makes code for one chip of PTX.
#pragma once

#include "targets/nvptx/Chip.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace nncc::nvptx {

/// The path of ptxas: in the PATH, or below $CUDA_ROOT, $CUDA_HOME, $CUDA_PATH, /usr/local/cuda.
std::optional<std::string> findAssembler();

/// The cubin. An error holds what ptxas said.
llvm::Expected<llvm::SmallVector<char, 0>> assemble(llvm::StringRef assembler,
                                                    llvm::ArrayRef<char> ptx, const Chip &chip);

} // namespace nncc::nvptx
