// ONNX's element types: their names, sizes and where TensorProto keeps their values.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include "onnx/onnx_pb.h"

#include <cstdint>
#include <optional>
#include <string>

namespace nncc {

/// Facts about one onnx::TensorProto::DataType.
struct ElementType {
  llvm::StringRef name; ///< as in ONNX's documentation: "float", "int4", "float8e4m3fn"
  unsigned bits;        ///< of one element in raw data; 0 for strings
  int field;            ///< field number of TensorProto that holds values that are not raw
  unsigned entries;     ///< entries of that field per element (2: complex); 1 when packed
  /// Elements per entry of that field: types of 4 and 2 bits come packed in bytes.
  unsigned packing;
};

/// The facts about `dataType`; nothing for a number that is no ONNX element type (and UNDEFINED).
std::optional<ElementType> getElementType(int dataType);

/// "float", or "type 77 (unknown)".
std::string elementTypeName(int dataType);

/// How much data a tensor's element type and dims ask for.
struct TensorLayout {
  ElementType type;
  int64_t elements;
  uint64_t bytes;   ///< in raw data
  uint64_t entries; ///< of the field `type.field`, where the data is not raw
};

/// Errors (invalid): an unknown element type, a negative dim, a size that does not fit 64 bits.
llvm::Expected<TensorLayout> layoutOf(const onnx::TensorProto &tensor);

/// Number of elements of `dims`. Errors (invalid): a negative dim, 2^63 or more elements.
llvm::Expected<int64_t> countElements(llvm::ArrayRef<int64_t> dims);

llvm::ArrayRef<int64_t> dimsOf(const onnx::TensorProto &tensor);

/// "tensor 'w'", for messages.
std::string describe(const onnx::TensorProto &tensor);

} // namespace nncc
