#include "tools/nncc/TensorProto.h"

#include "tools/nncc/CommandLine.h"

#include "onnx/onnx_pb.h"

using namespace llvm;

namespace nncc::tool {

/// Copies a field with one number (or half of a complex one) per entry.
template <typename Stored, typename Field>
static bool copyField(const Field &field, MutableArrayRef<char> bytes) {
  if (uint64_t(field.size()) * sizeof(Stored) != bytes.size())
    return false;
  char *to = bytes.data();
  for (auto value : field) {
    Stored stored = static_cast<Stored>(value);
    std::memcpy(to, &stored, sizeof(stored));
    to += sizeof(stored);
  }
  return true;
}

/// One value of 6 bits per entry, packed without gaps.
static bool copySixBits(const onnx::TensorProto &proto, Tensor &tensor) {
  Expected<Tensor> codes = Tensor::create(NNCC_UINT8, tensor.shape);
  if (!codes) {
    consumeError(codes.takeError());
    return false;
  }
  if (!copyField<uint8_t>(proto.int32_data(), codes->bytes()))
    return false;
  Expected<Tensor> packed = pack(*codes, tensor.type);
  if (!packed) {
    consumeError(packed.takeError());
    return false;
  }
  tensor = std::move(*packed);
  return true;
}

/// Copies the typed field of a tensor that has no raw data; false: of another size.
static bool copyTyped(const onnx::TensorProto &proto, Tensor &tensor) {
  MutableArrayRef<char> bytes = tensor.bytes();
  switch (tensor.type) {
  case NNCC_FLOAT:
  case NNCC_COMPLEX64:
    return copyField<float>(proto.float_data(), bytes);
  case NNCC_DOUBLE:
  case NNCC_COMPLEX128:
    return copyField<double>(proto.double_data(), bytes);
  case NNCC_INT64:
    return copyField<int64_t>(proto.int64_data(), bytes);
  case NNCC_UINT32:
    return copyField<uint32_t>(proto.uint64_data(), bytes);
  case NNCC_UINT64:
    return copyField<uint64_t>(proto.uint64_data(), bytes);
  case NNCC_INT32:
    return copyField<int32_t>(proto.int32_data(), bytes);
  case NNCC_FLOAT6E2M3:
  case NNCC_FLOAT6E3M2:
    return copySixBits(proto, tensor);
  default: // 16 bits and less, several values of 4 or 2 bits in one entry
    return nncc_type_bits(tensor.type) == 16 ? copyField<uint16_t>(proto.int32_data(), bytes)
                                             : copyField<uint8_t>(proto.int32_data(), bytes);
  }
}

/// Strings, at most as many as the message holds.
static Expected<Tensor> stringsOf(const onnx::TensorProto &proto, std::vector<int64_t> shape) {
  int64_t count = nncc_tensor_bytes(NNCC_UINT8, shape.size(), shape.data());
  if (count != proto.string_data_size())
    return usageError("holds " + Twine(proto.string_data_size()) +
                      " strings, but says it has the shape " + shapeText(shape));
  Expected<Tensor> tensor = Tensor::create(NNCC_STRING, std::move(shape));
  if (tensor)
    tensor->strings.assign(proto.string_data().begin(), proto.string_data().end());
  return tensor;
}

Expected<Tensor> fromProto(const onnx::TensorProto &proto, size_t fileSize) {
  std::vector<int64_t> shape(proto.dims().begin(), proto.dims().end());
  Expected<Tensor> tensor = Tensor();
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return unsupportedError("its data is in another file");
  if (proto.data_type() == NNCC_STRING) {
    tensor = stringsOf(proto, std::move(shape));
    if (tensor)
      tensor->name = proto.name();
    return tensor;
  }
  if (nncc_type_bits(proto.data_type()) == 0)
    return unsupportedError("a tensor of type " +
                            Twine(onnx::TensorProto_DataType_Name(proto.data_type())) + " (" +
                            Twine(proto.data_type()) + "), or no tensor at all");
  int64_t size = nncc_tensor_bytes(proto.data_type(), shape.size(), shape.data());
  // Less than the file holds: memory is not asked for on its word alone.
  if (size < 0 || uint64_t(size) > 8 * uint64_t(fileSize))
    return usageError("holds " + Twine(fileSize) + " bytes, but says it has the shape " +
                      shapeText(shape));
  tensor = Tensor::create(proto.data_type(), std::move(shape));
  if (!tensor)
    return tensor;
  bool fits = proto.has_raw_data() ? proto.raw_data().size() == tensor->bytes().size()
                                   : copyTyped(proto, *tensor);
  if (!fits)
    return usageError("its data does not fit its type and shape, " + tensor->typeText());
  if (proto.has_raw_data())
    std::copy(proto.raw_data().begin(), proto.raw_data().end(), tensor->bytes().begin());
  tensor->name = proto.name();
  return tensor;
}

Error toProto(const Tensor &tensor, onnx::TensorProto &proto) {
  proto.set_name(tensor.name);
  proto.set_data_type(tensor.type);
  for (int64_t size : tensor.shape)
    proto.add_dims(size);
  for (const std::string &string : tensor.strings)
    proto.add_string_data(string);
  if (tensor.type == NNCC_STRING)
    return Error::success();
  StringRef bytes = tensor.bytes();
  if (bytes.size() > INT32_MAX)
    return usageError("more than 2 GiB in one .pb: write .npy instead");
  proto.set_raw_data(bytes.data(), bytes.size());
  return Error::success();
}

} // namespace nncc::tool
