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
static void padToSame(WindowAttributes &window, ArrayRef<int64_t> sizes, bool moreAtEnd) {
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t results = llvm::divideCeil(sizes[i], window.strides[i]);
    const int64_t total =
        std::max<int64_t>(0, (results - 1) * window.strides[i] + window.extent(i) - sizes[i]);
    window.pads[i] = moreAtEnd ? total / 2 : total - total / 2;
    window.pads[i + window.rank()] = total - window.pads[i];
  }
}

std::optional<WindowAttributes> nncc::readWindow(OpBinder &b, ArrayRef<int64_t> kernel,
                                                 ArrayRef<int64_t> sizes) {
  const size_t rank = kernel.size();
  if (rank != sizes.size()) {
    b.invalid("the window has " + Twine(rank) + " dims, the input " + Twine(sizes.size()) +
              " spatial ones");
    return std::nullopt;
  }
  WindowAttributes window{SmallVector<int64_t>(kernel), b.integers("strides", rank, 1),
                          b.integers("dilations", rank, 1), b.integers("pads", 2 * rank, 0)};
  if (b.hasFailed() || !checkRange(b, "kernel_shape", kernel, 1) ||
      !checkRange(b, "strides", window.strides, 1) ||
      !checkRange(b, "dilations", window.dilations, 1) || !checkRange(b, "pads", window.pads, 0) ||
      !checkRange(b, "the input's shape", sizes, 0))
    return std::nullopt;
  const StringRef autoPad = b.string("auto_pad", "NOTSET");
  if (autoPad == "VALID") {
    window.pads.assign(2 * rank, 0);
  } else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    padToSame(window, sizes, autoPad == "SAME_UPPER");
  } else if (autoPad != "NOTSET" && !autoPad.empty()) {
    b.invalid("auto_pad is '" + autoPad + "', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER");
    return std::nullopt;
  }
  return window;
}
