// Operations on constants that the compiler computes by itself: movement and float arithmetic.
// Everything else runs as compiled code, see EvaluateConstants.h.
#pragma once

#include "dialects/nn/NN.h"

namespace nncc {

/// The value of `op`, whose operands are constants; null where it is none of those operations.
/// Sizes are not limited: it costs about as much as a copy.
mlir::ElementsAttr evaluateOp(mlir::Operation *op);

} // namespace nncc
