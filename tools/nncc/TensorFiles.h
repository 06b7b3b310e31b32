// Files of tensors: NumPy's .npy and .npz, ONNX's TensorProto (.pb).
#pragma once

#include "tools/nncc/Tensor.h"

#include "llvm/ADT/StringRef.h"

namespace nncc::tool {

enum class TensorFormat { Npy, Npz, Pb };

/// By the extension of `path`; nothing for another one.
std::optional<TensorFormat> tensorFormat(llvm::StringRef path);

/// The tensors of a file: one of .npy (without a name) and .pb, any number of .npz.
/// Errors name the file: I/O and broken contents (usage), element types without a flat layout
/// (unsupported).
llvm::Expected<std::vector<Tensor>> readTensors(llvm::StringRef path);

/// Writes the one tensor of a .npy or .pb, or all of an .npz. The file appears whole or not at all.
llvm::Error writeTensors(llvm::StringRef path, llvm::ArrayRef<Tensor> tensors);

/// The formats themselves, from and to memory; errors do not name the file.
llvm::Expected<Tensor> parseNpy(llvm::StringRef bytes);
llvm::Error writeNpy(llvm::raw_ostream &os, const Tensor &tensor);
llvm::Expected<Tensor> parsePb(llvm::StringRef bytes);
llvm::Error writePb(llvm::raw_ostream &os, const Tensor &tensor);
llvm::Expected<std::vector<Tensor>> parseNpz(llvm::StringRef bytes);
llvm::Error writeNpz(llvm::raw_ostream &os, llvm::ArrayRef<Tensor> tensors);

} // namespace nncc::tool
