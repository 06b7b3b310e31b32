// A contraction's units: batches, panels of columns, lines and their stretches.
#include "targets/cpu/ContractEmitter.h"
#include "targets/cpu/Lanes.h"
#include "targets/cpu/PackPanels.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// K of a block of an unpacked B where K is open: 2 KiB of each row of A, panels in the L2 cache.
static constexpr int64_t openDepthBlock = 512;

ContractEmitter::ContractEmitter(OpBuilder &b, Location loc, const Contraction &p,
                                 kern::PlanAttr plan, KernelSizes &sizes)
    : Emitter{b, loc, &sizes}, p(p), plan(plan), vector(VectorType::get({kern::panel}, p.element)),
      blocks(p.number(1)), depthBlock(p.depth), panelStride(p.bPanel), stepB(p.bK),
      groups(normalForm(p.panels().ceilDiv(plan.getPanels()))) {
  auto depth = constantOf(p.depth);
  if (!depth && !readsInPlace()) {
    depthBlock = p.number(openDepthBlock);
    blocks = normalForm(p.depth.ceilDiv(openDepthBlock));
  } else if (depth && splitsDepth()) { // a block of an unpacked B is packed in squares of 16 x 16
    int64_t size = llvm::divideCeil(*depth, plan.getKBlocks());
    if (!p.packed)
      size = std::min<int64_t>(llvm::alignTo(size, kern::panel), *depth);
    depthBlock = p.number(size);
    if (*depth)
      blocks = p.number(llvm::divideCeil(*depth, size));
  } else if (plan.getKBlocks() > 1 && !splitsDepth())
    blocks = p.number(p.kh);
  divideLines();
}

/// Units of parts of a line, or of whole lines.
void ContractEmitter::divideLines() {
  int64_t tiles = p.nominalTiles(plan.getRows());
  auto count = constantOf(p.lineCount());
  int64_t most = count.value_or(plan.getUnitTiles());
  linesPerUnit = std::clamp<int64_t>(plan.getUnitTiles() / tiles, 1, most);
  tilesPerUnit = plan.getUnitTiles();
  if (p.hasOpenLines()) {
    bool isWhole = plan.getUnitTiles() >= tiles && count != 1;
    parts =
        isWhole ? p.number(1) : normalForm(p.x.size.ceilDiv(plan.getRows()).ceilDiv(tilesPerUnit));
  } else {
    walk = p.divideLine(plan.getRows());
    int64_t divisible = std::max<int64_t>(walk.interior.count, 1);
    tilesPerUnit = std::min(tilesPerUnit, divisible);
    parts = p.number(plan.getUnitTiles() >= tiles ? 1 : llvm::divideCeil(divisible, tilesPerUnit));
  }
  chunks = normalForm(p.lineCount().ceilDiv(linesPerUnit) * parts);
}

bool ContractEmitter::readsInPlace() const {
  auto rows = constantOf(p.rowCount()), columns = constantOf(p.n.size);
  return !p.packed && rows && *rows <= 2 * plan.getRows() && constantOf(p.n.b) == 1 && columns &&
         *columns % kern::panel == 0;
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
    tile(s.rows, strip, advance(line, p.x, x), reductions);
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
  loop(count, [&](Value i) { tile(rows, strip, advance(line, p.x, add(from, mul(i, rows))), r); });
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

void ContractEmitter::chunkOfLines(Value chunk, const Cursor &at, Strip strip) {
  auto lines = constantOf(p.lineCount());
  if (constantOf(parts) != 1) {
    auto [index, part] = divide(chunk, parts);
    return line(lines == 1 ? constant(0) : index, lines == 1 ? chunk : part, at, strip);
  }
  Value first = mul(chunk, linesPerUnit), count = constant(linesPerUnit);
  if (!lines || *lines % linesPerUnit)
    count = minimum(count, sub(size(p.lineCount()), first));
  loop(count, [&](Value i) { line(add(first, i), constant(0), at, strip); });
}

/// The columns of a unit: all panels of the plan, or, where their number is open, one by one.
void ContractEmitter::columns(Value chunk, const Cursor &at, Value columns) {
  if (auto count = getConstantIntValue(columns)) {
    int64_t panels = llvm::divideCeil(*count, kern::panel);
    return chunkOfLines(chunk, at, Strip{panels, *count - (panels - 1) * kern::panel, nullptr});
  }
  auto onePanel = [&](Value j) {
    Cursor from = advance(at, p.n, mul(j, kern::panel));
    from.b = add(at.b, mul(j, panelStride));
    Value rest = sub(columns, mul(j, kern::panel));
    chunkOfLines(chunk, from, Strip{1, kern::panel, firstLanes(*this, rest, kern::panel)});
  };
  auto byPanel = [&] { loop(divideCeil(columns, kern::panel), onePanel); };
  if (plan.getPanels() == 1)
    return byPanel();
  branch(
      equals(columns, plan.getPanels() * kern::panel),
      [&] {
        chunkOfLines(chunk, at, Strip{plan.getPanels(), kern::panel, nullptr});
      },
      byPanel);
}

/// One unit, all blocks of the reduction; `at` is at the first of its columns.
void ContractEmitter::unit(Value chunk, const Cursor &at, Value columns) {
  bool isEven = normalForm(blocks * depthBlock) == p.depth || !splitsDepth();
  auto oneBlock = [&](Value index) {
    Value before = splitsDepth() ? mul(index, depthBlock) : constant(0);
    blockDepth = size(depthBlock);
    if (!isEven)
      blockDepth = minimum(blockDepth, sub(size(p.depth), before));
    Cursor from = at;
    from.a = add(at.a, mul(before, p.aK));
    from.b = add(at.b, mul(before, p.bK));
    if (source) {
      packPanels(*this, {source, from.b, p.n.b, p.bK, columns}, blockDepth, p.depth, vector,
                 bufferB, fixed(panelStride));
      from.b = constant(0);
    }
    this->columns(chunk, from, columns);
  };
  if (constantOf(blocks) == 1)
    return oneBlock(constant(0));
  // One block of nothing where K is 0: the epilogue of zero.
  Value count = constantOf(blocks) ? size(blocks) : maximum(constant(1), size(blocks));
  lastBlock = sub(count, constant(1));
  loop(count, [&](Value i) {
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
  if (readsInPlace()) {
    panelStride = p.number(kern::panel);
    return;
  }
  source = bufferB;
  int64_t rows = fixed(depthBlock);
  if (!constantOf(p.depth) ||
      !constantOf(p.n.size)) // squares of 16 x 16; one row against conflicts
    rows = llvm::alignTo(rows, kern::panel) + 1;
  panelStride = p.number(rows * kern::panel), stepB = p.number(kern::panel);
  bufferB = kernel.allocateScratch(b, loc, plan.getPanels() * fixed(panelStride), p.element);
}

/// The group `group` of panels; the last one may have less of them, and a panel in part.
void ContractEmitter::group(Value group, Value chunk, const Cursor &at) {
  int64_t width = plan.getPanels() * kern::panel;
  if (!constantOf(p.n.size))
    return unit(chunk, at, minimum(constant(width), sub(size(p.n.size), mul(group, width))));
  int64_t groups = fixed(this->groups), last = fixed(p.n.size) - (groups - 1) * width;
  if (groups == 1 || last == width)
    return unit(chunk, at, constant(last));
  branch(
      equals(group, groups - 1), [&] { unit(chunk, at, constant(last)); },
      [&] { unit(chunk, at, constant(width)); });
}

void ContractEmitter::emit(kern::ContractOp op, Kernel &kernel) {
  setOperands(op, kernel);
  AffineExpr columns = normalForm(p.batchCount() * groups);
  kernel.units = normalForm(columns * chunks);
  auto units = scf::ForOp::create(b, loc, kernel.begin, kernel.end, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(units.getBody());
  Value unitIndex = units.getInductionVar();
  auto [slow, fast] = divide(unitIndex, plan.getNSlow() ? chunks : columns);
  Value batch = constant(0), group = plan.getNSlow() ? slow : fast;
  if (!p.batches.empty())
    std::tie(batch, group) = divide(group, groups);

  Cursor at{size(p.aOffset), size(p.bOffset), size(p.cOffset), {}};
  for (const Epilogue::Extra &extra : p.epilogue.getExtras())
    at.extras.push_back(size(extra.offset));
  at = advance(at, p.batches, batch);
  at = advance(at, p.n, mul(group, plan.getPanels() * kern::panel));
  if (p.packed)
    at.b = add(at.b, mul(group, p.bPanel * plan.getPanels()));
  this->group(group, plan.getNSlow() ? fast : slow, at);
}

LogicalResult nncc::cpu::emitContract(OpBuilder &b, kern::ContractOp op, Kernel &kernel) {
  FailureOr<Contraction> contraction = Contraction::of(op, &kernel);
  if (failed(contraction))
    return failure();
  if (llvm::is_contained(op.getInitType().getShape(), 0)) {
    kernel.setUnits(0);
    return success();
  }
  if (!op.getPlan())
    return op.emitError("expects a plan: run nncc-cpu-plan-contract before");
  if (constantOf(contraction->n.c) == 0)
    return op.emitError("the columns of init lie on one another");
  if (!contraction->packed && !constantOf(contraction->bK) && !constantOf(contraction->n.b))
    return op.emitError("expects the columns or the rows of b at a constant distance");
  ContractEmitter(b, op.getLoc(), *contraction, *op.getPlan(), kernel.sizes).emit(op, kernel);
  return success();
}
