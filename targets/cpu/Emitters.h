// The operations that are a kernel by themselves, as a CPU computes them.
#pragma once

#include "targets/kernel/Kernel.h"

namespace nncc::cpu {

/// The rows [first, first + count) of all images, one image after the other, of an operation that
/// is a part of its kernel: see Bands.h.
struct RowRange {
  mlir::Value first, count;
  int64_t all, width;    // of the images: rows, and columns in each
  mlir::Value a, result; // added to the offsets of these operands; null: nothing is
};

/// Each emits the loop over units [begin, end) before `op` and sets kernel.units. On failure it has
/// reported why. The values' places are in `kernel.places`.
llvm::LogicalResult emitContract(mlir::OpBuilder &b, kern::ContractOp op, Kernel &kernel,
                                 const RowRange *rows = nullptr); // instead of the units
llvm::LogicalResult emitWinograd(mlir::OpBuilder &b, kern::ContractOp op, Kernel &kernel);
llvm::LogicalResult emitAttention(mlir::OpBuilder &b, kern::AttentionOp op, Kernel &kernel);
llvm::LogicalResult emitRecurrence(mlir::OpBuilder &b, kern::RecurrenceOp op, Kernel &kernel);
llvm::LogicalResult emitWindow(mlir::OpBuilder &b, kern::WindowOp op, Kernel &kernel,
                               const RowRange *rows = nullptr);

} // namespace nncc::cpu
