// Files of one ONNX message (.pb): TensorProto, SequenceProto or OptionalProto. The bytes do not
// say which of them it is: the model's type does.
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/TensorFiles.h"
#include "tools/nncc/TensorProto.h"

#include "llvm/Support/raw_ostream.h"

#include "onnx/onnx-data.pb.h"

using namespace llvm;

namespace nncc::tool {

template <typename Proto> static Expected<Proto> parse(StringRef bytes) {
  Proto proto;
  if (bytes.size() > INT32_MAX || !proto.ParseFromArray(bytes.data(), bytes.size()))
    return usageError("not a " + Twine(Proto::descriptor()->name()));
  return proto;
}

static Error addTensor(const onnx::TensorProto &proto, size_t fileSize, Value &value) {
  Expected<Tensor> tensor = fromProto(proto, fileSize);
  if (!tensor)
    return tensor.takeError();
  value.type = tensor->type;
  value.tensors.push_back(std::move(*tensor));
  return Error::success();
}

static Error addSequence(const onnx::SequenceProto &proto, size_t fileSize, Value &value) {
  if (proto.elem_type() != onnx::SequenceProto::TENSOR &&
      proto.elem_type() != onnx::SequenceProto::UNDEFINED)
    return unsupportedError("a sequence of something else than tensors (" +
                            Twine(proto.elem_type()) + ")");
  for (const onnx::TensorProto &tensor : proto.tensor_values())
    if (Error error = addTensor(tensor, fileSize, value))
      return error;
  return Error::success();
}

static Error addOptional(const onnx::OptionalProto &proto, size_t fileSize, Value &value) {
  bool sequence = value.kind == NNCC_VALUE_OPTIONAL_SEQUENCE;
  int32_t wanted = sequence ? onnx::OptionalProto::SEQUENCE : onnx::OptionalProto::TENSOR;
  value.present = sequence ? proto.has_sequence_value() : proto.has_tensor_value();
  // A type alone says what it would hold.
  if (proto.elem_type() != onnx::OptionalProto::UNDEFINED && proto.elem_type() != wanted)
    return unsupportedError("an optional of another type (" + Twine(proto.elem_type()) + ")");
  if (!value.present)
    return Error::success();
  return sequence ? addSequence(proto.sequence_value(), fileSize, value)
                  : addTensor(proto.tensor_value(), fileSize, value);
}

/// Parses the message and hands it to `add`.
template <typename Proto>
static Error addMessage(StringRef bytes, Value &value,
                        Error (*add)(const Proto &, size_t, Value &)) {
  Expected<Proto> proto = parse<Proto>(bytes);
  if (!proto)
    return proto.takeError();
  value.name = proto->name();
  return add(*proto, bytes.size(), value);
}

Expected<Value> parsePb(StringRef bytes, int32_t kind) {
  Value value;
  value.kind = kind;
  Error error = kind == NNCC_VALUE_TENSOR     ? addMessage(bytes, value, addTensor)
                : kind == NNCC_VALUE_SEQUENCE ? addMessage(bytes, value, addSequence)
                                              : addMessage(bytes, value, addOptional);
  if (error)
    return std::move(error);
  return value;
}

static Error fillSequence(const Value &value, onnx::SequenceProto &proto) {
  proto.set_elem_type(onnx::SequenceProto::TENSOR);
  for (const Tensor &tensor : value.tensors)
    if (Error error = toProto(tensor, *proto.add_tensor_values()))
      return error;
  return Error::success();
}

static Error fillOptional(const Value &value, onnx::OptionalProto &proto) {
  if (!value.present) {
    proto.set_elem_type(onnx::OptionalProto::UNDEFINED);
    return Error::success();
  }
  if (value.kind == NNCC_VALUE_OPTIONAL) {
    proto.set_elem_type(onnx::OptionalProto::TENSOR);
    return toProto(value.tensors.front(), *proto.mutable_tensor_value());
  }
  proto.set_elem_type(onnx::OptionalProto::SEQUENCE);
  return fillSequence(value, *proto.mutable_sequence_value());
}

static Error fillTensor(const Value &value, onnx::TensorProto &proto) {
  return toProto(value.tensors.front(), proto);
}

/// Fills the message by `fill` and writes it.
template <typename Proto>
static Error writeMessage(raw_ostream &os, const Value &value,
                          Error (*fill)(const Value &, Proto &)) {
  Proto proto;
  if (Error error = fill(value, proto))
    return error;
  proto.set_name(value.name);
  std::string text;
  if (proto.ByteSizeLong() > INT32_MAX || !proto.SerializeToString(&text))
    return usageError("more than 2 GiB in one .pb");
  os << text;
  return Error::success();
}

Error writePb(raw_ostream &os, const Value &value) {
  if (value.kind == NNCC_VALUE_TENSOR)
    return writeMessage(os, value, fillTensor);
  return value.kind == NNCC_VALUE_SEQUENCE ? writeMessage(os, value, fillSequence)
                                           : writeMessage(os, value, fillOptional);
}

} // namespace nncc::tool
