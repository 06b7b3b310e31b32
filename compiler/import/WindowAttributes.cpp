#include "compiler/import/WindowAttributes.h"

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

// Pads such that dim i of the result has ceil(size / stride) elements.
static bool padToSame(OpBinder &b, WindowAttributes &window, Value x, bool moreAtEnd) {
  for (size_t i = 0; i < window.rank(); ++i) {
    int64_t total = window.extent(i) - 1; // of whatever size, with a stride of 1
    if (window.strides[i] != 1) {
      const int64_t size = b.fixedSizeOf(x, 2 + i);
      if (b.hasFailed() || !checkRange(b, "the input's shape", size, 0))
        return false;
      const int64_t results = llvm::divideCeil(size, window.strides[i]);
      total = std::max<int64_t>(0, (results - 1) * window.strides[i] + window.extent(i) - size);
    }
    window.pads[i] = moreAtEnd ? total / 2 : total - total / 2;
    window.pads[i + window.rank()] = total - window.pads[i];
  }
  return true;
}

std::optional<WindowAttributes> nncc::readWindow(OpBinder &b, ArrayRef<int64_t> kernel, Value x) {
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
  if (autoPad == "VALID") {
    window.pads.assign(2 * rank, 0);
  } else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    if (!padToSame(b, window, x, autoPad == "SAME_UPPER"))
      return std::nullopt;
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
  ArrayRef<int64_t> kernel = b.fixedShapeOf(weights).drop_front(2);
  if (auto stated = b.integers("kernel_shape"); stated && ArrayRef<int64_t>(*stated) != kernel) {
    b.invalid("kernel_shape is not the shape of the weights");
    return std::nullopt;
  }
  if (b.integer("group", 1) < 1) {
    b.invalid("group is " + Twine(b.integer("group", 1)) + ", expected 1 or more");
    return std::nullopt;
  }
  return readWindow(b, kernel, x);
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
