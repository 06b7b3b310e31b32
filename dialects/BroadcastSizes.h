// Sizes that broadcasting gives.
#pragma once

#include "dialects/Sizes.h"

namespace nncc {

/// The size that two broadcast to, which are equal or one of which is 1 when the program runs. Of
/// sizes over symbols this is one factor, that normalForm() does not multiply out; broadcasts of
/// broadcasts are of all their sizes together, in whatever order.
mlir::AffineExpr broadcastSize(mlir::AffineExpr lhs, mlir::AffineExpr rhs);

} // namespace nncc
