// kern.recurrence -> for blocks of rows: products of the state with panels of weights, and the
// cell.
#pragma once

#include "targets/cpu/Emitter.h"
#include "targets/cpu/Kernel.h"

namespace nncc::cpu {

/// ```
/// for each direction d and each block of up to plan.rows rows, in units:
///   states = those before the first step
///   for each step t:
///     sums[row, g, n] = h[row, ..] * r[d, g, .., n]          register tiles; weights are read once
///     for each row, for each 16 units n:                     (with `reset`: twice)
///       states[row, n] = cell(x[t, row, d, g, n].., sums[row, g, n].., states[row, n])
///       y[t, d, row, n] = h[row, n]
/// ```
/// The states of a block stay in scratch. How rows are put together changes no result: each sum is
/// one chain of multiply-adds.
///
/// The numbers of steps and rows may be open; directions, gates and units are constant.
class RecurrenceEmitter : public Emitter {
public:
  RecurrenceEmitter(mlir::OpBuilder &b, kern::RecurrenceOp op, Kernel &kernel);

  /// The loop over units [begin, end); sets kernel.units.
  void emit();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// A block of rows of one direction.
  struct Rows {
    Value direction, first, count;
  };
  /// A row of a block in a step: its number in the block and in the batch, and where the step is.
  struct Row {
    Value direction, inBlock, inBatch, position;
  };

  void allocate();
  void block(const Rows &rows);
  void initialize(const Rows &rows);
  Value lengthOf(const Rows &rows, Value row);
  Value stepCount(const Rows &rows);
  void step(const Rows &rows, Value t);
  void eachRow(const Rows &rows, Value t, llvm::function_ref<void(const Row &)> body,
               llvm::function_ref<void(const Row &)> afterEnd);
  void products(const Rows &rows, Value t, Value source, int64_t firstGate, int64_t count);
  void group(const Rows &rows, int64_t panels, Value source, Value weights, Value sum);
  void tiles(int64_t count, Value row, int64_t panels, Value source, Value weights, Value sum);
  void computeCell(const Row &row);
  void computeReset(const Row &row);
  void clearOutput(const Row &row);
  void finish(const Rows &rows);

  /// For each 16 units: `body` of the first one and the mask of those that are there.
  void eachPanel(llvm::function_ref<void(Value, Value)> body);
  /// The arguments of a body of `gates` gates, those that it uses.
  Values arguments(mlir::Block &body, int64_t gates, const Row &row, Value unit, Value mask);
  Value load(Value tensor, mlir::ValueRange indices, Value mask);
  void store(Value value, Value tensor, mlir::ValueRange indices, Value mask);
  Value loadScratch(Value buffer, Value row, int64_t pitch, Value unit);
  void storeScratch(Value value, Value buffer, Value row, int64_t pitch, Value unit);
  Value address(Value tensor, mlir::ValueRange indices);
  Value zeros();

  kern::RecurrenceOp op;
  Kernel &kernel;
  kern::RecurrencePlanAttr plan;
  mlir::VectorType vector;
  mlir::AffineExpr steps, batch;
  int64_t directions, gates, units;
  int64_t pitch;     // of rows in scratch: units, in whole panels
  Value output;      // results, null where nobody wants them
  Values last;       //
  Values initial;    // states before the first step, null where they are 0
  Values states;     // scratch
  Value sums, gated; //
};

} // namespace nncc::cpu
