// Integers that a run has to find within limits: indices, lengths.
#pragma once

#include "compiler/import/OpBinder.h"

namespace nncc {

/// Ends a run in which an element of `value` is outside of limits, which are inclusive, with what
/// it is, `what` it stands for and the limits; reports a constant that is outside, and asks for
/// nothing where the elements are known to be inside. Of k limits each, element i is within those
/// of number i mod k.
void requireWithin(OpBinder &b, mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> low,
                   llvm::ArrayRef<mlir::AffineExpr> high, const llvm::Twine &what);

/// The same for indices of dims of these sizes, which count from the back where negative. Of
/// tuples, in the last dim, each member has a size of its own.
void requireIndices(OpBinder &b, mlir::Value indices, llvm::ArrayRef<mlir::AffineExpr> sizes);

} // namespace nncc
