// Inputs and outputs as the ONNX model has them: tensors, sequences, optionals.
#pragma once

#include "tools/nncc/Tensor.h"

#include <optional>

namespace onnx {
class ValueInfoProto;
}

namespace nncc::tool {

/// What a model says of an input or output.
struct ValueInfo {
  std::string name;
  int32_t kind;                  ///< NNCC_VALUE_*
  nncc_type type;                ///< of the elements of its tensors
  bool ranked = true;            ///< false: its tensors may have any rank
  std::vector<int64_t> shape;    ///< of its tensors; -1 for sizes that the model leaves open
  std::vector<std::string> dims; ///< names of the sizes; "" for those that have none

  static ValueInfo of(const nncc_model *model, const nncc_value_info &info);

  /// Errors: no type (an invalid model), or one that is none of these (unsupported).
  static llvm::Expected<ValueInfo> of(const onnx::ValueInfoProto &proto);

  bool isTensor() const { return kind == NNCC_VALUE_TENSOR; }
  bool isOptional() const {
    return kind == NNCC_VALUE_OPTIONAL || kind == NNCC_VALUE_OPTIONAL_SEQUENCE;
  }

  /// "sequence(float32)", without the shape.
  std::string kindText() const;

  /// "sequence(float32[batch, 3, ?])".
  std::string typeText() const;
};

/// A value in memory, as it comes from files and goes to runs.
struct Value {
  Value() = default;
  /// Of a tensor, with its name and type.
  explicit Value(Tensor tensor);

  std::string name;
  int32_t kind = NNCC_VALUE_TENSOR; ///< NNCC_VALUE_*
  nncc_type type = NNCC_FLOAT;      ///< of the elements of its tensors
  bool present = true;              ///< false: an optional without a value
  std::vector<Tensor> tensors;      ///< one of a tensor; at most one of an optional tensor

  bool isTensor() const { return kind == NNCC_VALUE_TENSOR; }

  /// A tensor of numbers.
  bool isNumbers() const { return isTensor() && type != NNCC_STRING; }

  /// "sequence(float32)", without sizes.
  std::string kindText() const;

  /// "float32[1, 3]", "sequence(float32) of 2", "optional(string) without a value".
  std::string typeText() const;

  /// Of its tensors, where all have the same and there is one.
  std::optional<size_t> rank() const;

  /// The name of one of its tensors: of a sequence "name[3]".
  std::string nameOf(size_t tensor) const;
};

struct DestroyValue {
  void operator()(nncc_value *value) const { nncc_value_destroy(value); }
};
using ValueHandle = std::unique_ptr<nncc_value, DestroyValue>;

/// The runtime's value, over the memory of the tensors.
llvm::Expected<ValueHandle> toRuntime(const Value &value);

/// A copy of the value of an output.
llvm::Expected<Value> fromRuntime(const nncc_value *value, const nncc_value_info &info);

} // namespace nncc::tool
