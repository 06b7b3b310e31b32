// Tensors in memory, as they come from files and go to runs.
#pragma once

#include "nncc/nncc.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <vector>

namespace nncc::tool {

/// A dense tensor, row-major, its elements as abi.h describes them, or strings.
struct Tensor {
  /// Uninitialised memory for `shape`, or empty strings. Errors: an unknown type (unsupported), a
  /// size that overflows or that there is no memory for (usage).
  static llvm::Expected<Tensor> create(nncc_type type, std::vector<int64_t> shape);

  std::string name; ///< "" where its file does not say
  nncc_type type = NNCC_FLOAT;
  std::vector<int64_t> shape;
  std::unique_ptr<llvm::WritableMemoryBuffer> memory; ///< empty where it is of strings
  std::vector<std::string> strings;                   ///< of NNCC_STRING
  /// NumPy knows no bfloat16, float8 or int4 and calls them bytes of this size; `type` is then
  /// their unsigned integer until `adopt` finds what is meant. 0: `type` is what the file says.
  unsigned opaqueBytes = 0;
  bool isOfRun = false; ///< an output of which only the run tells a size: no memory before it

  llvm::MutableArrayRef<char> bytes() { return memory->getBuffer(); }
  llvm::StringRef bytes() const { return {memory->getBufferStart(), memory->getBufferSize()}; }
  int64_t elements() const;

  /// "float32[1, 3]".
  std::string typeText() const;

  /// Takes `wanted` for the type where the file could not say it.
  llvm::Error adopt(nncc_type wanted);

  /// Element `index` as a number, for printing; complex: its real part. Not of strings.
  double value(int64_t index) const;

  nncc_tensor view(const char *name) const {
    return {isOfRun ? nullptr : memory->getBufferStart(), type, static_cast<int32_t>(shape.size()),
            shape.data(), name};
  }
};

/// A string of a tensor as a user reads it: between quotation marks, with escapes, cut where it is
/// long.
std::string quoted(llvm::StringRef string);

/// Types of less than 8 bits, from one value per byte to packed ones and back.
llvm::Expected<Tensor> pack(const Tensor &unpacked, nncc_type type);
llvm::Expected<Tensor> unpack(const Tensor &packed);

/// Fills with random values that depend on `seed` alone: floats with magnitudes in [0.5, 1) and
/// either sign, integers 0 or 1 (valid as indices, tokens and masks).
void fillRandom(Tensor &tensor, uint64_t seed);

} // namespace nncc::tool
