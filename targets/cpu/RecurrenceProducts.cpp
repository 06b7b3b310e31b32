// The products of a recurrence: h, or what a reset makes of it, with panels of weights.
#include "targets/cpu/RecurrenceEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

/// Steps of a reduction that a tile's loop does at once.
static constexpr int64_t unroll = 4;

/// Panels of units whose weights are read beside one another, where each has `streams` of them: the
/// sums of streams hide the latency of each other. On Zen 4 four read weights in the third level
/// at 95 GB/s, one at 65 GB/s, eight no faster.
static int64_t groupOf(int64_t panels, int64_t streams) {
  int64_t least = llvm::divideCeil(4, streams);
  for (int64_t size = least; size * streams <= 7; ++size)
    if (panels % size == 0)
      return size;
  return std::min(panels, least);
}

/// Register tiles of `count` rows from `row` of the block on.
void RecurrenceEmitter::tiles(int64_t count, Value row, const Rows &rows, Source source,
                              const Streams &streams) {
  Value direction = address(*this, op.getR(),
                            {rows.direction, constant(0), constant(0), constant(0), constant(0)});
  Value weights = add(direction, mul(streams.first, units * panel));
  Value sum = mul(streams.first, panel);
  int64_t most = std::max<int64_t>(1, plan.getSums() / count);
  int64_t parts = llvm::divideCeil(streams.count, most);
  for (int64_t part = 0, done = 0; part < parts; ++part) {
    int64_t nv = (streams.count - done) / (parts - part); // parts of about one size
    Values acc(count * nv, zeros());
    auto product = kern::BrgemmOp::create(
        b, loc, ValueRange(acc).getTypes(), source.buffer, mul(add(source.first, row), pitch),
        kernel.place(op.getR()).buffer, add(weights, done * streams.stride * units * panel),
        constant(units), ValueRange(), acc, ArrayRef<int64_t>{1}, ArrayRef<int64_t>{panel},
        /*rowStride=*/pitch, /*panelStride=*/streams.stride * units * panel, nv, unroll,
        kern::BlocksAttr());
    for (int64_t r = 0; r < count; ++r)
      for (int64_t j = 0; j < nv; ++j)
        storeScratch(product.getResult(r * nv + j), sums, add(row, r), gates * pitch,
                     add(sum, (done + j) * streams.stride * panel));
    done += nv;
  }
}

/// The sums of all rows of the block: as many rows at once as possible.
void RecurrenceEmitter::group(const Rows &rows, Source source, const Streams &streams) {
  Value next = constant(0);
  for (int64_t count = plan.getTileRows(); count; count /= 2) {
    Value number = divide(sub(rows.count, next), count).first;
    if (getConstantIntValue(number) == 0)
      continue;
    loop(number, [&](Value i) { tiles(count, add(next, mul(i, count)), rows, source, streams); });
    next = add(next, mul(number, count));
    if (getConstantIntValue(sub(rows.count, next)) == 0)
      return;
  }
}

/// `body` of the first one and the number of `size` panels of units, then of those that are left.
/// Every second step walks them backwards: it finds in the caches what the step before read last.
void RecurrenceEmitter::eachGroup(const Step &step, int64_t size,
                                  llvm::function_ref<void(Value, int64_t)> body) {
  auto [number, rest] = divide(sub(past, first), size);
  Value end = sub(number, constant(1)), isOdd = equals(divide(step.number, 2).second, 1);
  loop(number, [&, number = number](Value i) {
    if (getConstantIntValue(number) != 1)
      i = arith::SelectOp::create(b, loc, isOdd, sub(end, i), i);
    body(add(first, mul(i, size)), size);
  });
  Value left = add(first, mul(number, size));
  auto known = getConstantIntValue(rest);
  if (!known)
    loop(rest, [&](Value i) { body(add(left, i), 1); });
  else if (*known)
    body(left, *known);
}

/// sums = source * r of all gates.
void RecurrenceEmitter::products(const Rows &rows, const Step &step, Source source) {
  eachGroup(step, groupOf(op.getPanels(), gates), [&](Value panel, int64_t panels) {
    group(rows, source, {mul(panel, gates), panels * gates, /*stride=*/1});
  });
}

/// sums = source * r of one gate.
void RecurrenceEmitter::productsOfGate(const Rows &rows, const Step &step, Source source,
                                       int64_t gate) {
  eachGroup(step, groupOf(op.getPanels(), 1), [&](Value panel, int64_t panels) {
    group(rows, source, {add(mul(panel, gates), gate), panels, /*stride=*/gates});
  });
}
