// What the ops that move elements share: Move.cpp, Slice.cpp.
#pragma once

#include "dialects/nn/Generics.h"

namespace nncc::nn {

/// The distance between neighbours along each dim of a tensor whose values are known.
llvm::SmallVector<int64_t> rowMajorStrides(const Fact &fact);

/// Gives `result` the values of `operand` at origin + its indices * strides.
void moveValues(const Fact &operand, int64_t origin, llvm::ArrayRef<int64_t> strides, Fact &result);

} // namespace nncc::nn
