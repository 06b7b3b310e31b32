#include "tools/nncc/Tensor.h"

#include "tools/nncc/CommandLine.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

Expected<Tensor> Tensor::create(nncc_type type, std::vector<int64_t> shape) {
  bool strings = type == NNCC_STRING;
  if (nncc_type_bits(type) == 0 && !strings)
    return unsupportedError(Twine("tensors of type ") + nncc_type_name(type));
  int64_t bytes = nncc_tensor_bytes(strings ? NNCC_UINT8 : type, shape.size(), shape.data());
  Tensor tensor;
  if (bytes < 0 || (strings && uint64_t(bytes) > tensor.strings.max_size()))
    return usageError("no tensor can have the shape " + shapeText(shape));
  tensor.type = type;
  if (strings) {
    tensor.strings.resize(bytes);
    bytes = 0;
  }
  tensor.memory = WritableMemoryBuffer::getNewUninitMemBuffer(bytes, "", Align(NNCC_ALIGNMENT));
  if (!tensor.memory)
    return usageError("no memory for " + Twine(bytes) + " bytes of a tensor of shape " +
                      shapeText(shape));
  tensor.shape = std::move(shape);
  return tensor;
}

std::string quoted(StringRef string) {
  constexpr size_t most = 60;
  std::string text;
  raw_string_ostream os(text);
  os << '\'';
  printEscapedString(string.take_front(most), os);
  os << (string.size() > most ? "'..." : "'");
  return text;
}

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

std::string Tensor::typeText() const {
  if (opaqueBytes)
    return "void" + std::to_string(opaqueBytes * 8) + shapeText(shape);
  return nncc_type_name(type) + shapeText(shape);
}

Error Tensor::adopt(nncc_type wanted) {
  int32_t bits = nncc_type_bits(wanted);
  if (wanted == NNCC_STRING)
    return Error::success();
  bool byteValues = opaqueBytes == 1 || type == NNCC_UINT8 || type == NNCC_INT8;
  if (bits < 8 && byteValues && type != wanted) {
    Expected<Tensor> packed = pack(*this, wanted);
    if (!packed)
      return packed.takeError();
    packed->name = name;
    *this = std::move(*packed);
  } else if (opaqueBytes && bits == int32_t(opaqueBytes * 8)) {
    type = wanted;
    opaqueBytes = 0;
  }
  return Error::success();
}

/// The format of a type that C++ has no name for; null: none.
static const fltSemantics *semantics(nncc_type type) {
  switch (type) {
  case NNCC_FLOAT16:
    return &APFloat::IEEEhalf();
  case NNCC_BFLOAT16:
    return &APFloat::BFloat();
  case NNCC_FLOAT8E4M3FN:
    return &APFloat::Float8E4M3FN();
  case NNCC_FLOAT8E4M3FNUZ:
    return &APFloat::Float8E4M3FNUZ();
  case NNCC_FLOAT8E5M2:
    return &APFloat::Float8E5M2();
  case NNCC_FLOAT8E5M2FNUZ:
    return &APFloat::Float8E5M2FNUZ();
  case NNCC_FLOAT8E8M0:
    return &APFloat::Float8E8M0FNU();
  case NNCC_FLOAT4E2M1:
    return &APFloat::Float4E2M1FN();
  case NNCC_FLOAT6E2M3:
    return &APFloat::Float6E2M3FN();
  case NNCC_FLOAT6E3M2:
    return &APFloat::Float6E3M2FN();
  default:
    return nullptr;
  }
}

template <typename T> static double read(const char *data, int64_t index) {
  return static_cast<double>(
      support::endian::read<T, endianness::native>(data + index * sizeof(T)));
}

/// Bits [from, from + count) of packed elements; at most 8.
static uint8_t readBits(StringRef bytes, int64_t from, int32_t count) {
  int64_t at = from / 8, offset = from % 8;
  unsigned found = uint8_t(bytes[at]);
  if (offset + count > 8)
    found |= unsigned(uint8_t(bytes[at + 1])) << 8;
  return found >> offset & ((1u << count) - 1);
}

/// Of types of less than 8 bits.
static bool isSigned(nncc_type type) { return type == NNCC_INT4 || type == NNCC_INT2; }

double Tensor::value(int64_t index) const {
  const char *data = bytes().data();
  int32_t bits = nncc_type_bits(type);
  if (bits < 8) {
    APInt code(bits, readBits(bytes(), index * bits, bits));
    if (const fltSemantics *format = semantics(type))
      return APFloat(*format, code).convertToDouble();
    return isSigned(type) ? code.getSExtValue() : code.getZExtValue();
  }
  if (const fltSemantics *format = semantics(type)) {
    uint64_t raw = bits == 8 ? uint8_t(data[index])
                             : support::endian::read16(data + 2 * index, endianness::native);
    return APFloat(*format, APInt(bits, raw)).convertToDouble();
  }
  switch (type) {
  case NNCC_FLOAT:
    return read<float>(data, index);
  case NNCC_COMPLEX64:
    return read<float>(data, 2 * index);
  case NNCC_DOUBLE:
    return read<double>(data, index);
  case NNCC_COMPLEX128:
    return read<double>(data, 2 * index);
  case NNCC_INT8:
    return read<int8_t>(data, index);
  case NNCC_INT16:
    return read<int16_t>(data, index);
  case NNCC_INT32:
    return read<int32_t>(data, index);
  case NNCC_INT64:
    return read<int64_t>(data, index);
  case NNCC_UINT16:
    return read<uint16_t>(data, index);
  case NNCC_UINT32:
    return read<uint32_t>(data, index);
  case NNCC_UINT64:
    return read<uint64_t>(data, index);
  default: // uint8, bool
    return read<uint8_t>(data, index);
  }
}

Expected<Tensor> pack(const Tensor &unpacked, nncc_type type) {
  Expected<Tensor> packed = Tensor::create(type, unpacked.shape);
  if (!packed)
    return packed;
  MutableArrayRef<char> bytes = packed->bytes();
  std::fill(bytes.begin(), bytes.end(), 0);
  int32_t bits = nncc_type_bits(type);
  for (int64_t i = 0, e = unpacked.elements(); i < e; ++i) {
    int64_t at = i * bits / 8, offset = i * bits % 8;
    unsigned code = (uint8_t(unpacked.bytes()[i]) & ((1u << bits) - 1)) << offset;
    bytes[at] |= char(code);
    if (offset + bits > 8)
      bytes[at + 1] |= char(code >> 8);
  }
  return packed;
}

Expected<Tensor> unpack(const Tensor &packed) {
  bool hasSign = isSigned(packed.type);
  Expected<Tensor> unpacked = Tensor::create(hasSign ? NNCC_INT8 : NNCC_UINT8, packed.shape);
  if (!unpacked)
    return unpacked;
  int32_t bits = nncc_type_bits(packed.type);
  for (int64_t i = 0, e = packed.elements(); i < e; ++i) {
    uint8_t code = readBits(packed.bytes(), i * bits, bits);
    bool isNegative = hasSign && code >> (bits - 1);
    unpacked->bytes()[i] = char(isNegative ? code | (0xff << bits) : code);
  }
  unpacked->name = packed.name;
  return unpacked;
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
static uint64_t next(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Bits of an element: where random ones go, and the ones that are always set.
struct Pattern {
  unsigned bits;
  uint64_t random, fixed;
};

/// Floats: a random sign and mantissa, and the exponent of [0.5, 1).
static Pattern patternOf(nncc_type type) {
  switch (type) {
  case NNCC_FLOAT:
  case NNCC_COMPLEX64:
    return {32, 0x807fffff, 0x3f000000};
  case NNCC_DOUBLE:
  case NNCC_COMPLEX128:
    return {64, 0x800fffffffffffff, 0x3fe0000000000000};
  case NNCC_FLOAT16:
    return {16, 0x83ff, 0x3800};
  case NNCC_BFLOAT16:
    return {16, 0x807f, 0x3f00};
  case NNCC_FLOAT8E4M3FN:
    return {8, 0x87, 0x30};
  case NNCC_FLOAT8E4M3FNUZ:
    return {8, 0x87, 0x38};
  case NNCC_FLOAT8E5M2:
    return {8, 0x83, 0x38};
  case NNCC_FLOAT8E5M2FNUZ:
    return {8, 0x83, 0x3c};
  case NNCC_FLOAT4E2M1:
    return {8, 0x88, 0x11};
  case NNCC_FLOAT8E8M0: // 0.125 or 0.5
    return {8, 2, 0x7c};
  case NNCC_INT4:
  case NNCC_UINT4:
    return {8, 0x11, 0};
  case NNCC_INT2:
  case NNCC_UINT2:
    return {8, 0x55, 0};
  case NNCC_FLOAT6E2M3: // four elements in three bytes
    return {24, 0x8e38e3, 0x104104};
  case NNCC_FLOAT6E3M2:
    return {24, 0x8e38e3, 0x208208};
  default:
    return {static_cast<unsigned>(nncc_type_bits(type)), 1, 0};
  }
}

void fillRandom(Tensor &tensor, uint64_t seed) {
  Pattern pattern = patternOf(tensor.type);
  MutableArrayRef<char> bytes = tensor.bytes();
  size_t step = pattern.bits / 8;
  for (size_t at = 0; at < bytes.size(); at += step) {
    uint64_t random = next(seed);
    uint64_t value = (random & pattern.random) | pattern.fixed;
    if (pattern.random == 1)
      value = random >> 63;
    for (size_t byte = 0; byte < std::min(step, bytes.size() - at); ++byte)
      bytes[at + byte] = static_cast<char>(value >> (8 * byte));
  }
}

} // namespace nncc::tool
