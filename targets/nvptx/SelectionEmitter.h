// The operations that choose elements by their values, by blocks of threads.
#pragma once

#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// kern.argsort: a block for each of the batch. Like the emitters of ThreadBlock.h.
///
/// A row of one column becomes integers whose order is that of the elements, with the place behind
/// the bits of the element: no two are equal, so that any way to sort them is stable. They pass
/// through a bitonic network, a barrier behind each step. Rows of several columns are compared
/// where they are, their places are sorted.
///
/// Of a long row whose first few are wanted, the least ones of all threads are sorted first: as
/// many as are wanted are up to the bound that is found there, and little else is. Only those are
/// sorted.
mlir::FailureOr<int64_t> emitArgSort(mlir::OpBuilder &b, kern::ArgSortOp op, Kernel &kernel);

/// kern.positions: blocks for up to 32 parts of the mask. Each counts what is marked before its
/// part, for itself: no block waits for another. Then 16 elements for each thread, round by round,
/// whose marks, as the bits of a number, are counted and summed across the block: so each thread
/// knows where its own places go.
mlir::FailureOr<int64_t> emitPositions(mlir::OpBuilder &b, kern::PositionsOp op, Kernel &kernel);

/// kern.suppress: a block for each class of the batch. All threads look whether the boxes behind
/// one that is chosen overlap it, and strike them out; a barrier behind each one.
mlir::FailureOr<int64_t> emitSuppress(mlir::OpBuilder &b, kern::SuppressOp op, Kernel &kernel);

/// The threads for `count` things, of which each has several: 32 to 512, a power of two.
int64_t threadsFor(mlir::AffineExpr count);

/// The offset of an element in its buffer.
mlir::Value offsetOf(ThreadBlock &e, const Place &place, mlir::ValueRange indices);

} // namespace nncc::nvptx
