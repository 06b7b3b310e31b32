#include "targets/cpu/PackPanels.h"

#include "dialects/kern/Kern.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/Kernel.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

namespace {
struct Packing {
  Emitter &e;
  const PanelSource &source;
  VectorType type;
  Value dest;
  int64_t pitch;

  std::optional<int64_t> columns = getConstantIntValue(source.columns);

  int64_t panels() const { return llvm::divideCeil(*columns, panel); }
  int64_t tail() const { return *columns - (panels() - 1) * panel; }
  /// Where the element `n` columns after `at` is.
  Value column(Value at, int64_t n) { return e.add(at, e.mul(e.constant(n), source.strideN)); }

  Value shuffle(Value x, Value y, ArrayRef<int64_t> mask) {
    return vector::ShuffleOp::create(e.b, e.loc, x, y, mask);
  }

  /// Rows of B are vectors already.
  void copyRows(Value depth) {
    e.loop(depth, [&](Value k) {
      Value from = e.add(source.at, e.mul(k, source.strideK)), to = e.mul(k, panel);
      for (int64_t j = 0; j < panels(); ++j) {
        Value mask = j + 1 == panels() ? firstLanes(e, tail(), panel) : Value();
        Value row =
            loadLanes(e, type, source.buffer, column(from, j * panel), fixed(source.strideN), mask);
        storeLanes(e, row, dest, e.add(to, j * pitch), 1);
      }
    });
  }

  /// The same of any number of columns.
  void copyOpenRows(Value depth) {
    e.loop(e.divideCeil(source.columns, panel), [&](Value j) {
      Value mask = firstLanes(e, e.sub(source.columns, e.mul(j, panel)), panel);
      Value from = e.add(source.at, e.mul(e.mul(j, panel), source.strideN));
      e.loop(depth, [&](Value k) {
        Value row = loadLanes(e, type, source.buffer, e.add(from, e.mul(k, source.strideK)),
                              fixed(source.strideN), mask);
        storeLanes(e, row, dest, e.add(e.mul(j, pitch), e.mul(k, panel)), 1);
      });
    });
  }

  /// 16 x 16 elements: four steps, each on 128-bit parts, as x86 shuffles them in one instruction.
  void transpose(MutableArrayRef<Value> rows) {
    SmallVector<int64_t> low, high, lowPairs, highPairs, even, odd;
    for (int64_t part = 0; part < panel; part += 4) {
      low.append({part, panel + part, part + 1, panel + part + 1});
      high.append({part + 2, panel + part + 2, part + 3, panel + part + 3});
      lowPairs.append({part, part + 1, panel + part, panel + part + 1});
      highPairs.append({part + 2, part + 3, panel + part + 2, panel + part + 3});
    }
    for (int64_t part : {0, 2, 4, 6})
      for (int64_t lane = 0; lane < 4; ++lane)
        even.push_back(4 * part + lane), odd.push_back(4 * part + 4 + lane);
    SmallVector<Value> quads(panel); // quads[4 * g + m]: k = 4 * part + m of rows [4g, 4g + 4)
    for (int64_t g = 0; g < panel; g += 4) {
      Value x = shuffle(rows[g], rows[g + 1], low), y = shuffle(rows[g], rows[g + 1], high);
      Value z = shuffle(rows[g + 2], rows[g + 3], low), w = shuffle(rows[g + 2], rows[g + 3], high);
      quads[g] = shuffle(x, z, lowPairs), quads[g + 1] = shuffle(x, z, highPairs);
      quads[g + 2] = shuffle(y, w, lowPairs), quads[g + 3] = shuffle(y, w, highPairs);
    }
    for (int64_t m = 0; m < 4; ++m) { // 4 x 4 parts
      Value x = shuffle(quads[m], quads[4 + m], even), y = shuffle(quads[m], quads[4 + m], odd);
      Value z = shuffle(quads[8 + m], quads[12 + m], even);
      Value w = shuffle(quads[8 + m], quads[12 + m], odd);
      rows[m] = shuffle(x, z, even), rows[8 + m] = shuffle(x, z, odd);
      rows[4 + m] = shuffle(y, w, even), rows[12 + m] = shuffle(y, w, odd);
    }
  }

  /// `columns` columns, contiguous along k, of which `count` elements -> rows of a panel.
  void square(Value from, Value to, int64_t columns, int64_t count) {
    SmallVector<Value> rows;
    for (int64_t n = 0; n < panel; ++n)
      rows.push_back(n < columns ? loadLanes(e, type, source.buffer, column(from, n), 1,
                                             firstLanes(e, count, panel))
                                 : arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type)));
    transpose(rows);
    for (int64_t k = 0; k < count; ++k)
      storeLanes(e, rows[k], dest, e.add(to, k * panel), 1);
  }

  void transposeColumns(Value depth, int64_t rest) {
    auto [squares, remainder] = e.divide(depth, panel);
    Value full = e.mul(squares, panel), left = remainder;
    auto onePanel = [&](Value from, Value to, int64_t columns) {
      e.loop(full, panel,
             [&](Value k) { square(e.add(from, k), e.add(to, e.mul(k, panel)), columns, panel); });
      auto last = [&] { square(e.add(from, full), e.add(to, e.mul(full, panel)), columns, rest); };
      auto constant = getConstantIntValue(left);
      if (rest && constant != 0)
        constant ? last() : e.branch(e.equals(left, rest), last, [] {});
    };
    int64_t whole = *columns / panel;
    if (whole)
      e.loop(e.constant(whole), [&](Value j) {
        onePanel(e.add(source.at, e.mul(e.mul(j, panel), source.strideN)), e.mul(j, pitch), panel);
      });
    if (tail() < panel)
      onePanel(column(source.at, whole * panel), e.constant(whole * pitch), tail());
  }

  /// Squares of any number of columns, of any depth: the last column stands for those behind it.
  void transposeOpenColumns(Value depth, bool hasRest) {
    e.loop(e.divideCeil(source.columns, panel), [&](Value j) {
      Value first = e.mul(j, panel), last = e.sub(e.sub(source.columns, first), e.constant(1));
      Value from = e.add(source.at, e.mul(first, source.strideN));
      SmallVector<Value> starts;
      for (int64_t n = 0; n < panel; ++n)
        starts.push_back(e.add(from, e.mul(e.minimum(e.constant(n), last), source.strideN)));
      e.loop(depth, panel, [&](Value k) {
        Value mask = hasRest ? firstLanes(e, e.sub(depth, k), panel) : Value();
        SmallVector<Value> rows;
        for (Value start : starts)
          rows.push_back(loadLanes(e, type, source.buffer, e.add(start, k), 1, mask));
        transpose(rows);
        Value to = e.add(e.mul(j, pitch), e.mul(k, panel));
        for (auto [i, row] : llvm::enumerate(rows))
          storeLanes(e, row, dest, e.add(to, i * panel), 1);
      });
    });
  }
};
} // namespace

void nncc::cpu::packPanels(Emitter &e, const PanelSource &source, Value depth, AffineExpr whole,
                           VectorType type, Value dest, int64_t pitch) {
  Packing packing{e, source, type, dest, pitch};
  auto known = constantOf(whole);
  bool transposes = constantOf(source.strideK) == 1 && constantOf(source.strideN) != 1;
  if (transposes && known && packing.columns)
    packing.transposeColumns(depth, *known % panel);
  else if (transposes)
    packing.transposeOpenColumns(depth, !known || *known % panel);
  else if (packing.columns)
    packing.copyRows(depth);
  else
    packing.copyOpenRows(depth);
}
