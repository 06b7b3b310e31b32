// The GPU that code is generated for.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>

namespace nncc::nvptx {

/// By NVIDIA's name of its code: "sm_90a".
struct Chip {
  std::string name;
  int capability = 0;   // 10 * major + minor of its compute capability: 90
  bool isExact = false; // its code uses features of this capability alone, as sm_90a's does

  /// Reports a chip that LLVM does not know or that is older than sm_70.
  static llvm::Expected<Chip> parse(llvm::StringRef name);

  /// For all chips from this capability on: kernels use no feature of one chip alone, so that their
  /// PTX is good for later ones. One per thread: LLVM's target machines are not shared.
  std::unique_ptr<llvm::TargetMachine> create() const;
};

} // namespace nncc::nvptx
