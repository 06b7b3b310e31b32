#include "targets/cpu/WeightReader.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

static VectorType lanesOf(Type element) {
  return VectorType::get({WeightBlocks::columns}, element);
}

/// A constant in all lanes.
static Value splat(Emitter &e, int64_t value) {
  auto type = lanesOf(e.b.getI32Type());
  return arith::ConstantOp::create(
      e.b, e.loc, DenseElementsAttr::get(type, e.b.getI32IntegerAttr(int32_t(value))));
}

Value nncc::cpu::loadWeights(Emitter &e, VectorType type, Value buffer, Value at) {
  Type stored = cast<MemRefType>(buffer.getType()).getElementType();
  if (stored == type.getElementType())
    return vector::LoadOp::create(e.b, e.loc, type, buffer, at);
  // The high half of a float is what bf16 keeps.
  Value bits = vector::LoadOp::create(e.b, e.loc, lanesOf(stored), buffer, at);
  if (!stored.isInteger())
    bits = arith::BitcastOp::create(e.b, e.loc, lanesOf(e.b.getI16Type()), bits);
  bits = arith::ExtUIOp::create(e.b, e.loc, lanesOf(e.b.getI32Type()), bits);
  bits = arith::ShLIOp::create(e.b, e.loc, bits, splat(e, 16));
  return arith::BitcastOp::create(e.b, e.loc, type, bits);
}

SmallVector<BlockReader::Line> BlockReader::lines() {
  SmallVector<Line> lines;
  for (int64_t panel = 0; panel < count; ++panel) {
    Value at = e.add(block, panel * panelStride);
    Value scale = load(WeightBlocks::columns, e.b.getF32Type(), at);
    Value zero = load(WeightBlocks::columns, e.b.getI8Type(), e.add(at, WeightBlocks::scaleBytes));
    zero = arith::ExtUIOp::create(e.b, e.loc, lanesOf(e.b.getI32Type()), zero);
    Value offset = arith::MulFOp::create(e.b, e.loc, scale, toFloat(zero));
    lines.push_back({scale, arith::NegFOp::create(e.b, e.loc, offset)});
  }
  return lines;
}

Value BlockReader::load(int64_t elements, Type element, Value at) {
  int64_t bytes = elements * element.getIntOrFloatBitWidth() / 8;
  auto type = VectorType::get({bytes}, e.b.getI8Type());
  Value raw = vector::LoadOp::create(e.b, e.loc, type, buffer, at);
  auto wanted = VectorType::get({elements}, element);
  return wanted == type ? raw : vector::BitCastOp::create(e.b, e.loc, wanted, raw).getResult();
}

/// Of codes in i32, which are not negative.
Value BlockReader::toFloat(Value codes) {
  return arith::SIToFPOp::create(e.b, e.loc, lanesOf(e.b.getF32Type()), codes);
}

Value BlockReader::codesAt(Value index, int64_t panel) {
  Value first = e.add(e.add(block, WeightBlocks::headBytes), e.mul(index, WeightBlocks::columns));
  return e.add(first, panel * panelStride);
}

SmallVector<Value> BlockReader::codes(Value index) {
  SmallVector<Value> codes(rowsPerStep() * count);
  for (int64_t panel = 0; panel < count; ++panel) {
    Value bytes = load(WeightBlocks::columns, e.b.getI8Type(), codesAt(index, panel));
    bytes = arith::ExtUIOp::create(e.b, e.loc, lanesOf(e.b.getI32Type()), bytes);
    SmallVector<Value, 2> rows{bytes};
    if (format.bits == 4)
      rows = {arith::AndIOp::create(e.b, e.loc, bytes, splat(e, 15)),
              arith::ShRUIOp::create(e.b, e.loc, bytes, splat(e, 4))};
    for (auto [row, value] : llvm::enumerate(rows))
      codes[row * count + panel] = toFloat(value);
  }
  return codes;
}
