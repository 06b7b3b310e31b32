// ONNX's TensorProto, as its test suites store inputs and outputs (.pb).
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/TensorFiles.h"

#include "llvm/Support/raw_ostream.h"

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

Expected<Tensor> parsePb(StringRef bytes) {
  onnx::TensorProto proto;
  if (bytes.size() > INT32_MAX || !proto.ParseFromArray(bytes.data(), bytes.size()))
    return usageError("not a TensorProto");
  if (proto.data_type() == NNCC_STRING || nncc_type_bits(proto.data_type()) == 0)
    return unsupportedError("a tensor of type " +
                            Twine(onnx::TensorProto_DataType_Name(proto.data_type())) + " (" +
                            Twine(proto.data_type()) + "), or no tensor at all");
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return unsupportedError("its data is in another file");
  std::vector<int64_t> shape(proto.dims().begin(), proto.dims().end());
  int64_t size = nncc_tensor_bytes(proto.data_type(), shape.size(), shape.data());
  // Less than the file holds: memory is not asked for on its word alone.
  if (size < 0 || uint64_t(size) > 8 * uint64_t(bytes.size()))
    return usageError("holds " + Twine(bytes.size()) + " bytes, but says it has the shape " +
                      shapeText(shape));
  Expected<Tensor> tensor = Tensor::create(proto.data_type(), std::move(shape));
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

Error writePb(raw_ostream &os, const Tensor &tensor) {
  onnx::TensorProto proto;
  proto.set_name(tensor.name);
  proto.set_data_type(tensor.type);
  for (int64_t size : tensor.shape)
    proto.add_dims(size);
  StringRef bytes = static_cast<const Tensor &>(tensor).bytes();
  if (bytes.size() > INT32_MAX)
    return usageError("more than 2 GiB in one .pb: write .npy instead");
  proto.set_raw_data(bytes.data(), bytes.size());
  std::string text;
  if (!proto.SerializeToString(&text))
    return usageError("cannot be written as a TensorProto");
  os << text;
  return Error::success();
}

} // namespace nncc::tool
