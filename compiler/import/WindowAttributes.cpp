#include "compiler/import/WindowAttributes.h"
#include "compiler/import/Compose.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nncc;

// Keeps every product and sum of window arithmetic within 64 bits.
static constexpr int64_t maxExtent = INT32_MAX / 2;

static bool checkRange(OpBinder &b, StringRef what, ArrayRef<int64_t> values, int64_t least) {
  for (int64_t value : values)
    if (value < least || value > maxExtent) {
      b.invalid(what + " has value " + Twine(value) + ", expected " + Twine(least) + " to " +
                Twine(maxExtent));
      return false;
    }
  return true;
}

// Whether auto_pad is SAME_UPPER or SAME_LOWER.
static bool isPaddedToSame(OpBinder &b) {
  const StringRef autoPad = b.string("auto_pad", "NOTSET");
  return autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
}

// The pads of dim i by which the result has ceil(size / stride) elements: at the low end, in all.
static std::pair<AffineExpr, AffineExpr> padsToSame(OpBinder &b, const WindowAttributes &window,
                                                    AffineExpr size, size_t i) {
  const AffineExpr zero = b.getBuilder().getAffineConstantExpr(0);
  AffineExpr total = zero + (window.extent(i) - 1); // of whatever size, with a stride of 1
  if (window.strides[i] != 1) {
    const AffineExpr results = size.ceilDiv(window.strides[i]);
    total = maximum(zero, (results - 1) * window.strides[i] + window.extent(i) - size);
  }
  const bool moreAtEnd = b.string("auto_pad", "") == "SAME_UPPER";
  return {normalForm((total + (moreAtEnd ? 0 : 1)).floorDiv(2)), normalForm(total)};
}

// The same as attributes, where all pads are known; else false.
static bool knowsPadsToSame(OpBinder &b, WindowAttributes &window, Value x) {
  for (size_t i = 0; i < window.rank(); ++i) {
    const AffineExpr size = b.shapeOf(x)[2 + i];
    if (constantOf(size) && !checkRange(b, "the input's shape", *constantOf(size), 0))
      return false;
    auto [low, total] = padsToSame(b, window, size, i);
    if (!constantOf(low) || !constantOf(total))
      return false;
    window.pads[i] = *constantOf(low);
    window.pads[i + window.rank()] = *constantOf(total) - *constantOf(low);
  }
  return true;
}

std::optional<WindowAttributes> nncc::readWindow(OpBinder &b, ArrayRef<int64_t> kernel, Value x) {
  auto window = readUnpaddedWindow(b, kernel, x);
  if (!window || !isPaddedToSame(b) || knowsPadsToSame(b, *window, x))
    return window;
  for (size_t i = 0; i < window->rank(); ++i)
    b.fixedSizeOf(x, 2 + i); // reports which one is open
  return std::nullopt;
}

Value nncc::padToSame(OpBinder &b, WindowAttributes &window, Value x) {
  if (!x || !isPaddedToSame(b) || knowsPadsToSame(b, window, x) || b.hasFailed())
    return x;
  window.pads.assign(2 * window.rank(), 0);
  Shape pads(2 * b.rankOf(x), b.getBuilder().getAffineConstantExpr(0));
  for (size_t i = 0; i < window.rank(); ++i) {
    auto [low, total] = padsToSame(b, window, b.shapeOf(x)[2 + i], i);
    pads[2 + i] = low;
    pads[b.rankOf(x) + 2 + i] = normalForm(total - low);
  }
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), nn::PadMode::Constant);
  return b.create<nn::PadOp>({x, b.sizes(pads), Compose{b}.number(x, 0)}, properties);
}

std::optional<WindowAttributes> nncc::readUnpaddedWindow(OpBinder &b, ArrayRef<int64_t> kernel,
                                                         Value x) {
  const size_t rank = kernel.size();
  if (b.rankOf(x) != int64_t(rank) + 2) {
    b.invalid("the window has " + Twine(rank) + " dims, the input " + Twine(b.rankOf(x) - 2) +
              " spatial ones");
    return std::nullopt;
  }
  WindowAttributes window{SmallVector<int64_t>(kernel), b.integers("strides", rank, 1),
                          b.integers("dilations", rank, 1), b.integers("pads", 2 * rank, 0)};
  if (b.hasFailed() || !checkRange(b, "kernel_shape", kernel, 1) ||
      !checkRange(b, "strides", window.strides, 1) ||
      !checkRange(b, "dilations", window.dilations, 1) || !checkRange(b, "pads", window.pads, 0))
    return std::nullopt;
  const StringRef autoPad = b.string("auto_pad", "NOTSET");
  if (autoPad == "VALID" || isPaddedToSame(b)) {
    window.pads.assign(2 * rank, 0);
  } else if (autoPad != "NOTSET" && !autoPad.empty()) {
    b.invalid("auto_pad is '" + autoPad + "', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER");
    return std::nullopt;
  }
  return window;
}

std::optional<WindowAttributes> nncc::readConvWindow(OpBinder &b, Value x, Value weights) {
  if (b.rankOf(x) < 3 || b.rankOf(x) != b.rankOf(weights)) {
    b.invalid("input and weights have " + Twine(b.rankOf(x)) + " and " + Twine(b.rankOf(weights)) +
              " dims, expected the same number of at least 3");
    return std::nullopt;
  }
  SmallVector<int64_t> kernel;
  for (int64_t dim = 2; dim < b.rankOf(weights); ++dim)
    kernel.push_back(b.fixedSizeOf(weights, dim));
  if (b.hasFailed())
    return std::nullopt;
  if (auto stated = b.integers("kernel_shape"); stated && *stated != kernel) {
    b.invalid("kernel_shape is not the shape of the weights");
    return std::nullopt;
  }
  if (b.integer("group", 1) < 1) {
    b.invalid("group is " + Twine(b.integer("group", 1)) + ", expected 1 or more");
    return std::nullopt;
  }
  return readUnpaddedWindow(b, kernel, x);
}

Value nncc::createConv(OpBinder &b, const WindowAttributes &window, Value x, Value weights) {
  if (window.rank() > 2)
    return createDeepConv(b, window, x, weights);
  nn::ConvOp::Properties properties;
  properties.strides = b.array(window.strides);
  properties.dilations = b.array(window.dilations);
  properties.pads = b.array(window.pads);
  properties.groups = b.i64(b.integer("group", 1));
  return b.create<nn::ConvOp>({x, weights}, properties);
}
