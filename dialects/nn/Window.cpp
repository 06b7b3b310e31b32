#include "dialects/nn/Window.h"

using namespace mlir;

namespace nncc::nn {

/// What every window has to be; reports what it is not.
static LogicalResult checkWindow(const Window &window, size_t rank, EmitError error) {
  if (window.kernel.size() != rank || window.strides.size() != rank ||
      window.dilations.size() != rank || window.pads.size() != 2 * rank)
    return error("expects a kernel, strides and dilations of " + Twine(rank) + " sizes and " +
                 Twine(2 * rank) + " pads");
  for (size_t i = 0; i < rank; ++i) {
    int64_t kernel = window.kernel[i], stride = window.strides[i], dilation = window.dilations[i];
    int64_t lo = window.pads[i], hi = window.pads[rank + i];
    constexpr int64_t most = int64_t(1) << 31; // no product of two overflows
    if (kernel < 1 || stride < 1 || dilation < 1 || kernel > most || stride > most ||
        dilation > most)
      return error("expects positive kernel, strides and dilations, found " + Twine(kernel) + ", " +
                   Twine(stride) + " and " + Twine(dilation) + " in spatial dim " + Twine(i));
    if (lo < 0 || hi < 0 || lo > most || hi > most)
      return error("expects pads of 0 or more, found " + Twine(lo) + " and " + Twine(hi) +
                   " in spatial dim " + Twine(i));
  }
  return success();
}

LogicalResult inferWindow(const Window &window, ArrayRef<AffineExpr> sizes, Shape &result,
                          EmitError error) {
  size_t rank = sizes.size();
  if (failed(checkWindow(window, rank, error)))
    return failure();
  for (size_t i = 0; i < rank; ++i) {
    int64_t covered = (window.kernel[i] - 1) * window.dilations[i] + 1;
    AffineExpr room = sizes[i] + (window.pads[i] + window.pads[rank + i] - covered);
    if (auto constant = dyn_cast<AffineConstantExpr>(room); constant && constant.getValue() < 0)
      return error("expects a window that fits, found one of " + Twine(covered) +
                   " over an image of " + Twine(constant.getValue() + covered) +
                   " with its padding in spatial dim " + Twine(i));
    result.push_back(room.floorDiv(window.strides[i]) + 1);
  }
  return success();
}

LogicalResult inferTransposedWindow(const Window &window, ArrayRef<int64_t> outputPads,
                                    ArrayRef<AffineExpr> sizes, Shape &result, EmitError error) {
  size_t rank = sizes.size();
  if (failed(checkWindow(window, rank, error)))
    return failure();
  if (outputPads.size() != rank)
    return error("expects " + Twine(rank) + " output pads, found " + Twine(outputPads.size()));
  for (size_t i = 0; i < rank; ++i) {
    int64_t covered = (window.kernel[i] - 1) * window.dilations[i] + 1;
    if (outputPads[i] < 0 || outputPads[i] > int64_t(1) << 31)
      return error("expects output pads of 0 or more, found " + Twine(outputPads[i]));
    result.push_back((sizes[i] - 1) * window.strides[i] + (covered + outputPads[i]) -
                     (window.pads[i] + window.pads[rank + i]));
  }
  return success();
}

} // namespace nncc::nn
