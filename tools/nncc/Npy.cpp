// NumPy's .npy: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/TensorFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llvm;

namespace nncc::tool {

static constexpr StringLiteral magic = "\x93NUMPY";

/// NumPy's names of types, without the byte order.
static constexpr std::pair<const char *, nncc_type> typeNames[] = {
    {"f4", NNCC_FLOAT},     {"f8", NNCC_DOUBLE},     {"f2", NNCC_FLOAT16}, {"i1", NNCC_INT8},
    {"i2", NNCC_INT16},     {"i4", NNCC_INT32},      {"i8", NNCC_INT64},   {"u1", NNCC_UINT8},
    {"u2", NNCC_UINT16},    {"u4", NNCC_UINT32},     {"u8", NNCC_UINT64},  {"b1", NNCC_BOOL},
    {"c8", NNCC_COMPLEX64}, {"c16", NNCC_COMPLEX128}};

namespace {
/// What the header says: a Python dict {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3)}.
struct Header {
  std::string type; // with its byte order
  bool columnMajor = false;
  std::vector<int64_t> shape;
};
} // namespace

static std::optional<std::vector<int64_t>> parseTuple(StringRef text) {
  std::vector<int64_t> shape;
  SmallVector<StringRef> sizes;
  text.split(sizes, ',');
  for (StringRef size : sizes) {
    size = size.trim();
    size.consume_back("L"); // Python 2
    int64_t value;
    if (size.empty())
      continue;
    if (size.getAsInteger(10, value) || value < 0)
      return std::nullopt;
    shape.push_back(value);
  }
  return shape;
}

static std::optional<Header> parseHeader(StringRef text) {
  Header header;
  auto value = [&](StringRef key) {
    auto [before, after] = text.split(("'" + key + "'").str());
    after = after.ltrim();
    return after.consume_front(":") ? after.ltrim() : StringRef();
  };
  StringRef descr = value("descr"), order = value("fortran_order"), shape = value("shape");
  if (!descr.consume_front("'") || !descr.contains('\'') || !shape.consume_front("(") ||
      !shape.contains(')'))
    return std::nullopt;
  header.type = descr.take_until([](char c) { return c == '\''; }).str();
  header.columnMajor = order.starts_with("True");
  if (!header.columnMajor && !order.starts_with("False"))
    return std::nullopt;
  std::optional<std::vector<int64_t>> sizes =
      parseTuple(shape.take_until([](char c) { return c == ')'; }));
  if (!sizes)
    return std::nullopt;
  header.shape = std::move(*sizes);
  return header;
}

/// Splits the file in header and data.
static Expected<std::pair<StringRef, StringRef>> split(StringRef bytes) {
  if (!bytes.consume_front(magic) || bytes.size() < 4)
    return usageError("not a .npy file");
  unsigned major = uint8_t(bytes[0]), sizeBytes = major == 1 ? 2 : 4;
  if (major < 1 || major > 3)
    return usageError(".npy version " + Twine(major) + ", expected 1 to 3");
  bytes = bytes.drop_front(2);
  if (bytes.size() < sizeBytes)
    return usageError("the file ends in its header");
  uint64_t size = sizeBytes == 2 ? support::endian::read16le(bytes.data())
                                 : support::endian::read32le(bytes.data());
  bytes = bytes.drop_front(sizeBytes);
  if (bytes.size() < size)
    return usageError("the file ends in its header");
  return std::pair(bytes.take_front(size), bytes.drop_front(size));
}

/// An empty tensor of the header's type and shape; opaque types as unsigned integers.
static Expected<Tensor> create(const Header &header) {
  StringRef name =
      StringRef(header.type).drop_while([](char c) { return is_contained("<>|=", c); });
  for (auto [known, type] : typeNames)
    if (name == known)
      return Tensor::create(type, header.shape);
  // float8_e5m2 calls itself f1, but is not the only type of that size.
  bool oneByte = name == "V1" || name == "f1", twoBytes = name == "V2";
  if (!oneByte && !twoBytes)
    return unsupportedError("NumPy's type '" + header.type + "', expected numbers");
  Expected<Tensor> tensor = Tensor::create(oneByte ? NNCC_UINT8 : NNCC_UINT16, header.shape);
  if (tensor)
    tensor->opaqueBytes = oneByte ? 1 : 2;
  return tensor;
}

/// Copies from column-major order to the row-major order of `tensor`.
static void transpose(StringRef source, Tensor &tensor, size_t element) {
  std::vector<int64_t> index(tensor.shape.size());
  char *to = tensor.bytes().data();
  for (int64_t i = 0, e = tensor.elements(); i < e; ++i, to += element) {
    int64_t from = 0;
    for (size_t d = index.size(); d-- > 0;)
      from = from * tensor.shape[d] + index[d];
    std::copy_n(source.data() + from * element, element, to);
    for (size_t d = index.size(); d-- > 0 && ++index[d] == tensor.shape[d];)
      index[d] = 0;
  }
}

Expected<Tensor> parseNpy(StringRef bytes) {
  auto parts = split(bytes);
  if (!parts)
    return parts.takeError();
  auto [text, data] = *parts;
  std::optional<Header> header = parseHeader(text);
  if (!header)
    return usageError("its header does not say type, order and shape: " +
                      text.take_front(100).trim());
  // The size is checked before memory is asked for.
  Header scalar{header->type, false, {}};
  Expected<Tensor> element = create(scalar);
  if (!element)
    return element;
  int64_t size = nncc_tensor_bytes(element->type, header->shape.size(), header->shape.data());
  if (size < 0 || uint64_t(size) != data.size())
    return usageError("holds " + Twine(data.size()) + " bytes of data, but its header says " +
                      nncc_type_name(element->type) + shapeText(header->shape));
  Expected<Tensor> tensor = create(*header);
  if (!tensor)
    return tensor;
  size_t step = element->bytes().size();
  if (header->columnMajor && header->shape.size() > 1)
    transpose(data, *tensor, step);
  else
    std::copy(data.begin(), data.end(), tensor->bytes().begin());
  if (header->type[0] == '>') {
    bool complex = tensor->type == NNCC_COMPLEX64 || tensor->type == NNCC_COMPLEX128;
    step /= complex ? 2 : 1;
    for (char *at = tensor->bytes().begin(); at != tensor->bytes().end(); at += step)
      std::reverse(at, at + step);
  }
  return tensor;
}

/// NumPy's name of a type, as ml_dtypes writes those that NumPy does not know.
static std::string typeName(nncc_type type) {
  for (auto [name, known] : typeNames)
    if (type == known)
      return (nncc_type_bits(type) == 8 ? "|" : "<") + std::string(name);
  return nncc_type_bits(type) == 8 ? "|V1" : "<V2";
}

Error writeNpy(raw_ostream &os, const Tensor &tensor) {
  if (tensor.type == NNCC_STRING)
    return unsupportedError("strings of any length are not among NumPy's types: use a .pb");
  if (nncc_type_bits(tensor.type) < 8) {
    Expected<Tensor> unpacked = unpack(tensor);
    return unpacked ? writeNpy(os, *unpacked) : unpacked.takeError();
  }
  std::string header =
      "{'descr': '" + typeName(tensor.type) + "', 'fortran_order': False, 'shape': (" +
      join(map_range(tensor.shape, [](int64_t size) { return std::to_string(size); }), ", ") +
      (tensor.shape.size() == 1 ? ",), }" : "), }");
  size_t prefix = magic.size() + 4; // the data begins at a multiple of 64
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  char size[2];
  support::endian::write16le(size, header.size());
  os << magic << '\x01' << '\0' << StringRef(size, 2) << header << tensor.bytes();
  return Error::success();
}

} // namespace nncc::tool
