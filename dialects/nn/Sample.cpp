// Elements read at computed places: see Sample.td. Images are in GridSample.cpp.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"
#include "dialects/nn/Window.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// Whether the two sizes are known to differ.
static bool differ(int64_t x, int64_t y) {
  return !ShapedType::isDynamic(x) && !ShapedType::isDynamic(y) && x != y;
}

LogicalResult ReverseSequenceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                       SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &data = operands[0], &lengths = operands[1];
  int64_t time = op.getTimeAxis(), batch = op.getBatchAxis(), rank = data.rank();
  if (time < 0 || time >= rank || batch < 0 || batch >= rank || time == batch)
    return error("expects two different axes of the operand, found " + Twine(time) + " and " +
                 Twine(batch));
  if (lengths.rank() != 1 || differ(lengths.size(0), data.size(batch)))
    return error("expects one length for each element of axis " + Twine(batch));
  results.push_back(data);
  results.back().value.reset();
  return success();
}

LogicalResult CacheUpdateOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                   SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &cache = operands[0], &update = operands[1], &starts = operands[2];
  if (cache.element != update.element || cache.rank() != update.rank())
    return error("expects a cache and an update of one element type and rank");
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), cache.rank(), error);
  if (failed(axis))
    return failure();
  if (*axis == 0)
    return error("expects an axis behind the batch, found 0");
  for (int64_t dim = 0; dim < cache.rank(); ++dim)
    if (dim == *axis ? update.size(dim) > cache.size(dim) && !ShapedType::isDynamic(cache.size(dim))
                     : differ(update.size(dim), cache.size(dim)))
      return error("expects an update that fits the cache, found sizes " + Twine(update.size(dim)) +
                   " and " + Twine(cache.size(dim)) + " in dim " + Twine(dim));
  if (starts.rank() != 1 || differ(starts.size(0), cache.size(0)))
    return error("expects one start for each element of the batch");
  results.push_back(cache);
  results.back().value.reset();
  return success();
}

LogicalResult Col2ImOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  const Fact &columns = operands[0];
  MLIRContext *context = columns.element.getContext();
  if (columns.rank() != 3)
    return error("expects columns of rank 3, found " + Twine(columns.rank()));
  Shape windows;
  if (failed(inferWindow({op.getKernel(), op.getStrides(), op.getDilations(), op.getPads()},
                         makeShape(op.getImage(), context), windows, error)))
    return failure();
  int64_t count = 1, block = 1;
  for (int64_t size : op.getKernel())
    block *= size;
  for (AffineExpr size : windows)
    count *= cast<AffineConstantExpr>(size).getValue();
  if (differ(columns.size(2), count))
    return error("expects " + Twine(count) + " windows, found " + Twine(columns.size(2)));
  if (!ShapedType::isDynamic(columns.size(1)) && columns.size(1) % block != 0)
    return error("expects a multiple of " + Twine(block) + " rows, found " +
                 Twine(columns.size(1)));
  Fact &result = results.emplace_back();
  result.element = columns.element;
  result.shape = {columns.shape[0], columns.shape[1].floorDiv(block)};
  llvm::append_range(result.shape, makeShape(op.getImage(), context));
  return success();
}

FailureOr<SmallVector<Value>> ReverseSequenceOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType();
  int64_t rank = type.getRank(), time = getTimeAxis(), batch = getBatchAxis();
  Generics g(b, getLoc());
  Value source = toStorage(b, getLoc(), getOperand());
  Value result =
      g.map(type.getShape(), storageType(type.getElementType()),
            Read{getLengths(), g.select(rank, batch)},
            [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
              IndexMath m{inner, loc};
              Value length = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), x[0]);
              Value here = m.loop(time);
              Value mirrored = arith::SubIOp::create(inner, loc, m.add(length, -1), here);
              Value isInside =
                  arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::slt, here, length);
              SmallVector<Value> place;
              for (int64_t dim = 0; dim < rank; ++dim)
                place.push_back(m.loop(dim));
              place[time] = m.clamp(arith::SelectOp::create(inner, loc, isInside, mirrored, here),
                                    0, type.getDimSize(time) - 1);
              return tensor::ExtractOp::create(inner, loc, source, place);
            });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> CacheUpdateOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType();
  int64_t rank = type.getRank(), axis = fromFront(getAxis(), rank);
  int64_t size = type.getDimSize(axis), length = getUpdate().getType().getDimSize(axis);
  if (length == 0 || type.getNumElements() == 0)
    return SmallVector<Value>{getCache()};
  Generics g(b, getLoc());
  Value update = toStorage(b, getLoc(), getUpdate());
  Read reads[] = {{toStorage(b, getLoc(), getCache()), g.identity(rank)},
                  {getStarts(), g.select(rank, 0)}};
  Value result =
      g.map(type.getShape(), storageType(type.getElementType()), reads,
            [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
              IndexMath m{inner, loc};
              Value start = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), x[1]);
              Value from = arith::SubIOp::create(inner, loc, m.loop(axis), start);
              if (getCircular()) {
                Value turned = arith::RemSIOp::create(inner, loc, from, m.constant(size));
                from = arith::RemSIOp::create(inner, loc, m.add(turned, size), m.constant(size));
              }
              SmallVector<Value> place;
              for (int64_t dim = 0; dim < rank; ++dim)
                place.push_back(m.loop(dim));
              place[axis] = m.clamp(from, 0, length - 1);
              Value value = tensor::ExtractOp::create(inner, loc, update, place);
              return arith::SelectOp::create(inner, loc, m.inside(from, 0, length), value, x[0]);
            });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> Col2ImOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType();
  Type storage = storageType(type.getElementType()), compute = computeType(storage);
  int64_t rank = type.getRank(), spatial = rank - 2;
  ArrayRef<int64_t> kernel = getKernel(), strides = getStrides(), dilations = getDilations();
  SmallVector<int64_t> loops(type.getShape()), axes;
  for (int64_t i = 0; i < spatial; ++i) {
    axes.push_back(rank + i);
    loops.push_back(kernel[i]);
  }
  Generics g(b, getLoc());
  Value columns = toStorage(b, getLoc(), getColumns());
  // No operand has the dims of the kernel: the zeros for what is outside tell their sizes.
  Value zero = scalar(b, getLoc(), compute, 0);
  Value empty = tensor::EmptyOp::create(b, getLoc(), kernel, compute);
  Value zeros = linalg::FillOp::create(b, getLoc(), zero, empty).getResult(0);
  Value sum = g.reduce(
      loops, axes, zero, Read{zeros, g.select(loops.size(), axes)},
      [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        IndexMath m{inner, loc};
        Value row = m.loop(1), window = m.constant(0);
        Value isInside = arith::ConstantIntOp::create(inner, loc, 1, 1);
        for (int64_t i = 0; i < spatial; ++i) {
          int64_t windows = (getImage()[i] + getPads()[i] + getPads()[spatial + i] -
                             dilations[i] * (kernel[i] - 1) - 1) /
                                strides[i] +
                            1;
          row = m.add(m.mul(row, kernel[i]), m.loop(rank + i));
          Value offset = m.add(m.mul(m.loop(rank + i), -dilations[i]), getPads()[i]);
          Value start = m.add(m.loop(2 + i), offset);
          Value at = arith::DivSIOp::create(inner, loc, start, m.constant(strides[i]));
          Value isStart = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq,
                                                m.mul(at, strides[i]), start);
          isInside = arith::AndIOp::create(inner, loc, isInside, isStart);
          isInside = arith::AndIOp::create(inner, loc, isInside, m.inside(at, 0, windows));
          window = m.add(m.mul(window, windows), m.clamp(at, 0, windows - 1));
        }
        Value place[] = {m.loop(0), row, window};
        Value value = widen(inner, loc, tensor::ExtractOp::create(inner, loc, columns, place));
        value = arith::SelectOp::create(inner, loc, isInside, value, x[0]);
        Value terms[] = {x.back(), value};
        return byType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(compute, inner, loc, terms);
      });
  if (compute != storage)
    sum = g.map(type.getShape(), storage, Read{sum, g.identity(rank)},
                [&](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, *this, sum);
}

void NNDialect::addSampleOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Sample.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Sample.cpp.inc"
