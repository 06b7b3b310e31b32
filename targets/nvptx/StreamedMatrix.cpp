#include "targets/nvptx/StreamedMatrix.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

StreamedMatrix::StreamedMatrix(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                               const ContractTile &tile, Value row, Value column)
    : e(e), operands(operands), p(p), tile(tile),
      neighbours(p.packed || (constantOf(p.n.b) == 1 && areMultiples({p.n.size}, tile.partColumns))
                     ? Neighbours::Columns
                 : isAlongK(p) ? Neighbours::Steps
                               : Neighbours::None),
      hasLines(constantOf(p.aK) == (p.isOfBytes ? kern::bytesPerStep : 1)) {
  auto inside = [&](Value index, AffineExpr size, int64_t block, int64_t count) {
    if (areMultiples({size}, block))
      return index;
    return e.minimum(index, e.sub(e.size(size), e.constant(count)));
  };
  for (int64_t i = 0; i < tile.rows; ++i)
    rows.push_back(operands.row(inside(e.add(row, i), p.rowCount(), tile.rows, 1)).a);
  if (neighbours == Neighbours::Columns) {
    AffineExpr stored = p.packed ? normalForm(p.panels() * kern::panel) : p.n.size;
    columns.push_back(operands.column(inside(column, stored, tile.columns, tile.partColumns)));
    return;
  }
  for (int64_t j = 0; j < tile.partColumns; ++j)
    columns.push_back(operands.column(inside(e.add(column, j), p.n.size, tile.columns, 1)));
}

StreamedMatrix::Alignments StreamedMatrix::least() const {
  auto bytesOf = [](Value buffer) {
    return cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
  };
  return {bytesOf(operands.bufferA), bytesOf(operands.bufferB)};
}

StreamedMatrix::Alignments StreamedMatrix::known() const {
  Alignments result = least();
  SmallVector<AffineExpr> a{p.aOffset, p.y.a, p.x.a}, b{p.bOffset};
  for (const Axis &axis : llvm::concat<const Axis>(p.batches, p.lines))
    a.push_back(axis.a), b.push_back(axis.b);
  if (hasLines)
    result.a = alignmentOf(a, result.a, tile.steps * (p.isOfBytes ? kern::bytesPerStep : result.a));
  if (neighbours == Neighbours::None)
    return result;
  if (p.packed)
    b.push_back(p.bPanel);
  if (p.blocks) // heads, and rows of codes, are of 16 bytes
    result.b = alignmentOf(b, result.b, tile.partColumns);
  else if (neighbours == Neighbours::Columns) {
    b.push_back(p.bK);
    result.b = alignmentOf(b, result.b, tile.partColumns * p.weightBytes);
  } else {
    b.push_back(p.n.b);
    result.b = alignmentOf(b, result.b, tile.steps * p.weightBytes);
  }
  return result;
}

/// `count` neighbours of `type` that begin at an element of `buffer`.
Values StreamedMatrix::load(Value buffer, Value at, int64_t count, Type type, int64_t alignment) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  if (element == type)
    return e.loadNeighbours(buffer, at, count, alignment);
  const int64_t parts = type.getIntOrFloatBitWidth() / element.getIntOrFloatBitWidth();
  Values elements = e.loadNeighbours(buffer, at, count * parts, alignment), result;
  for (int64_t i = 0; i < count; ++i) {
    Value one = vector::FromElementsOp::create(e.b, e.loc, VectorType::get({parts}, element),
                                               ArrayRef(elements).slice(i * parts, parts));
    one = vector::BitCastOp::create(e.b, e.loc, VectorType::get({1}, type), one);
    result.push_back(vector::ExtractOp::create(e.b, e.loc, one, ArrayRef<int64_t>{0}));
  }
  return result;
}

Values StreamedMatrix::loadA(int64_t row, Value k, int64_t count, Alignments alignments) {
  Value at = e.add(rows[row], e.mul(k, p.aK));
  Type type = storedType(operands.bufferA);
  Values result;
  if (hasLines)
    result = load(operands.bufferA, at, count, type, alignments.a);
  else
    for (int64_t i = 0; i < count; ++i)
      llvm::append_range(result, load(operands.bufferA, e.add(at, e.mul(e.constant(i), p.aK)), 1,
                                      type, least().a));
  toWords(result);
  return result;
}

Type StreamedMatrix::storedType(Value buffer) const {
  return p.isOfBytes ? operands.word() : cast<MemRefType>(buffer.getType()).getElementType();
}

/// Floats of 16 bits -> those that are multiplied.
void StreamedMatrix::toWords(MutableArrayRef<Value> values) {
  for (Value &value : values)
    if (value.getType() != operands.word())
      value = arith::ExtFOp::create(e.b, e.loc, operands.word(), value);
}

StreamedMatrix::Stored StreamedMatrix::loadB(Value k, int64_t count, Alignments alignments) {
  if (p.blocks)
    return loadCodes(k, count, alignments.b);
  Stored stored;
  stored.words = neighbours == Neighbours::Columns ? loadColumns(k, count, alignments)
                 : neighbours == Neighbours::Steps ? loadSteps(k, count, alignments)
                                                   : loadElements(k, count);
  return stored;
}

Values StreamedMatrix::wordsOf(const Stored &stored, int64_t step) {
  if (p.blocks)
    return weightsOf(stored, step);
  Values words(ArrayRef(stored.words).slice(step * tile.partColumns, tile.partColumns));
  toWords(words);
  return words;
}

Values StreamedMatrix::loadColumns(Value k, int64_t count, Alignments alignments) {
  Values result;
  for (int64_t i = 0; i < count; ++i)
    llvm::append_range(result, load(operands.bufferB, offset(columns.front(), e.add(k, i)),
                                    tile.partColumns, storedType(operands.bufferB), alignments.b));
  return result;
}

Values StreamedMatrix::loadSteps(Value k, int64_t count, Alignments alignments) {
  Values result(count * tile.partColumns);
  for (auto [j, column] : llvm::enumerate(columns))
    for (auto [i, word] : llvm::enumerate(load(operands.bufferB, offset(column, k), count,
                                               storedType(operands.bufferB), alignments.b)))
      result[i * tile.partColumns + j] = word;
  return result;
}

Values StreamedMatrix::loadElements(Value k, int64_t count) {
  Values result;
  for (int64_t i = 0; i < count; ++i)
    for (const ContractOperands::Column &column : columns)
      result.push_back(
          memref::LoadOp::create(e.b, e.loc, operands.bufferB, offset(column, e.add(k, i))));
  return result;
}

// Codes
// ------------------------------------------------------------------------------------------------

/// 2^23 + each number of `bits` bits that begins, `shift` bits later, at a byte of `words`.
/// (Numbers are converted at a quarter of the rate of additions.)
Values StreamedMatrix::numbersOf(ArrayRef<Value> words, Value shift, int64_t bits) {
  constexpr int64_t ofPower = 0x4B000000; // 2^23, of which the lowest bit counts 1
  Values result;
  for (int64_t j = 0; j < tile.partColumns; ++j) {
    Value distance = arith::AddIOp::create(e.b, e.loc, shift, i32(j % 4 * 8));
    Value number = arith::ShRUIOp::create(e.b, e.loc, words[j / 4], distance);
    number = arith::AndIOp::create(e.b, e.loc, number, i32((1 << bits) - 1));
    number = arith::OrIOp::create(e.b, e.loc, number, i32(ofPower));
    result.push_back(arith::BitcastOp::create(e.b, e.loc, e.b.getF32Type(), number));
  }
  return result;
}

/// See WeightBlocks.
StreamedMatrix::Stored StreamedMatrix::loadCodes(Value k, int64_t count, int64_t alignment) {
  const WeightBlocks &format = *p.blocks;
  const ContractOperands::Column &column = columns.front();
  auto [block, row] = e.divide(k, format.rows);
  Value head = e.add(column.b, e.mul(block, format.blockBytes()));
  Type word = e.b.getI32Type();
  auto words = [&](Value at) {
    return load(operands.bufferB, e.add(at, column.lane), tile.partColumns / 4, word, alignment);
  };
  Stored stored;
  stored.scales = load(operands.bufferB, e.add(head, e.mul(column.lane, 4)), tile.partColumns,
                       e.b.getF32Type(), alignment == 1 ? 1 : 16);
  stored.zeros = words(e.add(head, WeightBlocks::scaleBytes));
  const int64_t rowsOfByte = 8 / format.bits;
  auto [line, part] = e.divide(row, rowsOfByte);
  Value first = e.add(e.add(head, WeightBlocks::headBytes), e.mul(line, WeightBlocks::columns));
  for (int64_t i = 0; i < count; i += rowsOfByte)
    llvm::append_range(stored.words, words(e.add(first, i / rowsOfByte * WeightBlocks::columns)));
  stored.shift = i32(0);
  if (count == 1 && rowsOfByte > 1)
    stored.shift = arith::IndexCastOp::create(e.b, e.loc, word, e.mul(part, format.bits));
  return stored;
}

/// (code - zero) * scale
Values StreamedMatrix::weightsOf(const Stored &stored, int64_t step) {
  const int64_t rowsOfByte = 8 / p.blocks->bits, words = tile.partColumns / 4;
  Value shift = stored.shift;
  if (int64_t part = step % rowsOfByte)
    shift = i32(part * p.blocks->bits);
  ArrayRef<Value> line = ArrayRef(stored.words).slice(step / rowsOfByte * words, words);
  Values weights = numbersOf(line, shift, p.blocks->bits);
  Values zeros = numbersOf(stored.zeros, i32(0), /*bits=*/8);
  for (auto [weight, zero, scale] : llvm::zip(weights, zeros, stored.scales)) {
    Value difference = arith::SubFOp::create(e.b, e.loc, weight, zero);
    weight = arith::MulFOp::create(e.b, e.loc, difference, scale);
  }
  return weights;
}
