// How an attention is cut into tiles for the blocks of a GPU.
#pragma once

#include "targets/kernel/Attention.h"
#include "targets/nvptx/ContractTile.h"

namespace nncc::nvptx {

/// A block of threads computes `queries` rows of the result, at most `width` columns of them, and
/// passes over tiles of `keys` keys. Its threads are a grid of rowThreads x columnThreads. A
/// thread has threadQueries neighbouring queries, threadKeys keys that are columnThreads apart, and
/// `group` neighbouring columns of each slice of the values, so that the threads of a warp read
/// shared memory without conflicts. All columnThreads of a row are lanes of one warp.
///
/// Few queries are streamed: each part is a warp, whose lanes have all queries and neighbours of
/// `group` elements in the rows of keys and values, and `keyLanes` of them share a key. So rows
/// come from memory to registers, and once.
///
/// Halves are multiplied as matrices: a warp has 16 queries, each thread two that are 8 apart, of
/// which it has neighbouring pairs of keys and columns, 8 apart, as mma.sync gives sums. Tiles of
/// keys and values, whole rows of them, pass through `stages` places in shared memory.
struct AttentionTile {
  int64_t parts, rowThreads, columnThreads, threadQueries, threadKeys;
  int64_t depth;      // of a slice of queries and keys
  int64_t queryDepth; // of the queries that are in shared memory: one slice, or all of them
  int64_t group, width;
  int64_t keyLanes = 0;
  Multiplier multiplier = Multiplier::FMA;
  int64_t stages = 1;

  bool isStreamed() const { return keyLanes != 0; }
  bool isOfMatrices() const { return multiplier != Multiplier::FMA; }

  int64_t threads() const { return parts * rowThreads * columnThreads; }
  int64_t queries() const { return rowThreads * threadQueries; }
  int64_t partKeys() const { return columnThreads / std::max<int64_t>(1, keyLanes) * threadKeys; }
  int64_t keys() const { return parts * partKeys(); }
  /// Columns of a slice of the values.
  int64_t columns() const { return (isStreamed() ? keyLanes : columnThreads) * group; }
  int64_t slices() const {
    int64_t slices = llvm::divideCeil(width, columns());
    return isOfMatrices() ? llvm::alignTo(slices, 2) : slices; // two are one load
  }
  /// Whether a block has no columns but those of its result.
  bool isWholeInColumns() const { return slices() * columns() == width; }

  /// From row to row in shared memory: groups of 4 stay aligned, and those of neighbouring rows are
  /// in other banks.
  int64_t queryPitch() const { return llvm::alignTo(queryDepth, 8) + 4; }
  int64_t keyPitch() const { return llvm::alignTo(depth, 8) + 4; }
  int64_t weightPitch() const { return keys() + 4; }

  /// Of the memory that slices of keys, slices of values and the parts' results take turns in.
  int64_t sliceElements() const {
    int64_t joined = parts * queries() * (slices() * columns() + 2);
    return isStreamed() ? joined : std::max(keys() * keyPitch(), keys() * columns());
  }

  /// Of matrices: from row to row, an odd multiple of 16 bytes, and elements of one place. Queries
  /// are in the last one before the tile that it is for.
  int64_t rowPitch() const { return depth + 8; }
  int64_t valuePitch() const { return slices() * columns() + 8; }
  int64_t stageElements() const { return keys() * (rowPitch() + valuePitch()); }
  int64_t stagedElements() const {
    return (stages - 1) * stageElements() + std::max(stageElements(), queries() * rowPitch());
  }

  static AttentionTile choose(const Attention &p, const ContractFeatures &features);
};

/// Heads that have the same keys, with one query each, become the few queries of one head: their
/// keys are read once.
void joinHeads(Attention &p);

} // namespace nncc::nvptx
