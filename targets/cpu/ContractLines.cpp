// The lines of a contraction: their stretches, and the taps of the window that each row sees.
#include "targets/cpu/ContractEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// The reduction over `taps` x `tapsW` x K; loops that continue one another are one.
ContractEmitter::Reduction ContractEmitter::reduction(Value taps, Value tapsW) {
  struct Loop {
    Value count;
    AffineExpr a, b;
  };
  Loop loops[] = {{taps, p.aH * p.dilationH, p.bH},
                  {tapsW, p.aW * p.dilationW, p.bW},
                  {blockDepth, p.aK, stepB}};
  SmallVector<Loop> nest;
  for (Loop &inner : loops) {
    auto trips = getConstantIntValue(inner.count);
    if (trips == 1 && !nest.empty())
      continue;
    auto outer = nest.empty() ? std::nullopt : getConstantIntValue(nest.back().count);
    if (outer == 1)
      nest.pop_back();
    else if (outer && trips && normalForm(nest.back().a) == normalForm(inner.a * *trips) &&
             normalForm(nest.back().b) == normalForm(inner.b * *trips)) {
      nest.pop_back();
      inner.count = constant(*outer * *trips);
    }
    nest.push_back(inner);
  }
  Reduction result{0, 0, constant(0), constant(0), {}, {}, {}};
  for (const Loop &l : nest) {
    result.counts.push_back(l.count);
    result.aStrides.push_back(l.a), result.bStrides.push_back(l.b);
  }
  return result;
}

/// The first tap at or after `position`, of taps that start at `first`.
Value ContractEmitter::firstTap(Value position, Value first, int64_t dilation) {
  return divideCeil(maximum(constant(0), sub(position, first)), dilation);
}

/// Moves `at` to the first row of taps that is inside of the input for output row `y`.
/// -> the number of such rows in this block of the reduction.
Value ContractEmitter::clipVertically(Value y, Cursor &at) {
  Value from = constant(0), to = constant(p.kh);
  if (p.top || p.bottom) {
    Value first = sub(mul(y, p.strideH), constant(p.top)); // input row of the first tap
    from = firstTap(constant(0), first, p.dilationH);
    to = minimum(to, firstTap(size(p.h), first, p.dilationH));
  }
  if (block && !splitsDepth()) { // a block is one row of taps
    from = maximum(from, block);
    to = minimum(to, add(block, 1));
  }
  at.a = add(add(at.a, size(p.aH * -p.top)), mul(from, p.aH * p.dilationH));
  at.b = add(at.b, mul(from, p.bH));
  Value taps = sub(to, from);
  return getConstantIntValue(taps) ? taps : maximum(constant(0), taps);
}

/// Where in bufferB tile `index` of the line begins to fetch the next group of panels. All tiles of
/// a unit, in all blocks of the reduction, fetch one part after the other; the last ones the last
/// part again.
Value ContractEmitter::prefetchOf(Value index) {
  if (!nextGroup)
    return nullptr;
  int64_t taps = p.kh * p.kw, depth = fixed(p.depth), blockCount = fixed(blocks);
  int64_t steps = splitsDepth() ? fixed(depthBlock) : taps * depth / blockCount;
  int64_t each = std::max<int64_t>(1, steps / plan.getUnroll()) * plan.getPrefetches() *
                 kern::elementsPerLine(bufferB);
  int64_t all = plan.getPanels() * fixed(p.bPanel);
  Value part = add(firstTile, index);
  if (block)
    part = add(part, mul(block, linesPerUnit * walk.interior.count));
  return add(nextGroup, minimum(mul(part, each), constant(std::max<int64_t>(0, all - each))));
}

/// The tiles [first, first + count) of a stretch that no row's padding divides.
void ContractEmitter::stretch(const Stretch &s, Value first, Value count, Value taps,
                              const Cursor &line, Strip strip) {
  SmallVector<Reduction> reductions;
  for (const Contraction::Taps &seen : p.clip(s.x, s.rows)) {
    Reduction r = reduction(taps, constant(seen.count));
    r.from = seen.from, r.to = seen.to;
    r.a = size(p.aW * (seen.first * p.dilationW - p.left));
    r.b = size(p.bW * seen.first);
    reductions.push_back(std::move(r));
  }
  loop(count, [&](Value i) {
    Value x = add(mul(add(first, i), s.rows), s.x);
    tile(s.rows, strip, advance(line, p.x, x), reductions, prefetchOf(i));
  });
}

/// One row, with the taps that it sees.
void ContractEmitter::clippedRow(Value x, Value taps, const Cursor &line, Strip strip) {
  Value first = sub(mul(x, p.strideW), constant(p.left)); // input column of the first tap
  Value from = firstTap(constant(0), first, p.dilationW);
  Value to = minimum(constant(p.kw), firstTap(size(p.w), first, p.dilationW));
  Reduction r = reduction(taps, maximum(constant(0), sub(to, from)));
  r.to = 1;
  r.a = add(mul(from, p.aW * p.dilationW), size(p.aW * -p.left));
  r.b = mul(from, p.bW);
  tile(1, strip, advance(line, p.x, x), r);
}

/// Rows [from, to), which see no padding at their sides, in tiles of `rows`. -> the first one left.
Value ContractEmitter::openTiles(int64_t rows, Value from, Value to, Value taps, const Cursor &line,
                                 Strip strip) {
  Value count = divide(sub(to, from), rows).first;
  Reduction r = reduction(taps, constant(p.kw));
  r.to = rows;
  r.a = size(p.aW * -p.left);
  loop(count, [&](Value i) {
    tile(rows, strip, advance(line, p.x, add(from, mul(i, rows))), r, prefetchOf(i));
  });
  return add(from, mul(count, rows));
}

/// A line of open length, or `part` of it: whole tiles, then ever smaller ones. Rows that see
/// padding at their sides are clipped one by one.
void ContractEmitter::openLine(Value part, Value taps, const Cursor &at, Strip strip) {
  Value begin = constant(0), end = size(p.x.size);
  if (constantOf(parts) != 1) {
    int64_t rows = tilesPerUnit * plan.getRows();
    begin = mul(part, rows);
    end = minimum(end, add(begin, rows));
  }
  bool isClipped = p.left || p.right;
  Value first = begin, last = end; // of the rows inside
  if (isClipped) {
    first = minimum(end, maximum(begin, constant(llvm::divideCeil(p.left, p.strideW))));
    AffineExpr room = p.w + (p.left - (p.kw - 1) * p.dilationW - 1);
    Value inside = divide(maximum(constant(0), size(room + p.strideW)), p.strideW).first;
    last = maximum(first, minimum(end, inside));
  }
  Value next = first;
  for (int64_t rows = plan.getRows();; rows = llvm::divideCeil(rows, 2)) {
    if (isClipped && rows == 1 && plan.getRows() > 1)
      break; // few enough to be clipped
    next = openTiles(rows, next, last, taps, at, strip);
    if (rows == 1)
      break;
  }
  if (!isClipped)
    return;
  Value before = sub(first, begin);
  loop(add(before, sub(end, next)), [&](Value i) {
    Value isBefore = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, i, before);
    Value x = arith::SelectOp::create(b, loc, isBefore, add(begin, i), add(next, sub(i, before)));
    clippedRow(x, taps, at, strip);
  });
}

/// One line, or `part` of its interior tiles.
void ContractEmitter::line(Value index, Value part, Cursor at, Strip strip) {
  auto [outer, y] = divide(index, p.y.size);
  at = advance(advance(at, p.lines, p.lines.empty() ? constant(0) : outer), p.y, y);
  Value taps = clipVertically(y, at);
  if (p.hasOpenLines())
    return openLine(part, taps, at, strip);
  auto borders = [&](ArrayRef<Stretch> stretches) {
    for (const Stretch &s : stretches)
      if (s.clipped)
        loop(constant(s.count), [&](Value i) { clippedRow(add(i, s.x), taps, at, strip); });
      else
        stretch(s, constant(0), constant(s.count), taps, at, strip);
  };
  int64_t parts = fixed(this->parts);
  auto atPart = [&](int64_t which, ArrayRef<Stretch> stretches) {
    if (!stretches.empty())
      parts == 1 ? borders(stretches)
                 : branch(
                       equals(part, which), [&] { borders(stretches); }, [] {});
  };
  atPart(0, walk.left);
  Value first = mul(part, tilesPerUnit), count = constant(walk.interior.count);
  if (parts > 1)
    count = walk.interior.count % tilesPerUnit ? minimum(constant(tilesPerUnit), sub(count, first))
                                               : constant(tilesPerUnit);
  if (walk.interior.count)
    stretch(walk.interior, first, count, taps, at, strip);
  atPart(parts - 1, walk.right);
}
