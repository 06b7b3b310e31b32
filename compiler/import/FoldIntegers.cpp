#include "compiler/import/FoldIntegers.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace nncc;

static Value makeConstant(OpBinder &b, ArrayRef<int64_t> shape, Type element,
                          ArrayRef<int64_t> values) {
  auto integer = llvm::cast<IntegerType>(element);
  SmallVector<APInt> elements = llvm::map_to_vector(
      values, [&](int64_t value) { return APInt(64, uint64_t(value)).trunc(integer.getWidth()); });
  return b.constant(DenseElementsAttr::get(RankedTensorType::get(shape, element), elements));
}

Value nncc::foldElements(OpBinder &b, Value lhs, Value rhs, Type element,
                         llvm::function_ref<int64_t(int64_t, int64_t)> apply) {
  auto x = b.integersOf(lhs), y = b.integersOf(rhs);
  if (!x || !y || x->empty() || y->empty() ||
      b.typeOf(lhs).getElementType().isUnsignedInteger(64)) // does not fit int64_t
    return {};
  const bool xStands = x->size() == 1 && b.rankOf(lhs) <= b.rankOf(rhs);
  const bool yStands = y->size() == 1 && b.rankOf(rhs) <= b.rankOf(lhs);
  if (!xStands && !yStands && b.shapeOf(lhs) != b.shapeOf(rhs))
    return {};
  SmallVector<int64_t> values;
  for (size_t i = 0; i < std::max(x->size(), y->size()); ++i)
    values.push_back(apply((*x)[xStands ? 0 : i], (*y)[yStands ? 0 : i]));
  return makeConstant(b, b.shapeOf(xStands ? rhs : lhs), element, values);
}

// The distance in memory between neighbours along each dim of a row-major tensor.
static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i > 1; --i)
    strides[i - 2] = strides[i - 1] * shape[i - 1];
  return strides;
}

// Elements of `values` at origin + sum of index * stride, for each index within `shape`.
static SmallVector<int64_t> pick(ArrayRef<int64_t> values, ArrayRef<int64_t> shape, int64_t origin,
                                 ArrayRef<int64_t> strides) {
  SmallVector<int64_t> picked;
  const SmallVector<int64_t> places = stridesOf(shape);
  for (int64_t i : llvm::seq<int64_t>(0, llvm::product_of(shape))) {
    int64_t from = origin;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      from += i / places[dim] % shape[dim] * strides[dim];
    picked.push_back(values[from]);
  }
  return picked;
}

Value nncc::foldTranspose(OpBinder &b, Value value, ArrayRef<int64_t> perm) {
  auto values = b.integersOf(value);
  if (!values || !isPermutationVector(perm) || int64_t(perm.size()) != b.rankOf(value))
    return {};
  const SmallVector<int64_t> from = stridesOf(b.shapeOf(value));
  SmallVector<int64_t> shape, strides;
  for (int64_t dim : perm) {
    shape.push_back(b.shapeOf(value)[dim]);
    strides.push_back(from[dim]);
  }
  return makeConstant(b, shape, b.typeOf(value).getElementType(), pick(*values, shape, 0, strides));
}

Value nncc::foldSlice(OpBinder &b, Value value, ArrayRef<SliceRange> ranges) {
  auto values = b.integersOf(value);
  if (!values)
    return {};
  SmallVector<int64_t> shape(b.shapeOf(value)), strides = stridesOf(shape);
  int64_t origin = 0;
  for (auto [axis, start, end, step] : ranges) {
    const int64_t rank = b.rankOf(value);
    if (axis < -rank || axis >= rank || step == 0 || step == INT64_MIN)
      return {}; // nn reports it
    axis += axis < 0 ? rank : 0;
    const int64_t size = b.shapeOf(value)[axis];
    // Backwards, the end may lie before the first element.
    const int64_t least = step < 0 ? -1 : 0, most = step < 0 ? size - 1 : size;
    auto clamp = [&](int64_t at) {
      return std::min(std::max(at < 0 ? at + size : at, least), most);
    };
    start = clamp(start);
    const int64_t span = step < 0 ? start - clamp(end) : clamp(end) - start;
    shape[axis] = span <= 0 ? 0 : (span - 1) / std::abs(step) + 1;
    origin += start * strides[axis];
    strides[axis] *= shape[axis] > 1 ? step : 1; // a large step is not taken
  }
  return makeConstant(b, shape, b.typeOf(value).getElementType(),
                      pick(*values, shape, origin, strides));
}
