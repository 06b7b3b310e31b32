#include "targets/nvptx/SliceReader.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using namespace nncc::nvptx;

SliceReader::SliceReader(ThreadBlock &e, kern::ContractOp op, const Contraction &p,
                         const ContractTile &tile)
    : e(e), p(p), tile(tile), bufferA(e.kernel.place(op.getA()).buffer),
      bufferB(e.kernel.place(op.getB()).buffer), isAlongK(!p.packed && constantOf(p.bK) == 1) {
  std::tie(rowA, stepA) = e.divide(e.thread, tile.steps);
  if (isAlongK)
    std::tie(columnB, stepB) = std::pair(rowA, stepA);
  else
    std::tie(stepB, columnB) = e.divide(e.thread, tile.threads() / tile.steps);
}

AffineExpr SliceReader::slices() const {
  return normalForm(p.depth.ceilDiv(tile.steps) * (p.kh * p.kw));
}

Value SliceReader::both(Value x, Value y) {
  return x && y ? arith::AndIOp::create(e.b, e.loc, x, y).getResult() : x ? x : y;
}
Value SliceReader::isLess(Value x, Value y) {
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, x, y);
}

SmallVector<Value> SliceReader::indicesOf(Value row) {
  SmallVector<const Axis *> axes;
  for (const Axis &line : p.lines)
    axes.push_back(&line);
  axes.push_back(&p.y), axes.push_back(&p.x);
  SmallVector<Value> indices(axes.size(), e.constant(0));
  for (int64_t i = static_cast<int64_t>(axes.size()) - 1; i >= 0; --i) {
    bool isFirst = llvm::all_of(ArrayRef(axes).take_front(i),
                                [](const Axis *outer) { return constantOf(outer->size) == 1; });
    if (isFirst) {
      indices[i] = row;
      break;
    }
    std::tie(row, indices[i]) = e.divide(row, axes[i]->size);
  }
  return indices;
}

void SliceReader::begin(Value batch, Value firstRow, Value firstColumn) {
  Value a = e.size(normalForm(p.aOffset - p.aH * p.top - p.aW * p.left)), b = e.size(p.bOffset);
  for (const Axis &axis : llvm::reverse(p.batches)) {
    Value index = batch;
    if (&axis != p.batches.begin())
      std::tie(batch, index) = e.divide(batch, axis.size);
    a = e.add(a, e.mul(index, axis.a)), b = e.add(b, e.mul(index, axis.b));
  }
  rows.clear(), columns.clear();
  const int64_t rowsAtOnce = tile.threads() / tile.steps;
  for (int64_t first = 0; first < tile.rows; first += rowsAtOnce) {
    Value row = e.add(firstRow, e.add(rowA, first));
    SmallVector<Value> indices = indicesOf(row);
    Row place{a, nullptr, nullptr, isLess(row, e.size(p.rowCount()))};
    for (auto [line, index] : llvm::zip(p.lines, indices))
      place.a = e.add(place.a, e.mul(index, line.a));
    Value y = indices[indices.size() - 2], x = indices.back();
    place.a = e.add(place.a, e.add(e.mul(y, p.y.a), e.mul(x, p.x.a)));
    if (p.isPadded()) {
      place.y = e.sub(e.mul(y, p.strideH), e.constant(p.top));
      place.x = e.sub(e.mul(x, p.strideW), e.constant(p.left));
    }
    rows.push_back(place);
  }
  for (int64_t first = 0; first < tile.columns; first += rowsAtOnce) {
    Value column = e.add(firstColumn, e.add(columnB, first));
    Column place{nullptr, isLess(column, e.size(p.n.size)), nullptr};
    if (p.packed) {
      auto [panel, lane] = e.divide(column, kern::panel);
      place.lane = lane;
      place.b = e.add(b, e.mul(panel, p.bPanel));
      if (!p.blocks)
        place.b = e.add(place.b, e.mul(lane, p.isOfBytes ? kern::bytesPerStep : 1));
    } else {
      place.b = e.add(b, e.mul(column, p.n.b));
    }
    columns.push_back(place);
  }
}

Value SliceReader::loadIf(Value condition, llvm::function_ref<Value()> load) {
  Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(element()));
  auto op = scf::IfOp::create(e.b, e.loc, element(), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(e.b, e.loc, load());
  e.b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(e.b, e.loc, zero);
  return op.getResult(0);
}

/// `count` bytes as one number.
Value SliceReader::loadBytes(Value buffer, Value at, int64_t count, Type type) {
  auto bytes = VectorType::get({count}, e.b.getI8Type());
  Value value = vector::LoadOp::create(e.b, e.loc, bytes, buffer, at);
  value = vector::BitCastOp::create(e.b, e.loc, VectorType::get({1}, type), value);
  return vector::ExtractOp::create(e.b, e.loc, value, ArrayRef<int64_t>{0});
}

Value SliceReader::loadA(Value offset) {
  if (p.isOfBytes)
    return loadBytes(bufferA, offset, kern::bytesPerStep, e.b.getI32Type());
  return memref::LoadOp::create(e.b, e.loc, bufferA, offset);
}

/// (code - zero) * scale: see WeightBlocks.
Value SliceReader::loadCode(const Column &column, Value k) {
  const WeightBlocks &format = *p.blocks;
  auto [block, row] = e.divide(k, format.rows);
  Value head = e.add(column.b, e.mul(block, format.blockBytes()));
  Value scale = loadBytes(bufferB, e.add(head, e.mul(column.lane, 4)), 4, e.b.getF32Type());
  auto byte = [&](Value at) {
    Value value = memref::LoadOp::create(e.b, e.loc, bufferB, at);
    return arith::ExtUIOp::create(e.b, e.loc, e.b.getI32Type(), value).getResult();
  };
  Value zero = byte(e.add(e.add(head, WeightBlocks::scaleBytes), column.lane));
  auto [step, part] = e.divide(row, 8 / format.bits);
  Value at = e.add(head, WeightBlocks::headBytes);
  Value code = byte(e.add(e.add(at, e.mul(step, WeightBlocks::columns)), column.lane));
  if (format.bits == 4) {
    Value shift = arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), e.mul(part, 4));
    Value mask = arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), 15);
    code = arith::ShRUIOp::create(e.b, e.loc, code, shift);
    code = arith::AndIOp::create(e.b, e.loc, code, mask);
  }
  Value difference = arith::SubIOp::create(e.b, e.loc, code, zero);
  Value number = arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), difference);
  return arith::MulFOp::create(e.b, e.loc, number, scale);
}

Value SliceReader::loadB(const Column &column, Value offset, Value k) {
  if (p.isOfBytes)
    return loadBytes(bufferB, offset, kern::bytesPerStep, e.b.getI32Type());
  if (p.blocks)
    return loadCode(column, k);
  Value value = memref::LoadOp::create(e.b, e.loc, bufferB, offset);
  if (value.getType() == p.element)
    return value;
  return arith::ExtFOp::create(e.b, e.loc, p.element, value);
}

SliceReader::Elements SliceReader::load(Value number) {
  Elements result;
  auto [tap, part] = e.divide(number, normalForm(p.depth.ceilDiv(tile.steps)));
  auto [kh, kw] = e.divide(tap, p.kw);
  Value first = e.mul(part, tile.steps);
  Value exists = isLess(number, e.size(slices())), depth = e.size(p.depth);
  Value k = e.add(first, stepA), tapA = e.add(e.mul(kh, normalForm(p.aH * p.dilationH)),
                                              e.mul(kw, normalForm(p.aW * p.dilationW)));
  Value here = both(exists, isLess(k, depth)), at = e.add(tapA, e.mul(k, p.aK));
  for (const Row &row : rows) {
    Value condition = both(here, row.exists);
    if (row.y) { // below 0 is far above as an unsigned number
      Value y = e.add(row.y, e.mul(kh, p.dilationH)), x = e.add(row.x, e.mul(kw, p.dilationW));
      condition = both(condition, both(isLess(y, e.size(p.h)), isLess(x, e.size(p.w))));
    }
    result.a.push_back(loadIf(condition, [&] { return loadA(e.add(row.a, at)); }));
  }
  k = e.add(first, stepB);
  here = both(exists, isLess(k, depth));
  at = e.add(e.add(e.mul(kh, p.bH), e.mul(kw, p.bW)), e.mul(k, p.bK));
  for (const Column &column : columns)
    result.b.push_back(
        loadIf(both(here, column.exists), [&] { return loadB(column, e.add(column.b, at), k); }));
  return result;
}

void SliceReader::store(const Elements &elements, Value shared, Value at) {
  const int64_t rowsAtOnce = tile.threads() / tile.steps;
  Value a = e.add(at, e.add(e.mul(stepA, tile.pitchA()), rowA));
  for (auto [i, value] : llvm::enumerate(elements.a))
    memref::StoreOp::create(e.b, e.loc, value, shared, e.add(a, i * rowsAtOnce));
  Value b = e.add(at, tile.steps * tile.pitchA());
  b = e.add(b, e.add(e.mul(stepB, tile.pitchB()), columnB));
  for (auto [i, value] : llvm::enumerate(elements.b))
    memref::StoreOp::create(e.b, e.loc, value, shared, e.add(b, i * rowsAtOnce));
}
