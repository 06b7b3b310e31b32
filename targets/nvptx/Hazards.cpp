#include "targets/nvptx/Hazards.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Whether one thread has both of what `a` and `b` say of the same element.
static bool isSameThread(const Owner &a, const Owner &b) {
  if (!a.inWhole || a.inWhole != b.inWhole || a.inRest != b.inRest)
    return false;
  // Another sweep may see a whole unit where this one does not.
  return a.inWhole == a.inRest || a.areUnitsAlike == b.areUnitsAlike;
}

bool Hazards::meets(const SweepAccess &access) const {
  return llvm::any_of(since, [&](const SweepAccess &earlier) {
    return earlier.base == access.base && (earlier.isWrite || access.isWrite) &&
           !isSameThread(earlier.owner, access.owner);
  });
}

void Hazards::before(const BlockSweep &sweep) {
  const Rendezvous rendezvous = sweep.rendezvous();
  std::vector<SweepAccess> accesses = sweep.accesses();
  auto isBehind = [&](const SweepAccess &access) {
    return rendezvous != Rendezvous::None && access.isResult;
  };
  if (llvm::any_of(accesses, [&](auto &access) { return !isBehind(access) && meets(access); })) {
    e.barrier();
    since.clear();
  }
  if (rendezvous != Rendezvous::None)
    since.clear();
  for (SweepAccess &access : accesses)
    if (rendezvous != Rendezvous::Once || isBehind(access))
      since.push_back(std::move(access));
}
