// How a contraction is cut into tiles for the blocks of a GPU.
#pragma once

#include "targets/cpu/Contraction.h"

namespace nncc::nvptx {

/// A block computes `rows` x `columns` sums, each thread threadRows x threadColumns of them:
/// neighbouring rows, and columns in groups of 4 with the groups of the other threads between them,
/// so that the threads of a warp read shared memory without conflicts. Slices of `steps` of the
/// reduction pass through shared memory.
struct ContractTile {
  int64_t rows, columns, threadRows, threadColumns;
  static constexpr int64_t steps = 16, group = 4;

  int64_t columnThreads() const { return columns / threadColumns; }
  int64_t threads() const { return rows / threadRows * columnThreads(); }
  /// From step to step in shared memory: groups of 4 stay aligned, and the elements of one row or
  /// column are not all in one bank.
  int64_t pitchA() const { return rows + group; }
  int64_t pitchB() const { return columns + group; }
  /// Of a slice of both operands.
  int64_t sliceElements() const { return steps * (pitchA() + pitchB()); }

  static ContractTile choose(const cpu::Contraction &p);
};

} // namespace nncc::nvptx
