// The attributes by which ONNX describes the windows of convolutions and pools.
#pragma once

#include "compiler/import/OpBinder.h"

namespace nncc {

/// What nn.conv and nn.pool want: one value per spatial dim, pads as [lo.., hi..].
struct WindowAttributes {
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads;
  /// Pads in the same order that only a run knows, of SAME_* for open sizes: all of them, and none
  /// is in `pads` then. See padOpenSizes.
  Shape openPads = {};

  size_t rank() const { return kernel.size(); }
  /// Elements of the input that the window spans in dim `i`.
  int64_t extent(size_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
};

/// Reads strides, dilations, pads and auto_pad of a window of `kernel` over the spatial sizes
/// of `x`; SAME_* become pads. Reports values out of range; the result is then empty.
std::optional<WindowAttributes> readWindow(OpBinder &b, llvm::ArrayRef<int64_t> kernel,
                                           mlir::Value x);

/// `x` with the pads that only a run knows as elements of this value; they are no pads of the
/// window any more.
mlir::Value padOpenSizes(OpBinder &b, mlir::Value x, WindowAttributes &window, double value);

/// The window of a convolution; its kernel is that of the weights, which attribute kernel_shape may
/// only repeat. Reports what `x` and `weights` or the attributes do not allow; the result is then
/// empty.
std::optional<WindowAttributes> readConvWindow(OpBinder &b, mlir::Value x, mlir::Value weights);

/// A convolution over three spatial dims or more as one over the others: each place of the kernel
/// along the first one gives channels of their own.
mlir::Value createDeepConv(OpBinder &b, const WindowAttributes &window, mlir::Value x,
                           mlir::Value weights);

/// nn.conv with the groups that the node states.
mlir::Value createConv(OpBinder &b, WindowAttributes window, mlir::Value x, mlir::Value weights);

} // namespace nncc
