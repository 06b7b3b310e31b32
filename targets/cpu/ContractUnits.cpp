// A contraction's units: batches, panels of columns, chunks of lines.
#include "targets/cpu/ContractEmitter.h"
#include "targets/cpu/Emitters.h"
#include "targets/cpu/PackPanels.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// K of a block of an unpacked B where K is open: 2 KiB of each row of A, panels in the L2 cache.
static constexpr int64_t openDepthBlock = 512;

ContractEmitter::ContractEmitter(OpBuilder &b, Location loc, const Contraction &p,
                                 kern::PlanAttr plan, KernelSizes &sizes)
    : CursorEmitter(b, loc, sizes), p(p), plan(plan),
      vector(VectorType::get({kern::panel}, p.element)), blocks(p.number(1)), depthBlock(p.depth),
      panelStride(p.bPanel), stepB(p.bK),
      groups(normalForm(p.n.size.ceilDiv(plan.getPanels() * kern::panel))) {
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
    parts = isWhole ? p.number(1) : normalForm(p.x.size.ceilDiv(plan.getRows() * tilesPerUnit));
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

void ContractEmitter::chunkOfLines(Value chunk, const Cursor &at, Strip strip) {
  auto lines = constantOf(p.lineCount());
  firstTile = constant(0);
  if (constantOf(parts) != 1) {
    auto [index, part] = divide(chunk, parts);
    return line(lines == 1 ? constant(0) : index, lines == 1 ? chunk : part, at, strip);
  }
  Value first = mul(chunk, linesPerUnit), count = constant(linesPerUnit);
  if (!lines || *lines % linesPerUnit)
    count = minimum(count, sub(size(p.lineCount()), first));
  loop(count, [&](Value i) {
    firstTile = mul(i, p.hasOpenLines() ? 0 : walk.interior.count);
    line(add(first, i), constant(0), at, strip);
  });
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
  if (p.epilogue.isHeavy() && !p.storesSums())
    tileSums =
        kernel.allocateScratch(b, loc, plan.getRows() * plan.getPanels() * kern::panel, p.element);
  blocksAttr = op.getBlocksAttr();
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

bool ContractEmitter::unitsAreRows(const RowRange &rows) const {
  if (plan.getNSlow() || !p.batches.empty())
    return false;
  auto lines = constantOf(p.lineCount()), length = constantOf(p.x.size);
  if (lines == rows.all && length == rows.width)
    return constantOf(parts) == 1 && linesPerUnit == 1;
  return lines == 1 && length == rows.all * rows.width &&
         plan.getRows() * tilesPerUnit == rows.width;
}

void ContractEmitter::emit(kern::ContractOp op, Kernel &kernel, const RowRange *rows) {
  setOperands(op, kernel);
  AffineExpr columns = normalForm(p.batchCount() * groups);
  kernel.units = normalForm(columns * chunks);
  Value first = rows ? mul(rows->first, columns) : kernel.begin;
  Value end = rows ? add(first, mul(rows->count, columns)) : kernel.end;
  auto units = scf::ForOp::create(b, loc, first, end, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(units.getBody());
  Value unitIndex = units.getInductionVar();
  auto [slow, fast] = divide(unitIndex, plan.getNSlow() ? chunks : columns);
  Value batch = constant(0), group = plan.getNSlow() ? slow : fast;
  if (!p.batches.empty())
    std::tie(batch, group) = divide(group, groups);

  Cursor at = begin(p);
  if (rows && rows->a)
    at.a = add(at.a, rows->a);
  if (rows && rows->result)
    at.c = add(at.c, rows->result);
  at = advance(at, p.batches, batch);
  at = advance(at, p.n, mul(group, plan.getPanels() * kern::panel));
  if (p.packed)
    at.b = add(at.b, mul(group, p.bPanel * plan.getPanels()));
  if (plan.getPrefetches())
    nextGroup = add(at.b, size(p.bPanel * plan.getPanels()));
  this->group(group, plan.getNSlow() ? fast : slow, at);
}

LogicalResult nncc::cpu::emitContract(OpBuilder &b, kern::ContractOp op, Kernel &kernel,
                                      const RowRange *rows) {
  FailureOr<Contraction> contraction = Contraction::of(op, &kernel);
  if (failed(contraction))
    return failure();
  if (llvm::is_contained(op.getInitType().getShape(), 0)) {
    kernel.setUnits(0);
    return success();
  }
  auto plan = dyn_cast_or_null<kern::PlanAttr>(op.getPlanAttr());
  if (!plan)
    return op.emitError("expects a plan: run nncc-cpu-plan-contract before");
  if (!contraction->storesSums() && plan.getKBlocks() > 1)
    return op.emitError("expects a reduction in one block where init cannot hold sums of ")
           << contraction->element;
  if (plan.getPrefetches() && !contraction->hasPanelsOfOneSize())
    return op.emitError("expects no prefetches but of packed weights of constant size");
  if (plan.getLead() && !contraction->packed)
    return op.emitError("expects no lead but of packed weights");
  if (contraction->blocks && plan.getKBlocks() > 1)
    return op.emitError("expects a reduction in one block with packed weights in blocks");
  if (constantOf(contraction->n.c) == 0)
    return op.emitError("the columns of init lie on one another");
  if (!contraction->packed && !constantOf(contraction->bK) && !constantOf(contraction->n.b))
    return op.emitError("expects the columns or the rows of b at a constant distance");
  ContractEmitter emitter(b, op.getLoc(), *contraction, plan, kernel.sizes);
  if (rows && !emitter.unitsAreRows(*rows))
    return op.emitError(
               "expects a plan whose units are rows of images in a kernel of bands, found ")
           << plan;
  emitter.emit(op, kernel, rows);
  return success();
}
