// Convolutions.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"
#include "compiler/import/WindowAttributes.h"

using namespace mlir;
using namespace nncc;

// Adds a bias [O] along dim 1 of `x`.
static Value addBias(OpBinder &b, Value x, Value bias) {
  if (!x || !bias)
    return x;
  if (b.rankOf(bias) != 1)
    return b.invalid("the bias has " + Twine(b.rankOf(bias)) + " dims, expected 1");
  const AffineExpr channels = b.shapeOf(x)[1];
  bias = b.withSize(bias, 0, channels, "the bias does not have an element for each channel");
  if (bias && b.shapeOf(bias)[0] != channels)
    return b.invalid("the bias has " + b.textOf(b.shapeOf(bias)[0]) + " elements, expected " +
                     b.textOf(channels));
  Compose f{b};
  return f.add(x, f.along(bias, 0, b.rankOf(x) - 1));
}

static void importConv(OpBinder &b) {
  Value x = b.input(0), weights = b.input(1);
  if (auto window = readConvWindow(b, x, weights))
    b.result(addBias(b, createConv(b, *window, x, weights), b.input(2)));
}

// Pads that leave `totals` of the spatial sizes out; what no input reaches becomes output padding.
static void padByTotals(OpBinder &b, WindowAttributes &window, MutableArrayRef<int64_t> outputPads,
                        ArrayRef<int64_t> totals) {
  const bool moreAtEnd = b.string("auto_pad", "NOTSET") == "SAME_UPPER";
  for (auto [i, total] : llvm::enumerate(totals)) {
    outputPads[i] += std::max<int64_t>(0, -total);
    const int64_t pads = std::max<int64_t>(0, total);
    window.pads[i] = moreAtEnd ? pads / 2 : pads - pads / 2;
    window.pads[i + window.rank()] = pads - window.pads[i];
  }
}

static void importConvTranspose(OpBinder &b) {
  auto window = readConvWindow(b, b.input(0), b.input(1));
  if (!window)
    return;
  const size_t rank = window->rank();
  auto outputPads = b.integers("output_padding", rank, 0);
  const StringRef autoPad = b.string("auto_pad", "NOTSET");
  SmallVector<int64_t> totals;
  if (auto outputs = b.integers("output_shape")) {
    if (outputs->size() == rank + 2) // some exporters state all dims
      outputs->erase(outputs->begin(), outputs->begin() + 2);
    if (outputs->size() != rank)
      return (void)b.invalid("output_shape has " + Twine(outputs->size()) + " values, expected " +
                             Twine(rank));
    for (size_t i = 0; i < rank; ++i) {
      const int64_t size = b.fixedSizeOf(b.input(0), int64_t(2 + i));
      totals.push_back(window->strides[i] * (size - 1) + outputPads[i] + window->extent(i) -
                       (*outputs)[i]);
    }
  } else if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    for (size_t i = 0; i < rank; ++i) // the result has a stride for each element
      totals.push_back(outputPads[i] + window->extent(i) - window->strides[i]);
  }
  padByTotals(b, *window, outputPads, totals);
  nn::ConvTransposeOp::Properties properties;
  properties.strides = b.array(window->strides);
  properties.dilations = b.array(window->dilations);
  properties.pads = b.array(window->pads);
  properties.output_pads = b.array(outputPads);
  properties.groups = b.i64(b.integer("group", 1));
  b.result(
      addBias(b, b.create<nn::ConvTransposeOp>({b.input(0), b.input(1)}, properties), b.input(2)));
}

void nncc::addConvRules(Rules &rules) {
  rules.onOp("Conv", 1, importConv);
  rules.onOp("ConvTranspose", 1, importConvTranspose);
}
