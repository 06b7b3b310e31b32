// kern.recurrence -> blocks of threads that take all steps of some rows.
#pragma once

#include "targets/kernel/Recurrence.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// The threads of a block: `parts` groups of columnThreads, of which each has a part of the
/// products of all units; neighbouring threads have neighbouring units, as weights are packed. A
/// block takes `rows` rows of the batch.
struct RecurrenceGrid {
  int64_t columnThreads, parts, rows;
  int64_t threads() const { return columnThreads * parts; }

  static RecurrenceGrid choose(const Recurrence &recurrence);
};

/// ```
/// for each direction d and each block of rows, a unit:
///   states = those before the first step
///   for each step t:
///     sums[part, row, g, n] = part of h[row, ..] * r[d, n, g, ..]      (with `reset`: twice)
///     for each row and unit n:
///       states[row, n] = cell(x[t, row, d, g, n].., sum of parts of sums.., states[row, n])
///       y[t, d, row, n] = h[row, n]
/// ```
/// A barrier stands between sums and cells, as everyone needs all of h. States and sums are in
/// shared memory, where it is large enough.
class RecurrenceEmitter {
public:
  RecurrenceEmitter(ThreadBlock &e, const Recurrence &recurrence, const RecurrenceGrid &grid);

  /// The loop over units; sets the kernel's.
  void emit();

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// One unit of one row in a step.
  struct Cell {
    Value row, inBatch, unit;
    Value position; // which step of x and y it takes
  };
  using CellBody = llvm::function_ref<void(const Cell &)>;

  void allocate();
  void barrier();
  void block();
  void initialize();
  Value stepCount();
  void step(Value number);

  // RecurrenceProducts.cpp
  void products(Value source, int64_t firstGate, int64_t count);
  void productsOfUnit(Value source, int64_t firstGate, int64_t count, Value unit);
  Values addProducts(Value source, Value weights, Value k, int64_t steps, int64_t count,
                     mlir::ValueRange sums);
  Value sumAt(Value part, Value row, int64_t gate, Value unit);

  /// `body` for all rows and units of the block.
  void eachCell(CellBody body);
  /// The same of those that have step `number`; `afterEnd` of others.
  void eachCell(Value number, CellBody body, CellBody afterEnd);
  Values arguments(mlir::Block &body, int64_t gates, const Cell &cell);
  void computeReset(const Cell &cell);
  void computeCell(const Cell &cell);
  void clearOutput(const Cell &cell);
  void finish();

  Value load(Value tensor, mlir::ValueRange indices);
  void store(Value value, Value tensor, mlir::ValueRange indices);
  /// Of a buffer of `pitch` elements a row.
  Value at(Value row, Value unit) { return e.add(e.mul(row, pitch), unit); }
  Value zero();

  /// Steps of a product that are loaded at once.
  static constexpr int64_t stepsAtOnce = 4;

  ThreadBlock &e;
  Recurrence p;
  const RecurrenceGrid &grid;
  mlir::Type element;
  int64_t pitch;
  Value direction, first, count; // of the unit: its first row, and how many there are
  Values states;
  Value sums, gated; // gated: what a reset makes of h
};

} // namespace nncc::nvptx
