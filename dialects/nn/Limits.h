// What integers a tensor may hold, where that is easily told.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/IR/Value.h"

namespace nncc::nn {

/// The elements of a tensor of integers that is a constant of any size; none where it is something
/// else, or its data are missing.
std::optional<llvm::SmallVector<int64_t>> allIntegers(mlir::Value value);

/// Whether each element of a tensor of integers is known to be within limits, both inclusive: of k
/// limits each, element i within those of number i mod k. Follows operations that only move
/// elements to constants, sizes, and what is a place by its meaning (nn.range, nn.argsort,
/// nn.positions, nn.arg_reduce).
bool isWithin(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> low,
              llvm::ArrayRef<mlir::AffineExpr> high);

} // namespace nncc::nn
