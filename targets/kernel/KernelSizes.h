// The sizes of a kernel that are known when it runs, as values.
#pragma once

#include "dialects/Sizes.h"
#include "llvm/ADT/DenseMap.h"

namespace nncc {

/// Expressions over the symbols of a kernel (dialects/Sizes.h) -> index arithmetic at the begin of
/// its function, once each.
class KernelSizes {
public:
  KernelSizes() = default;
  /// `call`: the kernel's first argument in its scheduled form.
  KernelSizes(mlir::Block *entry, mlir::Value call) : entry(entry), call(call) {}

  mlir::Value value(mlir::AffineExpr expression, mlir::Location loc);

  /// The value of an index expression at the insertion point of `b`; `dims`: values of its dims.
  /// Quotients by 0 are any number.
  mlir::Value expand(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr expression,
                     mlir::ValueRange dims);

private:
  mlir::Value symbol(unsigned number, mlir::OpBuilder &b, mlir::Location loc);

  mlir::Block *entry = nullptr;
  mlir::Value call;
  mlir::Operation *last = nullptr; // what was made last
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> values;
};

/// The expression behind an index that is arithmetic on constants and `rt.symbol` or `rt.dim`; null
/// where it is anything else.
mlir::AffineExpr expressionOf(mlir::Value index);
mlir::AffineExpr expressionOf(mlir::OpFoldResult index, mlir::MLIRContext *context);
/// Offsets, strides, paddings; empty where one of them is no such expression.
std::optional<Shape> expressionsOf(llvm::ArrayRef<mlir::OpFoldResult> indices,
                                   mlir::MLIRContext *context);

} // namespace nncc
