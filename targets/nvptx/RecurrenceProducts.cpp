// The products of a recurrence: h, or what a reset makes of it, with packed weights.
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/RecurrenceEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using kern::panel;
using Values = SmallVector<Value>;

Value RecurrenceEmitter::sumAt(Value part, Value row, int64_t gate, Value unit) {
  Value index = e.add(e.mul(e.add(e.mul(part, grid.rows), row), p.gates), gate);
  return at(index, unit);
}

/// sums = source * r of `count` gates.
void RecurrenceEmitter::products(Value source, int64_t firstGate, int64_t count) {
  Value column = e.divide(e.thread, grid.columnThreads).second;
  e.stride(column, e.constant(p.units), grid.columnThreads,
           [&](Value unit) { productsOfUnit(source, firstGate, count, unit); });
}

void RecurrenceEmitter::productsOfUnit(Value source, int64_t firstGate, int64_t count, Value unit) {
  Value part = e.divide(e.thread, grid.columnThreads).first;
  int64_t most = llvm::alignTo(llvm::divideCeil(p.units, grid.parts), stepsAtOnce);
  Value begin = e.mul(part, most), end = e.constant(p.units), wholeEnd;
  if (grid.parts > 1) {
    begin = e.minimum(begin, end);
    end = e.minimum(e.add(begin, most), end);
  }
  auto [panelNumber, lane] = e.divide(unit, panel);
  Value weights = p.address(e, p.op.getR(),
                            {direction, panelNumber, e.constant(firstGate), e.constant(0), lane});
  wholeEnd = e.sub(end, e.divide(e.sub(end, begin), stepsAtOnce).second);
  Values results(grid.rows * count, zero());
  results = e.stride(begin, wholeEnd, stepsAtOnce, results, [&](Value k, ValueRange carried) {
    return addProducts(source, weights, k, stepsAtOnce, count, carried);
  });
  if (p.units % stepsAtOnce)
    results = e.stride(wholeEnd, end, 1, results, [&](Value k, ValueRange carried) {
      return addProducts(source, weights, k, 1, count, carried);
    });
  for (int64_t row = 0; row < grid.rows; ++row)
    for (int64_t gate = 0; gate < count; ++gate)
      memref::StoreOp::create(e.b, e.loc, results[row * count + gate], sums,
                              sumAt(part, e.constant(row), firstGate + gate, unit));
}

Values RecurrenceEmitter::addProducts(Value source, Value weights, Value k, int64_t steps,
                                      int64_t count, ValueRange carried) {
  Values results(carried), r;
  for (int64_t step = 0; step < steps; ++step)
    for (int64_t gate = 0; gate < count; ++gate) {
      Value offset = e.add(e.mul(e.add(k, step), panel), gate * p.units * panel);
      r.push_back(memref::LoadOp::create(e.b, e.loc, p.kernel.place(p.op.getR()).buffer,
                                         e.add(weights, offset)));
    }
  for (int64_t row = 0; row < grid.rows; ++row) {
    Values h = e.loadNeighbours(source, at(e.constant(row), k), steps);
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t gate = 0; gate < count; ++gate) {
        Value &sum = results[row * count + gate];
        sum = math::FmaOp::create(e.b, e.loc, h[step], r[step * count + gate], sum);
      }
  }
  return results;
}
