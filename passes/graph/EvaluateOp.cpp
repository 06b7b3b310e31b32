#include "passes/graph/EvaluateOp.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace nncc {

namespace {

/// Elements in memory, each at an offset that is linear in its indices.
struct View {
  RankedTensorType type;
  ArrayRef<char> bytes;
  SmallVector<int64_t> strides; // in elements
  int64_t offset = 0;           // of the first element

  const char *data() const { return bytes.data() + offset * elementSize(); }
  int64_t elementSize() const { return type.getElementTypeBitWidth() / 8; }
};

SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> strides(sizes.size(), 1);
  for (int64_t i = static_cast<int64_t>(sizes.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * sizes[i + 1];
  return strides;
}

std::optional<View> readConstant(Value value) {
  ElementsAttr attr;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.getElementType().isIntOrFloat() || type.getElementTypeBitWidth() % 8 ||
      !matchPattern(value, m_Constant(&attr)))
    return std::nullopt;
  View view{type, {}, rowMajorStrides(type.getShape())};
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      view.bytes = blob->getData();
  } else if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    view.bytes = dense.getRawData();
    if (dense.isSplat())
      view.strides.assign(type.getRank(), 0);
  }
  int64_t stored =
      llvm::all_of(view.strides, [](int64_t s) { return s == 0; }) && type.getNumElements()
          ? 1
          : type.getNumElements();
  if (static_cast<int64_t>(view.bytes.size()) < stored * view.elementSize())
    return std::nullopt;
  return view;
}

/// The view whose dims broadcast to `type`.
View broadcastTo(const View &view, RankedTensorType type) {
  View result{type.clone(view.type.getElementType()), view.bytes, {}, view.offset};
  int64_t lead = type.getRank() - view.type.getRank();
  result.strides.assign(lead, 0);
  for (auto [i, stride] : llvm::enumerate(view.strides))
    result.strides.push_back(view.type.getDimSize(i) == 1 ? 0 : stride);
  return result;
}

/// Calls `row(indices of the outer dims as offsets)` for each row along the last dim: offsets[v] is
/// that of the row's first element in view v.
template <typename Row>
void forEachRow(ArrayRef<int64_t> sizes, ArrayRef<ArrayRef<int64_t>> strides, Row row) {
  if (llvm::is_contained(sizes, 0))
    return;
  int64_t outer = std::max<int64_t>(static_cast<int64_t>(sizes.size()) - 1, 0);
  SmallVector<int64_t> index(outer, 0), offsets(strides.size(), 0);
  while (true) {
    row(offsets);
    int64_t dim = outer - 1;
    for (; dim >= 0; --dim) { // the odometer's next step
      for (auto [offset, stride] : llvm::zip(offsets, strides))
        offset += stride[dim];
      if (++index[dim] < sizes[dim])
        break;
      for (auto [offset, stride] : llvm::zip(offsets, strides))
        offset -= stride[dim] * sizes[dim];
      index[dim] = 0;
    }
    if (dim < 0)
      return;
  }
}

int64_t lastOr(ArrayRef<int64_t> values, int64_t none) {
  return values.empty() ? none : values.back();
}

template <typename T> void copyElements(const View &from, char *to, ArrayRef<int64_t> toStrides) {
  ArrayRef<int64_t> sizes = from.type.getShape();
  int64_t count = lastOr(sizes, 1), fromStep = lastOr(from.strides, 1),
          toStep = lastOr(toStrides, 1);
  auto *source = reinterpret_cast<const T *>(from.data());
  auto *target = reinterpret_cast<T *>(to);
  forEachRow(sizes, {from.strides, toStrides}, [&](ArrayRef<int64_t> offsets) {
    for (int64_t i = 0; i < count; ++i)
      target[offsets[1] + i * toStep] = source[offsets[0] + i * fromStep];
  });
}

/// Copies elements of any type by their size.
bool copy(const View &from, char *to, ArrayRef<int64_t> toStrides) {
  switch (from.elementSize()) {
  case 1:
    copyElements<uint8_t>(from, to, toStrides);
    return true;
  case 2:
    copyElements<uint16_t>(from, to, toStrides);
    return true;
  case 4:
    copyElements<uint32_t>(from, to, toStrides);
    return true;
  case 8:
    copyElements<uint64_t>(from, to, toStrides);
    return true;
  default:
    return false;
  }
}

/// Fresh memory for the elements of a result; becomes an attribute.
class Buffer {
public:
  explicit Buffer(RankedTensorType type)
      : type(type),
        blob(HeapAsmResourceBlob::allocate(
            std::max<int64_t>(type.getNumElements() * (type.getElementTypeBitWidth() / 8), 1),
            /*align=*/64)) {}
  char *data() { return blob.getMutableData().data(); }

  ElementsAttr take() {
    int64_t bytes = type.getNumElements() * (type.getElementTypeBitWidth() / 8);
    if (type.getNumElements() <= nn::Fact::maxValues)
      return DenseElementsAttr::getFromRawBuffer(type, blob.getData().take_front(bytes));
    return DenseResourceElementsAttr::get(type, "evaluated", std::move(blob));
  }

private:
  RankedTensorType type;
  AsmResourceBlob blob;
};

ElementsAttr materialize(const View &view) {
  Buffer buffer(view.type);
  if (!copy(view, buffer.data(), rowMajorStrides(view.type.getShape())))
    return {};
  return buffer.take();
}

/// Another shape over the same elements: nothing is copied.
ElementsAttr reshape(Value value, RankedTensorType type) {
  ElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return dense.reshape(type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  return {};
}

ElementsAttr transpose(nn::TransposeOp op, RankedTensorType type) {
  std::optional<View> source = readConstant(op.getOperand());
  if (!source)
    return {};
  View result{type, source->bytes, {}, source->offset};
  for (int64_t dim : op.getPerm())
    result.strides.push_back(source->strides[dim]);
  return materialize(result);
}

ElementsAttr expand(nn::ExpandOp op, RankedTensorType type) {
  std::optional<View> source = readConstant(op.getOperand());
  return source ? materialize(broadcastTo(*source, type)) : ElementsAttr();
}

ElementsAttr slice(nn::SliceOp op, RankedTensorType type) {
  std::optional<View> source = readConstant(op.getOperand());
  auto starts = nn::constantIntegers(op.getStarts()), axes = nn::constantIntegers(op.getAxes()),
       steps = nn::constantIntegers(op.getSteps());
  if (!source || !starts || !axes || !steps)
    return {};
  View result{type, source->bytes, source->strides, source->offset};
  for (auto [start, axis, step] : llvm::zip_equal(*starts, *axes, *steps)) {
    int64_t dim = axis < 0 ? axis + type.getRank() : axis;
    if (type.getDimSize(dim) == 0)
      return materialize(result); // nothing to read
    int64_t size = source->type.getDimSize(dim), first = start < 0 ? start + size : start;
    first = std::clamp<int64_t>(first, 0, step > 0 ? size : size - 1);
    result.offset += first * source->strides[dim];
    result.strides[dim] *= step;
  }
  return materialize(result);
}

ElementsAttr concat(nn::ConcatOp op, RankedTensorType type) {
  int64_t axis = op.getAxis(); // the accessor has no sign
  axis = axis < 0 ? axis + type.getRank() : axis;
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  if (type.getElementTypeBitWidth() % 8)
    return {};
  Buffer buffer(type);
  char *place = buffer.data();
  for (Value input : op.getInputs()) {
    std::optional<View> source = readConstant(input);
    if (!source || !copy(*source, place, strides))
      return {};
    place += source->type.getDimSize(axis) * strides[axis] * source->elementSize();
  }
  return buffer.take();
}

/// f(a, b) element by element, with broadcasting.
template <typename T, typename F>
ElementsAttr apply(const View &a, const View &b, RankedTensorType type, F f) {
  Buffer buffer(type);
  View left = broadcastTo(a, type), right = broadcastTo(b, type);
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  auto *x = reinterpret_cast<const T *>(left.data());
  auto *y = reinterpret_cast<const T *>(right.data());
  auto *z = reinterpret_cast<T *>(buffer.data());
  int64_t count = lastOr(type.getShape(), 1);
  int64_t xStep = lastOr(left.strides, 0), yStep = lastOr(right.strides, 0);
  forEachRow(type.getShape(), {left.strides, right.strides, strides}, [&](ArrayRef<int64_t> at) {
    for (int64_t i = 0; i < count; ++i)
      z[at[2] + i] = f(x[at[0] + i * xStep], y[at[1] + i * yStep]);
  });
  return buffer.take();
}

template <typename T> ElementsAttr arithmetic(Operation *op, RankedTensorType type) {
  std::optional<View> a = readConstant(op->getOperand(0));
  std::optional<View> b = op->getNumOperands() > 1 ? readConstant(op->getOperand(1)) : a;
  if (!a || !b || b->type.getElementType() != type.getElementType())
    return {};
  auto with = [&](auto f) { return apply<T>(*a, *b, type, f); };
  return TypeSwitch<Operation *, ElementsAttr>(op)
      .Case([&](nn::AddOp) { return with([](T x, T y) { return x + y; }); })
      .Case([&](nn::SubOp) { return with([](T x, T y) { return x - y; }); })
      .Case([&](nn::MulOp) { return with([](T x, T y) { return x * y; }); })
      .Case([&](nn::DivOp) { return with([](T x, T y) { return x / y; }); })
      .Case([&](nn::PowOp) {
        return with([](T x, T y) { return T(std::pow(double(x), double(y))); });
      })
      .Case([&](nn::NegOp) { return with([](T x, T) { return -x; }); })
      .Case([&](nn::SqrtOp) { return with([](T x, T) { return std::sqrt(x); }); })
      .Case([&](nn::ReciprocalOp) { return with([](T x, T) { return 1 / x; }); })
      .Default(ElementsAttr());
}

/// A cast of few elements from integers or floats to f32 or f64.
ElementsAttr castToFloat(nn::CastOp op, RankedTensorType type) {
  DenseElementsAttr dense;
  if (!matchPattern(op.getOperand(), m_Constant(&dense)) ||
      type.getNumElements() > nn::Fact::maxValues)
    return {};
  auto to = cast<FloatType>(type.getElementType());
  SmallVector<APFloat> elements;
  if (isa<FloatType>(dense.getElementType())) {
    for (APFloat element : dense.getValues<APFloat>()) {
      bool lost = false;
      element.convert(to.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
      elements.push_back(element);
    }
    return DenseElementsAttr::get(type, elements);
  }
  Type from = dense.getElementType();
  bool isSigned = !from.isUnsignedInteger() && !from.isInteger(1);
  for (APInt element : dense.getValues<APInt>()) {
    APFloat value(to.getFloatSemantics());
    value.convertFromAPInt(element, isSigned, APFloat::rmNearestTiesToEven);
    elements.push_back(value);
  }
  return DenseElementsAttr::get(type, elements);
}

} // namespace

ElementsAttr evaluateOp(Operation *op) {
  auto type = op->getNumResults() == 1 ? dyn_cast<RankedTensorType>(op->getResult(0).getType())
                                       : RankedTensorType();
  if (!type || !op->getNumOperands() || !type.hasStaticShape() ||
      !type.getElementType().isIntOrFloat())
    return {};
  return TypeSwitch<Operation *, ElementsAttr>(op)
      .Case<nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp>(
          [&](auto) { return reshape(op->getOperand(0), type); })
      .Case([&](nn::TransposeOp transposeOp) { return transpose(transposeOp, type); })
      .Case([&](nn::ExpandOp expandOp) { return expand(expandOp, type); })
      .Case([&](nn::SliceOp sliceOp) { return slice(sliceOp, type); })
      .Case([&](nn::ConcatOp concatOp) { return concat(concatOp, type); })
      .Case([&](nn::CastOp castOp) {
        return isa<FloatType>(type.getElementType()) && !nn::isCode(type.getElementType())
                   ? castToFloat(castOp, type)
                   : ElementsAttr();
      })
      .Default([&](Operation *) {
        if (type.getElementType().isF32())
          return arithmetic<float>(op, type);
        return type.getElementType().isF64() ? arithmetic<double>(op, type) : ElementsAttr();
      });
}

} // namespace nncc
