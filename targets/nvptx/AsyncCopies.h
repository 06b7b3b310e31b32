// Copies from global to shared memory that are on their way while threads compute.
#pragma once

#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Begins to copy `width` bytes, 4, 8 or 16, to which both elements are aligned; where `exists`, if
/// there is one, does not hold, zeros are written and nothing is read.
void copyAsync(ThreadBlock &e, mlir::Value buffer, mlir::Value from, mlir::Value shared,
               mlir::Value to, int64_t width, mlir::Value exists);
/// Makes a group of this thread's copies since the last one.
void endCopies(ThreadBlock &e);
/// Until at most `groups` of this thread's groups are on their way.
void waitForCopies(ThreadBlock &e, int64_t groups);

} // namespace nncc::nvptx
