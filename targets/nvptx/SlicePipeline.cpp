#include "targets/nvptx/SlicePipeline.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

static constexpr int64_t wordBytes = 4;

// Alignment
// ------------------------------------------------------------------------------------------------

static bool areMultiples(ArrayRef<AffineExpr> sizes, int64_t of) {
  return llvm::all_of(sizes, [of](AffineExpr size) { return normalForm(size).isMultipleOf(of); });
}

/// The widest copies of neighbouring words, of which all `offsets`, in elements of so many bytes,
/// are multiples, and the `lengths` of lines in words.
static int64_t widestOf(ArrayRef<AffineExpr> offsets, int64_t elementBytes,
                        ArrayRef<AffineExpr> lengths) {
  for (int64_t width : {16, 8, 4})
    if (areMultiples(offsets, width / elementBytes) && areMultiples(lengths, width / wordBytes))
      return width;
  return 0;
}

static int64_t widestOfA(const Contraction &p) {
  AffineExpr zero = p.number(0);
  if (constantOf(p.aK) != wordBytes / p.bytesOfA()) // words of f32 apart
    return wordBytes;
  SmallVector<AffineExpr> offsets{p.aOffset, p.aH, p.aW, p.y.a, p.x.a, zero};
  for (const Axis &axis : llvm::concat<const Axis>(p.batches, p.lines))
    offsets.push_back(axis.a);
  return widestOf(offsets, p.bytesOfA(), {p.depth});
}

/// Packed columns are neighbours in whole panels.
static int64_t widestOfB(const Contraction &p) {
  bool alongK = isAlongK(p);
  if (!p.packed && !alongK && constantOf(p.n.b) != 1)
    return wordBytes;
  SmallVector<AffineExpr> offsets{p.bOffset, p.bH, p.bW};
  for (const Axis &axis : p.batches)
    offsets.push_back(axis.b);
  if (p.packed)
    offsets.append({p.bPanel, p.bK});
  else
    offsets.push_back(alongK ? p.n.b : p.bK);
  AffineExpr length = p.packed ? p.number(kern::panel) : alongK ? p.depth : p.n.size;
  return widestOf(offsets, p.bytesOfA(), {length});
}

CopyWidths SlicePipeline::widest(const ContractOperands &operands, const Contraction &p) {
  return {widestOfA(p), operands.readsWords() ? widestOfB(p) : 0};
}

CopyWidths SlicePipeline::narrowest(const ContractOperands &operands, const Contraction &p) {
  if (p.isOfBytes)
    return {0, 0};
  return {wordBytes, operands.readsWords() ? wordBytes : 0};
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
    : e(e), operands(operands), slices(p, tile), shared(shared), alongK(isAlongK(p)),
      a(divide(tile.rows, tile.steps, slices.pitchA, widths.a)),
      b(alongK ? divide(tile.columns, tile.steps, slices.pitchB, widths.b)
               : divide(tile.steps, tile.columns, slices.pitchB, widths.b)) {
  for (int64_t copy = 0; copy < a.copies(); ++copy)
    rows.push_back(operands.row(e.add(row, lineOf(a, copy))));
  for (int64_t copy = 0; copy < (alongK ? b.copies() : 1); ++copy)
    columns.push_back(operands.column(e.add(column, alongK ? lineOf(b, copy) : b.first)));
}

SlicePipeline::Part SlicePipeline::divide(int64_t lines, int64_t length, int64_t pitch,
                                          int64_t width) {
  Part part{lines, length, pitch, width, 0, {}, {}};
  int64_t copiesOfLine = length / part.words();
  part.linesAtOnce = e.threads / copiesOfLine;
  auto [line, copy] = e.divide(e.thread, copiesOfLine);
  part.line = line, part.first = e.mul(copy, part.words());
  return part;
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
  if (!a.width)
    for (int64_t copy = 0; copy < a.copies(); ++copy)
      words.a.push_back(operands.loadA(sourceOfA(slice, copy)));
  if (!b.width)
    for (int64_t copy = 0; copy < b.copies(); ++copy)
      words.b.push_back(operands.loadB(columnOf(copy), sourceOfB(slice, copy)));
  if (!isAsync())
    return words;
  auto copyAll = [&] {
    for (int64_t copy = 0; copy < (a.width ? a.copies() : 0); ++copy)
      copyAsync(a, copy, operands.bufferA, sourceOfA(slice, copy), at);
    for (int64_t copy = 0; copy < (b.width ? b.copies() : 0); ++copy)
      copyAsync(b, copy, operands.bufferB, sourceOfB(slice, copy), e.add(at, slices.wordsA));
  };
  e.branch(slice.exists, copyAll, [] {});
  return words;
}

void SlicePipeline::finish(const Words &words, Value at) {
  store(a, words.a, at);
  store(b, words.b, e.add(at, slices.wordsA));
}

void SlicePipeline::endGroup() {
  if (isAsync())
    NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc);
}

void SlicePipeline::wait(int64_t groups) {
  if (isAsync())
    NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, groups);
}

void SlicePipeline::ofLine(const Part &part, int64_t copy, llvm::function_ref<void()> body) {
  if ((copy + 1) * part.linesAtOnce <= part.lines)
    return body();
  Value hasLine = operands.isLess(lineOf(part, copy), e.constant(part.lines));
  e.branch(hasLine, body, [] {});
}

/// Copies of 16 bytes leave the L1 cache out.
void SlicePipeline::copyAsync(const Part &part, int64_t copy, Value buffer,
                              const ContractOperands::Source &source, Value at) {
  ofLine(part, copy, [&] {
    at = e.add(at, e.add(e.mul(lineOf(part, copy), part.pitch), part.first));
    auto i32 = [&](int64_t number) {
      return arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), number);
    };
    Value size = arith::SelectOp::create(e.b, e.loc, source.exists, i32(part.width), i32(0));
    auto cached =
        part.width == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
    NVVM::CpAsyncOp::create(e.b, e.loc, e.pointer(shared, at, sharedSpace),
                            e.pointer(buffer, source.offset, globalSpace), part.width, cached,
                            size);
  });
}

void SlicePipeline::store(const Part &part, ArrayRef<Value> words, Value at) {
  for (auto [copy, word] : llvm::enumerate(words)) {
    Value bits = word;
    if (!bits.getType().isInteger(32))
      bits = arith::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), bits);
    int64_t number = copy;
    ofLine(part, number, [&] {
      Value place = e.add(at, e.add(e.mul(lineOf(part, number), part.pitch), part.first));
      memref::StoreOp::create(e.b, e.loc, bits, shared, place);
    });
  }
}
