// A sweep of loop nests, its points shared by the threads of a block.
#pragma once

#include "targets/kernel/BodyEvaluator.h"
#include "targets/nvptx/NestMemory.h"

namespace nncc::nvptx {

/// Who computes a reduction: one thread, one of each part of the block, all lanes of a warp, all
/// threads of the block.
enum class ReducedBy { Thread, Part, Warp, Block };

/// Whether all threads wait for each other between what a sweep reads and its reductions' results.
enum class Rendezvous { None, Once, Repeated };

/// The thread that alone touches an element, in terms of the element's indices: in units that have
/// whole blocks of all dims, and in others; null: not one thread.
struct Owner {
  mlir::AffineExpr inWhole, inRest;
};

/// What a sweep reads or writes.
struct SweepAccess {
  const void *memory; // a base, or a sweep that has shared memory for itself
  bool isWrite;
  bool isResult;  // of a reduction, or what that begins with
  bool isInBlock; // which has one unit's elements there after the other's
  Owner owner;
};

struct Row;

class BlockSweep {
public:
  BlockSweep(ThreadBlock &block, const Sweep &sweep, const NestGroup &group, const Homes &homes,
             const UnitPosition &unit);

  /// Without a barrier before or behind it.
  void emit();

  /// What of that others have to wait for, or the sweep for others.
  std::vector<SweepAccess> accesses() const;
  Rendezvous rendezvous() const;

  /// The same for one row, whose elements stay in registers; `exists` in what it calls is whether
  /// the thread has a last vector, null where all have.
  void emitRow(Row &row);
  int64_t widestOfRow() const;
  /// Whether there is a row for the warp; null: there is.
  mlir::Value hasRow(const Row &row);

private:
  using Values = llvm::SmallVector<mlir::Value>;
  /// Arguments of the body of a nest, and elements that it reads itself, with their values; without
  /// a body one null.
  using Arguments = llvm::SmallVector<std::pair<mlir::Value, mlir::Value>>;
  /// Per statement: what it reads from memory, an element for each of neighbouring points.
  using Loaded = std::vector<llvm::SmallVector<std::pair<mlir::Value, Values>>>;
  /// Per statement and output: an element for each of neighbouring points.
  using Computed = std::vector<std::vector<Values>>;
  using Together =
      llvm::function_ref<Values(llvm::ArrayRef<PointVector> points, mlir::ValueRange carried)>;

  /// A statement and what joins the elements of its reductions, per output; null: unknown.
  struct State {
    const Statement *statement;
    BodyEvaluator evaluator;
    llvm::SmallVector<mlir::Operation *> combiners;
    const Nest &nest() const { return *statement->nest; }
  };
  /// One reduction of a statement.
  struct Accumulator {
    size_t state, output;
  };

  void orderLoops();
  ReducedBy chooseMode() const;
  mlir::AffineExpr pointsOf(llvm::ArrayRef<int> loops) const;
  mlir::Value count(llvm::ArrayRef<int> loops) { return e.size(pointsOf(loops)); }
  /// Elements of each access that a thread loads before it uses them.
  int64_t pointsTogether() const { return sweep.isHeavy ? 8 : 16; }
  /// Neighbouring points that one thread has, where the unit has whole blocks.
  int64_t pointsAtOnce() const;
  /// The same of elements that are reduced, in parts of which every `step`-th vector is one.
  int64_t elementsAtOnce(int64_t step) const;

  /// The number of a point, over the sweep's loops as dims, among those of `loops`, counted in
  /// vectors.
  mlir::AffineExpr numberOf(llvm::ArrayRef<int> loops, int64_t width) const;
  /// The thread that a point belongs to, or the result of the reductions there; `width`: of a
  /// thread's points.
  mlir::AffineExpr threadOf(bool isResult, int64_t width) const;
  mlir::AffineExpr ownerOf(const Statement &statement, const Access &access,
                           mlir::AffineExpr thread) const;
  SweepAccess accessOf(const State &state, const Access &access, bool isWrite, bool isResult) const;

  /// The number of `width` neighbouring points among those of `loops` -> their indices; `point` has
  /// those of other loops.
  PointVector locate(mlir::Value number, llvm::ArrayRef<int> loops,
                     llvm::ArrayRef<mlir::Value> point, int64_t width);
  /// Whether the point is in the unit, and whether the unit has all points of a block; null: it is.
  mlir::Value isInside(llvm::ArrayRef<int> loops, llvm::ArrayRef<mlir::Value> point);
  mlir::Value isWhole(llvm::ArrayRef<int> loops);
  /// Runs `body` where the point is in the unit.
  void guarded(llvm::ArrayRef<int> loops, llvm::ArrayRef<mlir::Value> point,
               llvm::function_ref<void()> body);

  /// All statements at some points, all of which are loaded before, and stored after, any is
  /// computed; from the accumulators before them to those after them, each of neighbouring points
  /// with its own.
  Values evaluate(llvm::ArrayRef<PointVector> points, mlir::ValueRange carried);
  Values evaluate(const State &state, const Arguments &arguments, llvm::ArrayRef<mlir::Value> point,
                  mlir::ValueRange carried);
  /// The same of loaded ones, without a store.
  Values compute(const PointVector &vector, const Loaded &loaded, mlir::ValueRange carried,
                 Computed &results);
  std::vector<Loaded> load(llvm::ArrayRef<PointVector> points);
  /// A row that the body of a statement gathers at some points, from the offset `first` on.
  struct RowAtPoints {
    size_t points, state;
    GatheredRow row;
    mlir::Value first;
  };
  /// Those of neighbouring points, where `loaded` has what their indices take.
  std::vector<RowAtPoints> gatheredRows(llvm::ArrayRef<PointVector> points,
                                        const std::vector<Loaded> &loaded);
  void store(llvm::ArrayRef<PointVector> points, const std::vector<Computed> &computed);
  /// `body` for buffers that are aligned to `width` elements, and for others, where they may be.
  Values ifAligned(int64_t width, mlir::TypeRange types, llvm::function_ref<Values(bool)> body);

  /// Each point of `loops`, all threads together, that is inside of the unit.
  void eachPoint(llvm::ArrayRef<int> loops, llvm::function_ref<void(const PointVector &)> body);
  /// `inVectors` where the unit's part of `loops` is whole, else `body` for each point.
  void inVectorsOr(llvm::ArrayRef<int> loops, llvm::function_ref<void()> inVectors,
                   llvm::function_ref<void(const PointVector &)> body);

  /// The points number first, first + step, ... of `loops`, whose sizes are known, counted in
  /// vectors of `width`; `body` for several together.
  Values inRounds(mlir::Value first, int64_t step, llvm::ArrayRef<int> loops,
                  llvm::ArrayRef<mlir::Value> point, int64_t width, mlir::ValueRange carried,
                  Together body);
  void emitPoints();

  /// What is read with strides, and contiguous in the direction of another loop, goes through
  /// shared memory: a barrier is behind it.
  void stageTransposed();
  bool canStage() const;
  bool mayStage(const State &state, const Access &access) const;
  /// The loops that the access depends on, the one in whose direction it is contiguous last; empty
  /// where it is not for shared memory.
  llvm::SmallVector<int> stagedLoops(const State &state, const Access &access) const;
  /// Whether there is shared memory for it.
  bool stage(const State &state, const Access &access, llvm::ArrayRef<int> loops);

  void reduceByThreads();
  void reduceByThread(PointVector points);
  void reduceByParts();
  void reduceByWarp(Values point);
  void reduceByBlock(Values point);
  Values partOf(mlir::Value first, int64_t step, llvm::ArrayRef<mlir::Value> point);
  /// Per point, the accumulators one after the other.
  Values initial(const PointVector &points);
  Values neutral(int64_t width);
  void acrossLanes(Values &sums);
  void acrossWarps(Values &sums);
  /// Shared memory for `count` accumulators of each kind.
  Values sharedParts(int64_t count);
  void storeParts(mlir::ValueRange parts, mlir::Value at, mlir::ValueRange sums);
  /// Of first, first + step, ..., in this order.
  Values sumOfParts(mlir::ValueRange parts, mlir::Value first, int64_t step, int64_t count);
  /// Sums of neighbours, each with its own so far, become one.
  Values foldNeighbours(Values sums, int64_t width);
  /// Combined with what the outputs began with.
  Values withInitial(const PointVector &points, Values sums);
  void finish(const PointVector &points, Values sums);

  /// What the row of another sweep has read already, or computed, is not read again.
  std::vector<Loaded> loadRow(Row &row, llvm::ArrayRef<PointVector> points, mlir::Value exists);
  std::vector<Values> readRow(const State &state, const Access &access,
                              llvm::ArrayRef<PointVector> points, mlir::Value exists);
  /// The access' factors along shared dims and the row, and its offset: equal ones read the same.
  std::optional<Shape> placeInRow(const State &state, const Access &access) const;
  void storeRow(Row &row, llvm::ArrayRef<PointVector> points, mlir::Value exists,
                const std::vector<Computed> &computed);
  PointVector locateRow(const Row &row, llvm::SmallVectorImpl<int> &outer);
  void finishRow(Row &row, const PointVector &point, Values sums);
  mlir::Value combine(mlir::Operation *combiner, mlir::Value x, mlir::Value y);
  mlir::Operation *combinerOf(Accumulator accumulator) const {
    return states[accumulator.state].combiners[accumulator.output];
  }
  mlir::Type typeOf(Accumulator accumulator) const {
    return states[accumulator.state].nest().outputs[accumulator.output].element;
  }

  ThreadBlock &e;
  const Sweep &sweep;
  const NestGroup &group;
  const UnitPosition &unit;
  NestMemory memory;
  std::vector<State> states;
  llvm::SmallVector<Accumulator> accumulators;
  llvm::SmallVector<int64_t> score;         // per loop: how much is contiguous in its direction
  llvm::SmallVector<int> parallel, reduced; // loops, the last one over neighbouring elements
  ReducedBy mode;
  mlir::Value aligned; // whether buffers are, as far as vectors need it; null: all are
};

/// Nominal points of loops of a sweep.
int64_t nominalPoints(const Sweep &sweep, const NestGroup &group, bool reduced);

} // namespace nncc::nvptx
