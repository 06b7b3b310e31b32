// The arithmetic of windows, shared by convolutions and pools.
#pragma once

#include "dialects/nn/Fact.h"

namespace nncc::nn {

struct Window {
  llvm::ArrayRef<int64_t> kernel, strides, dilations, pads; // pads: [lo1..los, hi1..his]
};

/// The spatial sizes y1..ys for x1..xs; reports a window that does not fit.
llvm::LogicalResult inferWindow(const Window &window, llvm::ArrayRef<mlir::AffineExpr> sizes,
                                Shape &result, EmitError error);

/// The spatial sizes of which a window makes x1..xs, `outputPads` larger.
llvm::LogicalResult inferTransposedWindow(const Window &window, llvm::ArrayRef<int64_t> outputPads,
                                          llvm::ArrayRef<mlir::AffineExpr> sizes, Shape &result,
                                          EmitError error);

} // namespace nncc::nn
