// Folding of small integer tensors where the inference of nn does not: exporters compute shapes,
// pads and branch conditions with more operators than those that inference follows.
#pragma once

#include "compiler/import/OpBinder.h"

namespace nncc {

/// Each returns a constant, or null where an operand is not a small integer tensor known at compile
/// time.

/// Element by element; an operand with a single element stands for all.
mlir::Value foldElements(OpBinder &b, mlir::Value lhs, mlir::Value rhs, mlir::Type element,
                         llvm::function_ref<int64_t(int64_t lhs, int64_t rhs)> apply);
/// `perm` is a permutation of the dims.
mlir::Value foldTranspose(OpBinder &b, mlir::Value value, llvm::ArrayRef<int64_t> perm);

/// One dim of a slice, as ONNX Slice gives it.
struct SliceRange {
  int64_t axis, start, end, step;
};
mlir::Value foldSlice(OpBinder &b, mlir::Value value, llvm::ArrayRef<SliceRange> ranges);

} // namespace nncc
