#include "dialects/nn/Generics.h"

#include "dialects/rt/RT.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;

namespace nncc::nn {

Type computeType(Type element) {
  auto type = dyn_cast<FloatType>(element);
  return type && type.getWidth() < 32 ? Float32Type::get(element.getContext()) : element;
}

Value widen(OpBuilder &b, Location loc, Value x) {
  Type type = computeType(x.getType());
  return type == x.getType() ? x : Value(arith::ExtFOp::create(b, loc, type, x));
}

Value narrow(OpBuilder &b, Location loc, Value x, Type type) {
  auto from = dyn_cast<FloatType>(x.getType());
  auto to = dyn_cast<FloatType>(type);
  if (!from || !to || from == to)
    return x;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(b, loc, type, x);
  return arith::TruncFOp::create(b, loc, type, x);
}

Value scalar(OpBuilder &b, Location loc, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

static linalg::GenericOp buildGeneric(OpBuilder &b, Location loc, ArrayRef<Read> reads, Value init,
                                      AffineMap output, ArrayRef<utils::IteratorType> iterators,
                                      Generics::Body body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Read &read : reads) {
    inputs.push_back(read.tensor);
    maps.push_back(read.map);
  }
  maps.push_back(output);
  return linalg::GenericOp::create(b, loc, init.getType(), inputs, init, maps, iterators,
                                   [&](OpBuilder &inner, Location at, ValueRange x) {
                                     linalg::YieldOp::create(inner, at, body(inner, at, x));
                                   });
}

Value Generics::size(AffineExpr expression) {
  return buildSize(b, loc, expression, [&](unsigned number) -> Value {
    return rt::SymbolOp::create(b, loc, b.getIndexType(), number);
  });
}

OpFoldResult Generics::bound(AffineExpr expression) {
  if (std::optional<int64_t> constant = constantOf(normalForm(expression)))
    return b.getIndexAttr(*constant);
  return size(normalForm(expression));
}

SmallVector<OpFoldResult> Generics::bounds(ArrayRef<AffineExpr> expressions) {
  return llvm::map_to_vector(expressions, [&](AffineExpr size) { return bound(size); });
}

Value Generics::hasElements(ArrayRef<AffineExpr> sizes) {
  Value result, zero;
  for (AffineExpr size : sizes) {
    if (constantOf(size))
      continue;
    if (!zero)
      zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, this->size(size), zero);
    result = result ? arith::AndIOp::create(b, loc, result, some).getResult() : some;
  }
  return result;
}

Value Generics::empty(ArrayRef<AffineExpr> shape, Type element) {
  RankedTensorType type = tensorOf(shape, element);
  SmallVector<Value> open;
  for (AffineExpr size : shapeOf(type))
    if (!constantOf(size))
      open.push_back(this->size(size));
  return tensor::EmptyOp::create(b, loc, type, open);
}

Value Generics::map(ArrayRef<AffineExpr> shape, Type element, ArrayRef<Read> reads, Body body) {
  Value init = empty(shape, element);
  SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
  return buildGeneric(b, loc, reads, init, identity(shape.size()), iterators,
                      [&](OpBuilder &inner, Location at, ValueRange x) {
                        return narrow(inner, at, body(inner, at, x.drop_back()), element);
                      })
      .getResult(0);
}

Value Generics::reduce(ArrayRef<AffineExpr> loops, ArrayRef<int64_t> axes, Value init,
                       ArrayRef<Read> reads, Body body) {
  SmallVector<utils::IteratorType> iterators;
  Shape shape;
  for (auto [dim, size] : llvm::enumerate(loops)) {
    bool reduced = llvm::is_contained(axes, dim);
    iterators.push_back(reduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (!reduced)
      shape.push_back(size);
  }
  Value filled = linalg::FillOp::create(b, loc, init, empty(shape, init.getType())).getResult(0);
  return buildGeneric(b, loc, reads, filled, without(loops.size(), axes), iterators, body)
      .getResult(0);
}

Value Generics::moveByIndex(Value operand, ArrayRef<AffineExpr> shape, Value exists, Index index) {
  return map(shape, getElementTypeOrSelf(operand), {}, [&](OpBuilder &, Location at, ValueRange) {
    IndexMath m{b, at};
    SmallVector<Value> indices;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      indices.push_back(index(m, dim, m.loop(dim)));
    return m.extract(operand, indices, exists);
  });
}

Value Generics::repeat(Value operand, ArrayRef<AffineExpr> target) {
  Shape sizes = shapeOf(operand), shape = sizes;
  target = target.take_back(sizes.size());
  if (broadcastsAlike(sizes, target))
    return operand;
  for (auto [size, whole] : llvm::zip(shape, target))
    size = broadcastsAlike(size, whole) ? size : whole;
  SmallVector<OpFoldResult> known = bounds(sizes);
  return moveByIndex(operand, shape, /*exists=*/{},
                     [&](const IndexMath &m, int64_t dim, Value place) {
                       return shape[dim] == sizes[dim] ? place : m.clamp(place, known[dim]);
                     });
}

Value Generics::integers(RankedTensorType type, ArrayRef<AffineExpr> elements) {
  SmallVector<int64_t> constants;
  for (AffineExpr element : elements)
    if (std::optional<int64_t> constant = constantOf(normalForm(element)))
      constants.push_back(*constant);
  if (constants.size() == elements.size()) {
    auto attribute = DenseElementsAttr::get(
        type, llvm::map_to_vector(constants, [&](int64_t value) {
          return APInt(64, value, /*isSigned=*/true).trunc(type.getElementTypeBitWidth());
        }));
    return arith::ConstantOp::create(b, loc, attribute);
  }
  SmallVector<Value> values;
  for (AffineExpr element : elements)
    values.push_back(
        arith::IndexCastOp::create(b, loc, type.getElementType(), size(normalForm(element))));
  SmallVector<int64_t> sizes(type.getShape());
  return map(
      shapeOf(type), type.getElementType(), {}, [&](OpBuilder &inner, Location at, ValueRange) {
        IndexMath m{inner, at};
        Value place = m.constant(0), result = values.back();
        for (auto [dim, size] : llvm::enumerate(sizes))
          place = m.add(m.mul(place, size), m.loop(dim));
        for (size_t i = values.size() - 1; i-- > 0;) {
          Value isHere =
              arith::CmpIOp::create(inner, at, arith::CmpIPredicate::eq, place, m.constant(i));
          result = arith::SelectOp::create(inner, at, isHere, values[i], result);
        }
        return result;
      });
}

/// The dims of the longer shape that make each dim of the shorter one, if it is so.
static std::optional<SmallVector<ReassociationIndices>> groupDims(ArrayRef<AffineExpr> many,
                                                                  ArrayRef<AffineExpr> few) {
  SmallVector<ReassociationIndices> groups;
  size_t next = 0;
  for (AffineExpr whole : few) {
    ReassociationIndices &group = groups.emplace_back();
    AffineExpr product = getAffineConstantExpr(1, whole.getContext());
    do {
      if (next == many.size())
        return std::nullopt;
      product = normalForm(product * many[next]);
      group.push_back(next++);
    } while (product != whole);
  }
  for (; next < many.size() && !groups.empty() && constantOf(many[next]) == 1; ++next)
    groups.back().push_back(next);
  return next == many.size() && !groups.empty() ? std::make_optional(groups) : std::nullopt;
}

static std::optional<SmallVector<ReassociationIndices>> groupsOf(RankedTensorType from,
                                                                 RankedTensorType to) {
  if (from.hasStaticShape() && to.hasStaticShape())
    return getReassociationIndicesForReshape(from, to);
  return from.getRank() > to.getRank() ? groupDims(shapeOf(from), shapeOf(to))
                                       : groupDims(shapeOf(to), shapeOf(from));
}

/// tensor.expand_shape, which takes sizes as values.
static Value expand(Generics &g, RankedTensorType to, Value tensor,
                    ArrayRef<ReassociationIndices> groups) {
  if (to.hasStaticShape())
    return tensor::ExpandShapeOp::create(g.b, g.loc, to, tensor, groups);
  return tensor::ExpandShapeOp::create(g.b, g.loc, to, tensor, groups, g.bounds(shapeOf(to)));
}

Value Generics::reshape(Value tensor, ArrayRef<AffineExpr> shape) {
  auto from = cast<RankedTensorType>(tensor.getType());
  RankedTensorType to = tensorOf(shape, from.getElementType());
  if (from == to)
    return tensor;
  AffineExpr count = elementCount(shapeOf(from), b.getContext()),
             wanted = elementCount(shapeOf(to), b.getContext());
  if (constantOf(wanted) == 0) // of nothing; 0 x ? is known to be 0 where ? is not
    return empty(shape, from.getElementType());
  auto groups = from.getRank() != to.getRank() ? groupsOf(from, to) : std::nullopt;
  if (groups && from.getRank() > to.getRank())
    return tensor::CollapseShapeOp::create(b, loc, to, tensor, *groups);
  if (groups)
    return expand(*this, to, tensor, *groups);
  // Through one dim.
  auto all = [](int64_t rank) {
    return SmallVector<ReassociationIndices>{llvm::to_vector<2>(llvm::seq<int64_t>(0, rank))};
  };
  Type element = from.getElementType();
  if (from.getRank() > 1)
    tensor = tensor::CollapseShapeOp::create(b, loc, tensorOf(count, element), tensor,
                                             all(from.getRank()));
  if (count != wanted) { // equal when the program runs
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    tensor = tensor::ExtractSliceOp::create(b, loc, tensorOf(wanted, element), tensor, zero,
                                            bound(wanted), one);
  }
  if (to.getRank() == 1)
    return tensor;
  if (to.getRank() == 0)
    return tensor::CollapseShapeOp::create(b, loc, to, tensor, ArrayRef<ReassociationIndices>());
  return expand(*this, to, tensor, all(to.getRank()));
}

AffineMap Generics::without(int64_t loops, ArrayRef<int64_t> axes) const {
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < loops; ++dim)
    if (!llvm::is_contained(axes, dim))
      dims.push_back(dim);
  return select(loops, dims);
}

AffineMap Generics::select(int64_t loops, ArrayRef<int64_t> dims) const {
  SmallVector<AffineExpr> exprs;
  for (int64_t dim : dims)
    exprs.push_back(b.getAffineDimExpr(dim));
  return AffineMap::get(loops, 0, exprs, b.getContext());
}

std::optional<int64_t> knownSize(OpFoldResult size) {
  auto attribute = dyn_cast<Attribute>(size);
  return attribute ? std::make_optional(cast<IntegerAttr>(attribute).getInt()) : std::nullopt;
}

Value IndexMath::constant(int64_t value) const {
  return arith::ConstantIndexOp::create(b, loc, value);
}
Value IndexMath::value(OpFoldResult size) const {
  return getValueOrCreateConstantIndexOp(b, loc, size);
}
Value IndexMath::loop(int64_t dim) const { return linalg::IndexOp::create(b, loc, dim); }
Value IndexMath::add(Value x, int64_t y) const {
  return y ? arith::AddIOp::create(b, loc, x, constant(y)) : x;
}
Value IndexMath::add(Value x, OpFoldResult y) const {
  if (std::optional<int64_t> known = knownSize(y))
    return add(x, *known);
  return arith::AddIOp::create(b, loc, x, cast<Value>(y));
}
Value IndexMath::mul(Value x, int64_t y) const {
  return y == 1 ? x : Value(arith::MulIOp::create(b, loc, x, constant(y)));
}
Value IndexMath::mul(Value x, OpFoldResult y) const {
  if (std::optional<int64_t> known = knownSize(y))
    return mul(x, *known);
  return arith::MulIOp::create(b, loc, x, cast<Value>(y));
}
Value IndexMath::sub(Value x, Value y) const { return arith::SubIOp::create(b, loc, x, y); }

Value IndexMath::last(OpFoldResult size) const {
  if (std::optional<int64_t> known = knownSize(size))
    return constant(*known - 1);
  return add(cast<Value>(size), -1);
}

Value IndexMath::clamp(Value x, OpFoldResult size) const {
  Value most = arith::MinSIOp::create(b, loc, x, last(size));
  return arith::MaxSIOp::create(b, loc, most, constant(0));
}

Value IndexMath::wrap(Value index, OpFoldResult size) const {
  if (!index.getType().isIndex())
    index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, constant(0));
  Value counted = arith::SelectOp::create(b, loc, negative, add(index, size), index);
  return clamp(counted, size);
}

Value IndexMath::inside(Value x, OpFoldResult size) const {
  Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, x, constant(0));
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, value(size));
  return arith::AndIOp::create(b, loc, above, below);
}

Value IndexMath::toFloat(OpFoldResult size, Type type) const {
  if (std::optional<int64_t> known = knownSize(size))
    return scalar(b, loc, type, *known);
  Value integer = arith::IndexCastOp::create(b, loc, b.getI64Type(), cast<Value>(size));
  return arith::SIToFPOp::create(b, loc, type, integer);
}

Value IndexMath::extract(Value tensor, ValueRange indices, Value exists) const {
  if (!exists)
    return tensor::ExtractOp::create(b, loc, tensor, indices);
  auto element = [&](OpBuilder &inner, Location at) {
    Value read = tensor::ExtractOp::create(inner, at, tensor, indices);
    scf::YieldOp::create(inner, at, read);
  };
  auto none = [&](OpBuilder &inner, Location at) {
    TypedAttr zero = inner.getZeroAttr(getElementTypeOrSelf(tensor));
    scf::YieldOp::create(inner, at, arith::ConstantOp::create(inner, at, zero).getResult());
  };
  return scf::IfOp::create(b, loc, exists, element, none).getResult(0);
}

SmallVector<Fact> factsOf(ValueRange values) { return llvm::map_to_vector(values, factOf); }

SmallVector<Value> asResult(OpBuilder &b, Operation *op, Value tensor) {
  Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  return {fromStorage(b, op->getLoc(), tensor, element)};
}

} // namespace nncc::nn
