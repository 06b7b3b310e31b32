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

  /// Whether the same sweeps of another unit, which the block computes next, have to wait for
  /// these.
  bool reachNextUnit() const;

private:
  struct Step {
    std::vector<SweepAccess> accesses;
    Rendezvous rendezvous;
    bool hasBarrier;

    /// Whether the access comes after the rendezvous.
    bool isBehind(const SweepAccess &access) const {
      return rendezvous != Rendezvous::None && access.isResult;
    }
  };
  bool meets(const SweepAccess &access, bool isOfNextUnit) const;
  bool isAhead(const Step &step, bool isOfNextUnit) const;

  ThreadBlock &e;
  std::vector<Step> steps;        // of the unit
  std::vector<SweepAccess> since; // all threads last waited for each other
};

} // namespace nncc::nvptx
