#include "targets/nvptx/SlicePipeline.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/AsyncCopies.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

// Alignment
// ------------------------------------------------------------------------------------------------

/// Copies of one step; there are none of less than 4 bytes.
static int64_t widthOfStep(const Contraction &p) { return p.isOfHalves() ? 0 : 4; }

/// The widest copies of neighbouring steps, of which all `offsets`, in elements, are multiples, and
/// the `lengths` of lines.
static int64_t widestOf(const Contraction &p, ArrayRef<AffineExpr> offsets,
                        ArrayRef<AffineExpr> lengths) {
  const int64_t stepBytes = p.isOfHalves() ? 2 : 4;
  for (int64_t width : {16, 8, 4})
    if (areMultiples(offsets, width / p.bytesOfA()) && areMultiples(lengths, width / stepBytes))
      return width;
  return 0;
}

static int64_t widestOfA(const Contraction &p) {
  AffineExpr zero = p.number(0);
  if (constantOf(p.aK) != (p.isOfBytes ? kern::bytesPerStep : 1)) // steps apart
    return widthOfStep(p);
  SmallVector<AffineExpr> offsets{p.aOffset, p.aH, p.aW, p.y.a, p.x.a, zero};
  for (const Axis &axis : llvm::concat<const Axis>(p.batches, p.lines))
    offsets.push_back(axis.a);
  return widestOf(p, offsets, {p.depth});
}

/// Packed columns are neighbours in whole panels.
static int64_t widestOfB(const Contraction &p) {
  bool alongK = isAlongK(p);
  if (!p.packed && !alongK && constantOf(p.n.b) != 1)
    return widthOfStep(p);
  SmallVector<AffineExpr> offsets{p.bOffset, p.bH, p.bW};
  for (const Axis &axis : p.batches)
    offsets.push_back(axis.b);
  if (p.packed)
    offsets.append({p.bPanel, p.bK});
  else
    offsets.push_back(alongK ? p.n.b : p.bK);
  AffineExpr length = p.packed ? p.number(kern::panel) : alongK ? p.depth : p.n.size;
  return widestOf(p, offsets, {length});
}

CopyWidths SlicePipeline::widest(const ContractOperands &operands, const Contraction &p) {
  return {widestOfA(p), operands.readsWords() ? widestOfB(p) : 0};
}

CopyWidths SlicePipeline::narrowest(const ContractOperands &operands, const Contraction &p) {
  if (p.isOfBytes)
    return {0, 0};
  return {widthOfStep(p), operands.readsWords() ? widthOfStep(p) : 0};
}

Value SlicePipeline::isAligned(ThreadBlock &e, const ContractOperands &operands,
                               CopyWidths widths) {
  return e.areAligned({{operands.bufferA, std::max<int64_t>(1, widths.a)},
                       {operands.bufferB, std::max<int64_t>(1, widths.b)}});
}

// Copies
// ------------------------------------------------------------------------------------------------

SlicePipeline::SlicePipeline(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                             const ContractTile &tile, Value shared, CopyWidths widths, Value row,
                             Value column)
    : e(e), operands(operands), tile(tile), slices(p, tile), shared(shared), row(row),
      column(column), alongK(isAlongK(p)),
      a(divide(tile.rows, tile.steps, slices.pitchA, widths.a)),
      b(alongK ? divide(tile.columns, tile.steps, slices.pitchB, widths.b)
               : divide(tile.steps, tile.columns, slices.pitchB, widths.b)) {
  for (int64_t copy = 0; copy < (isInLoop(a) ? 0 : a.copies()); ++copy)
    rows.push_back(operands.row(e.add(row, lineOf(a, copy))));
  int64_t count = !alongK ? 1 : isInLoop(b) ? 0 : b.copies();
  for (int64_t copy = 0; copy < count; ++copy)
    columns.push_back(operands.column(e.add(column, alongK ? lineOf(b, copy) : b.first)));
}

SlicePipeline::Part SlicePipeline::divide(int64_t lines, int64_t length, int64_t pitch,
                                          int64_t width) {
  Part part{lines, length, pitch, width, 0, {}, {}};
  int64_t each = std::max<int64_t>(1, width / tile.stepBytes()), copiesOfLine = length / each;
  part.linesAtOnce = e.threads / copiesOfLine;
  auto [line, copy] = e.divide(e.thread, copiesOfLine);
  part.line = line, part.first = e.mul(copy, each);
  return part;
}

bool SlicePipeline::isInLoop(const Part &part) const {
  constexpr int64_t few = 8;
  return tile.isOfHalves() && part.copies() > few;
}

ContractOperands::Source SlicePipeline::sourceOfA(const ContractOperands::Slice &slice,
                                                  int64_t copy) {
  return operands.source(rows[copy], slice, a.first);
}
ContractOperands::Source SlicePipeline::sourceOfB(const ContractOperands::Slice &slice,
                                                  int64_t copy) {
  return operands.source(columnOf(copy), slice, alongK ? b.first : lineOf(b, copy));
}

SlicePipeline::Words SlicePipeline::start(Value number, Value at) {
  ContractOperands::Slice slice = operands.slice(number);
  Words words;
  if (!a.width && !isInLoop(a))
    for (int64_t copy = 0; copy < a.copies(); ++copy)
      words.a.push_back(operands.loadA(sourceOfA(slice, copy)));
  if (!b.width && !isInLoop(b))
    for (int64_t copy = 0; copy < b.copies(); ++copy)
      words.b.push_back(operands.loadB(columnOf(copy), sourceOfB(slice, copy)));
  if (!isAsync() && !isInLoop(a) && !isInLoop(b))
    return words;
  auto copyAll = [&] {
    if (isInLoop(a))
      copyInLoop(a, slice, at);
    for (int64_t copy = 0; copy < (a.width && !isInLoop(a) ? a.copies() : 0); ++copy)
      ofLine(a, copy,
             [&] { copyAsync(a, lineOf(a, copy), operands.bufferA, sourceOfA(slice, copy), at); });
    Value atB = e.add(at, slices.sizeA);
    if (isInLoop(b))
      copyInLoop(b, slice, atB);
    for (int64_t copy = 0; copy < (b.width && !isInLoop(b) ? b.copies() : 0); ++copy)
      ofLine(b, copy,
             [&] { copyAsync(b, lineOf(b, copy), operands.bufferB, sourceOfB(slice, copy), atB); });
  };
  e.branch(slice.exists, copyAll, [] {});
  return words;
}

void SlicePipeline::finish(const Words &words, Value at) {
  store(a, words.a, at);
  store(b, words.b, e.add(at, slices.sizeA));
}

void SlicePipeline::endGroup() {
  if (isAsync())
    endCopies(e);
}

void SlicePipeline::wait(int64_t groups) {
  if (isAsync())
    waitForCopies(e, groups);
}

void SlicePipeline::ofLine(const Part &part, int64_t copy, llvm::function_ref<void()> body) {
  if ((copy + 1) * part.linesAtOnce <= part.lines)
    return body();
  Value hasLine = operands.isLess(lineOf(part, copy), e.constant(part.lines));
  e.branch(hasLine, body, [] {});
}

void SlicePipeline::copyAsync(const Part &part, Value line, Value buffer,
                              const ContractOperands::Source &source, Value at) {
  at = e.add(at, e.add(e.mul(line, part.pitch), part.first));
  nvptx::copyAsync(e, buffer, source.offset, shared, at, part.width, source.exists);
}

/// Four copies in an iteration: their loads are under way at a time.
void SlicePipeline::copyInLoop(const Part &part, const ContractOperands::Slice &slice, Value at) {
  constexpr int64_t atOnce = 4; // threads and lines are powers of two
  const bool isOfA = &part == &a;
  e.loop(e.constant(part.copies()), atOnce, [&](Value first) {
    SmallVector<std::pair<Value, Value>> loaded;
    for (int64_t i = 0; i < atOnce; ++i) {
      Value line = e.add(part.line, e.mul(e.add(first, i), part.linesAtOnce));
      ContractOperands::Column ofLine;
      ContractOperands::Source source;
      if (isOfA) {
        source = operands.source(operands.row(e.add(row, line)), slice, part.first);
      } else {
        ofLine = alongK ? operands.column(e.add(column, line)) : columns.front();
        source = operands.source(ofLine, slice, alongK ? part.first : line);
      }
      if (part.width)
        copyAsync(part, line, isOfA ? operands.bufferA : operands.bufferB, source, at);
      else
        loaded.push_back({line, isOfA ? operands.loadA(source) : operands.loadB(ofLine, source)});
    }
    for (auto [line, word] : loaded)
      store(part, line, word, at);
  });
}

void SlicePipeline::store(const Part &part, ArrayRef<Value> words, Value at) {
  for (auto [copy, word] : llvm::enumerate(words)) {
    int64_t number = copy;
    ofLine(part, number, [&, word = word] { store(part, lineOf(part, number), word, at); });
  }
}

void SlicePipeline::store(const Part &part, Value line, Value word, Value at) {
  Type element = cast<MemRefType>(shared.getType()).getElementType();
  if (word.getType() != element)
    word = arith::BitcastOp::create(e.b, e.loc, element, word);
  Value place = e.add(at, e.add(e.mul(line, part.pitch), part.first));
  memref::StoreOp::create(e.b, e.loc, word, shared, place);
}
