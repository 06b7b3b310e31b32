#include "compiler/import/Compose.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace nncc;

// Rounded to the element type as NumPy's astype does.
static ElementsAttr makeElements(RankedTensorType type, ArrayRef<double> values) {
  auto element = cast<FloatType>(type.getElementType());
  const size_t size = element.getWidth() / 8;
  std::vector<char> bytes(values.size() * size);
  for (auto [i, value] : llvm::enumerate(values)) {
    APFloat number(value);
    bool inexact;
    number.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
    const uint64_t bits = number.bitcastToAPInt().getZExtValue();
    for (size_t byte = 0; byte < size; ++byte)
      bytes[i * size + byte] = char(bits >> (8 * byte));
  }
  if (bytes.size() <= 1024)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return DenseResourceElementsAttr::get(
      type, "numbers", HeapAsmResourceBlob::allocateAndCopyWithAlign(ArrayRef<char>(bytes), 64));
}

Value Compose::floats(ArrayRef<int64_t> shape, Type element, ArrayRef<double> values) const {
  return b.constant(makeElements(RankedTensorType::get(shape, element), values));
}

Value Compose::compare(nn::CompareKind kind, Value x, Value y) const {
  nn::CompareOp::Properties properties;
  properties.kind = nn::CompareKindAttr::get(b.getBuilder().getContext(), kind);
  return b.create<nn::CompareOp>({x, y}, properties);
}

Value Compose::transpose(Value x, ArrayRef<int64_t> perm) const {
  if (llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return x;
  nn::TransposeOp::Properties properties;
  properties.perm = b.array(perm);
  return b.create<nn::TransposeOp>({x}, properties);
}

Value Compose::concat(ValueRange values, int64_t axis) const {
  if (values.size() == 1)
    return values.front();
  nn::ConcatOp::Properties properties;
  properties.axis = b.i64(axis);
  return b.create<nn::ConcatOp>(values, properties);
}

Value Compose::slice(Value x, int64_t axis, int64_t start, int64_t end) const {
  return slice(x, axis, start, b.getBuilder().getAffineConstantExpr(end));
}

Value Compose::slice(Value x, int64_t axis, int64_t start, AffineExpr end) const {
  if (x && start == 0 && b.shapeOf(x)[axis] == end)
    return x;
  return b.create<nn::SliceOp>(
      {x, b.constant({start}), b.sizes(end), b.constant({axis}), b.constant({1})});
}

SmallVector<Value> Compose::split(Value x, int64_t axis, ArrayRef<AffineExpr> parts,
                                  bool isKnown) const {
  AffineExpr start = b.getBuilder().getAffineConstantExpr(0);
  const Shape shape = b.shapeOf(x);
  Value ones = b.constant(SmallVector<int64_t>(shape.size(), 1));
  SmallVector<Value> result;
  for (AffineExpr part : parts) {
    Shape starts(shape.size(), start * 0), sizes = shape;
    starts[axis] = start, sizes[axis] = part;
    result.push_back(
        isKnown ? b.create<nn::SliceOp>({x, b.sizes(start), b.sizes(normalForm(start + part)),
                                         b.constant({axis}), b.constant({1})})
                : b.create<nn::SliceAtOp>({x, b.sizes(starts), ones, b.sizes(sizes)}));
    start = normalForm(start + part);
  }
  return result;
}

Value Compose::resize(Value x, int64_t axis, int64_t size) const {
  if (!x)
    return x;
  const AffineExpr wanted = b.getBuilder().getAffineConstantExpr(size);
  const std::optional<int64_t> now = constantOf(b.shapeOf(x)[axis]);
  if (!now || *now >= size)
    x = slice(x, axis, 0, wanted);
  if (!x || b.shapeOf(x)[axis] == wanted)
    return x;
  Shape pads(2 * b.rankOf(x), b.getBuilder().getAffineConstantExpr(0));
  pads[b.rankOf(x) + axis] = normalForm(wanted - b.shapeOf(x)[axis]);
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), nn::PadMode::Constant);
  return b.create<nn::PadOp>({x, b.sizes(pads), number(x, 0)}, properties);
}

Value Compose::reduce(nn::ReduceKind kind, Value x, ArrayRef<int64_t> axes, bool keepdims) const {
  nn::ReduceOp::Properties properties;
  properties.kind = nn::ReduceKindAttr::get(b.getBuilder().getContext(), kind);
  properties.keepdims = b.unitIf(keepdims);
  return b.create<nn::ReduceOp>({x, b.constant(axes)}, properties);
}

Value Compose::flatten(Value x, int64_t axis) const {
  if (!x)
    return x;
  const Shape shape = b.shapeOf(x);
  auto count = [&](ArrayRef<AffineExpr> sizes) {
    return elementCount(sizes, b.getBuilder().getContext());
  };
  ArrayRef<AffineExpr> sizes = shape;
  return b.reshapeTo(x, {count(sizes.take_front(axis)), count(sizes.drop_front(axis))});
}

Value Compose::along(Value x, int64_t axis, int64_t rank) const {
  if (!x)
    return x;
  Shape shape(rank, b.getBuilder().getAffineConstantExpr(1));
  shape[axis] = elementCount(b.shapeOf(x), b.getBuilder().getContext());
  return b.reshapeTo(x, shape);
}
