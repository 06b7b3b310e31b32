#include "passes/graph/Constants.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace nncc {

bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

static bool isComputedOfConstants(Value value, int depth) {
  if (isConstant(value))
    return true;
  Operation *op = value.getDefiningOp();
  return op && depth > 0 && isa<nn::NNDialect>(op->getDialect()) && isPure(op) &&
         op->getNumOperands() > 0 && op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(),
                      [&](Value operand) { return isComputedOfConstants(operand, depth - 1); });
}

bool isComputedOfConstants(Value value) { return isComputedOfConstants(value, /*depth=*/8); }

static double toDouble(APFloat value) {
  bool lost = false;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return value.convertToDouble();
}

/// The element at `bytes`, stored as little endian.
static double readElement(FloatType type, const char *bytes) {
  unsigned width = type.getWidth();
  SmallVector<uint64_t, 2> words(llvm::divideCeil(width, 64), 0);
  std::memcpy(words.data(), bytes, width / 8);
  return toDouble(APFloat(type.getFloatSemantics(), APInt(width, words)));
}

std::optional<SmallVector<double>> readFloats(Value value, int64_t most) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  auto type = dyn_cast<FloatType>(attr.getElementType());
  int64_t count = attr.getNumElements();
  if (!type || count > most)
    return std::nullopt;
  SmallVector<double> result;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    for (APFloat element : dense.getValues<APFloat>())
      result.push_back(toDouble(element));
    return result;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  int64_t width = type.getWidth() / 8;
  if (!blob || type.getWidth() % 8 || static_cast<int64_t>(blob->getData().size()) < count * width)
    return std::nullopt;
  for (int64_t i = 0; i < count; ++i)
    result.push_back(readElement(type, blob->getData().data() + i * width));
  return result;
}

/// The bytes of a constant whose elements take whole ones; those of one element where all are
/// equal.
static std::optional<ArrayRef<char>> rawBytes(ElementsAttr attr, unsigned width) {
  if (width % 8)
    return std::nullopt;
  ArrayRef<char> bytes;
  int64_t count = attr.getNumElements();
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    bytes = dense.getRawData();
    count = dense.isSplat() ? 1 : count;
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      bytes = blob->getData();
  if (static_cast<int64_t>(bytes.size()) < count * width / 8)
    return std::nullopt;
  return bytes.take_front(count * width / 8);
}

std::optional<ArrayRef<char>> readBytes(Value value) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.getElementType().isInteger(8))
    return std::nullopt;
  return rawBytes(attr, 8);
}

std::optional<SmallVector<int64_t>> readIntegers(Value value, int64_t most) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || attr.getNumElements() > most)
    return std::nullopt;
  auto type = dyn_cast<IntegerType>(attr.getElementType());
  std::optional<ArrayRef<char>> bytes = type ? rawBytes(attr, type.getWidth()) : std::nullopt;
  if (!bytes || type.getWidth() > 64)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (; !bytes->empty(); bytes = bytes->drop_front(type.getWidth() / 8)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes->data(), type.getWidth() / 8);
    APInt element(type.getWidth(), word);
    result.push_back(type.isUnsigned() ? element.getZExtValue() : element.getSExtValue());
  }
  if (result.size() == 1)
    result.resize(attr.getNumElements(), result.front());
  return result;
}

Value makeFloats(OpBuilder &b, Location loc, RankedTensorType type, ArrayRef<double> elements) {
  auto element = cast<FloatType>(type.getElementType());
  SmallVector<APFloat> values;
  for (double x : elements) {
    bool lost = false;
    APFloat value(x);
    value.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    values.push_back(value);
  }
  return nn::ConstantOp::create(b, loc, DenseElementsAttr::get(type, values));
}

Value makeScalar(OpBuilder &b, Location loc, Type element, double scalar) {
  return makeFloats(b, loc, RankedTensorType::get({}, element), scalar);
}

Value makeIntegers(OpBuilder &b, Location loc, ArrayRef<int64_t> elements) {
  auto type = RankedTensorType::get(static_cast<int64_t>(elements.size()), b.getI64Type());
  return nn::ConstantOp::create(b, loc, DenseElementsAttr::get(type, elements));
}

int64_t estimateBytes(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t count = nominal(elementCount(shapeOf(type), type.getContext()));
  return count * nn::storedBytes(type.getElementType());
}

} // namespace nncc
