// Matrices of an attention from memory to shared memory: neighbours of a row at once where they are
// aligned, else single elements.
#include "dialects/nn/Generics.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/nvptx/AsyncCopies.h"
#include "targets/nvptx/AttentionEmitter.h"

#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// What a thread has on its way at once: single elements, and groups of neighbours.
static constexpr int64_t elementsAtOnce = 8, groupsAtOnce = 4;

// Groups
// ---------------------------------------------------------------------------------------------------

/// Neighbours in rows of a matrix of `columns` columns that are aligned to all of them if the
/// buffer is, in memory and in shared memory; 1: there are none.
int64_t AttentionEmitter::groupOf(const Operand &from, int64_t columns) {
  if (constantOf(from.strides[3]) != 1)
    return 1;
  const int64_t bytes = from.elementBytes();
  SmallVector<AffineExpr> offsets{from.offset, from.strides[0], from.strides[1], from.strides[2]};
  int64_t parts = columns * bytes;
  if (tile.width < p.width) // a unit may begin at a multiple of it
    parts = std::gcd(parts, tile.width * bytes);
  int64_t group = alignmentOf(offsets, bytes, parts) / bytes;
  if (!tile.isOfMatrices())
    return std::min<int64_t>(group, 4); // shared memory has rows of f32
  if (&from == &p.init)
    return std::min<int64_t>(group, tile.group);
  return group * bytes < 4 ? 1 : group; // there are no shorter asynchronous copies
}

/// Whether all buffers are aligned for their groups.
void AttentionEmitter::testAlignment() {
  SmallVector<AlignedPlace> places;
  auto expect = [&](const Operand &operand, int64_t columns) {
    if (int64_t group = groupOf(operand, columns); group > 1)
      places.push_back({operand.buffer, group * operand.elementBytes()});
  };
  expect(p.query, p.depth);
  expect(p.key, p.depth);
  expect(p.value, p.width);
  if (tile.isOfMatrices())
    expect(p.init, p.width);
  isAligned = places.empty() ? Value() : e.areAligned(places);
}

// Copies
// ---------------------------------------------------------------------------------------------------

/// Runs `body` with rounds, `atOnce` of them or fewer, of which each thread has one number below
/// `total`: see divideRound.
void AttentionEmitter::rounds(int64_t total, int64_t atOnce,
                              llvm::function_ref<void(ValueRange)> body) {
  const int64_t whole = total / e.threads, batches = whole / atOnce;
  auto several = [&](Value first, int64_t count) {
    Values all;
    for (int64_t i = 0; i < count; ++i)
      all.push_back(e.add(first, i));
    body(all);
  };
  if (batches)
    e.loop(e.constant(batches), [&](Value i) { several(e.mul(i, atOnce), atOnce); });
  several(e.constant(batches * atOnce), whole % atOnce);
  if (total % e.threads)
    e.branch(
        isLess(e.thread, e.constant(total % e.threads)), [&] { several(e.constant(whole), 1); },
        [] {});
}

/// Quotient and remainder of the thread's number in a round: round * threads + thread.
std::pair<Value, Value> AttentionEmitter::divideRound(Value round, int64_t by) {
  if (e.threads % by)
    return e.divide(e.add(e.mul(round, e.threads), e.thread), by);
  auto [quotient, rest] = e.divide(e.thread, by);
  return {e.add(quotient, e.mul(round, e.threads / by)), rest};
}

/// `count` neighbours from a row and column of a slice on. In place of what is outside something
/// inside is read, or nothing.
AttentionEmitter::Piece AttentionEmitter::pieceOf(const Operand &from, const Slice &slice,
                                                  Value row, Value column, int64_t count) {
  Piece piece;
  auto place = [&](Value index, Value first, Value size, bool isWhole, int64_t count) {
    index = e.add(first, index);
    if (isWhole)
      return index;
    Value isInside = isLess(index, size);
    piece.exists = e.both(piece.exists, isInside);
    return e.minimum(index, e.sub(size, e.constant(count)));
  };
  Value x = place(row, slice.firstRow, slice.rowCount, slice.isWholeInRows, 1);
  Value y = place(column, slice.firstColumn, slice.columnCount, slice.isWholeInColumns, count);
  piece.from = e.add(from.at, e.add(e.mul(x, from.strides[2]), e.mul(y, from.strides[3])));
  piece.to = e.add(e.mul(row, slice.pitch), column);
  return piece;
}

/// As numbers of `type`; what does not exist is 0.
Values AttentionEmitter::loadPiece(const Operand &from, const Piece &piece, int64_t group,
                                   bool isScaled, Type type) {
  Values values;
  if (group > 1)
    values = e.loadNeighbours(from.buffer, piece.from, group, group * from.elementBytes());
  else
    values.push_back(memref::LoadOp::create(e.b, e.loc, from.buffer, piece.from));
  for (Value &value : values) {
    value = nn::narrow(e.b, e.loc, value, type);
    if (isScaled)
      value = arith::MulFOp::create(e.b, e.loc, value, number(p.op.getScale().convertToDouble()));
    if (piece.exists) {
      Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type));
      value = arith::SelectOp::create(e.b, e.loc, piece.exists, value, zero);
    }
  }
  return values;
}

/// `group` neighbours at once; of matrices asynchronously, if they are several.
void AttentionEmitter::copy(const Operand &from, const Slice &slice, Value to, Value at,
                            bool isScaled, int64_t group) {
  const bool isAsync = tile.isOfMatrices() && group > 1;
  Type type = cast<MemRefType>(to.getType()).getElementType();
  // Neighbouring threads take neighbouring elements of memory.
  bool isAlongRows = constantOf(from.strides[3]) != 1 && constantOf(from.strides[2]) == 1;
  const int64_t parts = slice.columns / group;
  auto body = [&](ValueRange rounds) {
    SmallVector<std::pair<Value, Values>> loaded;
    for (Value round : rounds) {
      auto [row, column] = divideRound(round, isAlongRows ? slice.rows : parts);
      if (isAlongRows)
        std::swap(row, column);
      Piece piece = pieceOf(from, slice, row, e.mul(column, group), group);
      piece.to = e.add(at, piece.to);
      if (isAsync)
        copyAsync(e, from.buffer, piece.from, to, piece.to, group * from.elementBytes(),
                  piece.exists);
      else
        loaded.push_back({piece.to, loadPiece(from, piece, group, isScaled, type)});
    }
    for (auto &[place, values] : loaded)
      if (group > 1)
        e.storeNeighbours(values, to, place);
      else
        memref::StoreOp::create(e.b, e.loc, values.front(), to, place);
  };
  rounds(slice.rows * parts, group > 1 && !isAsync ? groupsAtOnce : elementsAtOnce, body);
}

/// Copies a slice to `to`, from element `at` on; what is outside of the matrix becomes zero.
void AttentionEmitter::load(const Operand &from, const Slice &slice, Value to, Value at,
                            bool isScaled) {
  const int64_t group = groupOf(from, &from == &p.value ? p.width : p.depth);
  auto copyBy = [&](int64_t group) { copy(from, slice, to, at, isScaled, group); };
  if (group > 1)
    e.branch(
        isAligned, [&] { copyBy(group); }, [&] { copyBy(1); });
  else
    copyBy(1);
}

/// queries = scale * the queries of the block
void AttentionEmitter::loadQueries(Value firstDepth) {
  if (p.depth == 0)
    return;
  load(p.query,
       {firstQuery, e.size(p.length), firstDepth, e.constant(p.depth), isWholeInQueries,
        p.depth % tile.queryDepth == 0, tile.queries(), tile.queryDepth, tile.queryPitch()},
       queries, e.constant(0), p.op.getScale().convertToDouble() != 1);
}
