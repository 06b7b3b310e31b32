// Tiles of contractions with few rows: see StreamProducts.
#pragma once

#include "targets/nvptx/ContractTile.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Whether it takes no longer to multiply by B than to read it.
bool isStreamed(const Contraction &p);

/// A tile whose threads share the reduction.
ContractTile chooseForStream(const Contraction &p, Multiplier multiplier, int64_t blocksWanted);

} // namespace nncc::nvptx
