// kern.attention -> blocks of queries that pass over blocks of keys: scores, soft-max and weighted
// sums of a pair of blocks stay in the L1 cache.
#pragma once

#include "targets/kernel/Attention.h"

namespace nncc::cpu {

/// ```
/// for each unit: a head, and unit_blocks blocks of 16 * queries of its queries
///   keys[s, d], values[s, e] = those of the head, one after the other
///   for each block of queries l:
///     queries[d, l] = scale * the queries of the block, transposed
///     largest[l] = -infinity, sums[l] = 0, results[l, e] = 0
///     for each block of key_block keys s:
///       scores[s, l] = key s times query l, masked
///       before = largest, largest = the larger of it and all scores
///       scores = exp(scores - largest)
///       sums = exp(before - largest) * sums + sum over s of scores
///       results = exp(before - largest) * results + transposed scores times values
///     result = results / sums
/// ```
/// A vector holds one element of each of 16 queries, so the soft-max has no reduction across lanes,
/// and keys need not be transposed. What is kept between blocks of keys: Milakov and Gimelshein,
/// "Online normalizer calculation for softmax" (2018); Dao et al., "FlashAttention" (2022).
class AttentionEmitter : public Emitter, Attention {
public:
  AttentionEmitter(mlir::OpBuilder &b, const Attention &attention, Kernel &kernel);

  /// The loop over units [begin, end); sets kernel.units.
  void emit();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// Queries [first, first + rows) of a head, in panels of 16.
  struct Block {
    Value first, rows;
    int64_t panels;
  };
  /// Keys [first, first + count) of a head; `all`: how many a mask has lines for.
  struct Keys {
    Value first, count, all;
  };

  // AttentionEmitter.cpp: units, blocks and results.
  int64_t strideOf(mlir::AffineExpr stride, Values &open);
  void allocate();
  void unit(Value index);
  void copyRows(Operand &from, Value to, int64_t width);
  void blockOf(Value index);
  void packQueries(const Block &block);
  void block(const Block &block);
  Keys keysOf(Value index, Value all, Value end);
  Values pair(const Block &block, const Keys &keys, mlir::ValueRange before);
  void results(const Block &block, const Keys &keys);
  void resultTile(Value scores, Value row, const Keys &keys, Value column, int64_t panels);
  Values guarded(const Block &block, Values max, Values sums);
  void clear(const Block &block, llvm::ArrayRef<Value> bad);
  void storeResults(const Block &block);

  // AttentionScores.cpp: the scores of a block, and what they become.
  void transposeMask(const Block &block, const Keys &keys);
  Values scores(const Block &block, const Keys &keys, Values max);
  Values scoreTile(const Block &block, int64_t count, const Keys &keys, Value next, Values max);
  llvm::SmallVector<int64_t> tileSizes(Value keys);
  Value masked(Value score, Value at, Value key, Value query);
  Value larger(Value x, Value y);
  Value exponential(Value x);
  Value powers(Value first, Value keys, Value max);

  Value splat(double value);
  Value broadcast(Value scalar);
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, double y);
  Value load(Value buffer, Value at);
  void store(Value value, Value buffer, Value at);

  /// Steps of a reduction that a tile's loop does at once.
  static constexpr int64_t unroll = 4;

  Kernel &kernel;
  kern::AttentionPlanAttr plan;
  mlir::VectorType vector;         // one element of 16 queries, or 16 columns of the result
  mlir::AffineExpr blocks, chunks; // of a head
  bool copies;                     // keys and values, into scratch
  bool isOneBlock;                 // all keys are
  int64_t queryPitch, scorePitch;  // from panel to panel of queries, and of scores
  int64_t resultPitch;             // from row to row of results
  Value queries, keys, values, scoreRows, resultRows; // scratch
  Value factors; // scratch: what the results of each query are multiplied by
};

} // namespace nncc::cpu
