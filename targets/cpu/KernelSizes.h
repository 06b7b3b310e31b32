// The sizes of a kernel that are known when it runs, as values.
#pragma once

#include "dialects/Sizes.h"
#include "llvm/ADT/DenseMap.h"

namespace nncc::cpu {

/// Expressions over the symbols of a kernel (dialects/Sizes.h) -> index arithmetic at the begin of
/// its function, once each.
class KernelSizes {
public:
  KernelSizes() = default;
  /// `call`: the kernel's first argument in its scheduled form.
  KernelSizes(mlir::Block *entry, mlir::Value call) : entry(entry), call(call) {}

  mlir::Value value(mlir::AffineExpr expression, mlir::Location loc);

private:
  mlir::Value symbol(unsigned number, mlir::OpBuilder &b, mlir::Location loc);

  mlir::Block *entry = nullptr;
  mlir::Value call;
  mlir::Operation *last = nullptr; // what was made last
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> values;
};

} // namespace nncc::cpu
