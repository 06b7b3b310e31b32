// Kernels in the LLVM dialect -> the images of a library.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "targets/nvptx/Chip.h"
#include "llvm/ADT/SmallVector.h"

namespace nncc::nvptx {

enum class ImageKind { Cubin, PTX, Bitcode };

/// A cubin is for the chip alone, or its family; other forms are for later chips as well.
struct Image {
  ImageKind kind;
  llvm::SmallVector<char, 0> data; // PTX is text that ends with a 0
};

/// "cubin,ptx" -> the kinds. Reports what is not one of "cubin", "ptx", "bitcode".
llvm::Expected<std::vector<ImageKind>> imageKinds(llvm::StringRef names);

/// A kernel, and the symbol that it has in the images.
struct NamedKernel {
  mlir::ModuleOp module;
  std::string symbol;
};

/// Code for `chip` of all kernels, as one module, in each of the `kinds`. For ImageKind::Cubin it
/// runs `ptxas` of the toolkit (see findInToolkit()), or asks libnvJitLink; where there is neither,
/// that image is left out, unless it is the only one that is asked for.
llvm::Expected<std::vector<Image>> generateImages(llvm::ArrayRef<NamedKernel> kernels,
                                                  const Chip &chip,
                                                  llvm::ArrayRef<ImageKind> kinds);

} // namespace nncc::nvptx
