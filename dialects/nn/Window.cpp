#include "dialects/nn/Window.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult inferWindow(const Window &window, ArrayRef<AffineExpr> sizes, Shape &result,
                          EmitError error) {
  size_t rank = sizes.size();
  if (window.kernel.size() != rank || window.strides.size() != rank ||
      window.dilations.size() != rank || window.pads.size() != 2 * rank)
    return error("expects a kernel, strides and dilations of " + Twine(rank) + " sizes and " +
                 Twine(2 * rank) + " pads");
  for (size_t i = 0; i < rank; ++i) {
    int64_t kernel = window.kernel[i], stride = window.strides[i], dilation = window.dilations[i];
    int64_t lo = window.pads[i], hi = window.pads[rank + i];
    constexpr int64_t most = int64_t(1) << 31; // no product below overflows
    if (kernel < 1 || stride < 1 || dilation < 1 || kernel > most || stride > most ||
        dilation > most)
      return error("expects positive kernel, strides and dilations, found " + Twine(kernel) + ", " +
                   Twine(stride) + " and " + Twine(dilation) + " in spatial dim " + Twine(i));
    if (lo < 0 || hi < 0 || lo > most || hi > most)
      return error("expects pads of 0 or more, found " + Twine(lo) + " and " + Twine(hi) +
                   " in spatial dim " + Twine(i));
    int64_t covered = (kernel - 1) * dilation + 1;
    AffineExpr room = sizes[i] + (lo + hi - covered);
    if (auto constant = dyn_cast<AffineConstantExpr>(room); constant && constant.getValue() < 0)
      return error("expects a window that fits, found one of " + Twine(covered) +
                   " over an image of " + Twine(constant.getValue() + covered) +
                   " with its padding in spatial dim " + Twine(i));
    result.push_back(room.floorDiv(stride) + 1);
  }
  return success();
}

} // namespace nncc::nn
