// What a kern.recurrence computes, and where its tensors are.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Kernel.h"

namespace nncc {

/// The numbers of steps and rows may be open; directions, gates and units are constant.
struct Recurrence {
  /// Reports what cannot be scheduled.
  static llvm::FailureOr<Recurrence> of(kern::RecurrenceOp op, Kernel &kernel);

  /// There is no result.
  bool isEmpty();

  /// Of an element of an operand or a result, in its buffer.
  mlir::Value address(Emitter &e, mlir::Value tensor, mlir::ValueRange indices) const;
  /// The number of steps of a row of the batch.
  mlir::Value lengthOf(Emitter &e, mlir::Value row);
  /// Which step of x and y a row of `length` steps takes as its `step`th.
  mlir::Value positionOf(Emitter &e, mlir::Value direction, mlir::Value step, mlir::Value length);

  kern::RecurrenceOp op;
  Kernel &kernel;
  mlir::AffineExpr steps, batch;
  int64_t directions, gates, units;
  mlir::Value output;                        // results, null where nobody wants them
  llvm::SmallVector<mlir::Value, 2> last;    //
  llvm::SmallVector<mlir::Value, 2> initial; // states before the first step, null where they are 0
};

} // namespace nncc
