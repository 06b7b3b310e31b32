// Generated code, kept between compilations.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace nncc::cpu {

/// A folder of code by what it was generated from. Any number of processes may use it at once.
/// Entries appear whole, and damaged ones are made again; what the folder refuses to take is not
/// kept, and no error.
class CodeCache {
public:
  using Code = llvm::SmallVector<char, 0>;

  /// Makes the folder where there is none.
  static llvm::Expected<CodeCache> open(const std::string &folder);

  /// What `generate` returned, now or when it was asked for the same `source` by this very build of
  /// the compiler.
  llvm::Expected<Code> lookup(llvm::StringRef source,
                              llvm::function_ref<llvm::Expected<Code>()> generate) const;

  /// Removes entries, the one that was used longest ago first, until at most `bytes` are left.
  void prune(uint64_t bytes) const;

private:
  explicit CodeCache(std::string folder) : folder(std::move(folder)) {}
  std::string folder;
};

} // namespace nncc::cpu
