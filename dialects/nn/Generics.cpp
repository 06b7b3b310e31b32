#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
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

Value Generics::map(ArrayRef<int64_t> shape, Type element, ArrayRef<Read> reads, Body body) {
  Value init = tensor::EmptyOp::create(b, loc, shape, element);
  SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
  return buildGeneric(b, loc, reads, init, identity(shape.size()), iterators,
                      [&](OpBuilder &inner, Location at, ValueRange x) {
                        return narrow(inner, at, body(inner, at, x.drop_back()), element);
                      })
      .getResult(0);
}

Value Generics::reduce(ArrayRef<int64_t> loops, ArrayRef<int64_t> axes, Value init,
                       ArrayRef<Read> reads, Body body) {
  SmallVector<utils::IteratorType> iterators;
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(loops)) {
    bool reduced = llvm::is_contained(axes, dim);
    iterators.push_back(reduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (!reduced)
      shape.push_back(size);
  }
  Value empty = tensor::EmptyOp::create(b, loc, shape, init.getType());
  Value filled = linalg::FillOp::create(b, loc, init, empty).getResult(0);
  return buildGeneric(b, loc, reads, filled, without(loops.size(), axes), iterators, body)
      .getResult(0);
}

Value Generics::reshape(Value tensor, ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(tensor.getType());
  RankedTensorType to = from.clone(shape);
  if (from == to)
    return tensor;
  if (auto groups = getReassociationIndicesForReshape(from, to)) {
    if (from.getRank() > to.getRank())
      return tensor::CollapseShapeOp::create(b, loc, to, tensor, *groups);
    return tensor::ExpandShapeOp::create(b, loc, to, tensor, *groups);
  }
  // Through one dim.
  auto all = [](int64_t rank) {
    return SmallVector<ReassociationIndices>{llvm::to_vector<2>(llvm::seq<int64_t>(0, rank))};
  };
  if (from.getRank() > 1)
    tensor = tensor::CollapseShapeOp::create(b, loc, from.clone({from.getNumElements()}), tensor,
                                             all(from.getRank()));
  if (to.getRank() == 1)
    return tensor;
  return tensor::ExpandShapeOp::create(b, loc, to, tensor, all(to.getRank()));
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

Value IndexMath::constant(int64_t value) const {
  return arith::ConstantIndexOp::create(b, loc, value);
}
Value IndexMath::loop(int64_t dim) const { return linalg::IndexOp::create(b, loc, dim); }
Value IndexMath::add(Value x, int64_t y) const { return y ? add(x, constant(y)) : x; }
Value IndexMath::add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
Value IndexMath::mul(Value x, int64_t y) const {
  return y == 1 ? x : Value(arith::MulIOp::create(b, loc, x, constant(y)));
}
Value IndexMath::clamp(Value x, int64_t low, int64_t high) const {
  Value most = arith::MinSIOp::create(b, loc, x, constant(high));
  return arith::MaxSIOp::create(b, loc, most, constant(low));
}

Value IndexMath::wrap(Value index, int64_t size) const {
  if (!index.getType().isIndex())
    index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, constant(0));
  Value counted = arith::SelectOp::create(b, loc, negative, add(index, size), index);
  return clamp(counted, 0, size - 1);
}

Value IndexMath::inside(Value x, int64_t low, int64_t high) const {
  Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, x, constant(low));
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, constant(high));
  return arith::AndIOp::create(b, loc, above, below);
}

LogicalResult expectStatic(Operation *op) {
  auto isStatic = [](Type type) { return cast<ShapedType>(type).hasStaticShape(); };
  if (llvm::all_of(op->getOperandTypes(), isStatic) && llvm::all_of(op->getResultTypes(), isStatic))
    return success();
  return op->emitOpError("cannot be lowered: its sizes are not known at compile time");
}

SmallVector<Fact> factsOf(ValueRange values) { return llvm::map_to_vector(values, factOf); }

SmallVector<Value> asResult(OpBuilder &b, Operation *op, Value tensor) {
  Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  return {fromStorage(b, op->getLoc(), tensor, element)};
}

} // namespace nncc::nn
