// Where a tensor's data lies and how its bytes are decoded.
#include "compiler/import/ModelError.h"
#include "compiler/import/ModelFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/SwapByteOrder.h"

using namespace nncc;
using onnx::TensorProto;

static_assert(llvm::sys::IsLittleEndianHost, "ONNX's raw data is little-endian");

// The fields of `tensor` that hold data: number and entries (bytes for raw data).
static llvm::SmallVector<std::pair<int, uint64_t>, 1> dataFields(const TensorProto &tensor) {
  llvm::SmallVector<std::pair<int, uint64_t>, 1> fields;
  auto add = [&](int field, uint64_t size) {
    if (size)
      fields.push_back({field, size});
  };
  add(TensorProto::kRawDataFieldNumber, tensor.raw_data().size());
  add(TensorProto::kFloatDataFieldNumber, tensor.float_data_size());
  add(TensorProto::kInt32DataFieldNumber, tensor.int32_data_size());
  add(TensorProto::kStringDataFieldNumber, tensor.string_data_size());
  add(TensorProto::kInt64DataFieldNumber, tensor.int64_data_size());
  add(TensorProto::kDoubleDataFieldNumber, tensor.double_data_size());
  add(TensorProto::kUint64DataFieldNumber, tensor.uint64_data_size());
  return fields;
}

static std::string fieldName(int field) {
  return TensorProto::descriptor()->FindFieldByNumber(field)->name();
}

// What of TensorProto's fields the data of `tensor` is in must agree with its type and dims.
static llvm::Error checkField(const TensorProto &tensor, const ElementType &type, int field) {
  if (field == type.field ||
      (field == TensorProto::kRawDataFieldNumber && tensor.data_type() != TensorProto::STRING))
    return llvm::Error::success();
  return invalidModel("elements of type " + type.name + " are in " + fieldName(field) +
                          ", expected " + (type.bits ? "raw_data or " : "") + fieldName(type.field),
                      describe(tensor));
}

static llvm::Error sizeMismatch(const TensorProto &tensor, uint64_t found, uint64_t expected,
                                const llvm::Twine &unit) {
  std::string dims;
  for (int64_t dim : tensor.dims())
    dims += (dims.empty() ? "" : "x") + std::to_string(dim);
  return invalidModel("found " + llvm::Twine(found) + " " + unit + ", expected " +
                          llvm::Twine(expected) + " for [" + dims + "] of " +
                          elementTypeName(tensor.data_type()),
                      describe(tensor));
}

llvm::Error ModelFile::checkInline(const TensorProto &tensor, const TensorLayout &layout) const {
  auto fields = dataFields(tensor);
  if (fields.empty())
    return layout.elements ? sizeMismatch(tensor, 0, layout.bytes, "bytes of data")
                           : llvm::Error::success();
  if (fields.size() > 1)
    return invalidModel("data in both " + fieldName(fields[0].first) + " and " +
                            fieldName(fields[1].first),
                        describe(tensor));
  auto [field, size] = fields[0];
  if (auto error = checkField(tensor, layout.type, field))
    return error;
  if (field == TensorProto::kRawDataFieldNumber)
    return size == layout.bytes ? llvm::Error::success()
                                : sizeMismatch(tensor, size, layout.bytes, "bytes in raw_data");
  return size == layout.entries
             ? llvm::Error::success()
             : sizeMismatch(tensor, size, layout.entries, "values in " + fieldName(field));
}

namespace {
// Writes decoded values one after the other in raw layout.
class RawWriter {
public:
  // `bits` per element, or 8 where the values are bytes that hold several elements.
  RawWriter(uint64_t bytes, unsigned bits)
      : bytes(std::make_shared<std::vector<char>>(bytes)), bits(bits) {}

  void operator()(uint64_t value) {
    if (bits % 8 == 0)
      std::memcpy(bytes->data() + position / 8, &value, bits / 8);
    else
      for (unsigned bit = 0; bit < bits; ++bit)
        (*bytes)[(position + bit) / 8] |= char((value >> bit & 1) << (position + bit) % 8);
    position += bits;
  }

  bool full() const { return position + bits > bytes->size() * 8; }
  TensorData take() { return {*bytes, bytes}; }

private:
  std::shared_ptr<std::vector<char>> bytes;
  unsigned bits;
  uint64_t position = 0; // in bits
};
} // namespace

// Bits of one entry of the field that holds values of `type`, as they go into the raw layout.
static unsigned entryBits(const ElementType &type) {
  return type.packing > 1 ? 8 : type.bits / type.entries;
}

llvm::Expected<TensorData> ModelFile::readInline(const TensorProto &tensor,
                                                 const TensorLayout &layout) const {
  if (!tensor.raw_data().empty()) {
    auto bytes =
        std::make_shared<std::vector<char>>(tensor.raw_data().begin(), tensor.raw_data().end());
    return TensorData{*bytes, bytes};
  }
  RawWriter write(layout.bytes, entryBits(layout.type));
  for (float value : tensor.float_data())
    write(llvm::bit_cast<uint32_t>(value));
  for (double value : tensor.double_data())
    write(llvm::bit_cast<uint64_t>(value));
  for (int32_t value : tensor.int32_data())
    write(uint32_t(value));
  for (int64_t value : tensor.int64_data())
    write(uint64_t(value));
  for (uint64_t value : tensor.uint64_data())
    write(value);
  return write.take();
}

llvm::Expected<const Payload *> ModelFile::payloadOf(const TensorProto &tensor) const {
  const uint64_t index = tensor.segment().begin();
  if (index >= payloads.size() || !dataFields(tensor).empty())
    return invalidModel("data in more than one place", describe(tensor));
  return &payloads[index];
}

// Calls `write` for each value in `payload`. Fails on values that do not decode.
static bool decodePayload(llvm::StringRef file, const Payload &payload,
                          llvm::function_ref<bool(uint64_t)> write) {
  const unsigned width = payload.field == TensorProto::kFloatDataFieldNumber    ? 4
                         : payload.field == TensorProto::kDoubleDataFieldNumber ? 8
                                                                                : 0;
  for (const PayloadPiece &piece : payload.pieces) {
    const uint64_t end = piece.offset + piece.length;
    llvm::StringRef bytes = file.take_front(end);
    for (uint64_t offset = piece.offset; offset < end;) {
      uint64_t value = 0;
      if (piece.tagged && !readVarint(bytes, offset, value))
        return false;
      value = 0;
      if (width && end - offset >= width) {
        std::memcpy(&value, bytes.data() + offset, width);
        offset += width;
      } else if (width || !readVarint(bytes, offset, value)) {
        return false;
      }
      if (!write(value))
        return false;
    }
  }
  return true;
}

llvm::Expected<TensorData> ModelFile::readPayload(const TensorProto &tensor, const Payload &payload,
                                                  const TensorLayout &layout) const {
  if (auto error = checkField(tensor, layout.type, payload.field))
    return error;
  const bool raw = payload.field == TensorProto::kRawDataFieldNumber;
  const bool asRaw = raw || payload.field == TensorProto::kFloatDataFieldNumber ||
                     payload.field == TensorProto::kDoubleDataFieldNumber;
  if (const PayloadPiece &piece = payload.pieces[0];
      asRaw && payload.pieces.size() == 1 && !piece.tagged) {
    if (piece.length != layout.bytes)
      return sizeMismatch(tensor, piece.length, layout.bytes,
                          "bytes in " + fieldName(payload.field));
    return TensorData{{file->getBufferStart() + piece.offset, size_t(piece.length)}, file};
  }
  // An entry takes at least one byte: a size that lies does not make us allocate.
  uint64_t available = 0;
  for (const PayloadPiece &piece : payload.pieces)
    available += piece.length;
  if (layout.entries > available)
    return sizeMismatch(tensor, available, layout.entries, "values at most");
  RawWriter write(layout.bytes, entryBits(layout.type));
  uint64_t found = 0;
  const bool decoded = decodePayload(file->getBuffer(), payload, [&](uint64_t value) {
    if (++found <= layout.entries)
      write(value);
    return true;
  });
  if (!decoded)
    return invalidModel("values in " + fieldName(payload.field) + " do not decode",
                        describe(tensor));
  if (found != layout.entries)
    return sizeMismatch(tensor, found, layout.entries, "values in " + fieldName(payload.field));
  return write.take();
}

llvm::Expected<TensorData> ModelFile::read(const TensorProto &tensor) const {
  auto layout = layoutOf(tensor);
  if (!layout)
    return layout.takeError();
  if (tensor.data_location() == TensorProto::EXTERNAL)
    return readExternal(tensor, *layout);
  if (tensor.has_segment()) {
    auto payload = payloadOf(tensor);
    if (!payload)
      return payload.takeError();
    return readPayload(tensor, **payload, *layout);
  }
  if (auto error = checkInline(tensor, *layout))
    return error;
  if (tensor.data_type() == TensorProto::STRING)
    return invalidModel("strings where numbers are expected", describe(tensor));
  return readInline(tensor, *layout);
}

llvm::Expected<llvm::SmallVector<llvm::StringRef>>
ModelFile::readStrings(const TensorProto &tensor) const {
  auto layout = layoutOf(tensor);
  if (!layout)
    return layout.takeError();
  if (tensor.data_location() == TensorProto::EXTERNAL || tensor.has_segment())
    return invalidModel("strings outside of the tensor itself", describe(tensor));
  if (auto error = checkInline(tensor, *layout))
    return error;
  return llvm::to_vector_of<llvm::StringRef>(tensor.string_data());
}

llvm::Error ModelFile::check(const TensorProto &tensor) const {
  auto layout = layoutOf(tensor);
  if (!layout)
    return layout.takeError();
  if (tensor.data_location() != TensorProto::EXTERNAL && !tensor.has_segment())
    return checkInline(tensor, *layout);
  return read(tensor).takeError(); // decodes only where each value has its own length
}
