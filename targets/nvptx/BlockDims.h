// Which part of a group of nests a block of threads computes.
#pragma once

#include "targets/kernel/NestGroup.h"

namespace nncc::nvptx {

/// Of a block that has much to do by itself.
constexpr int64_t manyThreads = 512;

/// Threads of a block for these groups, whose dims are shared.
int64_t chooseThreads(llvm::ArrayRef<NestGroup> groups);

/// Chooses the shared dims that a unit has a block of, enough for all threads to have work and for
/// neighbouring threads to take neighbouring elements of memory.
void chooseBlocks(NestGroup &group, int64_t threads);

} // namespace nncc::nvptx
