// One register tile of a contraction.
#include "targets/cpu/ContractEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

static bool isZero(AffineExpr stride) { return constantOf(stride) == 0; }

Value ContractEmitter::mask(Strip strip, int64_t panel) {
  if (panel + 1 < strip.count)
    return nullptr;
  return strip.mask ? strip.mask : firstLanes(*this, strip.tail, kern::panel);
}

Value ContractEmitter::addressC(const Cursor &at, Value row, int64_t panel) {
  return add(add(at.c, mul(row, p.x.c)), panel * kern::panel * fixed(p.n.c));
}

Value ContractEmitter::loadExtra(unsigned i, const Cursor &at, Value row, int64_t panel,
                                 Strip strip) {
  const Epilogue::Extra &extra = p.epilogue.getExtras()[i];
  int64_t stride = fixed(p.n.extras[i]);
  Value from = add(add(at.extras[i], mul(row, p.x.extras[i])), panel * kern::panel * stride);
  return loadLanes(*this, VectorType::get({kern::panel}, extra.element), extra.buffer, from, stride,
                   mask(strip, panel));
}

/// The sums of all blocks of the reduction up to this one, whose own began at 0: what a sum loses
/// grows with the number of its steps.
ContractEmitter::Values ContractEmitter::addEarlierBlocks(const Values &sums, int64_t rows,
                                                          Strip strip, const Cursor &at) {
  auto op = scf::IfOp::create(b, loc, ValueRange(sums).getTypes(), equals(block, 0),
                              /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(b, loc, sums);
  b.setInsertionPointToStart(op.elseBlock());
  Values all;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < strip.count; ++j) {
      Value before = loadLanes(*this, vector, bufferC, addressC(at, constant(r), j), fixed(p.n.c),
                               mask(strip, j));
      Value sum = sums[r * strip.count + j];
      all.push_back(p.isOfBytes ? arith::AddIOp::create(b, loc, before, sum).getResult()
                                : arith::AddFOp::create(b, loc, before, sum).getResult());
    }
  scf::YieldOp::create(b, loc, all);
  return Values(op.getResults());
}

/// One panel after the other, with nothing between them: bytes are stored together.
void ContractEmitter::storeRow(ArrayRef<Value> values, Value row, Strip strip, const Cursor &at) {
  for (auto [j, value] : llvm::enumerate(values))
    storeLanes(*this, value, bufferC, addressC(at, row, j), fixed(p.n.c), mask(strip, j));
}

/// Sums, or what the epilogue makes of them, -> C. Rows are loaded and stored by as many as four
/// panels: bytes are narrowed by fours.
void ContractEmitter::storeSums(const Values &sums, int64_t rows, Strip strip, const Cursor &at,
                                bool last) {
  unsigned extras = p.epilogue.getExtras().size();
  llvm::DenseMap<std::tuple<unsigned, int64_t, int64_t>, Value> loaded;
  auto result = [&](int64_t r, int64_t j) {
    Value sum = sums[r * strip.count + j];
    Values values;
    for (unsigned i = 0; last && i < extras; ++i) {
      Value &extra = loaded[{i, isZero(p.x.extras[i]) ? 0 : r, isZero(p.n.extras[i]) ? 0 : j}];
      if (!extra)
        extra = loadExtra(i, at, constant(r), j, strip);
      values.push_back(extra);
    }
    return last ? p.epilogue.apply(*this, sum, values) : sum;
  };
  int64_t together = std::max<int64_t>(1, 4 / strip.count);
  for (int64_t first = 0; first < rows; first += together) {
    int64_t end = std::min(first + together, rows);
    Values results;
    for (int64_t r = first; r < end; ++r)
      for (int64_t j = 0; j < strip.count; ++j)
        results.push_back(result(r, j));
    for (int64_t r = first; r < end; ++r)
      storeRow(ArrayRef(results).slice((r - first) * strip.count, strip.count), constant(r), strip,
               at);
  }
}

/// Sums for finishStored.
void ContractEmitter::keepSums(const Values &sums, int64_t rows, Strip strip, const Cursor &at) {
  if (!tileSums)
    return storeSums(sums, rows, strip, at, /*last=*/false);
  for (auto [i, sum] : llvm::enumerate(sums))
    storeLanes(*this, sum, tileSums, constant(i * kern::panel), 1);
}

/// A heavy epilogue: row by row over the sums in memory, so that its code exists once per tile.
void ContractEmitter::finishStored(int64_t rows, Strip strip, const Cursor &at) {
  unsigned extras = p.epilogue.getExtras().size();
  SmallVector<Values> shared(strip.count, Values(extras));
  for (int64_t j = 0; j < strip.count; ++j)
    for (unsigned i = 0; i < extras; ++i)
      if (isZero(p.x.extras[i]))
        shared[j][i] =
            j && isZero(p.n.extras[i]) ? shared[0][i] : loadExtra(i, at, constant(0), j, strip);
  loop(constant(rows), [&](Value r) {
    Values row;
    for (int64_t j = 0; j < strip.count; ++j) {
      Values values = shared[j];
      for (unsigned i = 0; i < extras; ++i)
        if (!values[i])
          values[i] = loadExtra(i, at, r, j, strip);
      Value from = add(mul(r, strip.count * kern::panel), j * kern::panel);
      Value sum = tileSums ? loadLanes(*this, vector, tileSums, from, 1)
                           : loadLanes(*this, vector, bufferC, addressC(at, r, j), fixed(p.n.c),
                                       mask(strip, j));
      row.push_back(p.epilogue.apply(*this, sum, values));
    }
    storeRow(row, r, strip, at);
  });
}

void ContractEmitter::finish(const Values &sums, int64_t rows, Strip strip, const Cursor &at) {
  auto whenLast = [&](llvm::function_ref<void()> last, llvm::function_ref<void()> other) {
    block ? branch(equals(block, lastBlock), last, other) : last();
  };
  if (p.epilogue.isIdentity() || (!block && !p.epilogue.isHeavy()))
    return storeSums(sums, rows, strip, at, /*last=*/!p.epilogue.isIdentity());
  if (!p.epilogue.isHeavy())
    return whenLast([&] { storeSums(sums, rows, strip, at, /*last=*/true); },
                    [&] { storeSums(sums, rows, strip, at, /*last=*/false); });
  keepSums(sums, rows, strip, at);
  whenLast([&] { finishStored(rows, strip, at); }, [] {});
}

/// The same of a panel in blocks: whole ones, and what is left of a last one.
SmallVector<ContractEmitter::Reduction, 2> ContractEmitter::overBlocks(const Reduction &whole) {
  SmallVector<Reduction, 2> parts;
  int64_t depth = fixed(p.depth), rows = p.blocks->rows, full = depth / rows;
  AffineExpr rowBytes = p.number(p.blocks->codeBytes(2) / 2);
  if (full) {
    Reduction &part = parts.emplace_back(whole);
    part.counts = {constant(full), constant(rows)};
    part.aStrides = {p.aK * rows, p.aK};
    part.bStrides = {p.number(p.blocks->blockBytes()), rowBytes};
  }
  if (depth % rows) {
    Reduction &part = parts.emplace_back(whole);
    part.counts = {constant(depth % rows)};
    part.aStrides = {p.aK}, part.bStrides = {rowBytes};
    part.a = add(part.a, size(normalForm(p.aK * (full * rows))));
    part.b = add(part.b, full * p.blocks->blockBytes());
  }
  return parts;
}

void ContractEmitter::tile(int64_t rows, Strip strip, const Cursor &at,
                           ArrayRef<Reduction> reductions, Value prefetch) {
  Values sums(rows * strip.count, arith::ConstantOp::create(b, loc, b.getZeroAttr(vector)));
  SmallVector<Reduction, 2> inBlocks;
  if (p.blocks)
    reductions = inBlocks = overBlocks(reductions.front());
  for (const Reduction &r : reductions) {
    MutableArrayRef<Value> part(sums.begin() + r.from * strip.count, (r.to - r.from) * strip.count);
    Values open; // strides
    auto stride = [&](AffineExpr stride) {
      if (auto known = constantOf(normalForm(stride)))
        return *known;
      open.push_back(size(stride));
      return ShapedType::kDynamic;
    };
    int64_t rowStride = stride(p.x.a);
    auto aStrides = llvm::map_to_vector(r.aStrides, stride);
    auto bStrides = llvm::map_to_vector(r.bStrides, stride);
    auto op = kern::BrgemmOp::create(
        b, loc, ValueRange(part).getTypes(), bufferA,
        add(add(at.a, r.a), mul(constant(r.from), p.x.a)), bufferB, add(at.b, r.b), r.counts, open,
        prefetch, part, aStrides, bStrides, rowStride, fixed(panelStride), strip.count,
        plan.getUnroll(), blocksAttr, prefetch ? plan.getPrefetches() : 0, plan.getLead());
    llvm::copy(op.getResults(), part.begin());
  }
  finish(block ? addEarlierBlocks(sums, rows, strip, at) : sums, rows, strip, at);
}
