// The attributes by which ONNX describes the windows of convolutions and pools.
#pragma once

#include "compiler/import/OpBinder.h"

namespace nncc {

/// What nn.conv and nn.pool want: one value per spatial dim, pads as [lo.., hi..].
struct WindowAttributes {
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads;

  size_t rank() const { return kernel.size(); }
  /// Elements of the input that the window spans in dim `i`.
  int64_t extent(size_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
};

/// Reads strides, dilations, pads and auto_pad of a window of `kernel` over the spatial sizes
/// of `x`; SAME_* become pads. Reports values out of range; the result is then empty.
std::optional<WindowAttributes> readWindow(OpBinder &b, llvm::ArrayRef<int64_t> kernel,
                                           mlir::Value x);

/// The same without the pads of SAME_*, which are 0.
std::optional<WindowAttributes> readUnpaddedWindow(OpBinder &b, llvm::ArrayRef<int64_t> kernel,
                                                   mlir::Value x);

/// The window of a convolution, without the pads of SAME_*; its kernel is that of the weights,
/// which attribute kernel_shape may only repeat. Reports what `x` and `weights` or the attributes
/// do not allow; the result is then empty.
std::optional<WindowAttributes> readConvWindow(OpBinder &b, mlir::Value x, mlir::Value weights);

/// Where auto_pad is SAME_*: sets the pads of `window` or, where they depend on open sizes, puts
/// zeros around `x`. The operand of the convolution.
mlir::Value padToSame(OpBinder &b, WindowAttributes &window, mlir::Value x);

/// A convolution over three spatial dims or more as one over the others: each place of the kernel
/// along the first one gives channels of their own.
mlir::Value createDeepConv(OpBinder &b, const WindowAttributes &window, mlir::Value x,
                           mlir::Value weights);

/// nn.conv with the groups that the node states.
mlir::Value createConv(OpBinder &b, const WindowAttributes &window, mlir::Value x,
                       mlir::Value weights);

} // namespace nncc
