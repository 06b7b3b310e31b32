// ptxas, which makes code for one chip of PTX.
#pragma once

#include "targets/nvptx/Chip.h"
#include "llvm/ADT/SmallVector.h"

namespace nncc::nvptx {

/// The cubin; `assembler` is the path of ptxas. An error holds what it said.
llvm::Expected<llvm::SmallVector<char, 0>> assemble(llvm::StringRef assembler,
                                                    llvm::ArrayRef<char> ptx, const Chip &chip);

} // namespace nncc::nvptx
