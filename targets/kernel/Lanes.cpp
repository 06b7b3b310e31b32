#include "targets/kernel/Lanes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/Indices.h"

using namespace mlir;
using namespace nncc;

namespace {
Value zeros(Emitter &e, VectorType type) {
  return arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type));
}

/// [0, stride, 2 * stride, ...]: 32 bits a lane where they suffice, as gathers cost by index.
Value indices(Emitter &e, int64_t lanes, int64_t stride) {
  bool narrow = llvm::isInt<32>(lanes * stride);
  auto type = VectorType::get({lanes}, narrow ? e.b.getI32Type() : e.b.getI64Type());
  SmallVector<APInt> values;
  for (int64_t i = 0; i < lanes; ++i)
    values.emplace_back(narrow ? 32 : 64, i * stride, /*isSigned=*/true);
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, values));
}

Value indices(Emitter &e, int64_t lanes, AffineExpr stride) {
  if (auto known = constantOf(stride))
    return indices(e, lanes, *known);
  Value step = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), e.size(stride));
  auto type = VectorType::get({lanes}, e.b.getI64Type());
  SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq(lanes));
  Value count = arith::ConstantOp::create(e.b, e.loc, e.b.getI64VectorAttr(numbers));
  return arith::MulIOp::create(e.b, e.loc, count,
                               vector::BroadcastOp::create(e.b, e.loc, type, step));
}

Value allLanes(Emitter &e, int64_t lanes) {
  auto type = VectorType::get({lanes}, e.b.getI1Type());
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, true));
}

/// Whether the mask has the first lane alone.
bool isFirstLane(Value mask) {
  DenseIntElementsAttr bits;
  return mask && matchPattern(mask, m_Constant(&bits)) &&
         llvm::count(bits.getValues<bool>(), true) == 1 && *bits.value_begin<bool>();
}
} // namespace

Value nncc::loadLanes(Emitter &e, VectorType type, Value buffer, Value at, int64_t stride,
                      Value mask) {
  return loadLanes(e, type, buffer, at, e.b.getAffineConstantExpr(stride), mask);
}

void nncc::storeLanes(Emitter &e, Value value, Value buffer, Value at, int64_t stride, Value mask) {
  storeLanes(e, value, buffer, at, e.b.getAffineConstantExpr(stride), mask);
}

Value nncc::loadLanes(Emitter &e, VectorType type, Value buffer, Value at, AffineExpr stride,
                      Value mask) {
  int64_t lanes = type.getNumElements();
  if (isZero(stride))
    return vector::BroadcastOp::create(e.b, e.loc, type,
                                       memref::LoadOp::create(e.b, e.loc, buffer, at));
  if (isOne(stride) && !mask)
    return vector::LoadOp::create(e.b, e.loc, type, buffer, at);
  if (isOne(stride))
    return vector::MaskedLoadOp::create(e.b, e.loc, type, buffer, at, mask, zeros(e, type));
  return vector::GatherOp::create(e.b, e.loc, type, buffer, at, indices(e, lanes, stride),
                                  mask ? mask : allLanes(e, lanes), zeros(e, type));
}

void nncc::storeLanes(Emitter &e, Value value, Value buffer, Value at, AffineExpr stride,
                      Value mask) {
  int64_t lanes = cast<VectorType>(value.getType()).getNumElements();
  assert(!isZero(stride) && "lanes of one address");
  // Besides, LLVM 22 stores too many bytes where one lane of a truncated vector is stored under a
  // constant mask (x86's reduceMaskedStoreToScalarStore).
  if (isFirstLane(mask))
    memref::StoreOp::create(
        e.b, e.loc, vector::ExtractOp::create(e.b, e.loc, value, ArrayRef<int64_t>{0}), buffer, at);
  else if (isOne(stride) && !mask)
    vector::StoreOp::create(e.b, e.loc, value, buffer, at);
  else if (isOne(stride))
    vector::MaskedStoreOp::create(e.b, e.loc, buffer, at, mask, value);
  else
    vector::ScatterOp::create(e.b, e.loc, /*resultType=*/nullptr, buffer, at,
                              indices(e, lanes, stride), mask ? mask : allLanes(e, lanes), value);
}

Value nncc::firstLanes(Emitter &e, int64_t count, int64_t lanes) {
  if (count >= lanes)
    return nullptr;
  SmallVector<bool> bits(lanes, false);
  std::fill_n(bits.begin(), count, true);
  auto type = VectorType::get({lanes}, e.b.getI1Type());
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, bits));
}

Value nncc::firstLanes(Emitter &e, Value count, int64_t lanes) {
  if (auto known = getConstantIntValue(count))
    return firstLanes(e, *known, lanes);
  auto type = VectorType::get({lanes}, e.b.getI1Type());
  return vector::CreateMaskOp::create(e.b, e.loc, type, count);
}
