#include "compiler/import/WireScan.h"
#include "compiler/import/ModelError.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

#include "onnx/onnx_pb.h"

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using namespace nncc;

bool nncc::readVarint(llvm::StringRef bytes, uint64_t &offset, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && offset < bytes.size(); shift += 7) {
    uint8_t byte = bytes[offset++];
    if (shift == 63 && byte > 1)
      return false;
    value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

namespace {

enum WireType { Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5 };

struct Field {
  uint64_t start;      // offset of the tag
  uint64_t begin, end; // offsets of the value, without tag and length
  uint64_t number;
  WireType wire;
};

class Scanner {
public:
  explicit Scanner(llvm::StringRef file) : file(file) {}

  llvm::Expected<ScannedModel> run() {
    if (auto error = scanMessage(*onnx::ModelProto::descriptor(), 0, file.size(), /*depth=*/0))
      return std::move(error);
    return std::move(result);
  }

private:
  // Of each field, the number of bytes to hold out for a length that is known only later: a
  // base-128 number may be written with leading zeros.
  static constexpr unsigned lengthBytes = 5;
  static constexpr unsigned maxDepth = 100; // protobuf's own default

  static llvm::Error malformed(uint64_t offset, const llvm::Twine &what) {
    return invalidModel("not a valid ONNX file: " + what + " at byte " + llvm::Twine(offset));
  }

  llvm::Expected<Field> readField(uint64_t offset, uint64_t end);
  llvm::Error scanMessage(const Descriptor &type, uint64_t begin, uint64_t end, unsigned depth);
  llvm::Error scanSubmessage(const Field &field, const Descriptor &type, unsigned depth);
  llvm::Error scanTensor(uint64_t begin, uint64_t end, unsigned depth);
  llvm::Error finishTensor(llvm::ArrayRef<Field> data, uint64_t begin);

  void copy(const Field &field) { result.message += file.slice(field.start, field.end); }
  void appendVarint(uint64_t value) {
    for (; value > 0x7f; value >>= 7)
      result.message += char(value | 0x80);
    result.message += char(value);
  }

  llvm::StringRef file;
  ScannedModel result;
};

} // namespace

llvm::Expected<Field> Scanner::readField(uint64_t offset, uint64_t end) {
  Field field;
  field.start = offset;
  llvm::StringRef bytes = file.take_front(end);
  uint64_t tag;
  if (!readVarint(bytes, offset, tag) || tag > UINT32_MAX || tag >> 3 == 0)
    return malformed(field.start, "malformed field tag");
  field.number = tag >> 3;
  field.wire = WireType(tag & 7);
  field.begin = offset;
  uint64_t length = 0;
  switch (field.wire) {
  case Varint:
    if (!readVarint(bytes, offset, length))
      return malformed(field.begin, "malformed number");
    field.end = offset;
    return field;
  case Fixed64:
    length = 8;
    break;
  case Fixed32:
    length = 4;
    break;
  case Delimited:
    if (!readVarint(bytes, offset, length))
      return malformed(field.begin, "malformed length");
    field.begin = offset;
    break;
  default:
    return malformed(field.start, "unknown wire type " + llvm::Twine(unsigned(tag & 7)));
  }
  if (length > end - field.begin)
    return malformed(field.start, "field of " + llvm::Twine(length) + " bytes where " +
                                      llvm::Twine(end - field.begin) +
                                      " are left (is the file truncated?)");
  field.end = field.begin + length;
  return field;
}

llvm::Error Scanner::scanMessage(const Descriptor &type, uint64_t begin, uint64_t end,
                                 unsigned depth) {
  if (depth > maxDepth)
    return malformed(begin, "messages nested more than " + llvm::Twine(maxDepth) + " deep");
  if (&type == onnx::TensorProto::descriptor())
    return scanTensor(begin, end, depth);
  llvm::SmallDenseSet<uint64_t, 8>
      seen; // protobuf merges a repeated singular message; we refuse it
  for (uint64_t offset = begin; offset < end;) {
    auto field = readField(offset, end);
    if (!field)
      return field.takeError();
    offset = field->end;
    const FieldDescriptor *known = type.FindFieldByNumber(int(field->number));
    if (!known)
      continue;
    const bool isMessage = known->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!isMessage || field->wire != Delimited) {
      copy(*field);
      continue;
    }
    if (!known->is_repeated() && !seen.insert(field->number).second)
      return malformed(field->start, "second value of '" + known->full_name() + "'");
    if (auto error = scanSubmessage(*field, *known->message_type(), depth))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error Scanner::scanSubmessage(const Field &field, const Descriptor &type, unsigned depth) {
  appendVarint(field.number << 3 | Delimited);
  const size_t lengthAt = result.message.size();
  result.message.append(lengthBytes, 0);
  if (auto error = scanMessage(type, field.begin, field.end, depth + 1))
    return error;
  const uint64_t length = result.message.size() - lengthAt - lengthBytes;
  if (length > INT32_MAX)
    return malformed(field.start, "a graph without weights of more than 2 GiB");
  for (unsigned i = 0; i < lengthBytes; ++i)
    result.message[lengthAt + i] =
        char((length >> 7 * i & 0x7f) | (i + 1 < lengthBytes ? 0x80 : 0));
  return llvm::Error::success();
}

// Where a numeric payload may lie, by field number; string_data stays in the message.
static bool holdsNumbers(uint64_t field) {
  switch (field) {
  case onnx::TensorProto::kRawDataFieldNumber:
  case onnx::TensorProto::kFloatDataFieldNumber:
  case onnx::TensorProto::kInt32DataFieldNumber:
  case onnx::TensorProto::kInt64DataFieldNumber:
  case onnx::TensorProto::kDoubleDataFieldNumber:
  case onnx::TensorProto::kUint64DataFieldNumber:
    return true;
  default:
    return false;
  }
}

// The wire type of one element where it stands alone, with a tag.
static WireType elementWire(uint64_t field) {
  switch (field) {
  case onnx::TensorProto::kFloatDataFieldNumber:
    return Fixed32;
  case onnx::TensorProto::kDoubleDataFieldNumber:
    return Fixed64;
  default:
    return Varint;
  }
}

llvm::Error Scanner::scanTensor(uint64_t begin, uint64_t end, unsigned depth) {
  const Descriptor &type = *onnx::TensorProto::descriptor();
  llvm::SmallVector<Field, 2> data; // runs of tagged elements as one, with wire = elementWire
  for (uint64_t offset = begin; offset < end;) {
    auto field = readField(offset, end);
    if (!field)
      return field.takeError();
    offset = field->end;
    const FieldDescriptor *known = type.FindFieldByNumber(int(field->number));
    if (!known)
      continue;
    if (field->number == onnx::TensorProto::kSegmentFieldNumber)
      return malformed(field->start,
                       "a tensor in segments, which ONNX never defined a reader for,");
    if (holdsNumbers(field->number)) {
      const bool isRaw = field->number == onnx::TensorProto::kRawDataFieldNumber;
      const bool tagged = !isRaw && field->wire == elementWire(field->number);
      if (field->wire != Delimited && !tagged)
        continue; // protobuf takes it for an unknown field
      if (tagged && !data.empty() && data.back().number == field->number &&
          data.back().wire != Delimited && data.back().end == field->start)
        data.back().end = field->end;
      else if (isRaw && !data.empty() && data.back().number == field->number)
        data.back() = *field; // the last value of a singular field counts
      else
        data.push_back(*field);
      continue;
    }
    if (known->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && field->wire == Delimited) {
      if (auto error = scanSubmessage(*field, *known->message_type(), depth))
        return error;
      continue;
    }
    copy(*field);
  }
  return finishTensor(data, begin);
}

llvm::Error Scanner::finishTensor(llvm::ArrayRef<Field> data, uint64_t begin) {
  uint64_t bytes = 0;
  for (const Field &field : data)
    bytes += field.end - field.start;
  const bool sameField =
      llvm::all_of(data, [&](const Field &field) { return field.number == data[0].number; });
  if (!sameField)
    return malformed(begin, "a tensor with data in more than one field");
  if (bytes <= inlinePayloadBytes) {
    for (const Field &field : data)
      copy(field);
    return llvm::Error::success();
  }
  Payload payload;
  payload.field = int(data[0].number);
  for (const Field &field : data) {
    const bool tagged = field.wire != Delimited;
    const uint64_t from = tagged ? field.start : field.begin;
    payload.pieces.push_back({from, field.end - from, tagged});
  }
  onnx::TensorProto::Segment segment;
  segment.set_begin(int64_t(result.payloads.size()));
  const std::string marker = segment.SerializeAsString();
  appendVarint(onnx::TensorProto::kSegmentFieldNumber << 3 | Delimited);
  appendVarint(marker.size());
  result.message += marker;
  result.payloads.push_back(std::move(payload));
  return llvm::Error::success();
}

llvm::Expected<ScannedModel> nncc::scanModel(llvm::StringRef file) { return Scanner(file).run(); }
