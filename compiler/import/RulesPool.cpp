// Pools.
#include "compiler/import/Compose.h"
#include "compiler/import/Indices.h"
#include "compiler/import/Rules.h"
#include "compiler/import/WindowAttributes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nncc;

// The rows that ceil_mode adds at the high end of each dim: the last window may reach past the
// padding, but must start inside of it.
static SmallVector<int64_t> ceilPads(OpBinder &b, const WindowAttributes &window, Value x) {
  SmallVector<int64_t> extra;
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t low = window.pads[i], high = window.pads[i + window.rank()];
    const int64_t stride = window.strides[i];
    // Where no window can start in the padding, rounding up is a stride less one of padding.
    if (!constantOf(b.shapeOf(x)[2 + i]) && high + stride - 1 < window.extent(i)) {
      extra.push_back(stride - 1);
      continue;
    }
    const int64_t image = b.fixedSizeOf(x, 2 + i), size = image + low + high;
    int64_t results = llvm::divideCeil(std::max<int64_t>(0, size - window.extent(i)), stride) + 1;
    if ((results - 1) * stride >= image + low)
      --results;
    extra.push_back(std::max<int64_t>(0, (results - 1) * stride + window.extent(i) - size));
  }
  return extra;
}

// `value` around the spatial dims of `x`.
static Value padSpatial(OpBinder &b, Value x, ArrayRef<int64_t> spatial, double value) {
  const size_t rank = spatial.size() / 2;
  SmallVector<int64_t> pads(2 * (rank + 2), 0);
  for (size_t i = 0; i < rank; ++i) {
    pads[2 + i] = spatial[i];
    pads[rank + 4 + i] = spatial[rank + i];
  }
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), nn::PadMode::Constant);
  return b.create<nn::PadOp>({x, b.constant(pads), Compose{b}.number(x, value)}, properties);
}

// Zeros as the window's pads ask; they count as elements then.
static Value padExplicitly(OpBinder &b, Value x, WindowAttributes &window) {
  x = padSpatial(b, x, window.pads, 0);
  window.pads.assign(window.pads.size(), 0);
  return x;
}

// The next place in a box of these sizes, the last dim first; false behind the last one.
static bool advance(MutableArrayRef<int64_t> place, ArrayRef<int64_t> sizes) {
  for (size_t i = sizes.size(); i-- > 0;) {
    if (++place[i] < sizes[i])
      return true;
    place[i] = 0;
  }
  return false;
}

static Value importPool(OpBinder &b, nn::PoolKind kind, Value x) {
  auto kernel = b.integers("kernel_shape");
  if (!kernel || b.rankOf(x) < 3)
    return b.invalid("expected kernel_shape and an input of at least 3 dims");
  auto window = readWindow(b, *kernel, x);
  if (!window)
    return {};
  if (kind == nn::PoolKind::Max)
    x = padOpenSizes(b, x, *window, -std::numeric_limits<double>::infinity());
  else if (!window->openPads.empty()) { // elements count, pads need not
    for (size_t i = 0; i < window->rank(); ++i)
      b.fixedSizeOf(x, int64_t(2 + i));
    return {};
  }
  if (b.flag("ceil_mode")) {
    auto extra = ceilPads(b, *window, x);
    if (b.hasFailed())
      return {};
    if (kind == nn::PoolKind::Average && llvm::any_of(extra, [](int64_t e) { return e > 0; })) {
      x = padExplicitly(b, x, *window); // the padding counts, what ceil_mode adds does not
      kind = nn::PoolKind::AverageValid;
    }
    for (size_t i = 0; i < window->rank(); ++i)
      window->pads[window->rank() + i] += extra[i];
  }
  nn::PoolOp::Properties properties;
  properties.kind = nn::PoolKindAttr::get(b.getBuilder().getContext(), kind);
  properties.kernel = b.array(window->kernel);
  properties.strides = b.array(window->strides);
  properties.dilations = b.array(window->dilations);
  properties.pads = b.array(window->pads);
  return b.create<nn::PoolOp>({x}, properties);
}

// The index of each element of `x` in it; dims before the spatial ones count, and with
// `columnMajor` the spatial dims do in the other order.
static Value makeIndices(OpBinder &b, Value x, bool columnMajor) {
  Compose f{b};
  SmallVector<int64_t> sizes(b.fixedShapeOf(x));
  const int64_t rank = sizes.size();
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, rank)); // the fastest dim last
  if (columnMajor)
    std::reverse(order.begin() + 2, order.end());
  Value result;
  int64_t step = 1;
  for (int64_t dim : llvm::reverse(order)) {
    SmallVector<int64_t> places;
    for (int64_t i = 0; i < sizes[dim]; ++i)
      places.push_back(i * step);
    step *= sizes[dim];
    Value along = f.along(b.constant(places), dim, rank);
    result = result ? f.add(result, along) : along;
  }
  return result;
}

// Where in `x` the largest element of each window is: the first of those that are equal. One
// comparison per place of the kernel.
static Value importMaxIndices(OpBinder &b, Value x) {
  Compose f{b};
  auto window = readWindow(b, *b.integers("kernel_shape"), x);
  if (!window || b.hasFailed())
    return {};
  if (llvm::product_of(window->kernel) > 256)
    return b.unsupported("its output 'Indices' is not supported for windows of more than 256");
  if (b.flag("ceil_mode")) {
    auto extra = ceilPads(b, *window, x);
    for (size_t i = 0; i < window->rank(); ++i)
      window->pads[window->rank() + i] += extra[i];
  }
  Value indices = makeIndices(b, x, b.flag("storage_order"));
  if (b.hasFailed())
    return {};
  Type element = b.typeOf(x).getElementType();
  const double least = isa<FloatType>(element)       ? -std::numeric_limits<double>::infinity()
                       : element.isUnsignedInteger() ? 0
                                                     : -128;
  x = padSpatial(b, x, window->pads, least);
  indices = padSpatial(b, indices, window->pads, 0);
  SmallVector<int64_t> place(window->rank(), 0);
  const SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, b.rankOf(x)));
  auto read = [&](Value source) {
    SmallVector<int64_t> starts, ends;
    for (size_t i = 0; i < window->rank(); ++i) {
      const int64_t room = b.fixedSizeOf(x, 2 + i) - window->extent(i);
      starts.push_back(place[i] * window->dilations[i]);
      ends.push_back(starts[i] + room / window->strides[i] * window->strides[i] + 1);
    }
    return b.create<nn::SliceOp>({source, b.constant(starts), b.constant(ends), b.constant(axes),
                                  b.constant(window->strides)});
  };
  Value best, where;
  do {
    Value value = read(x), index = read(indices);
    Value isBetter = best ? f.compare(nn::CompareKind::Greater, value, best) : Value();
    best = best ? f.where(isBetter, value, best) : value;
    where = where ? f.where(isBetter, index, where) : index;
  } while (!b.hasFailed() && advance(place, window->kernel));
  return where;
}

static void importMaxPool(OpBinder &b) {
  Value x = b.input(0);
  if (!x)
    return;
  const Type element = b.typeOf(x).getElementType();
  const bool isInteger = element.isInteger(); // of 8 bits: exact as floats
  Value y =
      importPool(b, nn::PoolKind::Max, isInteger ? b.cast(x, b.getBuilder().getF32Type()) : x);
  b.result(isInteger ? b.cast(y, element) : y);
  if (y && b.wants(1))
    b.result(importMaxIndices(b, x), 1);
}

static void importAveragePool(OpBinder &b) {
  b.result(importPool(
      b, b.flag("count_include_pad") ? nn::PoolKind::Average : nn::PoolKind::AverageValid,
      b.input(0)));
}

// The p-th root of the sum of the p-th powers of magnitudes; padding is zeros.
static void importLpPool(OpBinder &b) {
  Compose f{b};
  const double p = double(b.integer("p", 2));
  if (p < 1)
    return (void)b.invalid("p is " + Twine(int64_t(p)) + ", expected 1 or more");
  int64_t elements = 1;
  for (int64_t size : b.integers("kernel_shape").value_or(SmallVector<int64_t>()))
    elements *= size;
  Value x = f.unary<nn::AbsOp>(b.input(0));
  x = importPool(b, nn::PoolKind::Average, p == 1 ? x : f.pow(x, f.number(x, p)));
  x = f.mul(x, double(elements));
  b.result(p == 1 ? x : f.pow(x, f.number(x, 1 / p)));
}

// Zeros behind the elements of all dims, so that there are `wanted`, which a run may compute.
static Value padTo(OpBinder &b, Value x, Value wanted) {
  Compose f{b};
  ArrayRef<int64_t> shape = b.fixedShapeOf(x);
  Value none = b.constant(SmallVector<int64_t>(shape.size(), 0));
  Value behind = b.knownSizes(f.sub(wanted, b.constant(shape)),
                              "what the shape of the result has beyond that of the pooled tensor");
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), nn::PadMode::Constant);
  return b.create<nn::PadOp>({x, f.concat({none, behind}, 0), f.number(x, 0)}, properties);
}

// Each element back to its place in the pooled tensor, zeros elsewhere.
static void importMaxUnpool(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0), indices = b.input(1);
  auto kernel = b.integers("kernel_shape").value_or(SmallVector<int64_t>());
  if (b.rankOf(x) < 3 || int64_t(kernel.size()) != b.rankOf(x) - 2)
    return (void)b.invalid(
        "expected an input of 3 dims or more and a kernel_shape for those behind "
        "the channels");
  auto strides = b.integers("strides", kernel.size(), 1);
  auto pads = b.integers("pads", 2 * kernel.size(), 0);
  SmallVector<int64_t> shape(b.fixedShapeOf(x));
  for (auto [i, size] : llvm::enumerate(kernel))
    shape[2 + i] = (shape[2 + i] - 1) * strides[i] - pads[i] - pads[kernel.size() + i] + size;
  auto count = countElements(shape);
  if (!count) {
    llvm::consumeError(count.takeError());
    return (void)b.invalid("the result would have a negative or too large dimension");
  }
  const AffineExpr zero = getAffineConstantExpr(0, b.getBuilder().getContext());
  requireWithin(b, indices, zero, zero + (*count - 1), "an index");
  const int64_t elements = llvm::product_of(b.fixedShapeOf(x));
  nn::ScatterElementsOp::Properties properties;
  properties.kind = nn::ScatterKindAttr::get(b.getBuilder().getContext(), nn::ScatterKind::Replace);
  properties.axis = b.i64(0);
  Value zeros = b.create<nn::ExpandOp>({f.number(x, 0), b.constant({*count})});
  Value result = b.create<nn::ScatterElementsOp>(
      {zeros, b.reshape(indices, {elements}), b.reshape(x, {elements})}, properties);
  result = b.reshape(result, shape);
  Value wanted = b.input(2);
  b.result(wanted ? padTo(b, result, wanted) : result);
}

// One value per channel: a reduction of all dims behind it.
static Rule importGlobal(nn::ReduceKind kind) {
  return [kind](OpBinder &b) {
    nn::ReduceKind used = kind;
    if (kind == nn::ReduceKind::L2) { // GlobalLpPool
      const int64_t p = b.integer("p", 2);
      if (p != 1 && p != 2)
        return (void)b.unsupported("p = " + Twine(p) + " is not supported, only 1 and 2");
      used = p == 1 ? nn::ReduceKind::L1 : nn::ReduceKind::L2;
    }
    SmallVector<int64_t> axes;
    for (int64_t axis = 2; axis < b.rankOf(b.input(0)); ++axis)
      axes.push_back(axis);
    nn::ReduceOp::Properties properties;
    properties.kind = nn::ReduceKindAttr::get(b.getBuilder().getContext(), used);
    properties.keepdims = b.unitIf(true);
    b.result(b.create<nn::ReduceOp>({b.input(0), b.constant(axes)}, properties));
  };
}

void nncc::addPoolRules(Rules &rules) {
  rules.onOp("MaxPool", 1, importMaxPool);
  rules.onOp("AveragePool", 1, importAveragePool);
  rules.onOp("LpPool", 2, importLpPool);
  rules.onOp("MaxUnpool", 9, importMaxUnpool);
  rules.onOp("GlobalAveragePool", 1, importGlobal(nn::ReduceKind::Mean));
  rules.onOp("GlobalMaxPool", 1, importGlobal(nn::ReduceKind::Max));
  rules.onOp("GlobalLpPool", 2, importGlobal(nn::ReduceKind::L2));
}
