// A contraction's units: batches, panels of columns, lines and their stretches.
#include "targets/cpu/ContractEmitter.h"
#include "targets/cpu/PackPanels.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

ContractEmitter::ContractEmitter(OpBuilder &b, Location loc, const Contraction &p,
                                 kern::PlanAttr plan)
    : Emitter{b, loc, nullptr}, p(p), plan(plan), vector(VectorType::get({kern::panel}, p.element)),
      depthBlock(p.depth), panelStride(p.bPanel), stepB(p.bK),
      groups(llvm::divideCeil(p.panels(), plan.getPanels())), walk(p.divideLine(plan.getRows())) {
  if (splitsDepth()) { // a block of an unpacked B is packed in squares of panel x panel
    depthBlock = llvm::divideCeil(p.depth, plan.getKBlocks());
    if (!p.packed)
      depthBlock = std::min<int64_t>(llvm::alignTo(depthBlock, kern::panel), p.depth);
    if (p.depth)
      blocks = llvm::divideCeil(p.depth, depthBlock);
  } else if (plan.getKBlocks() > 1)
    blocks = p.kh;
  int64_t tiles = walk.tiles(), divisible = std::max<int64_t>(walk.interior.count, 1);
  tilesPerUnit = std::min(plan.getUnitTiles(), divisible);
  linesPerUnit = std::clamp<int64_t>(plan.getUnitTiles() / tiles, 1, p.lineCount());
  parts = plan.getUnitTiles() >= tiles ? 1 : llvm::divideCeil(divisible, tilesPerUnit);
  chunks = llvm::divideCeil(p.lineCount(), linesPerUnit) * parts;
}

Cursor ContractEmitter::advance(const Cursor &from, const Axis &axis, Value steps) {
  Cursor to{add(from.a, mul(steps, axis.a)),
            add(from.b, mul(steps, axis.b)),
            add(from.c, mul(steps, axis.c)),
            {}};
  for (auto [offset, stride] : llvm::zip(from.extras, axis.extras))
    to.extras.push_back(add(offset, mul(steps, stride)));
  return to;
}

/// The point `index` of nested axes, the last one fastest.
Cursor ContractEmitter::advance(Cursor at, ArrayRef<Axis> axes, Value index) {
  for (size_t i = axes.size(); i-- > 0;) {
    Value step = index;
    if (i > 0)
      std::tie(index, step) = divide(index, axes[i].size);
    at = advance(at, axes[i], step);
  }
  return at;
}

/// The reduction over `taps` x `tapsW` x K; loops that continue one another are one.
ContractEmitter::Reduction ContractEmitter::reduction(Value taps, Value tapsW) {
  struct Loop {
    Value count;
    int64_t a, b;
  };
  Loop loops[] = {{taps, p.dilationH * p.aH, p.bH},
                  {tapsW, p.dilationW * p.aW, p.bW},
                  {blockDepth, p.aK, stepB}};
  SmallVector<Loop> nest;
  for (Loop &inner : loops) {
    auto trips = getConstantIntValue(inner.count);
    if (trips == 1 && !nest.empty())
      continue;
    auto outer = nest.empty() ? std::nullopt : getConstantIntValue(nest.back().count);
    if (outer == 1)
      nest.pop_back();
    else if (outer && trips && nest.back().a == inner.a * *trips &&
             nest.back().b == inner.b * *trips) {
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
    to = minimum(to, firstTap(constant(p.h), first, p.dilationH));
  }
  if (block && !splitsDepth()) { // a block is one row of taps
    from = maximum(from, block);
    to = minimum(to, add(block, 1));
  }
  at.a = add(add(at.a, -p.top * p.aH), mul(from, p.dilationH * p.aH));
  at.b = add(at.b, mul(from, p.bH));
  Value taps = sub(to, from);
  return getConstantIntValue(taps) ? taps : maximum(constant(0), taps);
}

/// The tiles [first, first + count) of a stretch that no row's padding divides.
void ContractEmitter::stretch(const Stretch &s, Value first, Value count, Value taps,
                              const Cursor &line, Strip strip) {
  SmallVector<Reduction> reductions;
  for (const Contraction::Taps &seen : p.clip(s.x, s.rows)) {
    Reduction r = reduction(taps, constant(seen.count));
    r.from = seen.from, r.to = seen.to;
    r.a = constant((seen.first * p.dilationW - p.left) * p.aW);
    r.b = constant(seen.first * p.bW);
    reductions.push_back(std::move(r));
  }
  loop(count, [&](Value i) {
    Value x = add(mul(add(first, i), s.rows), s.x);
    tile(s.rows, strip, advance(line, p.x, x), reductions);
  });
}

/// Rows one by one, with the taps that each sees.
void ContractEmitter::clippedRows(const Stretch &s, Value taps, const Cursor &line, Strip strip) {
  loop(constant(s.count), [&](Value i) {
    Value x = add(i, s.x);
    Value first = sub(mul(x, p.strideW), constant(p.left)); // input column of the first tap
    Value from = firstTap(constant(0), first, p.dilationW);
    Value to = minimum(constant(p.kw), firstTap(constant(p.w), first, p.dilationW));
    Reduction r = reduction(taps, maximum(constant(0), sub(to, from)));
    r.to = 1;
    r.a = add(mul(from, p.dilationW * p.aW), -p.left * p.aW);
    r.b = mul(from, p.bW);
    tile(1, strip, advance(line, p.x, x), r);
  });
}

/// One line, or `part` of its interior tiles.
void ContractEmitter::line(Value index, Value part, Cursor at, Strip strip) {
  auto [outer, y] = divide(index, p.y.size);
  at = advance(advance(at, p.lines, p.lines.empty() ? constant(0) : outer), p.y, y);
  Value taps = clipVertically(y, at);
  auto borders = [&](ArrayRef<Stretch> stretches) {
    for (const Stretch &s : stretches)
      s.clipped ? clippedRows(s, taps, at, strip)
                : stretch(s, constant(0), constant(s.count), taps, at, strip);
  };
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

void ContractEmitter::chunkOfLines(Value chunk, const Cursor &at, Strip strip) {
  if (parts > 1) {
    auto [index, part] = divide(chunk, parts);
    return line(p.lineCount() == 1 ? constant(0) : index, p.lineCount() == 1 ? chunk : part, at,
                strip);
  }
  Value first = mul(chunk, linesPerUnit), count = constant(linesPerUnit);
  if (p.lineCount() % linesPerUnit)
    count = minimum(count, sub(constant(p.lineCount()), first));
  loop(count, [&](Value i) { line(add(first, i), constant(0), at, strip); });
}

/// One unit, all blocks of the reduction; `at` is at the first column of the strip.
void ContractEmitter::unit(Value chunk, const Cursor &at, Strip strip) {
  auto oneBlock = [&](Value index) {
    Value before = splitsDepth() ? mul(index, depthBlock) : constant(0);
    blockDepth = constant(depthBlock);
    if (blocks * depthBlock != p.depth && splitsDepth())
      blockDepth = minimum(blockDepth, sub(constant(p.depth), before));
    Cursor from = at;
    from.a = add(at.a, mul(before, p.aK));
    from.b = add(at.b, mul(before, p.bK));
    if (source) {
      int64_t columns = (strip.count - 1) * kern::panel + strip.tail;
      packPanels(*this, {source, from.b, p.n.b, p.bK, columns}, blockDepth, p.depth % kern::panel,
                 vector, bufferB, panelStride);
      from.b = constant(0);
    }
    chunkOfLines(chunk, from, strip);
  };
  if (blocks == 1)
    return oneBlock(constant(0));
  loop(constant(blocks), [&](Value i) {
    block = i;
    oneBlock(i);
    block = nullptr;
  });
}

void ContractEmitter::setOperands(kern::ContractOp op, Kernel &kernel) {
  bufferA = kernel.place(op.getA()).buffer;
  bufferB = kernel.place(op.getB()).buffer;
  bufferC = kernel.place(op.getInit()).buffer;
  if (p.packed)
    return;
  // Packing pays where panels are used by several tiles.
  bool fewRows = p.x.size * p.lineCount() <= 2 * plan.getRows();
  if (fewRows && p.n.b == 1 && p.n.size % kern::panel == 0) {
    panelStride = kern::panel;
    return;
  }
  source = bufferB;
  panelStride = depthBlock * kern::panel, stepB = kern::panel;
  bufferB = kernel.allocateScratch(b, loc, plan.getPanels() * panelStride, p.element);
}

void ContractEmitter::emit(kern::ContractOp op, Kernel &kernel) {
  setOperands(op, kernel);
  int64_t columns = p.batchCount() * groups;
  kernel.setUnits(columns * chunks);
  auto units = scf::ForOp::create(b, loc, kernel.begin, kernel.end, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(units.getBody());
  Value unitIndex = units.getInductionVar();
  auto [slow, fast] = divide(unitIndex, plan.getNSlow() ? chunks : columns);
  Value batch = constant(0), group = plan.getNSlow() ? slow : fast;
  if (!p.batches.empty())
    std::tie(batch, group) = divide(group, groups);

  Cursor at{constant(p.aOffset), constant(p.bOffset), constant(p.cOffset), {}};
  for (const Epilogue::Extra &extra : p.epilogue.getExtras())
    at.extras.push_back(constant(extra.offset));
  at = advance(at, p.batches, batch);
  at = advance(at, p.n, mul(group, plan.getPanels() * kern::panel));
  if (p.packed)
    at.b = add(at.b, mul(group, plan.getPanels() * p.bPanel));

  Value chunk = plan.getNSlow() ? fast : slow;
  Strip last{p.panels() - (groups - 1) * plan.getPanels(),
             p.n.size - (p.panels() - 1) * kern::panel};
  Strip full{plan.getPanels(), kern::panel};
  if (groups == 1 || (last.count == full.count && last.tail == full.tail))
    return unit(chunk, at, last);
  branch(
      equals(group, groups - 1), [&] { unit(chunk, at, last); }, [&] { unit(chunk, at, full); });
}

LogicalResult nncc::cpu::emitContract(OpBuilder &b, kern::ContractOp op, Kernel &kernel) {
  FailureOr<Contraction> contraction = Contraction::of(op, &kernel);
  if (failed(contraction))
    return failure();
  if (op.getInitType().getNumElements() == 0) {
    kernel.setUnits(0);
    return success();
  }
  if (!op.getPlan())
    return op.emitError("expects a plan: run nncc-cpu-plan-contract before");
  if (contraction->n.c == 0)
    return op.emitError("the columns of init lie on one another");
  ContractEmitter(b, op.getLoc(), *contraction, *op.getPlan()).emit(op, kernel);
  return success();
}
