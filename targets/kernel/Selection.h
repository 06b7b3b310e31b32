// What all targets know of the operations that choose elements by their values.
#pragma once

#include "dialects/kern/Kern.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc {

/// Whether x comes before y, both as they are stored: a NaN behind all numbers.
mlir::Value isLess(mlir::OpBuilder &b, mlir::Location loc, bool isUnsigned, mlir::Value x,
                   mlir::Value y);

/// Whether a box of this score is looked at: any is where the limit is no number.
mlir::Value isScored(mlir::OpBuilder &b, mlir::Location loc, mlir::Value score, mlir::Value limit);

/// Boxes in f32, on scalars.
struct BoxOverlap {
  mlir::OpBuilder &b;
  mlir::Location loc;
  bool isCenter; // see nn.suppress

  /// The low ends of both sides, then the high ones, of the four numbers of a box.
  llvm::SmallVector<mlir::Value> corners(llvm::ArrayRef<mlir::Value> box) const;
  /// Whether the part that two boxes, given by their corners, share is above the threshold. One
  /// without an area has none.
  mlir::Value isAbove(llvm::ArrayRef<mlir::Value> x, llvm::ArrayRef<mlir::Value> y,
                      mlir::Value threshold) const;
};

/// kern.argsort, kern.positions and kern.suppress -> loops over single elements, for a target whose
/// units are threads: one of them takes all.
void lowerSelections(mlir::func::FuncOp kernel);

} // namespace nncc
