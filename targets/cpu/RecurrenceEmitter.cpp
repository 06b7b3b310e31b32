#include "targets/cpu/RecurrenceEmitter.h"
#include "targets/cpu/Emitters.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/Epilogue.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

RecurrenceEmitter::RecurrenceEmitter(OpBuilder &b, const Recurrence &recurrence)
    : Emitter{b, recurrence.op->getLoc(), &recurrence.kernel.sizes}, Recurrence(recurrence),
      plan(*op.getPlan()), vector(VectorType::get({panel}, op.getXType().getElementType())),
      pitch(op.getPanels() * panel) {}

Value RecurrenceEmitter::zeros() {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
}

Value RecurrenceEmitter::load(Value tensor, ValueRange indices, Value mask) {
  const Place &place = kernel.place(tensor);
  return loadLanes(*this, vector, place.buffer, address(*this, tensor, indices),
                   place.strides.back(), mask);
}
void RecurrenceEmitter::store(Value value, Value tensor, ValueRange indices, Value mask) {
  const Place &place = kernel.place(tensor);
  storeLanes(*this, value, place.buffer, address(*this, tensor, indices), place.strides.back(),
             mask);
}
Value RecurrenceEmitter::loadScratch(Value buffer, Value row, int64_t pitch, Value column) {
  return vector::LoadOp::create(b, loc, vector, buffer, add(mul(row, pitch), column));
}
void RecurrenceEmitter::storeScratch(Value value, Value buffer, Value row, int64_t pitch,
                                     Value column) {
  vector::StoreOp::create(b, loc, value, buffer, add(mul(row, pitch), column));
}

/// What this worker computes: its units alone, or its share of the panels of all units.
void RecurrenceEmitter::takeShare() {
  begin = kernel.begin, end = kernel.end, owner = kernel.worker;
  first = constant(0), past = constant(op.getPanels());
  if (plan.getTeam() == 1)
    return;
  kernel.team = plan.getTeam();
  Value workers = rt::TeamOp::create(b, loc, b.getIndexType(), kernel.call);
  isTeam = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, workers, constant(1));
  auto inTeam = [&](Value yes, Value no) -> Value {
    return arith::SelectOp::create(b, loc, isTeam, yes, no);
  };
  begin = inTeam(constant(0), begin);
  end = inTeam(size(kernel.units), end);
  Value number = arith::IndexCastOp::create(b, loc, b.getIndexType(), kernel.worker);
  number = inTeam(number, constant(0)), workers = inTeam(workers, constant(1));
  auto upTo = [&](Value number) -> Value {
    return arith::DivUIOp::create(b, loc, mul(number, op.getPanels()), workers);
  };
  first = upTo(number), past = upTo(add(number, 1));
  owner = inTeam(arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0), owner);
}

void RecurrenceEmitter::allocate() {
  auto scratch = [&](int64_t elements, Value owner) {
    return kernel.allocateScratch(b, loc, plan.getRows() * elements, vector.getElementType(),
                                  owner);
  };
  for (int64_t i = 0; i < op.getStates(); ++i)
    states.push_back(scratch(i == 0 && isTeam ? 2 * pitch : pitch, owner));
  sums = scratch(gates * pitch, kernel.worker);
  if (op.getResetBody())
    gated = scratch(pitch, owner);
}

void RecurrenceEmitter::waitForTeam() {
  if (isTeam)
    branch(
        isTeam, [&] { rt::BarrierOp::create(b, loc, kernel.call); }, [] {});
}

void RecurrenceEmitter::eachPanel(llvm::function_ref<void(Value, Value)> body) {
  loop(sub(past, first), [&](Value i) {
    Value unit = mul(add(first, i), panel);
    body(unit, units % panel ? firstLanes(*this, sub(constant(units), unit), panel) : Value());
  });
}

void RecurrenceEmitter::initialize(const Rows &rows) {
  loop(rows.count, [&](Value row) {
    eachPanel([&](Value unit, Value mask) {
      for (auto [i, state] : llvm::enumerate(states)) {
        Value value = initial[i]
                          ? load(initial[i], {rows.direction, add(rows.first, row), unit}, mask)
                          : zeros();
        storeScratch(value, state, row, pitch, unit);
      }
    });
  });
  waitForTeam();
}

/// The steps of the longest row of a block.
Value RecurrenceEmitter::stepCount(const Rows &rows) {
  if (!op.getLengths())
    return size(steps);
  return loop(rows.count, 1, constant(0),
              [&](Value row, ValueRange most) {
                return Values{maximum(most.front(), lengthOf(*this, add(rows.first, row)))};
              })
      .front();
}

RecurrenceEmitter::Step RecurrenceEmitter::stepAt(Value number) {
  if (!isTeam)
    return {number, constant(0), constant(0)};
  Value before = mul(divide(number, 2).second, plan.getRows());
  return {number, before, sub(constant(plan.getRows()), before)};
}

/// `body` for the rows of the block that have the step, `afterEnd` for others.
void RecurrenceEmitter::eachRow(const Rows &rows, const Step &step, RowBody body,
                                RowBody afterEnd) {
  Value t = step.number;
  loop(rows.count, [&](Value r) {
    Row row{rows.direction, r, add(rows.first, r), t, add(r, step.before), add(r, step.after)};
    Value length = lengthOf(*this, row.inBatch);
    auto inside = [&, row]() mutable {
      row.position = positionOf(*this, rows.direction, t, length);
      body(row);
    };
    if (!op.getLengths())
      return inside();
    Value isThere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, t, length);
    branch(isThere, inside, [&] { afterEnd(row); });
  });
}

RecurrenceEmitter::Values RecurrenceEmitter::arguments(Block &body, int64_t bodyGates,
                                                       const Row &row, Value unit, Value mask) {
  Values values;
  auto argument = [&](llvm::function_ref<Value()> build) {
    bool isUsed = !body.getArgument(values.size()).use_empty();
    values.push_back(isUsed ? build() : Value());
  };
  for (int64_t g = 0; g < bodyGates; ++g)
    argument([&] {
      Value column = add(add(mul(row.direction, gates * units), g * units), unit);
      return load(op.getX(), {row.position, row.inBatch, column}, mask);
    });
  for (int64_t g = 0; g < bodyGates; ++g)
    argument([&] {
      return loadScratch(sums, row.inBlock, gates * pitch, add(mul(unit, gates), g * panel));
    });
  for (int64_t p = 0; p < op.getParamCount(); ++p)
    argument([&] { return load(op.getParams(), {row.direction, constant(p), unit}, mask); });
  for (auto [i, state] : llvm::enumerate(states))
    argument([&, i = i, state = state] {
      return loadScratch(state, rowOfState(i, row.inBlock, row.before), pitch, unit);
    });
  for (auto [argument, value] : llvm::zip(body.getArguments(), values))
    if (!value)
      value = zeros();
  return values;
}

void RecurrenceEmitter::computeReset(const Row &row) {
  Block &body = *op.getResetBody();
  eachPanel([&](Value unit, Value mask) {
    Values values = arguments(body, gates - 1, row, unit, mask);
    storeScratch(evaluateOnVectors(*this, body, values).front(), gated, row.inBlock, pitch, unit);
  });
}

void RecurrenceEmitter::computeCell(const Row &row) {
  Block &body = op.getCell().front();
  eachPanel([&](Value unit, Value mask) {
    Values next = evaluateOnVectors(*this, body, arguments(body, gates, row, unit, mask));
    for (auto [i, state] : llvm::enumerate(states))
      storeScratch(next[i], state, rowOfState(i, row.inBlock, row.after), pitch, unit);
    if (output)
      store(next.front(), output, {row.position, row.direction, row.inBatch, unit}, mask);
  });
}

/// The h after a step that a row does not have: the one before it.
void RecurrenceEmitter::keepState(const Row &row) {
  if (isTeam)
    eachPanel([&](Value unit, Value) {
      Value h = loadScratch(states.front(), row.before, pitch, unit);
      storeScratch(h, states.front(), row.after, pitch, unit);
    });
}

/// The output of a step that a row does not have.
void RecurrenceEmitter::clearOutput(const Row &row) {
  if (output)
    eachPanel([&](Value unit, Value mask) {
      store(zeros(), output, {row.position, row.direction, row.inBatch, unit}, mask);
    });
}

void RecurrenceEmitter::step(const Rows &rows, const Step &step) {
  auto nothing = [](const Row &) {};
  auto cell = [&](const Row &row) { computeCell(row); };
  auto end = [&](const Row &row) {
    keepState(row);
    clearOutput(row);
  };
  Source h = {states.front(), step.before};
  if (!op.getResetBody()) {
    products(rows, step, h);
  } else {
    for (int64_t gate = 0; gate < gates - 1; ++gate)
      productsOfGate(rows, step, h, gate);
    eachRow(
        rows, step, [&](const Row &row) { computeReset(row); }, nothing);
    waitForTeam();
    productsOfGate(rows, step, {gated, constant(0)}, gates - 1);
  }
  eachRow(rows, step, cell, end);
  waitForTeam();
}

/// `steps`: those that the block had.
void RecurrenceEmitter::finish(const Rows &rows, Value steps) {
  if (llvm::none_of(last, [](Value init) { return !!init; }))
    return;
  Value begin = stepAt(steps).before;
  loop(rows.count, [&](Value row) {
    Value isEmpty = op.getLengths() ? equals(lengthOf(*this, add(rows.first, row)), 0) : Value();
    eachPanel([&](Value unit, Value mask) {
      for (auto [i, state] : llvm::enumerate(states)) {
        if (!last[i])
          continue;
        Value value = loadScratch(state, rowOfState(i, row, add(row, begin)), pitch, unit);
        if (isEmpty)
          value = arith::SelectOp::create(b, loc, isEmpty, zeros(), value);
        store(value, last[i], {rows.direction, add(rows.first, row), unit}, mask);
      }
    });
  });
}

void RecurrenceEmitter::block(const Rows &rows) {
  initialize(rows);
  Value count = stepCount(rows);
  loop(count, [&](Value t) { step(rows, stepAt(t)); });
  if (op.getLengths() && output)
    loop(sub(size(steps), count), [&](Value t) {
      loop(rows.count, [&](Value row) {
        clearOutput({rows.direction, row, add(rows.first, row), add(count, t), {}, {}});
      });
    });
  finish(rows, count);
}

void RecurrenceEmitter::emit() {
  int64_t unitRows = plan.getUnitRows(), most = plan.getRows() / unitRows;
  AffineExpr perDirection = normalForm(batch.ceilDiv(unitRows));
  kernel.units = normalForm(perDirection * directions);
  takeShare();
  allocate();
  loop(constant(directions), [&](Value direction) {
    Value own = mul(direction, perDirection);
    Value from = maximum(begin, own), to = minimum(end, add(own, size(perDirection)));
    auto blocks = scf::ForOp::create(b, loc, from, to, constant(most));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(blocks.getBody());
    Value unit = blocks.getInductionVar();
    Rows rows{direction, mul(sub(unit, own), unitRows), nullptr};
    auto known = constantOf(batch);
    if (known && *known <= unitRows) {
      rows.count = constant(*known);
    } else {
      Value taken = mul(minimum(constant(most), sub(to, unit)), unitRows);
      rows.count = minimum(taken, sub(size(batch), rows.first));
    }
    block(rows);
  });
}

LogicalResult nncc::cpu::emitRecurrence(OpBuilder &b, kern::RecurrenceOp op, Kernel &kernel) {
  FailureOr<Recurrence> recurrence = Recurrence::of(op, kernel);
  if (failed(recurrence))
    return failure();
  if (recurrence->isEmpty()) {
    kernel.setUnits(0);
    return success();
  }
  if (!op.getPlan())
    return op.emitError("expects a plan: run nncc-cpu-plan-recurrence before");
  RecurrenceEmitter(b, *recurrence).emit();
  return success();
}
