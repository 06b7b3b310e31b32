// How a CPU computes a group of nests: what is kept in place, and the blocks of its units.
#pragma once

#include "targets/kernel/NestGroup.h"

namespace nncc::cpu {

/// Rows of an intermediate that are reduced, and of which each element then becomes the element of
/// a result, are kept in that result instead of scratch: their lines are fetched while the rows are
/// computed, and there is one copy of them in the caches.
void computeInPlace(std::vector<Nest> &nests, const Homes &homes);

/// Chooses which shared dims are loops of the nests, and the blocks that make a unit.
void chooseBlocks(NestGroup &group, const Homes &homes);

} // namespace nncc::cpu
