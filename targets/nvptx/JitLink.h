// libnvJitLink, which makes code for one chip of PTX, as ptxas does, as a library.
#pragma once

#include "targets/nvptx/Chip.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/DynamicLibrary.h"

namespace nncc::nvptx {

class JitLink {
public:
  /// From the loader's folders or the toolkit; from the latter alone where isToolkitGiven(). Once
  /// loaded it stays. std::nullopt where there is none.
  static std::optional<JitLink> find();

  /// The cubin. An error holds what the library said.
  llvm::Expected<llvm::SmallVector<char, 0>> assemble(llvm::ArrayRef<char> ptx,
                                                      const Chip &chip) const;

private:
  explicit JitLink(llvm::sys::DynamicLibrary library) : library(library) {}

  llvm::sys::DynamicLibrary library;
};

} // namespace nncc::nvptx
