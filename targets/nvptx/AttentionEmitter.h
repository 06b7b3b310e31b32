// kern.attention -> blocks of queries that pass over tiles of keys.
#pragma once

#include "targets/nvptx/AttentionSplits.h"
#include "targets/nvptx/MatrixInstructions.h"

namespace nncc::nvptx {

/// ```
/// for each unit: a head, a block of its queries and of the result's columns
///   largest = -infinity, sums = 0, results = 0                  in registers
///   for each tile of keys:
///     scores = 0
///     for each slice of the depth: keys go to shared memory; scores += queries times keys
///     scores are masked
///     before = largest, largest = the larger of it and all scores
///     weights = exp(scores - largest)                           to shared memory
///     sums = exp(before - largest) * sums + sum of weights
///     results = exp(before - largest) * results
///     for each slice of columns: values go to shared memory; results += weights times values
///   result = results / sums
/// ```
/// Halves are multiplied as matrices, and weights stay in registers: the sums that a lane has of
/// scores are, rounded in pairs, what it multiplies by values.
/// ```
/// for each tile of keys: it and its values are in shared memory, later tiles on their way
///   scores = queries times keys; masked
///   largest, weights, sums, results go on as above
///   results += weights times values
/// ```
/// Of few queries slices stay in registers: each part, of some lanes, has keys of its own, and what
/// all parts have of the result is joined.
/// ```
/// for each tile of keys, each lane's part of their rows:
///   scores = sum over the lanes of queries times keys
///   largest, sums, results go on as above
/// result = sum over parts of exp(largest - largest of all) * (results, sums)
/// ```
/// Where their keys are split over blocks, a second launch joins what these have the same way.
/// What is kept between tiles of keys: Milakov and Gimelshein, "Online normalizer calculation for
/// softmax" (2018); Dao et al., "FlashAttention" (2022).
class AttentionEmitter {
public:
  AttentionEmitter(ThreadBlock &e, const Attention &attention, const AttentionTile &tile,
                   const KeySplits &splits);

  /// The loop over units; sets the kernel's.
  void emit();
  /// The second launch, where splits may be several: a block has a unit of all splits.
  void emitResults();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;
  using Operand = Attention::Operand;

  /// Rows and columns of a matrix on their way to shared memory.
  struct Slice {
    Value firstRow, rowCount;             // of the matrix: `rowCount` are there
    Value firstColumn, columnCount;       //
    bool isWholeInRows, isWholeInColumns; // nothing of the slice is outside
    int64_t rows, columns, pitch;
  };
  /// A piece of a slice that a thread copies at once: neighbours of a row, which exist or not;
  /// null: all of them do.
  struct Piece {
    Value from, to, exists;
  };
  /// The rows of a matrix as a streamed tile reads them: `width` of `columns` columns.
  struct Lines {
    const Operand *from;
    int64_t columns, width;
    int64_t alignment; // in bytes, if the buffer is aligned to 16
    bool hasGroups;    // that one instruction loads

    bool isOfSingles() const { return alignment == from->elementBytes(); }
  };
  /// A row of the result once all keys are done.
  struct Row {
    Value query, largest, sum;
  };
  /// Of an element of the result, and its row, once some keys are done.
  struct Part {
    Value largest, sum, result;
  };

  // AttentionEmitter.cpp: from units to scores and weights.
  void enter(Value unit);
  void unit();
  /// Behind each of several is a barrier.
  int64_t numDepthSlices() const { return llvm::divideCeil(p.depth, tile.depth); }
  Value endOfKeys();
  Values firstState();
  Values tileOfKeys(Value firstKey, mlir::ValueRange before);
  Values scoresOf(Value firstKey);
  Values addProducts(Value queryDepth, mlir::ValueRange scores);
  llvm::MutableArrayRef<Value> rescale(llvm::MutableArrayRef<Value> state,
                                       llvm::ArrayRef<Value> factors);
  void mask(llvm::MutableArrayRef<Value> scores, Value firstKey);
  Values toWeights(llvm::MutableArrayRef<Value> scores, llvm::MutableArrayRef<Value> state);
  Values nextState(llvm::MutableArrayRef<Value> scores, llvm::MutableArrayRef<Value> state,
                   int64_t lanes);

  // AttentionSlices.cpp: matrices from memory to shared memory.
  void testAlignment();
  int64_t groupOf(const Operand &from, int64_t columns);
  void rounds(int64_t total, int64_t atOnce, llvm::function_ref<void(mlir::ValueRange)> body);
  std::pair<Value, Value> divideRound(Value round, int64_t by);
  Piece pieceOf(const Operand &from, const Slice &slice, Value row, Value column, int64_t count);
  void load(const Operand &from, const Slice &slice, Value to, Value at, bool isScaled = false);
  void copy(const Operand &from, const Slice &slice, Value to, Value at, bool isScaled,
            int64_t group);
  Values loadPiece(const Operand &from, const Piece &piece, int64_t group, bool isScaled,
                   mlir::Type type);
  void loadQueries(Value firstDepth);

  // AttentionMatrices.cpp: products by mma.sync.
  void matrices();
  void startTile(Value firstKey, Value end, Value place);
  void loadQueryFragments(Value place);
  Values matrixTile(Value firstKey, Value place, mlir::ValueRange before);
  Values matrixScores(Value place);
  void maskIfNeeded(Values &scores, Value firstKey);
  void addMatrixResults(Value place, llvm::ArrayRef<Value> weights,
                        llvm::MutableArrayRef<Value> results);
  bool isScaledLate();
  Value powerOf(Value score, Value largest);

  // AttentionStream.cpp: keys and values from memory to registers.
  void stream();
  std::pair<Value, Value> keysOfSplit();
  Values streamTile(Value firstKey, mlir::ValueRange before, bool isAligned);
  Values streamScores(Value firstKey, const std::vector<Values> &keys);
  Lines linesOf(const Operand &from, int64_t columns, int64_t width) const;
  Values loadRow(const Lines &lines, Value row, Value firstColumn, bool isAligned);
  std::vector<Values> loadRows(const Lines &lines, Value firstKey, Value firstColumn,
                               bool isAligned, bool isZeroBehind);
  Values joinLanes(mlir::ValueRange state);

  // AttentionSplits.cpp: what blocks that have split keys hand to the second launch.
  void allocateSplits();
  Value splitAt(Value split, Value query);
  int64_t splitPitch() const { return tile.width + 2; }
  void storeSplit(Value query, Value column, const Part &part);
  Part loadSplits(Value query, Value column);

  // AttentionResults.cpp: weights times values, and what becomes of the sums.
  void addResults(Value firstKey, llvm::MutableArrayRef<Value> results);
  Values addWeighted(mlir::ValueRange results);
  Value columnOf(int64_t slice, int64_t i);
  void finish(mlir::ValueRange state);
  void join(mlir::ValueRange state);
  void joinOne(Value index);
  Part joined(llvm::ArrayRef<Part> parts);
  void store(llvm::ArrayRef<Row> rows, llvm::ArrayRef<Value> columns, mlir::ValueRange results);
  void storeRow(Value at, llvm::ArrayRef<Value> columns, llvm::ArrayRef<Value> results);
  void storeColumns(Value at, llvm::ArrayRef<Value> columns, llvm::ArrayRef<Value> results,
                    int64_t atOnce);
  Values zeroSums(Value condition, llvm::ArrayRef<Value> columns);
  Value joinedAt(Value part, Value query);

  Value number(double value);
  Value load(const Operand &from, Value at);
  Value maximum(Value x, Value y);
  Value exponential(Value x);
  Value weightOf(Value score, Value largest);
  Value unlessNone(Value largest);
  Value isLess(Value x, Value y);
  Value isEqual(Value x, double y);
  /// The thread's query `i` of the block, and its key `j` of the tile.
  Value queryOf(int64_t i) { return e.add(threadRow, tile.isOfMatrices() ? i * (mmaRows / 2) : i); }
  Value keyOf(int64_t j) {
    int64_t pairs = j / 2 * mmaColumns + j % 2;
    return e.add(threadKey, tile.isOfMatrices() ? pairs : j * (tile.keys() / tile.threadKeys));
  }

  ThreadBlock &e;
  Attention p;
  AttentionTile tile;
  KeySplits splits;
  int64_t chunks;          // of columns
  mlir::AffineExpr blocks; // of queries
  mlir::AffineExpr units;  // of a split
  bool isWholeInQueries, isWholeInKeys;
  MatrixInstructions mma;
  Value isAligned; // for accesses to neighbours; null: there are none
  Value part, threadRow, threadKey, threadColumn; // of this thread: its first ones
  Value queries, slices, weights;                 // in shared memory
  Values ownQueries;             // in registers, of a streamed tile or as fragments
  Value split, unitNumber;       // `unitNumber`: in the split
  Value firstQuery, firstColumn; // of the unit
  Value memory;                  // of splits
};

} // namespace nncc::nvptx
