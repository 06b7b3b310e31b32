#include "targets/nvptx/RecurrenceEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/Epilogue.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// Threads of a block, so that enough reads of weights are under way.
static constexpr int64_t mostThreads = 512;
/// Steps of a product that a part has at least.
static constexpr int64_t fewestSteps = 8;
/// Blocks that a GPU should have at least, and rows that share the weights in each.
static constexpr int64_t blocksWanted = 128, mostRows = 8;

RecurrenceGrid RecurrenceGrid::choose(const Recurrence &p) {
  int64_t columns = std::min<int64_t>(llvm::alignTo(p.units, warpLanes), mostThreads);
  int64_t parts = std::min<int64_t>(mostThreads / columns, llvm::divideCeil(p.units, fewestSteps));
  int64_t rows = llvm::divideCeilSigned(nominal(p.batch) * p.directions, blocksWanted);
  return {columns, std::max<int64_t>(parts, 1), std::clamp<int64_t>(rows, 1, mostRows)};
}

RecurrenceEmitter::RecurrenceEmitter(ThreadBlock &e, const Recurrence &recurrence,
                                     const RecurrenceGrid &grid)
    : e(e), p(recurrence), grid(grid), element(p.op.getXType().getElementType()),
      pitch(llvm::alignTo(p.units, stepsAtOnce)) {}

void RecurrenceEmitter::emit() {
  AffineExpr blocks = normalForm(p.batch.ceilDiv(grid.rows));
  e.units(blocks * p.directions, [&](Value unit) {
    Value block;
    std::tie(direction, block) = e.divide(unit, blocks);
    first = e.mul(block, grid.rows), count = e.constant(grid.rows);
    if (auto known = constantOf(p.batch); !known || *known % grid.rows)
      count = e.minimum(count, e.sub(e.size(p.batch), first));
    allocate();
    this->block();
  });
}

void RecurrenceEmitter::allocate() {
  auto allocate = [&](int64_t elements) {
    return e.allocate(e.b.getAffineConstantExpr(grid.rows * elements), element);
  };
  states.clear();
  for (int64_t i = 0; i < p.op.getStates(); ++i)
    states.push_back(allocate(pitch));
  if (p.op.getResetBody())
    gated = allocate(pitch);
  sums = allocate(grid.parts * p.gates * pitch);
}

/// A single cell is one thread's, whatever the others do; but where only a run knows whether there is
/// one, LLVM lets all threads read what the one might.
void RecurrenceEmitter::barrier() {
  if (grid.rows * p.units * grid.parts > 1 || !getConstantIntValue(count))
    e.barrier();
}

void RecurrenceEmitter::block() {
  initialize();
  if (constantOf(p.steps) != 0)
    barrier();
  Value taken = stepCount();
  e.loop(taken, [&](Value number) { step(number); });
  if (p.op.getLengths() && p.output)
    e.loop(e.sub(e.size(p.steps), taken), [&](Value i) {
      eachCell([&](Cell cell) {
        cell.position = e.add(taken, i);
        clearOutput(cell);
      });
    });
  finish();
}

/// Rows that are not there are full of zeros: products take them all the same.
void RecurrenceEmitter::initialize() {
  e.distribute(e.constant(grid.rows * pitch), [&](Value number) {
    auto [row, unit] = e.divide(number, pitch);
    Value isThere = arith::AndIOp::create(
        e.b, e.loc, arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, row, count),
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, unit, e.constant(p.units)));
    if (gated)
      memref::StoreOp::create(e.b, e.loc, zero(), gated, number);
    for (auto [i, state] : llvm::enumerate(states)) {
      auto put = [&, state = state](Value value) {
        memref::StoreOp::create(e.b, e.loc, value, state, number);
      };
      if (!p.initial[i]) {
        put(zero());
        continue;
      }
      e.branch(
          isThere,
          [&, row = row, unit = unit, i = i] {
            put(load(p.initial[i], {direction, e.add(first, row), unit}));
          },
          [&] { put(zero()); });
    }
  });
}

/// The steps of the longest row of the block.
Value RecurrenceEmitter::stepCount() {
  if (!p.op.getLengths())
    return e.size(p.steps);
  return e
      .loop(count, 1, e.constant(0),
            [&](Value row, ValueRange most) {
              return Values{e.maximum(most.front(), p.lengthOf(e, e.add(first, row)))};
            })
      .front();
}

void RecurrenceEmitter::step(Value number) {
  auto nothing = [](const Cell &) {};
  if (!p.op.getResetBody()) {
    products(states.front(), 0, p.gates);
  } else {
    products(states.front(), 0, p.gates - 1);
    barrier();
    eachCell(
        number, [&](const Cell &cell) { computeReset(cell); }, nothing);
    barrier();
    products(gated, p.gates - 1, 1);
  }
  barrier();
  eachCell(
      number, [&](const Cell &cell) { computeCell(cell); },
      [&](const Cell &cell) { clearOutput(cell); });
  // Each thread reads its own cells' states in the end.
  if (constantOf(p.steps) != 1)
    barrier();
}

// Cells
// ---------------------------------------------------------------------------------------------------

void RecurrenceEmitter::eachCell(CellBody body) {
  e.distribute(e.constant(grid.rows * p.units), [&](Value number) {
    auto [row, unit] = e.divide(number, p.units);
    Cell cell{row, e.add(first, row), unit, nullptr};
    if (getConstantIntValue(count))
      return body(cell);
    e.branch(
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, row, count),
        [&] { body(cell); }, [] {});
  });
}

void RecurrenceEmitter::eachCell(Value number, CellBody body, CellBody afterEnd) {
  eachCell([&](Cell cell) {
    Value length = p.lengthOf(e, cell.inBatch);
    auto inside = [&] {
      cell.position = p.positionOf(e, direction, number, length);
      body(cell);
    };
    if (!p.op.getLengths())
      return inside();
    Value isThere = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, number, length);
    e.branch(isThere, inside, [&] {
      cell.position = number;
      afterEnd(cell);
    });
  });
}

Values RecurrenceEmitter::arguments(Block &body, int64_t gates, const Cell &cell) {
  Values values;
  auto argument = [&](llvm::function_ref<Value()> build) {
    bool isUsed = !body.getArgument(values.size()).use_empty();
    values.push_back(isUsed ? build() : zero());
  };
  for (int64_t g = 0; g < gates; ++g)
    argument([&] {
      Value column = e.add(e.mul(direction, p.gates * p.units), e.add(cell.unit, g * p.units));
      return load(p.op.getX(), {cell.position, cell.inBatch, column});
    });
  for (int64_t g = 0; g < gates; ++g)
    argument([&] {
      Value sum;
      for (int64_t part = 0; part < grid.parts; ++part) {
        Value own = memref::LoadOp::create(e.b, e.loc, sums,
                                           sumAt(e.constant(part), cell.row, g, cell.unit));
        sum = sum ? arith::AddFOp::create(e.b, e.loc, sum, own).getResult() : own;
      }
      return sum;
    });
  for (int64_t i = 0; i < p.op.getParamCount(); ++i)
    argument([&] { return load(p.op.getParams(), {direction, e.constant(i), cell.unit}); });
  for (Value state : states)
    argument([&]() -> Value {
      return memref::LoadOp::create(e.b, e.loc, state, at(cell.row, cell.unit));
    });
  return values;
}

void RecurrenceEmitter::computeReset(const Cell &cell) {
  Block &body = *p.op.getResetBody();
  Values values = arguments(body, p.gates - 1, cell);
  memref::StoreOp::create(e.b, e.loc, evaluateOnVectors(e, body, values).front(), gated,
                          at(cell.row, cell.unit));
}

void RecurrenceEmitter::computeCell(const Cell &cell) {
  Block &body = p.op.getCell().front();
  Values next = evaluateOnVectors(e, body, arguments(body, p.gates, cell));
  for (auto [value, state] : llvm::zip(next, states))
    memref::StoreOp::create(e.b, e.loc, value, state, at(cell.row, cell.unit));
  if (p.output)
    store(next.front(), p.output, {cell.position, direction, cell.inBatch, cell.unit});
}

/// The output of a step that a row does not have.
void RecurrenceEmitter::clearOutput(const Cell &cell) {
  if (p.output)
    store(zero(), p.output, {cell.position, direction, cell.inBatch, cell.unit});
}

void RecurrenceEmitter::finish() {
  if (llvm::none_of(p.last, [](Value result) { return !!result; }))
    return;
  eachCell([&](const Cell &cell) {
    Value isEmpty = p.op.getLengths() ? e.equals(p.lengthOf(e, cell.inBatch), 0) : Value();
    for (auto [i, state] : llvm::enumerate(states)) {
      if (!p.last[i])
        continue;
      Value value = memref::LoadOp::create(e.b, e.loc, state, at(cell.row, cell.unit));
      if (isEmpty)
        value = arith::SelectOp::create(e.b, e.loc, isEmpty, zero(), value);
      store(value, p.last[i], {direction, cell.inBatch, cell.unit});
    }
  });
}

Value RecurrenceEmitter::load(Value tensor, ValueRange indices) {
  return memref::LoadOp::create(e.b, e.loc, p.kernel.place(tensor).buffer,
                                p.address(e, tensor, indices));
}
void RecurrenceEmitter::store(Value value, Value tensor, ValueRange indices) {
  memref::StoreOp::create(e.b, e.loc, value, p.kernel.place(tensor).buffer,
                          p.address(e, tensor, indices));
}
Value RecurrenceEmitter::zero() {
  return arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(element));
}

FailureOr<int64_t> nncc::nvptx::emitRecurrence(OpBuilder &b, kern::RecurrenceOp op,
                                               Kernel &kernel) {
  FailureOr<Recurrence> recurrence = Recurrence::of(op, kernel);
  if (failed(recurrence))
    return failure();
  if (recurrence->isEmpty()) {
    kernel.setUnits(0);
    return warpLanes;
  }
  RecurrenceGrid grid = RecurrenceGrid::choose(*recurrence);
  ThreadBlock block(b, kernel, grid.threads());
  block.loc = op.getLoc();
  RecurrenceEmitter(block, *recurrence, grid).emit();
  return grid.threads();
}
