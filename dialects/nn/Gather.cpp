// Elements picked by index, and put by index: see Gather.td.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult GatherOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  const Fact &data = operands[0], &indices = operands[1];
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), data.rank(), error);
  if (failed(axis))
    return failure();
  Fact &result = results.emplace_back();
  result.element = data.element;
  result.shape = data.shape;
  result.shape.erase(result.shape.begin() + *axis);
  result.shape.insert(result.shape.begin() + *axis, indices.shape.begin(), indices.shape.end());
  std::optional<SmallVector<int64_t>> constants = indices.constants();
  int64_t size = data.size(*axis);
  if (!constants || ShapedType::isDynamic(size))
    return success();
  bool known = data.value && data.rank() == 1;
  if (known)
    result.value.emplace();
  for (int64_t index : *constants) {
    if (index < -size || index >= size)
      return error("expects indices from " + Twine(-size) + " to " + Twine(size - 1) + ", found " +
                   Twine(index));
    if (known)
      result.value->push_back((*data.value)[index < 0 ? index + size : index]);
  }
  return success();
}

/// Two operands of one rank that differ in size along `axis` at most, or are smaller.
static LogicalResult checkElementwiseIndices(int64_t axis, const Fact &data, const Fact &indices,
                                             Fact &result, EmitError error) {
  if (data.rank() != indices.rank())
    return error("expects data and indices of one rank, found " + Twine(data.rank()) + " and " +
                 Twine(indices.rank()));
  FailureOr<int64_t> normal = normalizeAxis(axis, data.rank(), error);
  if (failed(normal))
    return failure();
  for (int64_t i = 0; i < data.rank(); ++i) {
    AffineExpr most = data.shape[i], size = indices.shape[i];
    if (i != *normal && !result.mayBeZero(isLess(most, size)))
      return error("expects indices of at most " + textOf(most) + " elements in dim " + Twine(i) +
                   ", found " + textOf(size));
  }
  return success();
}

LogicalResult GatherElementsOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                      SmallVectorImpl<Fact> &results, EmitError error) {
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  result.shape = operands[1].shape;
  return checkElementwiseIndices(op.getAxis(), operands[0], operands[1], result, error);
}

/// The length of the tuples in the last dim of `indices`, which name dims of `data` after the first
/// `batch`.
static FailureOr<int64_t> tupleSize(const Fact &data, const Fact &indices, int64_t batch,
                                    EmitError error) {
  if (batch < 0 || batch >= std::min(data.rank(), indices.rank()))
    return error("expects data and indices of more dims than the batch, found " +
                 Twine(data.rank()) + " and " + Twine(indices.rank()));
  int64_t tuple = indices.size(indices.rank() - 1);
  if (ShapedType::isDynamic(tuple))
    return error("expects index tuples of a length that is known at compile time");
  if (tuple < 1 || tuple > data.rank() - batch)
    return error("expects index tuples of 1 to " + Twine(data.rank() - batch) + " elements");
  return tuple;
}

LogicalResult GatherNDOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  const Fact &data = operands[0], &indices = operands[1];
  FailureOr<int64_t> tuple = tupleSize(data, indices, op.getBatchDims(), error);
  if (failed(tuple))
    return failure();
  Fact &result = results.emplace_back();
  result.element = data.element;
  result.shape = indices.shape;
  result.shape.pop_back();
  for (int64_t i = 0, batch = op.getBatchDims(); i < batch; ++i)
    if (!result.mayEqual(data.shape[i], indices.shape[i]))
      return error("expects data and indices of one size in batch dim " + Twine(i));
  result.shape.append(data.shape.begin() + op.getBatchDims() + *tuple, data.shape.end());
  return success();
}

/// The result of a scatter is like `data`; `expected` is the shape that the updates must have.
static LogicalResult inferScatter(ArrayRef<Fact> operands, ScatterKind kind, const Shape &expected,
                                  SmallVectorImpl<Fact> &results, EmitError error) {
  Type element = operands[0].element;
  if (kind != ScatterKind::Replace && (isa<ComplexType>(element) || isCode(element)))
    return error("replaces elements of type " + typeName(element) +
                 ", but does not compute with them");
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  const Fact &updates = operands[2];
  if (updates.element != result.element)
    return error("expects data and updates of one element type");
  bool matches = expected.size() == updates.shape.size();
  for (size_t i = 0; matches && i < expected.size(); ++i)
    matches = result.mayEqual(expected[i], updates.shape[i]);
  return matches ? success() : error("expects updates of the shape that the indices give");
}

LogicalResult ScatterElementsOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                       SmallVectorImpl<Fact> &results, EmitError error) {
  if (failed(inferScatter(operands, op.getKind(), operands[1].shape, results, error)))
    return failure();
  return checkElementwiseIndices(op.getAxis(), operands[0], operands[1], results[0], error);
}

LogicalResult ScatterNDOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  FailureOr<int64_t> tuple = tupleSize(operands[0], operands[1], 0, error);
  if (failed(tuple))
    return failure();
  Shape expected = operands[1].shape;
  expected.pop_back();
  expected.append(operands[0].shape.begin() + *tuple, operands[0].shape.end());
  return inferScatter(operands, op.getKind(), expected, results, error);
}

/// What every lowering of this family needs: an index must have something to name, unless no
/// element is moved.
static LogicalResult expectLowerable(Operation *op, Value moved) {
  auto isEmpty = [&](Value value) {
    return constantOf(elementCount(shapeOf(value), op->getContext())) == 0;
  };
  if (isEmpty(op->getOperand(0)) && !isEmpty(op->getOperand(1)) && !isEmpty(moved))
    return op->emitOpError("expects data to pick from, found none");
  return success();
}

namespace {
/// The dims of a tensor that indices name.
struct Picked {
  Generics &g;
  Shape shape;
  SmallVector<OpFoldResult> sizes; // of the dims that are named, and those that are limited
  Value exists;                    // whether there is something to name; null: there is

  /// Indices name the dims [begin, end).
  Picked(Generics &g, Shape shape, int64_t begin, int64_t end)
      : g(g), shape(shape), sizes(shape.size()),
        exists(g.hasElements(ArrayRef(shape).slice(begin, end - begin))) {
    for (int64_t dim = begin; dim < end; ++dim)
      sizes[dim] = g.bound(shape[dim]);
  }
  /// The other dims are read at the loops of `loops`, whose sizes are known not to be larger, or
  /// open.
  void limit(ArrayRef<AffineExpr> loops) {
    for (auto [dim, size] : llvm::enumerate(loops))
      if (!sizes[dim] && size != shape[dim] && !(constantOf(size) && constantOf(shape[dim])))
        sizes[dim] = g.bound(shape[dim]), limited.push_back(shape[dim]);
    Value more = g.hasElements(limited);
    if (exists && more)
      exists = arith::AndIOp::create(g.b, g.loc, exists, more);
    else if (more)
      exists = more;
  }
  Value wrap(const IndexMath &m, Value index, int64_t dim) const {
    return m.wrap(index, sizes[dim]);
  }
  Value inside(const IndexMath &m, Value index, int64_t dim) const {
    return sizes[dim] ? m.clamp(index, sizes[dim]) : index;
  }

private:
  Shape limited;
};
} // namespace

FailureOr<SmallVector<Value>> GatherOp::lower(OpBuilder &b) {
  if (failed(expectLowerable(*this, getResult())))
    return failure();
  RankedTensorType data = getData().getType(), type = getType();
  int64_t axis = fromFront(getAxis(), data.getRank());
  int64_t picked = getIndices().getType().getRank(), rank = type.getRank();
  Generics g(b, getLoc());
  Picked named(g, shapeOf(data), axis, axis + 1);
  Value source = toStorage(b, getLoc(), getData());
  Read read{getIndices(), g.select(rank, llvm::to_vector(llvm::seq<int64_t>(axis, axis + picked)))};
  Value result =
      g.map(shapeOf(type), storageType(type.getElementType()), read,
            [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
              IndexMath m{inner, loc};
              SmallVector<Value> place;
              for (int64_t dim = 0; dim < data.getRank(); ++dim)
                place.push_back(dim == axis ? named.wrap(m, x[0], dim)
                                            : m.loop(dim < axis ? dim : dim + picked - 1));
              return m.extract(source, place, named.exists);
            });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> GatherElementsOp::lower(OpBuilder &b) {
  if (failed(expectLowerable(*this, getResult())))
    return failure();
  RankedTensorType type = getType();
  int64_t rank = type.getRank(), axis = fromFront(getAxis(), rank);
  Generics g(b, getLoc());
  Picked picked(g, shapeOf(getData()), axis, axis + 1);
  picked.limit(shapeOf(type));
  Value source = toStorage(b, getLoc(), getData());
  Value result =
      g.map(shapeOf(type), storageType(type.getElementType()), Read{getIndices(), g.identity(rank)},
            [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
              IndexMath m{inner, loc};
              SmallVector<Value> place;
              for (int64_t dim = 0; dim < rank; ++dim)
                place.push_back(dim == axis ? picked.wrap(m, x[0], dim)
                                            : picked.inside(m, m.loop(dim), dim));
              return m.extract(source, place, picked.exists);
            });
  return asResult(b, *this, result);
}

/// Each element of the tuples in the last dim of `indices`, in loops that start with its other
/// dims.
static SmallVector<Read> readTuples(OpBuilder &b, Value indices, int64_t loops) {
  auto type = cast<RankedTensorType>(indices.getType());
  SmallVector<Read> reads;
  for (int64_t i = 0; i < type.getDimSize(type.getRank() - 1); ++i) {
    SmallVector<AffineExpr> exprs;
    for (int64_t dim = 0; dim + 1 < type.getRank(); ++dim)
      exprs.push_back(b.getAffineDimExpr(dim));
    exprs.push_back(b.getAffineConstantExpr(i));
    reads.push_back({indices, AffineMap::get(loops, 0, exprs, b.getContext())});
  }
  return reads;
}

FailureOr<SmallVector<Value>> GatherNDOp::lower(OpBuilder &b) {
  if (failed(expectLowerable(*this, getResult())))
    return failure();
  RankedTensorType data = getData().getType(), type = getType();
  int64_t rank = type.getRank(), batch = getBatchDims();
  int64_t outer = getIndices().getType().getRank() - 1; // dims of the result before the slices
  Generics g(b, getLoc());
  Value source = toStorage(b, getLoc(), getData());
  SmallVector<Read> reads = readTuples(b, getIndices(), rank);
  int64_t tuple = reads.size();
  Picked picked(g, shapeOf(data), batch, batch + tuple);
  Shape batches = shapeOf(getIndices());
  batches.truncate(batch);
  picked.limit(batches);
  Value result = g.map(shapeOf(type), storageType(type.getElementType()), reads,
                       [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                         IndexMath m{inner, loc};
                         SmallVector<Value> place;
                         for (int64_t dim = 0; dim < data.getRank(); ++dim) {
                           if (dim < batch)
                             place.push_back(picked.inside(m, m.loop(dim), dim));
                           else if (dim < batch + tuple)
                             place.push_back(picked.wrap(m, x[dim - batch], dim));
                           else
                             place.push_back(m.loop(outer + dim - batch - tuple));
                         }
                         return m.extract(source, place, picked.exists);
                       });
  return asResult(b, *this, result);
}

/// What is at a place after an update.
static Value combine(ScatterKind kind, Type element, OpBuilder &b, Location loc, Value old,
                     Value update) {
  Value x[] = {widen(b, loc, old), widen(b, loc, update)};
  Type type =
      element.isInteger(1) ? IntegerType::get(b.getContext(), 1, IntegerType::Unsigned) : element;
  Value result;
  switch (kind) {
  case ScatterKind::Replace:
    return update;
  case ScatterKind::Add:
    result = byType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(type, b, loc, x);
    break;
  case ScatterKind::Mul:
    result = byType<arith::MulFOp, arith::MulIOp, arith::MulIOp>(type, b, loc, x);
    break;
  case ScatterKind::Max:
    result = byType<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(type, b, loc, x);
    break;
  case ScatterKind::Min:
    result = byType<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(type, b, loc, x);
    break;
  }
  return narrow(b, loc, result, old.getType());
}

/// The number of iterations of each loop over updates: no more than the sizes in `limits`, which
/// are known not to be smaller, or open; none where `exists` says that there is nothing to name.
static SmallVector<Value> loopSizes(Generics &g, ArrayRef<AffineExpr> updates,
                                    ArrayRef<Shape> limits, Value exists) {
  IndexMath m{g.b, g.loc};
  SmallVector<Value> sizes;
  for (auto [size, limit] : llvm::zip(updates, limits)) {
    Value count = m.value(g.bound(size));
    for (AffineExpr most : limit)
      if (most != size && !(constantOf(most) && constantOf(size)))
        count = arith::MinSIOp::create(g.b, g.loc, count, m.value(g.bound(most)));
    sizes.push_back(count);
  }
  if (!exists)
    return sizes;
  if (sizes.empty())
    sizes.push_back(m.constant(1));
  sizes.front() = arith::SelectOp::create(g.b, g.loc, exists, sizes.front(), m.constant(0));
  return sizes;
}

/// One loop per dim of the updates, in order; `place` tells where an update goes. A scatter writes
/// where its data say, which no linalg.generic can.
static Value scatter(Generics &g, Value data, Value updates, ArrayRef<Value> sizes,
                     ScatterKind kind, Type element,
                     llvm::function_ref<SmallVector<Value>(const IndexMath &, ValueRange)> place) {
  OpBuilder &b = g.b;
  Location loc = g.loc;
  int64_t rank = cast<RankedTensorType>(updates.getType()).getRank();
  auto update = [&](OpBuilder &inner, Location at, ValueRange all, ValueRange carried) {
    ValueRange loops = all.take_front(rank);
    SmallVector<Value> to = place({inner, at}, loops);
    Value old = tensor::ExtractOp::create(inner, at, carried[0], to);
    Value value = tensor::ExtractOp::create(inner, at, updates, loops);
    Value combined = combine(kind, element, inner, at, old, value);
    return scf::ValueVector{tensor::InsertOp::create(inner, at, combined, carried[0], to)};
  };
  if (sizes.empty())
    return update(b, loc, {}, data).front();
  SmallVector<Value> lows(sizes.size(), arith::ConstantIndexOp::create(b, loc, 0)),
      steps(sizes.size(), arith::ConstantIndexOp::create(b, loc, 1));
  return scf::buildLoopNest(b, loc, lows, sizes, steps, data, update).results.front();
}

FailureOr<SmallVector<Value>> ScatterElementsOp::lower(OpBuilder &b) {
  if (failed(expectLowerable(*this, getUpdates())))
    return failure();
  RankedTensorType type = getType();
  int64_t axis = fromFront(getAxis(), type.getRank());
  Generics g(b, getLoc());
  Shape shape = shapeOf(type), indices = shapeOf(getIndices());
  Picked picked(g, shape, axis, axis + 1);
  SmallVector<Shape> limits;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    limits.push_back({indices[dim]});
    if (dim != axis)
      limits.back().push_back(shape[dim]);
  }
  Value result = scatter(g, toStorage(b, getLoc(), getData()), toStorage(b, getLoc(), getUpdates()),
                         loopSizes(g, shapeOf(getUpdates()), limits, picked.exists), getKind(),
                         type.getElementType(), [&](const IndexMath &m, ValueRange loops) {
                           SmallVector<Value> place = llvm::to_vector(loops);
                           Value index = tensor::ExtractOp::create(m.b, m.loc, getIndices(), loops);
                           place[axis] = picked.wrap(m, index, axis);
                           return place;
                         });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> ScatterNDOp::lower(OpBuilder &b) {
  if (failed(expectLowerable(*this, getUpdates())))
    return failure();
  RankedTensorType type = getType(), indices = getIndices().getType();
  int64_t outer = indices.getRank() - 1, tuple = indices.getDimSize(outer);
  Generics g(b, getLoc());
  Shape shape = shapeOf(type), tuples = shapeOf(indices);
  Picked picked(g, shape, 0, tuple);
  SmallVector<Shape> limits;
  for (AffineExpr size : ArrayRef(tuples).drop_back())
    limits.push_back({size});
  for (AffineExpr size : ArrayRef(shape).drop_front(tuple))
    limits.push_back({size});
  Value result =
      scatter(g, toStorage(b, getLoc(), getData()), toStorage(b, getLoc(), getUpdates()),
              loopSizes(g, shapeOf(getUpdates()), limits, picked.exists), getKind(),
              type.getElementType(), [&](const IndexMath &m, ValueRange loops) {
                SmallVector<Value> place, from = llvm::to_vector(loops.take_front(outer));
                from.push_back({});
                for (int64_t i = 0; i < tuple; ++i) {
                  from.back() = m.constant(i);
                  Value index = tensor::ExtractOp::create(m.b, m.loc, getIndices(), from);
                  place.push_back(picked.wrap(m, index, i));
                }
                llvm::append_range(place, loops.drop_front(outer));
                return place;
              });
  return asResult(b, *this, result);
}

void NNDialect::addGatherOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Gather.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Gather.cpp.inc"
