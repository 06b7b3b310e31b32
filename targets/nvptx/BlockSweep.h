// A sweep of loop nests, its points shared by the threads of a block.
#pragma once

#include "targets/kernel/BodyEvaluator.h"
#include "targets/kernel/Sweep.h"
#include "targets/kernel/UnitPosition.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Who computes a reduction: one thread, all lanes of a warp, all threads of the block.
enum class ReducedBy { Thread, Warp, Block };

class BlockSweep {
public:
  BlockSweep(ThreadBlock &block, const Sweep &sweep, const NestGroup &group, const Homes &homes,
             const UnitPosition &unit);

  /// Without a barrier before or behind it.
  void emit();

private:
  using Values = llvm::SmallVector<mlir::Value>;

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
  /// The number of a point among those of `loops` -> their indices.
  void locate(mlir::Value number, llvm::ArrayRef<int> loops, Values &point);
  /// Runs `body` where the point is in the unit.
  void guarded(llvm::ArrayRef<int> loops, llvm::ArrayRef<mlir::Value> point,
               llvm::function_ref<void()> body);

  /// All statements at a point; from the accumulators before it to those after it.
  Values evaluate(llvm::ArrayRef<mlir::Value> point, mlir::ValueRange carried);
  mlir::Value read(const State &state, const Access &access, llvm::ArrayRef<mlir::Value> point);
  void write(const State &state, size_t output, llvm::ArrayRef<mlir::Value> point,
             mlir::Value value);
  /// The buffer and offset of an element.
  std::pair<mlir::Value, mlir::Value> address(const State &state, const Access &access,
                                              llvm::ArrayRef<mlir::Value> point);
  /// The indices of the nest's loops: of the whole tensor, or within the unit.
  Values loopsOf(const State &state, llvm::ArrayRef<mlir::Value> point, bool inUnit);

  void reduceByThread(Values point);
  void reduceByWarp(Values point);
  void reduceByBlock(Values point);
  Values initial(llvm::ArrayRef<mlir::Value> point);
  Values neutral();
  void acrossLanes(Values &sums);
  void acrossWarps(Values &sums);
  void finish(llvm::ArrayRef<mlir::Value> point, Values sums, bool withInits);
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
  const Homes &homes;
  const UnitPosition &unit;
  std::vector<State> states;
  llvm::SmallVector<Accumulator> accumulators;
  llvm::SmallVector<int> parallel, reduced; // loops, the last one over neighbouring elements
};

/// Nominal points of loops of a sweep.
int64_t nominalPoints(const Sweep &sweep, const NestGroup &group, bool reduced);

} // namespace nncc::nvptx
