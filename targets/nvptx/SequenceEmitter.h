// Kernels of which some operations write where their data say, by one block of threads.
#pragma once

#include "targets/kernel/Sequence.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Nests by all threads; loops over single elements by one, or, where iterations of one of the
/// loops are seen to touch different elements, those of that loop by all. Barriers between them.
mlir::LogicalResult emitSequence(ThreadBlock &e, llvm::ArrayRef<mlir::Operation *> ops,
                                 Homes &homes);

} // namespace nncc::nvptx
