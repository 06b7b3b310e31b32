#include "targets/nvptx/Hazards.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Whether `a` and `b`, in terms of the same element, are one thread, be it in a unit that has
/// whole blocks, or in another.
static bool isSameThread(const Owner &a, const Owner &b) {
  return a.inWhole && a.inWhole == b.inWhole && a.inRest == b.inRest;
}

bool Hazards::meets(const SweepAccess &access, bool isOfNextUnit) const {
  // Elsewhere, units have elements of their own. One of them may have whole blocks alone.
  if (isOfNextUnit && !access.isInBlock)
    return false;
  bool isAlike = !isOfNextUnit || access.owner.inWhole == access.owner.inRest;
  return llvm::any_of(since, [&](const SweepAccess &earlier) {
    return earlier.memory == access.memory && (earlier.isWrite || access.isWrite) &&
           !(isAlike && isSameThread(earlier.owner, access.owner));
  });
}

/// Whether what the step does before its threads wait for each other, if they do, comes too early.
bool Hazards::isAhead(const Step &step, bool isOfNextUnit) const {
  return llvm::any_of(step.accesses, [&](const SweepAccess &access) {
    return !step.isBehind(access) && meets(access, isOfNextUnit);
  });
}

void Hazards::before(const BlockSweep &sweep) {
  Step step{sweep.accesses(), sweep.rendezvous(), false};
  step.hasBarrier = isAhead(step, /*isOfNextUnit=*/false);
  if (step.hasBarrier)
    e.barrier();
  if (step.hasBarrier || step.rendezvous != Rendezvous::None)
    since.clear();
  for (const SweepAccess &access : step.accesses)
    if (step.rendezvous != Rendezvous::Once || step.isBehind(access))
      since.push_back(access);
  steps.push_back(std::move(step));
}

bool Hazards::reachNextUnit() const {
  for (const Step &step : steps) {
    if (step.hasBarrier)
      return false;
    if (isAhead(step, /*isOfNextUnit=*/true))
      return true;
    if (step.rendezvous != Rendezvous::None)
      return false;
  }
  return false;
}
