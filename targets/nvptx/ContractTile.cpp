#include "targets/nvptx/ContractTile.h"

using namespace nncc;
using namespace nncc::nvptx;

/// Blocks that a GPU should have at least: as many as it has multiprocessors, or more.
static constexpr int64_t blocksWanted = 128;
/// Up to so many rows most of a tile of 64 would be empty.
static constexpr int64_t fewRows = 16;

ContractTile ContractTile::choose(const cpu::Contraction &p) {
  constexpr ContractTile large{64, 128, 8, 8}, middle{64, 64, 4, 4}, low{16, 32, 1, 4};
  int64_t rows = nominal(p.rowCount());
  if (rows <= fewRows)
    return low;
  int64_t blocks = nominal(p.batchCount()) * llvm::divideCeil(rows, large.rows) *
                   llvm::divideCeil(nominal(p.n.size), large.columns);
  // An epilogue like GELU is repeated for each sum of a thread.
  bool fits = p.element.getIntOrFloatBitWidth() <= 32 && !p.epilogue.isHeavy();
  return fits && blocks >= blocksWanted ? large : middle;
}
