// Groups of loop nests as units of a launch.
#pragma once

#include "targets/kernel/KernelFrame.h"
#include "targets/kernel/Nest.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Emits the kernel's operations `ops`: one range of units per group of nests. Sets the units,
/// returns the threads of a block. Reports what has no form as a nest.
mlir::FailureOr<int64_t> emitNests(KernelFrame &frame, llvm::ArrayRef<mlir::Operation *> ops);

/// All units of groups of these nests, one after the other, by one block.
void emitGroups(ThreadBlock &e, std::vector<Nest> nests, Homes &homes);

} // namespace nncc::nvptx
