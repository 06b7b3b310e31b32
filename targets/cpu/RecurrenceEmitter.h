// kern.recurrence -> for blocks of rows: products of the state with panels of weights, and the
// cell.
#pragma once

#include "targets/kernel/Recurrence.h"

namespace nncc::cpu {

/// ```
/// for each direction d and each block of up to plan.rows rows, in units:
///   states = those before the first step
///   for each step t:
///     sums[row, n, g] = h[row, ..] * r[d, n, g, ..]          register tiles; weights are read once
///     for each row, for each 16 units n:                     (with `reset`: twice)
///       states[row, n] = cell(x[t, row, d, g, n].., sums[row, n, g].., states[row, n])
///       y[t, d, row, n] = h[row, n]
/// ```
/// The states of a block stay in scratch. How rows are put together changes no result: each sum is
/// one chain of multiply-adds.
///
/// A worker of a team does this for all units, but for its share of the panels n alone. States are
/// in the scratch of worker 0, where all see them; the h of a step is apart from that of the step
/// before, which others may still read, and nobody begins a step before all have ended the last.
class RecurrenceEmitter : public Emitter, Recurrence {
public:
  RecurrenceEmitter(mlir::OpBuilder &b, const Recurrence &recurrence);

  /// The loop over units [begin, end); sets kernel.units.
  void emit();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// A block of rows of one direction.
  struct Rows {
    Value direction, first, count;
  };
  /// A step, and where in scratch the rows of h begin before and after it.
  struct Step {
    Value number, before, after;
  };
  /// A row of a block in a step: its number in the block and in the batch, and where the step is.
  struct Row {
    Value direction, inBlock, inBatch, position;
    Value before, after; // its rows of h in scratch
  };
  /// Rows in scratch that products take: `first` is the block's first one.
  struct Source {
    Value buffer, first;
  };
  using RowBody = llvm::function_ref<void(const Row &)>;

  void takeShare();
  void allocate();
  void block(const Rows &rows);
  void initialize(const Rows &rows);
  Value stepCount(const Rows &rows);
  Step stepAt(Value number);
  void step(const Rows &rows, const Step &step);
  void eachRow(const Rows &rows, const Step &step, RowBody body, RowBody afterEnd);
  void waitForTeam();
  void computeCell(const Row &row);
  void computeReset(const Row &row);
  void keepState(const Row &row);
  void clearOutput(const Row &row);
  void finish(const Rows &rows, Value steps);

  // Products, in RecurrenceProducts.cpp.

  /// Panels of r that are read beside one another: the first one, and how many panels lie between
  /// each and the next.
  struct Streams {
    Value first;
    int64_t count, stride;
  };
  void products(const Rows &rows, const Step &step, Source source);
  void productsOfGate(const Rows &rows, const Step &step, Source source, int64_t gate);
  void eachGroup(const Step &step, int64_t size, llvm::function_ref<void(Value, int64_t)> body);
  void group(const Rows &rows, Source source, const Streams &streams);
  void tiles(int64_t count, Value row, const Rows &rows, Source source, const Streams &streams);

  /// For each panel of this worker: `body` of its first unit and the mask of those that are there.
  void eachPanel(llvm::function_ref<void(Value, Value)> body);
  /// The arguments of a body of `gates` gates, those that it uses.
  Values arguments(mlir::Block &body, int64_t gates, const Row &row, Value unit, Value mask);
  Value load(Value tensor, mlir::ValueRange indices, Value mask);
  void store(Value value, Value tensor, mlir::ValueRange indices, Value mask);
  Value loadScratch(Value buffer, Value row, int64_t pitch, Value column);
  void storeScratch(Value value, Value buffer, Value row, int64_t pitch, Value column);
  /// The row of state `i` where h is in `ofH`.
  Value rowOfState(size_t i, Value row, Value ofH) { return i == 0 ? ofH : row; }
  Value zeros();

  kern::RecurrencePlanAttr plan;
  mlir::VectorType vector;
  int64_t pitch;     // of rows in scratch: units, in whole panels
  Value isTeam;      // null where there never is one
  Value owner;       // the worker in whose scratch states are
  Value begin, end;  // units of this worker
  Value first, past; // panels of this worker: [first, past)
  Values states;     // scratch
  Value sums, gated; //
};

} // namespace nncc::cpu
