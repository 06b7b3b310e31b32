#include "targets/kernel/BodyEvaluator.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;

/// The type with the shape of another one.
static Type shapedLike(Type element, Type like) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? VectorType::get(vector.getShape(), element) : element;
}

Value nncc::fromMemory(Emitter &e, Value value, Type element) {
  Type type = shapedLike(element, value.getType());
  if (type == value.getType())
    return value;
  if (element.isInteger(1)) {
    Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(value.getType()));
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne, value, zero);
  }
  return arith::BitcastOp::create(e.b, e.loc, type, value);
}

Value nncc::toMemory(Emitter &e, Value value, Type memory) {
  Type type = shapedLike(memory, value.getType());
  if (type == value.getType())
    return value;
  if (getElementTypeOrSelf(value).isInteger(1))
    return arith::ExtUIOp::create(e.b, e.loc, type, value);
  return arith::BitcastOp::create(e.b, e.loc, type, value);
}

Value BodyEvaluator::asVector(Emitter &e, Lanes &lanes, int64_t count) {
  if (lanes.vector)
    return lanes.vector;
  if (count == 1)
    return lanes.scalar;
  auto type = VectorType::get({count}, lanes.scalar.getType());
  lanes.vector = vector::BroadcastOp::create(e.b, e.loc, type, lanes.scalar);
  if (!lanes.countsUp)
    return lanes.vector;
  unsigned width = type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  SmallVector<APInt> steps;
  for (int64_t i = 0; i < count; ++i)
    steps.emplace_back(width, i);
  Value step = arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, steps));
  return lanes.vector = arith::AddIOp::create(e.b, e.loc, lanes.vector, step);
}

std::optional<Lanes> BodyEvaluator::lookup(Value value, const LaneMap &values) const {
  auto found = values.find(value);
  if (found != values.end())
    return found->second;
  if (!nest.body || nest.body->getParent()->isAncestor(value.getParentRegion()))
    return std::nullopt;
  return Lanes{value, nullptr, false}; // a scalar of the function
}

std::optional<Lanes> BodyEvaluator::index(Emitter &e, AffineExpr expression,
                                          const Points &points) const {
  for (auto [loop, value] : llvm::enumerate(points.loops))
    if (!value && expression.isFunctionOfDim(loop))
      return std::nullopt;
  std::optional<Linear> sum = linearOf(expression, nest.sizes.size());
  if (!sum) {
    SmallVector<Value> dims;
    for (Value value : points.loops)
      dims.push_back(value ? value : e.constant(0));
    return Lanes{e.expand(expression, dims), nullptr, false};
  }
  Value result = e.size(sum->constant);
  for (auto [value, factor] : llvm::zip(points.loops, sum->factors))
    if (!isZero(factor) && value)
      result = e.add(result, e.mul(value, factor));
  AffineExpr step = e.b.getAffineConstantExpr(0);
  if (points.vector >= 0)
    step = sum->factors[points.vector];
  if (isZero(step) || isOne(step))
    return Lanes{result, nullptr, isOne(step)};
  Lanes count{e.constant(0), nullptr, true};
  Lanes factor{e.size(step), nullptr, false}, first{result, nullptr, false};
  Value scaled = arith::MulIOp::create(e.b, e.loc, asVector(e, count, points.lanes),
                                       asVector(e, factor, points.lanes));
  return Lanes{nullptr, arith::AddIOp::create(e.b, e.loc, scaled, asVector(e, first, points.lanes)),
               false};
}

Value BodyEvaluator::scalarElement(Emitter &e, Value tensor, ValueRange indices) const {
  const Home &home = homes.of(tensor);
  const Base &base = homes.bases[home.base];
  AffineExpr flat = simplified(linearize(home.indices, base.shape, e.b.getContext()));
  Value at = e.expand(flat, indices);
  Value element = memref::LoadOp::create(e.b, e.loc, base.buffer, at);
  return fromMemory(e, element, cast<RankedTensorType>(tensor.getType()).getElementType());
}

Lanes BodyEvaluator::gather(Emitter &e, tensor::ExtractOp op, MutableArrayRef<Lanes> indices,
                            const Points &points) const {
  Place place = *homes.place(op.getTensor());
  Type memory = homes.bases[homes.of(op.getTensor()).base].element;
  auto type = VectorType::get({points.lanes}, memory);
  Value at = e.size(place.offset);
  Value offsets;
  bool isRow = true; // of neighbouring elements
  for (auto [index, stride] : llvm::zip(indices, place.strides)) {
    if (index.scalar && (!index.countsUp || isOne(stride))) {
      at = e.add(at, e.mul(index.scalar, stride));
      isRow &= !index.countsUp || !offsets;
    }
    bool isRowIndex = index.scalar && index.countsUp && isOne(stride);
    if (index.scalar && !index.countsUp)
      continue;
    Lanes steps = isRowIndex ? Lanes{e.constant(0), nullptr, true} : index;
    Lanes factor{e.size(stride), nullptr, false};
    Value part = asVector(e, steps, points.lanes);
    if (!isOne(stride))
      part = arith::MulIOp::create(e.b, e.loc, part, asVector(e, factor, points.lanes));
    isRow &= isRowIndex && !offsets;
    offsets = offsets ? arith::AddIOp::create(e.b, e.loc, offsets, part).getResult() : part;
  }
  Value buffer = homes.bases[homes.of(op.getTensor()).base].buffer, loaded;
  if (isRow) {
    loaded = loadLanes(e, type, buffer, at, 1, points.mask);
  } else {
    auto maskType = VectorType::get({points.lanes}, e.b.getI1Type());
    Value mask = points.mask;
    if (!mask)
      mask = arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(maskType, true));
    Value zeros = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type));
    loaded = vector::GatherOp::create(e.b, e.loc, type, buffer, at, offsets, mask, zeros);
  }
  return Lanes{nullptr, fromMemory(e, loaded, op.getType()), false};
}

std::optional<Lanes> BodyEvaluator::extract(Emitter &e, tensor::ExtractOp op, LaneMap &values,
                                            const Points &points, bool scalarOnly) const {
  SmallVector<Lanes> indices;
  SmallVector<Value> scalars;
  bool isUniform = true;
  for (Value index : op.getIndices()) {
    std::optional<Lanes> lanes = lookup(index, values);
    if (!lanes)
      return std::nullopt;
    indices.push_back(*lanes), scalars.push_back(lanes->scalar);
    isUniform &= lanes->scalar && !lanes->countsUp;
  }
  if (isUniform)
    return Lanes{scalarElement(e, op.getTensor(), scalars), nullptr, false};
  if (scalarOnly)
    return std::nullopt;
  return gather(e, op, indices, points);
}

void nncc::relaxZeros(Operation *op) {
  auto nsz = arith::FastMathFlags::nsz;
  if (auto maximum = dyn_cast<arith::MaximumFOp>(op))
    maximum.setFastmath(maximum.getFastmath() | nsz);
  if (auto minimum = dyn_cast<arith::MinimumFOp>(op))
    minimum.setFastmath(minimum.getFastmath() | nsz);
}

Operation *BodyEvaluator::cloneScalar(Emitter &e, Operation &op, const LaneMap &values,
                                      const Points &points) const {
  IRMapping map;
  for (const auto &[value, lanes] : values)
    map.map(value, lanes.scalar);
  Operation *clone = e.b.clone(op, map);
  relaxZeros(clone);
  if (op.getNumRegions() == 0)
    return clone;
  SmallVector<Operation *> replaced;
  clone->walk([&](Operation *inner) {
    if (isa<tensor::ExtractOp, linalg::IndexOp>(inner))
      replaced.push_back(inner);
  });
  for (Operation *inner : replaced) {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPoint(inner);
    Value value;
    if (auto extract = dyn_cast<tensor::ExtractOp>(inner))
      value = scalarElement(e, extract.getTensor(), extract.getIndices());
    else
      value = index(e, nest.loopIndices[cast<linalg::IndexOp>(inner).getDim()], points)->scalar;
    inner->getResult(0).replaceAllUsesWith(value);
    inner->erase();
  }
  return clone;
}

namespace {
/// Sums and casts of indices that count up do so too.
bool keepsCounting(Operation &op, ArrayRef<Lanes> operands) {
  int counting = llvm::count_if(operands, [](const Lanes &lanes) { return lanes.countsUp; });
  if (counting != 1 || llvm::any_of(operands, [](const Lanes &lanes) { return !lanes.scalar; }))
    return false;
  if (isa<arith::SubIOp>(op))
    return operands[0].countsUp;
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    return cast.getType().isIndex() || cast.getType().isInteger(64);
  return isa<arith::AddIOp>(op);
}
} // namespace

void BodyEvaluator::evaluateBranch(Emitter &e, scf::IfOp op, LaneMap &values,
                                   const Points &points) const {
  auto emit = [&](Block *block) {
    return [&, block](OpBuilder &, Location) {
      for (Operation &inner : block->without_terminator())
        evaluate(e, inner, values, points, /*scalarOnly=*/false);
      SmallVector<Value> results;
      for (Value result : block->getTerminator()->getOperands()) {
        Lanes lanes = *lookup(result, values);
        results.push_back(asVector(e, lanes, points.lanes));
      }
      scf::YieldOp::create(e.b, e.loc, results);
    };
  };
  Value condition = lookup(op.getCondition(), values)->scalar;
  auto branch =
      scf::IfOp::create(e.b, e.loc, condition, emit(op.thenBlock()), emit(op.elseBlock()));
  for (auto [old, result] : llvm::zip(op.getResults(), branch.getResults()))
    values[old] = Lanes{nullptr, result, false};
}

bool BodyEvaluator::evaluate(Emitter &e, Operation &op, LaneMap &values, const Points &points,
                             bool scalarOnly) const {
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    AffineExpr expression = nest.loopIndices[index.getDim()];
    if (scalarOnly && points.vector >= 0 && expression.isFunctionOfDim(points.vector))
      return false;
    std::optional<Lanes> lanes = this->index(e, expression, points);
    if (lanes)
      values[index.getResult()] = *lanes;
    return lanes.has_value();
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    std::optional<Lanes> lanes = this->extract(e, extract, values, points, scalarOnly);
    if (lanes)
      values[extract.getResult()] = *lanes;
    return lanes.has_value();
  }
  if (auto branch = dyn_cast<scf::IfOp>(op); branch && points.lanes > 1) {
    if (!scalarOnly)
      evaluateBranch(e, branch, values, points);
    return !scalarOnly;
  }
  SmallVector<Lanes> operands;
  for (Value operand : op.getOperands()) {
    std::optional<Lanes> lanes = lookup(operand, values);
    if (!lanes)
      return false;
    operands.push_back(*lanes);
  }
  bool isUniform =
      llvm::all_of(operands, [](const Lanes &lanes) { return lanes.scalar && !lanes.countsUp; });
  if (isUniform || keepsCounting(op, operands)) {
    if (op.getNumRegions() && scalarOnly)
      return false; // may need loops that are not known yet
    Operation *clone = cloneScalar(e, op, values, points);
    for (auto [old, result] : llvm::zip(op.getResults(), clone->getResults()))
      values[old] = Lanes{result, nullptr, !isUniform};
    return true;
  }
  if (scalarOnly)
    return false;
  IRMapping map;
  for (auto [operand, lanes] : llvm::zip(op.getOperands(), operands))
    map.map(operand, asVector(e, lanes, points.lanes));
  Operation *clone = e.b.clone(op, map);
  relaxZeros(clone);
  for (auto [old, result] : llvm::zip(op.getResults(), clone->getResults())) {
    result.setType(VectorType::get({points.lanes}, result.getType()));
    values[old] = Lanes{nullptr, result, false};
  }
  return true;
}

void BodyEvaluator::evaluate(Emitter &e, LaneMap &values, const Points &points,
                             bool scalarOnly) const {
  if (!nest.body)
    return;
  for (Operation &op : nest.body->without_terminator())
    if (op.getNumResults() == 0 || !values.contains(op.getResult(0)))
      evaluate(e, op, values, points, scalarOnly);
}
