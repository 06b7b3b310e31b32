// Groups of nests over rows that stay in registers from one sweep to the next.
#pragma once

#include "targets/nvptx/BlockSweep.h"

namespace nncc::nvptx {

/// A row of a group: a warp's, or that of the block.
struct Row {
  using Values = llvm::SmallVector<mlir::Value>;

  /// Where it can be so: each nest has the same row, of a size that is known and short enough, and
  /// takes of the others only what the same thread has, or a reduction's result.
  static std::optional<Row> of(const NestGroup &group, llvm::ArrayRef<Sweep> sweeps,
                               int64_t threads);

  int64_t elements = 1;
  int64_t rows = 1; // of a unit
  int64_t width = 1;
  int64_t threads = 1;       // for one row
  mlir::Value number, first; // of the row in the unit, and of the thread in the row

  int64_t wholeRounds() const { return elements / width / threads; }
  bool hasRest() const { return elements / width % threads != 0; }

  /// What earlier sweeps have left, for each vector of the thread; alone: for all.
  llvm::DenseMap<unsigned, std::vector<Values>> computed; // by base
  struct Read {
    unsigned base;
    mlir::Type element;
    Shape place;
    std::vector<Values> vectors;
  };
  std::vector<Read> reads;
};

} // namespace nncc::nvptx
