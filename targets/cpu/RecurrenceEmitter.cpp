#include "targets/cpu/RecurrenceEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/Epilogue.h"
#include "targets/cpu/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

/// Steps of a reduction that a tile's loop does at once.
static constexpr int64_t unroll = 4;

RecurrenceEmitter::RecurrenceEmitter(OpBuilder &b, kern::RecurrenceOp op, Kernel &kernel)
    : Emitter{b, op.getLoc(), &kernel.sizes}, op(op), kernel(kernel), plan(*op.getPlan()),
      vector(VectorType::get({panel}, op.getXType().getElementType())),
      directions(op.getDirections()), gates(op.getGates()), units(op.getUnits()),
      pitch(op.getRType().getDimSize(2) * panel), initial{op.getH(), op.getC()} {
  Shape x = shapeOf(op.getXType());
  // By results, not by their inits: one empty tensor may stand for several.
  auto result = op->result_begin();
  auto resultOf = [&](Value init) { return init ? Value(*result++) : Value(); };
  output = resultOf(op.getYInit());
  last = {resultOf(op.getHInit()), resultOf(op.getCInit())};
  steps = x[0], batch = x[1];
}

Value RecurrenceEmitter::zeros() {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
}

Value RecurrenceEmitter::address(Value tensor, ValueRange indices) {
  const Place &place = kernel.place(tensor);
  Value at = size(place.offset);
  for (auto [index, stride] : llvm::zip_equal(indices, place.strides))
    at = add(at, mul(index, stride));
  return at;
}
Value RecurrenceEmitter::load(Value tensor, ValueRange indices, Value mask) {
  const Place &place = kernel.place(tensor);
  return loadLanes(*this, vector, place.buffer, address(tensor, indices), place.strides.back(),
                   mask);
}
void RecurrenceEmitter::store(Value value, Value tensor, ValueRange indices, Value mask) {
  const Place &place = kernel.place(tensor);
  storeLanes(*this, value, place.buffer, address(tensor, indices), place.strides.back(), mask);
}
Value RecurrenceEmitter::loadScratch(Value buffer, Value row, int64_t pitch, Value unit) {
  return vector::LoadOp::create(b, loc, vector, buffer, add(mul(row, pitch), unit));
}
void RecurrenceEmitter::storeScratch(Value value, Value buffer, Value row, int64_t pitch,
                                     Value unit) {
  vector::StoreOp::create(b, loc, value, buffer, add(mul(row, pitch), unit));
}

void RecurrenceEmitter::allocate() {
  auto scratch = [&](int64_t elements) {
    return kernel.allocateScratch(b, loc, plan.getRows() * elements, vector.getElementType());
  };
  for (int64_t i = 0; i < op.getStates(); ++i)
    states.push_back(scratch(pitch));
  sums = scratch(gates * pitch);
  if (op.getResetBody())
    gated = scratch(pitch);
}

void RecurrenceEmitter::eachPanel(llvm::function_ref<void(Value, Value)> body) {
  loop(constant(llvm::divideCeil(units, panel)), [&](Value i) {
    Value unit = mul(i, panel);
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
}

/// The number of steps of a row of the block.
Value RecurrenceEmitter::lengthOf(const Rows &rows, Value row) {
  if (!op.getLengths())
    return size(steps);
  Value index = add(rows.first, row);
  Value length = memref::LoadOp::create(b, loc, kernel.place(op.getLengths()).buffer,
                                        address(op.getLengths(), index));
  length = arith::IndexCastOp::create(b, loc, b.getIndexType(), length);
  return minimum(maximum(length, constant(0)), size(steps));
}

/// The steps of the longest row of a block.
Value RecurrenceEmitter::stepCount(const Rows &rows) {
  if (!op.getLengths())
    return size(steps);
  return loop(rows.count, 1, constant(0),
              [&](Value row, ValueRange most) {
                return Values{maximum(most.front(), lengthOf(rows, row))};
              })
      .front();
}

/// `body` for the rows of the block that have step `t`, `afterEnd` for others.
void RecurrenceEmitter::eachRow(const Rows &rows, Value t,
                                llvm::function_ref<void(const Row &)> body,
                                llvm::function_ref<void(const Row &)> afterEnd) {
  ArrayRef<bool> reverse = op.getReverse();
  loop(rows.count, [&](Value r) {
    Row row{rows.direction, r, add(rows.first, r), t};
    Value length = lengthOf(rows, r);
    auto inside = [&, row]() mutable {
      Value mirrored = sub(sub(length, constant(1)), t);
      if (llvm::all_equal(reverse))
        row.position = reverse.front() ? mirrored : t;
      else
        row.position = arith::SelectOp::create(b, loc, equals(rows.direction, reverse[1] ? 1 : 0),
                                               mirrored, t);
      body(row);
    };
    if (!op.getLengths())
      return inside();
    Value isThere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, t, length);
    branch(isThere, inside, [&] { afterEnd(row); });
  });
}

/// Register tiles of `count` rows: the sums of `panels` panels, whose weights begin at `weights`.
void RecurrenceEmitter::tiles(int64_t count, Value row, int64_t panels, Value source, Value weights,
                              Value sum) {
  int64_t parts = llvm::divideCeil(panels, std::max<int64_t>(1, plan.getSums() / count));
  for (int64_t part = 0, first = 0; part < parts; ++part) {
    int64_t nv = (panels - first) / (parts - part); // parts of about one size
    Values acc(count * nv, zeros());
    auto product = kern::BrgemmOp::create(
        b, loc, ValueRange(acc).getTypes(), source, mul(row, pitch), kernel.place(op.getR()).buffer,
        add(weights, first * units * panel), constant(units), ValueRange(), acc,
        ArrayRef<int64_t>{1}, ArrayRef<int64_t>{panel}, /*rowStride=*/pitch,
        /*panelStride=*/units * panel, nv, unroll, kern::BlocksAttr());
    for (int64_t r = 0; r < count; ++r)
      for (int64_t j = 0; j < nv; ++j)
        storeScratch(product.getResult(r * nv + j), sums, add(row, r), gates * pitch,
                     add(sum, (first + j) * panel));
    first += nv;
  }
}

/// The sums of `panels` panels for all rows of the block: as many rows at once as possible.
void RecurrenceEmitter::group(const Rows &rows, int64_t panels, Value source, Value weights,
                              Value sum) {
  Value next = constant(0);
  for (int64_t count = plan.getTileRows(); count; count /= 2) {
    Value number = divide(sub(rows.count, next), count).first;
    if (getConstantIntValue(number) == 0)
      continue;
    loop(number,
         [&](Value i) { tiles(count, add(next, mul(i, count)), panels, source, weights, sum); });
    next = add(next, mul(number, count));
    if (getConstantIntValue(sub(rows.count, next)) == 0)
      return;
  }
}

/// Panels that are read beside one another: each is a stream of its own, and their sums hide the
/// latency of each other. On Zen 4 four streams read weights in the third level at 95 GB/s, one at
/// 65 GB/s, eight no faster.
static int64_t groupOf(int64_t panels) {
  for (int64_t size : {4, 5, 6, 3, 7})
    if (panels % size == 0)
      return size;
  return std::min<int64_t>(panels, 4);
}

/// sums = source * r of `count` gates, group by group of panels, for all rows of the block. Every
/// second step walks them backwards: it finds in the caches what the step before read last.
void RecurrenceEmitter::products(const Rows &rows, Value t, Value source, int64_t firstGate,
                                 int64_t count) {
  int64_t all = count * pitch / panel, size = groupOf(all);
  Value begin = address(
      op.getR(), {rows.direction, constant(firstGate), constant(0), constant(0), constant(0)});
  auto panels = [&](Value first, int64_t number) {
    group(rows, number, source, add(begin, mul(first, units * panel)),
          add(mul(first, panel), firstGate * pitch));
  };
  Value last = constant(all / size - 1), isOdd = equals(divide(t, 2).second, 1);
  loop(constant(all / size), [&](Value g) {
    if (all / size > 1)
      g = arith::SelectOp::create(b, loc, isOdd, sub(last, g), g);
    panels(mul(g, size), size);
  });
  if (all % size)
    panels(constant(all - all % size), all % size);
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
    argument([&] { return loadScratch(sums, row.inBlock, gates * pitch, add(unit, g * pitch)); });
  for (int64_t p = 0; p < op.getParamCount(); ++p)
    argument([&] { return load(op.getParams(), {row.direction, constant(p), unit}, mask); });
  for (Value state : states)
    argument([&] { return loadScratch(state, row.inBlock, pitch, unit); });
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
    for (auto [state, value] : llvm::zip(states, next))
      storeScratch(value, state, row.inBlock, pitch, unit);
    if (output)
      store(next.front(), output, {row.position, row.direction, row.inBatch, unit}, mask);
  });
}

/// The output of a step that a row does not have.
void RecurrenceEmitter::clearOutput(const Row &row) {
  if (output)
    eachPanel([&](Value unit, Value mask) {
      store(zeros(), output, {row.position, row.direction, row.inBatch, unit}, mask);
    });
}

void RecurrenceEmitter::step(const Rows &rows, Value t) {
  auto nothing = [](const Row &) {};
  auto cell = [&](const Row &row) { computeCell(row); };
  auto end = [&](const Row &row) { clearOutput(row); };
  if (!op.getResetBody()) {
    products(rows, t, states.front(), 0, gates);
  } else {
    products(rows, t, states.front(), 0, gates - 1);
    eachRow(
        rows, t, [&](const Row &row) { computeReset(row); }, nothing);
    products(rows, t, gated, gates - 1, 1);
  }
  eachRow(rows, t, cell, end);
}

void RecurrenceEmitter::finish(const Rows &rows) {
  if (llvm::none_of(last, [](Value init) { return !!init; }))
    return;
  loop(rows.count, [&](Value row) {
    Value isEmpty = op.getLengths() ? equals(lengthOf(rows, row), 0) : Value();
    eachPanel([&](Value unit, Value mask) {
      for (auto [i, state] : llvm::enumerate(states)) {
        if (!last[i])
          continue;
        Value value = loadScratch(state, row, pitch, unit);
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
  loop(count, [&](Value t) { step(rows, t); });
  if (op.getLengths() && output)
    loop(sub(size(steps), count), [&](Value t) {
      loop(rows.count, [&](Value row) {
        clearOutput({rows.direction, row, add(rows.first, row), add(count, t)});
      });
    });
  finish(rows);
}

void RecurrenceEmitter::emit() {
  allocate();
  int64_t unitRows = plan.getUnitRows(), most = plan.getRows() / unitRows;
  AffineExpr perDirection = normalForm(batch.ceilDiv(unitRows));
  kernel.units = normalForm(perDirection * directions);
  loop(constant(directions), [&](Value direction) {
    Value begin = mul(direction, perDirection), end = add(begin, size(perDirection));
    Value from = maximum(kernel.begin, begin), to = minimum(kernel.end, end);
    auto blocks = scf::ForOp::create(b, loc, from, to, constant(most));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(blocks.getBody());
    Value unit = blocks.getInductionVar();
    Rows rows{direction, mul(sub(unit, begin), unitRows), nullptr};
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
  auto isEmpty = [](Value tensor) {
    return tensor && llvm::is_contained(cast<RankedTensorType>(tensor.getType()).getShape(), 0);
  };
  if (op.getXType().getDimSize(1) == 0 || llvm::all_of(op.getResults(), isEmpty)) {
    kernel.setUnits(0);
    return success();
  }
  if (!op.getPlan())
    return op.emitError("expects a plan: run nncc-cpu-plan-recurrence before");
  for (Block *body : {&op.getCell().front(), op.getResetBody()})
    if (body)
      for (Operation &inner : body->without_terminator())
        if (!isa<arith::ConstantOp>(inner) && !OpTrait::hasElementwiseMappableTraits(&inner))
          return inner.emitError("has no form on vectors, as a cell needs");
  if (kernel.place(op.getR()).strides != denseStrides(op.getRType()))
    return op.emitError("expects weights that lie one after the other");
  for (Value result : op.getResults())
    if (constantOf(kernel.place(result).strides.back()) == 0)
      return op.emitError("the units of a result lie on one another");
  RecurrenceEmitter(b, op, kernel).emit();
  return success();
}
