// Files of tensors and other values: NumPy's .npy and .npz, and ONNX's messages (.pb).
#pragma once

#include "tools/nncc/Value.h"

#include "llvm/ADT/StringRef.h"

namespace nncc::tool {

enum class TensorFormat { Npy, Npz, Pb };

/// By the extension of `path`; nothing for another one.
std::optional<TensorFormat> tensorFormat(llvm::StringRef path);

/// The extension of a file of its own for a value of this kind: NumPy's for tensors.
inline const char *valueExtension(int32_t kind) {
  return kind == NNCC_VALUE_TENSOR ? ".npy" : ".pb";
}

/// The values of a file: one of .npy (without a name) and .pb, any number of .npz. NumPy's files
/// hold tensors only; in a .pb it is a value of this kind (NNCC_VALUE_*).
/// Errors name the file: I/O and broken contents (usage), element types that the format does not
/// have (unsupported).
llvm::Expected<std::vector<Value>> readValues(llvm::StringRef path,
                                              int32_t kind = NNCC_VALUE_TENSOR);

/// Writes the one value of a .npy or .pb, or all of an .npz. The file appears whole or not at all.
/// Errors: values that the format cannot hold (unsupported).
llvm::Error writeValues(llvm::StringRef path, llvm::ArrayRef<Value> values);

/// The formats themselves, from and to memory; errors do not name the file.
llvm::Expected<Tensor> parseNpy(llvm::StringRef bytes);
llvm::Error writeNpy(llvm::raw_ostream &os, const Tensor &tensor);
llvm::Expected<Value> parsePb(llvm::StringRef bytes, int32_t kind);
llvm::Error writePb(llvm::raw_ostream &os, const Value &value);
llvm::Expected<std::vector<Tensor>> parseNpz(llvm::StringRef bytes);
/// Of tensors.
llvm::Error writeNpz(llvm::raw_ostream &os, llvm::ArrayRef<Value> values);

} // namespace nncc::tool
