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

// Pads such that dim i of the result has ceil(size / stride) elements.
static void padToSame(OpBinder &b, WindowAttributes &window, Value x, bool moreAtEnd) {
  const size_t rank = window.rank();
  const AffineExpr zero = b.getBuilder().getAffineConstantExpr(0);
  Shape pads(2 * rank, zero);
  for (size_t i = 0; i < rank; ++i) {
    AffineExpr total = zero + (window.extent(i) - 1); // of whatever size, with a stride of 1
    if (const int64_t stride = window.strides[i]; stride != 1) {
      const AffineExpr size = b.shapeOf(x)[2 + i];
      total = (size.ceilDiv(stride) - 1) * stride + window.extent(i) - size;
      if (window.extent(i) < stride)
        total = maximum(total, zero);
    }
    const AffineExpr less = total.floorDiv(2), more = total - less;
    pads[i] = normalForm(moreAtEnd ? less : more);
    pads[i + rank] = normalForm(moreAtEnd ? more : less);
  }
  if (!llvm::all_of(pads, constantOf))
    window.openPads = pads;
  else
    window.pads = llvm::map_to_vector(pads, [](AffineExpr pad) { return *constantOf(pad); });
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
    for (int64_t size : b.typeOf(x).getShape().drop_front(2))
      if (!ShapedType::isDynamic(size) && !checkRange(b, "the input's shape", size, 0))
        return std::nullopt;
    padToSame(b, window, x, autoPad == "SAME_UPPER");
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
  return readWindow(b, kernel, x);
}

Value nncc::padOpenSizes(OpBinder &b, Value x, WindowAttributes &window, double value) {
  if (!x || window.openPads.empty())
    return x;
  Shape pads(2, b.getBuilder().getAffineConstantExpr(0)); // none of images and channels
  llvm::append_range(pads, ArrayRef(window.openPads).take_front(window.rank()));
  pads.append(2, pads.front());
  llvm::append_range(pads, ArrayRef(window.openPads).drop_front(window.rank()));
  window.openPads.clear();
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), nn::PadMode::Constant);
  return b.create<nn::PadOp>({x, b.sizes(pads), Compose{b}.number(x, value)}, properties);
}

Value nncc::createConv(OpBinder &b, WindowAttributes window, Value x, Value weights) {
  x = padOpenSizes(b, x, window, 0);
  if (window.rank() > 2)
    return createDeepConv(b, window, x, weights);
  nn::ConvOp::Properties properties;
  properties.strides = b.array(window.strides);
  properties.dilations = b.array(window.dilations);
  properties.pads = b.array(window.pads);
  properties.groups = b.i64(b.integer("group", 1));
  return b.create<nn::ConvOp>({x, weights}, properties);
}
