#include "passes/graph/DequantizedMatrix.h"

#include "passes/graph/Constants.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace mlir;

namespace nncc {

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The bytes of a constant; a splat has those of one element.
static std::optional<ArrayRef<char>> bytesOf(Value value) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return dense.getRawData();
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  return blob ? std::optional(blob->getData()) : std::nullopt;
}

/// Reads an integer as its bits: signed ones become unsigned by an offset.
static int64_t offsetOf(int64_t bits, bool isSigned) {
  return isSigned ? int64_t(1) << (bits - 1) : 0;
}

bool DequantizedMatrix::readCodes(Value operand, std::string &why) {
  auto element = dyn_cast<IntegerType>(typeOf(operand).getElementType());
  bits = element ? element.getWidth() : 0;
  if (bits != 8 && bits != 4)
    return why = "its elements are no integers of 8 or 4 bits", false;
  isSigned = !element.isUnsigned();
  Value source = operand;
  if (auto unpack = operand.getDefiningOp<nn::UnpackOp>())
    isPacked = true, source = unpack.getBytes();
  std::optional<ArrayRef<char>> bytes = bytesOf(source);
  int64_t count = typeOf(source).hasStaticShape() ? typeOf(source).getNumElements() : 0;
  if (!bytes || !count)
    return why = "it is no constant", false;
  codes = *bytes;
  isSplat = codes.size() == 1 && count > 1;
  if (!isSplat && static_cast<int64_t>(codes.size()) < count)
    return why = "the data of a constant are missing", false;
  return true;
}

/// Zero points as numbers: the bits of integers, offset as the codes are.
static std::optional<SmallVector<double>> readNumbers(Value value) {
  Type element = typeOf(value).getElementType();
  constexpr int64_t most = int64_t(1) << 32;
  if (isa<FloatType>(element))
    return readFloats(value, most);
  auto integer = cast<IntegerType>(element);
  int64_t bits = integer.getWidth(), mask = (int64_t(1) << bits) - 1;
  Value source = value;
  bool isPacked = false;
  if (auto unpack = value.getDefiningOp<nn::UnpackOp>())
    isPacked = true, source = unpack.getBytes();
  std::optional<ArrayRef<char>> bytes = bytesOf(source);
  int64_t count = typeOf(value).hasStaticShape() ? typeOf(value).getNumElements() : 0;
  int64_t stored = isPacked ? llvm::divideCeil(count * bits, 8) : count;
  if (!bytes || (bytes->size() != 1 && static_cast<int64_t>(bytes->size()) < stored))
    return std::nullopt;
  SmallVector<double> numbers;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = isPacked ? i * bits / 8 : i;
    int64_t byte = static_cast<uint8_t>((*bytes)[bytes->size() == 1 ? 0 : at]);
    int64_t number = byte >> (isPacked ? i * bits % 8 : 0) & mask;
    numbers.push_back((number + offsetOf(bits, !integer.isUnsigned())) & mask);
  }
  return numbers;
}

/// `shape`: of the dequantized elements, [K, N], or [N, K] where it is transposed; the dim of K is
/// two of them where it is split into blocks.
bool DequantizedMatrix::readParameter(Value value, ArrayRef<int64_t> shape, bool isSplit,
                                      bool isTransposed, Parameter &result,
                                      std::string &why) const {
  if (auto slice = value.getDefiningOp<nn::SliceOp>(); slice || !typeOf(value).hasStaticShape())
    return why = "a scale or zero point is computed", false;
  std::optional<SmallVector<double>> values = readNumbers(value);
  if (!values)
    return why = "a scale or zero point is no constant", false;
  result.values = std::move(*values);
  SmallVector<int64_t> own(typeOf(value).getShape());
  own.insert(own.begin(), shape.size() - own.size(), 1);
  SmallVector<int64_t> strides(own.size(), 0);
  int64_t stride = 1;
  for (int64_t i = static_cast<int64_t>(own.size()) - 1; i >= 0; stride *= own[i--])
    strides[i] = own[i] == 1 ? 0 : stride;
  int64_t k = isTransposed ? 1 : 0; // the dim of K, of its blocks
  int64_t n = isTransposed ? 0 : (isSplit ? 2 : 1), within = isSplit ? k + 1 : k;
  if (strides[within])
    return why = "each row has a scale or zero point of its own", false;
  result.perBlock = isSplit ? strides[k] : 0;
  result.perColumn = strides[n];
  return true;
}

std::optional<DequantizedMatrix> DequantizedMatrix::of(Value rhs, std::string &why) {
  DequantizedMatrix m;
  auto fail = [&](StringRef what) {
    why = what.str();
    return std::nullopt;
  };
  bool isTransposed = false;
  Value value = rhs;
  if (!typeOf(rhs).hasStaticShape() || typeOf(rhs).getRank() != 2)
    return fail("it is no matrix of known sizes");
  m.depth = typeOf(rhs).getDimSize(0), m.columns = typeOf(rhs).getDimSize(1);
  if (auto transpose = value.getDefiningOp<nn::TransposeOp>()) {
    isTransposed = transpose.getPerm() == ArrayRef<int64_t>{1, 0};
    value = transpose.getOperand();
  }
  if (auto slice = value.getDefiningOp<nn::SliceOp>()) { // of rows behind the last one
    auto isAll = [](Value operand, int64_t wanted) {
      std::optional<SmallVector<int64_t>> values = nn::constantIntegers(operand);
      return values && llvm::all_of(*values, [&](int64_t x) { return x == wanted; });
    };
    if (!isAll(slice.getStarts(), 0) || !isAll(slice.getSteps(), 1) ||
        typeOf(slice.getOperand()).getDimSize(isTransposed ? 0 : 1) != m.columns)
      return fail("it is cut elsewhere than behind its last row");
    value = slice.getOperand();
  }
  SmallVector<int64_t> whole(typeOf(value).getShape()); // before the slice
  bool isSplit = false;
  if (auto reshape = value.getDefiningOp<nn::ReshapeOp>()) {
    value = reshape.getOperand();
    isSplit = true;
  }
  auto dequantize = value.getDefiningOp<nn::DequantizeOp>();
  if (!dequantize)
    return fail("it is not dequantized from a constant");
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  if (typeOf(dequantize.getOperand()).getShape() != shape)
    return fail("its elements are repeated");
  int64_t k = isTransposed ? 1 : 0;
  m.block = m.depth;
  if (isSplit) {
    if (shape.size() != 3 || shape[k] * shape[k + 1] != whole[k] || shape[k ? 0 : 2] != m.columns)
      return fail("it is reshaped otherwise than from blocks of rows");
    m.block = shape[k + 1];
  }
  if (m.depth < 1 || m.columns < 1 || m.depth > WeightBlocks::mostRows ||
      m.columns > WeightBlocks::mostRows)
    return fail("it is empty or huge");
  m.strideK = isTransposed ? 1 : whole[1], m.strideN = isTransposed ? whole[1] : 1;
  if (!m.readCodes(dequantize.getOperand(), why) ||
      !m.readParameter(dequantize.getScale(), shape, isSplit, isTransposed, m.scale, why) ||
      !m.readParameter(dequantize.getZeroPoint(), shape, isSplit, isTransposed, m.zero, why))
    return std::nullopt;
  if (m.bits == 4 && (m.depth % 2 || m.block % 2))
    return fail("it has an odd number of rows of 4 bits");
  return m;
}

unsigned DequantizedMatrix::code(int64_t k, int64_t n) const {
  int64_t at = k * strideK + n * strideN, mask = (1 << bits) - 1;
  unsigned found;
  if (isSplat)
    found = static_cast<uint8_t>(codes[0]) >> (isPacked ? at * bits % 8 : 0);
  else if (isPacked)
    found = static_cast<uint8_t>(codes[at * bits / 8]) >> (at * bits % 8);
  else
    found = static_cast<uint8_t>(codes[at]);
  return (found + offsetOf(bits, isSigned)) & mask;
}

void DequantizedMatrix::packPanel(int64_t panel, char *to) const {
  WeightBlocks format{bits, block};
  int64_t first = panel * format.columns, count = std::min(format.columns, columns - first);
  for (int64_t begin = 0, index = 0; begin < depth; begin += block, ++index) {
    for (int64_t j = 0; j < count; ++j) {
      float factor = scale.at(index, first + j);
      std::memcpy(to + 4 * j, &factor, 4);
      to[format.scaleBytes + j] = static_cast<char>(zero.at(index, first + j));
    }
    to += format.headBytes;
    int64_t rows = std::min(block, depth - begin);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < count; ++j) {
        unsigned found = code(begin + r, first + j);
        if (bits == 8)
          to[r * format.columns + j] = static_cast<char>(found);
        else
          to[r / 2 * format.columns + j] |= static_cast<char>(found << (r % 2 * 4));
      }
    to += format.codeBytes(rows);
  }
}

ElementsAttr DequantizedMatrix::pack(MLIRContext *context) const {
  WeightBlocks format{bits, block};
  int64_t panels = llvm::divideCeil(columns, format.columns), bytes = format.panelBytes(depth);
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(panels * bytes, /*align=*/64);
  char *data = blob.getMutableData().data();
  std::memset(data, 0, panels * bytes);
  for (int64_t panel = 0; panel < panels; ++panel)
    packPanel(panel, data + panel * bytes);
  auto type = RankedTensorType::get({panels, bytes}, IntegerType::get(context, 8));
  return DenseResourceElementsAttr::get(type, "packed", std::move(blob));
}

} // namespace nncc
