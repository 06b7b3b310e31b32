#include "targets/nvptx/ContractOperands.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

ContractOperands::ContractOperands(ThreadBlock &e, kern::ContractOp op, const Contraction &p,
                                   const ContractTile &tile)
    : bufferA(e.kernel.place(op.getA()).buffer), bufferB(e.kernel.place(op.getB()).buffer), e(e),
      p(p), tile(tile) {}

AffineExpr ContractOperands::mostSlices() const {
  return normalForm(slicesOf(p, tile).ceilDiv(tile.parts));
}

bool ContractOperands::readsWords() const {
  return p.isOfBytes ||
         (!p.blocks && cast<MemRefType>(bufferB.getType()).getElementType() == word());
}

Value ContractOperands::isLess(Value x, Value y) {
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, x, y);
}

SmallVector<Value> ContractOperands::indicesOf(Value row) {
  SmallVector<const Axis *> axes;
  for (const Axis &line : p.lines)
    axes.push_back(&line);
  axes.push_back(&p.y), axes.push_back(&p.x);
  SmallVector<Value> indices(axes.size(), e.constant(0));
  AffineExpr bound = normalForm(p.rowCount() + tile.rows);
  for (int64_t i = static_cast<int64_t>(axes.size()) - 1; i >= 0; --i) {
    bool isFirst = llvm::all_of(ArrayRef(axes).take_front(i),
                                [](const Axis *outer) { return constantOf(outer->size) == 1; });
    if (isFirst) {
      indices[i] = row;
      break;
    }
    std::tie(row, indices[i]) = e.divideBelow(bound, row, axes[i]->size);
  }
  return indices;
}

void ContractOperands::begin(Value batch, Value part) {
  AffineExpr all = slicesOf(p, tile);
  firstSlice = e.mul(part, mostSlices()), slices = e.size(mostSlices());
  if (normalForm(mostSlices() * tile.parts) != all) // the last part has fewer
    slices = e.minimum(slices, e.sub(e.size(all), firstSlice));
  batchA = e.size(normalForm(p.aOffset - p.aH * p.top - p.aW * p.left)), batchB = e.size(p.bOffset);
  for (const Axis &axis : llvm::reverse(p.batches)) {
    Value index = batch;
    if (&axis != p.batches.begin())
      std::tie(batch, index) = e.divide(batch, axis.size);
    batchA = e.add(batchA, e.mul(index, axis.a)), batchB = e.add(batchB, e.mul(index, axis.b));
  }
}

ContractOperands::Row ContractOperands::row(Value index) {
  SmallVector<Value> indices = indicesOf(index);
  Row row{batchA, nullptr, nullptr, isLess(index, e.size(p.rowCount()))};
  for (auto [line, index] : llvm::zip(p.lines, indices))
    row.a = e.add(row.a, e.mul(index, line.a));
  Value y = indices[indices.size() - 2], x = indices.back();
  row.a = e.add(row.a, e.add(e.mul(y, p.y.a), e.mul(x, p.x.a)));
  if (p.isPadded()) {
    row.y = e.sub(e.mul(y, p.strideH), e.constant(p.top));
    row.x = e.sub(e.mul(x, p.strideW), e.constant(p.left));
  }
  return row;
}

ContractOperands::Column ContractOperands::column(Value index) {
  Column column{nullptr, isLess(index, e.size(p.n.size)), nullptr};
  if (!p.packed) {
    column.b = e.add(batchB, e.mul(index, p.n.b));
    return column;
  }
  auto [panel, lane] = e.divide(index, kern::panel);
  column.lane = lane;
  column.b = e.add(batchB, e.mul(panel, p.bPanel));
  if (!p.blocks)
    column.b = e.add(column.b, e.mul(lane, p.isOfBytes ? kern::bytesPerStep : 1));
  return column;
}

/// The tap that a slice is of, and which slice of the tap it is. A depth of 0 has no slice, but
/// numbers of those that do not exist come here too.
std::pair<Value, Value> ContractOperands::tapOf(Value number) {
  AffineExpr ofTap = normalForm(p.depth.ceilDiv(tile.steps));
  std::optional<int64_t> known = constantOf(ofTap);
  if (known && *known != 0) // the remainder is all that LLVM knows of a number's range
    return e.divideBelow(normalForm(slicesOf(p, tile) + tile.stages), number, ofTap);
  if (known || p.kh * p.kw == 1)
    return {e.constant(0), number};
  Value divisor = e.maximum(e.size(ofTap), e.constant(1));
  return {arith::DivUIOp::create(e.b, e.loc, number, divisor),
          arith::RemUIOp::create(e.b, e.loc, number, divisor)};
}

ContractOperands::Slice ContractOperands::slice(Value number) {
  Slice slice;
  slice.exists = isLess(number, slices);
  number = e.add(firstSlice, number);
  auto [tap, part] = tapOf(number);
  std::tie(slice.kh, slice.kw) =
      e.divideBelow(normalForm(slicesOf(p, tile) + tile.stages), tap, p.number(p.kw));
  slice.first = e.mul(part, tile.steps);
  slice.a = e.add(e.mul(slice.kh, normalForm(p.aH * p.dilationH)),
                  e.mul(slice.kw, normalForm(p.aW * p.dilationW)));
  slice.b = e.add(e.mul(slice.kh, p.bH), e.mul(slice.kw, p.bW));
  return slice;
}

ContractOperands::Source ContractOperands::source(const Row &row, const Slice &slice, Value step) {
  Value k = e.add(slice.first, step), exists = isLess(k, e.size(p.depth));
  exists = e.both(e.both(slice.exists, exists), row.exists);
  if (row.y) { // below 0 is far above as an unsigned number
    Value y = e.add(row.y, e.mul(slice.kh, p.dilationH));
    Value x = e.add(row.x, e.mul(slice.kw, p.dilationW));
    exists = e.both(exists, e.both(isLess(y, e.size(p.h)), isLess(x, e.size(p.w))));
  }
  return {exists, e.add(row.a, e.add(slice.a, e.mul(k, p.aK))), k};
}

ContractOperands::Source ContractOperands::source(const Column &column, const Slice &slice,
                                                  Value step) {
  Value k = e.add(slice.first, step), exists = isLess(k, e.size(p.depth));
  exists = e.both(e.both(slice.exists, exists), column.exists);
  return {exists, e.add(column.b, e.add(slice.b, e.mul(k, p.bK))), k};
}

Value ContractOperands::loadIf(Value condition, llvm::function_ref<Value()> load) {
  Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(word()));
  using Values = SmallVector<Value>;
  return e
      .choose(
          condition, word(), [&] { return Values{load()}; }, [&] { return Values{zero}; })
      .front();
}

Value ContractOperands::loadElement(Value buffer, Value at) {
  Value value = memref::LoadOp::create(e.b, e.loc, buffer, at);
  return value.getType() == word() ? value : arith::ExtFOp::create(e.b, e.loc, word(), value);
}

/// `count` bytes as one number.
Value ContractOperands::loadBytes(Value buffer, Value at, int64_t count, Type type) {
  auto bytes = VectorType::get({count}, e.b.getI8Type());
  Value value = vector::LoadOp::create(e.b, e.loc, bytes, buffer, at);
  value = vector::BitCastOp::create(e.b, e.loc, VectorType::get({1}, type), value);
  return vector::ExtractOp::create(e.b, e.loc, value, ArrayRef<int64_t>{0});
}

Value ContractOperands::loadA(const Source &source) {
  return loadIf(source.exists, [&]() -> Value {
    if (p.isOfBytes)
      return loadBytes(bufferA, source.offset, kern::bytesPerStep, e.b.getI32Type());
    return loadElement(bufferA, source.offset);
  });
}

/// (code - zero) * scale: see WeightBlocks.
Value ContractOperands::loadCode(const Column &column, Value k) {
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

Value ContractOperands::loadB(const Column &column, const Source &source) {
  return loadIf(source.exists, [&]() -> Value {
    if (p.isOfBytes)
      return loadBytes(bufferB, source.offset, kern::bytesPerStep, e.b.getI32Type());
    if (p.blocks)
      return loadCode(column, source.k);
    return loadElement(bufferB, source.offset);
  });
}
