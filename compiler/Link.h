// Object files -> a shared library or a static archive.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace nncc {

/// Links with ld.lld, for the machine with `triple`; undefined symbols other than libc's and libm's
/// are an error. `strip`: without the table of symbols that are not exported.
llvm::Error linkShared(llvm::ArrayRef<std::string> objects, llvm::StringRef output,
                       llvm::StringRef triple, bool strip);

/// Links into one object file.
llvm::Error linkRelocatable(llvm::ArrayRef<std::string> objects, llvm::StringRef output);

llvm::Error archive(llvm::ArrayRef<std::string> objects, llvm::StringRef output);

} // namespace nncc
