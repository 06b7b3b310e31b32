// kern.attention -> blocks of 16 queries: scores, soft-max and weighted sum of each in scratch.
#pragma once

#include "targets/cpu/Emitter.h"
#include "targets/cpu/Kernel.h"

namespace nncc::cpu {

/// ```
/// for each unit: a head, and unit_blocks blocks of 16 of its queries
///   keys[s, d], values[s, e] = those of the head, one after the other
///   for each block:
///     queries[d, 0..16) = the queries of the block, transposed
///     scores[s, 0..16) = key s times queries, scaled, masked; the largest of each query
///     scores = exp(scores - largest); their sum for each query
///     result = transposed scores times values / sums
/// ```
/// A vector holds one element of each of the 16 queries, so the soft-max has no reduction across
/// lanes, and keys need not be transposed. The scores of a block stay in the caches.
///
/// The sizes of batch, queries and keys may be open; depth, width and heads are constant.
class AttentionEmitter : public Emitter {
public:
  AttentionEmitter(mlir::OpBuilder &b, kern::AttentionOp op, Kernel &kernel);

  /// The loop over units [begin, end); sets kernel.units.
  void emit();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// A tensor [N, heads, rows, columns], and where the unit's head begins in it.
  struct Operand {
    Value buffer, at;
    mlir::AffineExpr offset;
    Shape strides;
  };
  Operand operand(Value tensor) const;
  void enterHead(Operand &x, Value batch, Value head);

  int64_t strideOf(mlir::AffineExpr stride, Values &open);
  void allocate();
  void unit(Value index);
  void copyRows(Operand &from, Value to, int64_t width);
  void block(Value first, Value rows);
  Value scores(Value first, Value limit);
  Value scoreTile(int64_t count, Value key, Value first, Value max);
  Value masked(Value score, Value key, Value first);
  Value powers(Value keys, Value max);
  Value guarded(Value keys, Value max, Value sum);
  void result(Value first, Value rows, Value keys);
  void resultTile(Value first, Value row, Value rows, Value keys, Value column, int64_t panels,
                  int64_t tail);

  Value splat(double value);
  Value broadcast(Value scalar);
  Value load(Value buffer, Value at);
  void store(Value value, Value buffer, Value at);

  kern::AttentionOp op;
  Kernel &kernel;
  kern::AttentionPlanAttr plan;
  mlir::VectorType vector; // one element of 16 queries, or 16 columns of the result
  Operand query, key, value, mask, init;
  mlir::AffineExpr batches, length, keyCount;
  int64_t heads, groups, depth, width;
  mlir::AffineExpr blocks, chunks;                 // of a head
  bool copies;                                     // keys and values, into scratch
  Value queries, keys, values, scoreRows, factors; // scratch; factors: 1 / sum of each query
};

} // namespace nncc::cpu
