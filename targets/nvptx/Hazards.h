// Where the sweeps of a unit have to wait for each other.
#pragma once

#include "targets/nvptx/BlockSweep.h"

namespace nncc::nvptx {

/// What sweeps leave in memory that later ones of the same unit read or overwrite. A barrier stands
/// between two of them only where an element may be touched by different threads.
class Hazards {
public:
  explicit Hazards(ThreadBlock &block) : e(block) {}

  /// The barrier before the sweep, where one is needed.
  void before(const BlockSweep &sweep);

private:
  bool meets(const SweepAccess &access) const;

  ThreadBlock &e;
  std::vector<SweepAccess> since; // all threads last waited for each other
};

} // namespace nncc::nvptx
