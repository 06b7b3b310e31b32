#include "tools/nncc/Value.h"

#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Model.h"

#include "llvm/ADT/STLExtras.h"

#include "onnx/onnx_pb.h"

using namespace llvm;

namespace nncc::tool {

/// The kind around a type's name.
static std::string wrap(int32_t kind, const std::string &type) {
  static constexpr const char *before[] = {"", "sequence(", "optional(", "optional(sequence("};
  static constexpr const char *after[] = {"", ")", ")", "))"};
  return before[kind] + type + after[kind];
}

ValueInfo ValueInfo::of(const nncc_model *model, const nncc_value_info &info) {
  ValueInfo result{info.name, info.kind, info.type, info.rank >= 0, {}, {}};
  for (int64_t size : ArrayRef(info.shape, std::max(info.rank, 0))) {
    const nncc_dim *dim =
        size < 0 && size != INT64_MIN ? nncc_model_dim(model, -1 - size) : nullptr;
    result.shape.push_back(std::max<int64_t>(size, -1));
    result.dims.push_back(dim ? dim->name : "");
  }
  return result;
}

Expected<ValueInfo> ValueInfo::of(const onnx::ValueInfoProto &proto) {
  const onnx::TypeProto *type = &proto.type();
  if (type->value_case() == onnx::TypeProto::VALUE_NOT_SET)
    return make_error<CompileError>(ErrorClass::InvalidModel,
                                    "input '" + proto.name() + "': has no type");
  int32_t kind = NNCC_VALUE_TENSOR;
  if (type->has_optional_type()) {
    kind = NNCC_VALUE_OPTIONAL;
    type = &type->optional_type().elem_type();
  }
  if (type->has_sequence_type()) {
    kind = kind == NNCC_VALUE_OPTIONAL ? NNCC_VALUE_OPTIONAL_SEQUENCE : NNCC_VALUE_SEQUENCE;
    type = &type->sequence_type().elem_type();
  }
  if (!type->has_tensor_type())
    return unsupportedError("input '" + proto.name() +
                            "' is neither a tensor nor a sequence or optional of tensors");
  const onnx::TypeProto_Tensor &tensor = type->tensor_type();
  ValueInfo result{proto.name(), kind, tensor.elem_type(), tensor.has_shape(), {}, {}};
  for (const onnx::TensorShapeProto_Dimension &dim : tensor.shape().dim()) {
    bool known = dim.has_dim_value() && dim.dim_value() >= 0;
    result.shape.push_back(known ? dim.dim_value() : -1);
    result.dims.push_back(known || dim.dim_param() == "?" ? "" : dim.dim_param());
  }
  return result;
}

std::string ValueInfo::kindText() const { return wrap(kind, nncc_type_name(type)); }

std::string ValueInfo::typeText() const {
  std::string text = nncc_type_name(type);
  text += ranked ? "[" : "";
  for (size_t d = 0; d < shape.size(); ++d) {
    text += d ? ", " : "";
    text += shape[d] >= 0 ? std::to_string(shape[d]) : dims[d].empty() ? "?" : dims[d];
  }
  return wrap(kind, text + (ranked ? "]" : ""));
}

Value::Value(Tensor tensor) : name(tensor.name), type(tensor.type) {
  tensors.push_back(std::move(tensor));
}

std::string Value::kindText() const { return wrap(kind, nncc_type_name(type)); }

std::string Value::typeText() const {
  if (!present)
    return kindText() + " without a value";
  if (kind == NNCC_VALUE_TENSOR || kind == NNCC_VALUE_OPTIONAL)
    return wrap(kind, tensors.front().typeText());
  return kindText() + " of " + std::to_string(tensors.size());
}

std::optional<size_t> Value::rank() const {
  auto sameRank = [&](const Tensor &tensor) {
    return tensor.shape.size() == tensors.front().shape.size();
  };
  if (tensors.empty() || !all_of(tensors, sameRank))
    return std::nullopt;
  return tensors.front().shape.size();
}

std::string Value::nameOf(size_t tensor) const {
  bool many = kind == NNCC_VALUE_SEQUENCE || kind == NNCC_VALUE_OPTIONAL_SEQUENCE;
  return many ? name + "[" + std::to_string(tensor) + "]" : name;
}

// To the runtime's values and back ----------------------------------------------------------------

/// The result of a function of the runtime that makes a value.
static Expected<ValueHandle> take(nncc_status status, nncc_value *made) {
  return status ? Expected<ValueHandle>(runtimeError(status)) : ValueHandle(made);
}

static Expected<ValueHandle> tensorToRuntime(const Tensor &tensor) {
  nncc_value *made = nullptr;
  nncc_status status;
  if (tensor.type == NNCC_STRING) {
    std::vector<const char *> data;
    std::vector<int64_t> lengths;
    for (const std::string &string : tensor.strings) {
      data.push_back(string.data());
      lengths.push_back(string.size());
    }
    status = nncc_value_create_strings(data.data(), lengths.data(), tensor.shape.size(),
                                       tensor.shape.data(), &made);
  } else {
    nncc_tensor view = tensor.view(nullptr);
    status = nncc_value_borrow_tensor(&view, &made);
  }
  return take(status, made);
}

static Expected<ValueHandle> sequenceToRuntime(ArrayRef<Tensor> tensors) {
  std::vector<ValueHandle> elements;
  std::vector<nncc_value *> raw;
  for (const Tensor &tensor : tensors) {
    Expected<ValueHandle> element = tensorToRuntime(tensor);
    if (!element)
      return element;
    raw.push_back(element->get());
    elements.push_back(std::move(*element));
  }
  nncc_value *made = nullptr;
  nncc_status status = nncc_value_create_sequence(raw.data(), raw.size(), &made);
  for (ValueHandle &element : elements)
    if (!status)
      (void)element.release();
  return take(status, made);
}

Expected<ValueHandle> toRuntime(const Value &value) {
  nncc_value *made = nullptr;
  if (!value.present) {
    nncc_status status = nncc_value_create_optional(nullptr, &made);
    return take(status, made);
  }
  // What an optional holds may be given in its place.
  bool one = value.kind == NNCC_VALUE_TENSOR || value.kind == NNCC_VALUE_OPTIONAL;
  return one ? tensorToRuntime(value.tensors.front()) : sequenceToRuntime(value.tensors);
}

static Expected<Tensor> tensorFromRuntime(const nncc_value *value, const std::string &name) {
  const nncc_tensor *from = nncc_value_tensor(value);
  Expected<Tensor> tensor =
      Tensor::create(from->type, std::vector<int64_t>(from->shape, from->shape + from->rank));
  if (!tensor)
    return tensor;
  tensor->name = name;
  if (from->type != NNCC_STRING && !tensor->bytes().empty())
    std::memcpy(tensor->bytes().data(), from->data, tensor->bytes().size());
  for (auto [index, string] : enumerate(tensor->strings)) {
    int64_t length = 0;
    const char *data = nncc_value_string(value, index, &length);
    string.assign(data, length);
  }
  return tensor;
}

Expected<Value> fromRuntime(const nncc_value *value, const nncc_value_info &info) {
  Value result;
  result.name = info.name;
  result.kind = info.kind;
  result.type = info.type;
  if (nncc_value_kind(value) == NNCC_VALUE_OPTIONAL) {
    result.present = nncc_value_count(value);
    value = result.present ? nncc_value_element(value, 0) : nullptr;
  }
  bool many = value && nncc_value_kind(value) == NNCC_VALUE_SEQUENCE;
  int64_t count = !value ? 0 : many ? nncc_value_count(value) : 1;
  for (int64_t i = 0; i < count; ++i) {
    Expected<Tensor> tensor =
        tensorFromRuntime(many ? nncc_value_element(value, i) : value, result.nameOf(i));
    if (!tensor)
      return tensor.takeError();
    result.tensors.push_back(std::move(*tensor));
  }
  return result;
}

} // namespace nncc::tool
