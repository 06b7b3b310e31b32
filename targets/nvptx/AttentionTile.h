// How an attention is cut into tiles for the blocks of a GPU.
#pragma once

#include "targets/kernel/Attention.h"

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
struct AttentionTile {
  int64_t parts, rowThreads, columnThreads, threadQueries, threadKeys;
  int64_t depth;      // of a slice of queries and keys
  int64_t queryDepth; // of the queries that are in shared memory: one slice, or all of them
  int64_t group, width;
  int64_t keyLanes = 0;

  bool isStreamed() const { return keyLanes != 0; }

  int64_t threads() const { return parts * rowThreads * columnThreads; }
  int64_t queries() const { return rowThreads * threadQueries; }
  int64_t partKeys() const { return columnThreads / std::max<int64_t>(1, keyLanes) * threadKeys; }
  int64_t keys() const { return parts * partKeys(); }
  /// Columns of a slice of the values.
  int64_t columns() const { return (isStreamed() ? keyLanes : columnThreads) * group; }
  int64_t slices() const { return llvm::divideCeil(width, columns()); }

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

  static AttentionTile choose(const Attention &p);
};

/// Heads that have the same keys, with one query each, become the few queries of one head: their
/// keys are read once.
void joinHeads(Attention &p);

} // namespace nncc::nvptx
