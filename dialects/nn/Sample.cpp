// Elements read at computed places: see Sample.td. Images are in GridSample.cpp.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"
#include "dialects/nn/Window.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult ReverseSequenceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                       SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &data = operands[0], &lengths = operands[1];
  int64_t time = op.getTimeAxis(), batch = op.getBatchAxis(), rank = data.rank();
  if (time < 0 || time >= rank || batch < 0 || batch >= rank || time == batch)
    return error("expects two different axes of the operand, found " + Twine(time) + " and " +
                 Twine(batch));
  Fact &result = results.emplace_back(data);
  result.value.reset();
  if (lengths.rank() != 1 || !result.mayEqual(lengths.shape[0], data.shape[batch]))
    return error("expects one length for each element of axis " + Twine(batch));
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
  Fact &result = results.emplace_back(cache);
  result.value.reset();
  for (int64_t dim = 0; dim < cache.rank(); ++dim) {
    AffineExpr size = update.shape[dim], room = cache.shape[dim];
    if (dim == *axis ? !result.mayBeZero(isLess(room, size)) : !result.mayEqual(size, room))
      return error("expects an update that fits the cache, found sizes " + textOf(size) + " and " +
                   textOf(room) + " in dim " + Twine(dim));
  }
  if (starts.rank() != 1 || !result.mayEqual(starts.shape[0], cache.shape[0]))
    return error("expects one start for each element of the batch");
  return success();
}

namespace {
/// The sizes of a col2im.
struct Columns {
  Shape image, kernel, windows;
};
} // namespace

/// The sizes that the operands of a col2im mean.
static FailureOr<Columns> resolveColumns(Col2ImOp::Adaptor op, const Fact &image,
                                         const Fact &kernel, EmitError error) {
  if (!image.value || !kernel.value)
    return error("expects an image and a kernel of sizes known before the program runs");
  Columns columns{*image.value, *kernel.value, {}};
  size_t rank = columns.image.size();
  ArrayRef<int64_t> pads = op.getPads();
  SmallVector<int64_t> ones(rank, 1), sizes;
  for (AffineExpr size : columns.kernel)
    sizes.push_back(constantOf(size).value_or(1));
  // Checks what is known; where a kernel is open, its windows are counted here.
  if (failed(inferWindow({sizes, op.getStrides(), op.getDilations(), pads}, columns.image,
                         columns.windows, error)))
    return failure();
  for (size_t i = 0; i < rank; ++i)
    if (!constantOf(columns.kernel[i])) {
      AffineExpr covered = (columns.kernel[i] - 1) * op.getDilations()[i] + 1;
      AffineExpr room = columns.image[i] + (pads[i] + pads[rank + i]) - covered;
      columns.windows[i] = room.floorDiv(op.getStrides()[i]) + 1;
    }
  return columns;
}

LogicalResult Col2ImOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  const Fact &columns = operands[0];
  MLIRContext *context = columns.element.getContext();
  if (columns.rank() != 3)
    return error("expects columns of rank 3, found " + Twine(columns.rank()));
  FailureOr<Columns> sizes = resolveColumns(op, operands[1], operands[2], error);
  if (failed(sizes))
    return failure();
  AffineExpr count = elementCount(sizes->windows, context),
             block = elementCount(sizes->kernel, context);
  Fact &result = results.emplace_back();
  if (!result.mayBeZero(columns.shape[2] - count))
    return error("expects " + textOf(count) + " windows, found " + textOf(columns.shape[2]));
  if (!result.mayBeZero(columns.shape[1] % block))
    return error("expects a multiple of " + textOf(block) + " rows, found " +
                 textOf(columns.shape[1]));
  result.element = columns.element;
  result.shape = {columns.shape[0], columns.shape[1].floorDiv(block)};
  llvm::append_range(result.shape, sizes->image);
  return success();
}

FailureOr<SmallVector<Value>> ReverseSequenceOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  int64_t rank = type.getRank(), time = getTimeAxis(), batch = getBatchAxis();
  Generics g(b, getLoc());
  OpFoldResult size = g.bound(shapeOf(type)[time]);
  Value source = toStorage(b, getLoc(), getOperand());
  Value result = g.map(
      shapeOf(type), storageType(type.getElementType()), Read{getLengths(), g.select(rank, batch)},
      [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        IndexMath m{inner, loc};
        Value length = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), x[0]);
        Value here = m.loop(time);
        Value mirrored = arith::SubIOp::create(inner, loc, m.add(length, -1), here);
        Value isInside = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::slt, here, length);
        SmallVector<Value> place;
        for (int64_t dim = 0; dim < rank; ++dim)
          place.push_back(m.loop(dim));
        place[time] = m.clamp(arith::SelectOp::create(inner, loc, isInside, mirrored, here), size);
        return tensor::ExtractOp::create(inner, loc, source, place);
      });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> CacheUpdateOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  int64_t rank = type.getRank(), axis = fromFront(getAxis(), rank);
  Shape shape = shapeOf(type), updated = shapeOf(getUpdate());
  if (constantOf(updated[axis]) == 0 || constantOf(elementCount(shape, getContext())) == 0)
    return SmallVector<Value>{getCache()};
  Generics g(b, getLoc());
  OpFoldResult size = g.bound(shape[axis]), length = g.bound(updated[axis]);
  Value exists = g.hasElements(updated[axis]);
  Value update = toStorage(b, getLoc(), getUpdate());
  Read reads[] = {{toStorage(b, getLoc(), getCache()), g.identity(rank)},
                  {getStarts(), g.select(rank, 0)}};
  Value result =
      g.map(shape, storageType(type.getElementType()), reads,
            [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
              IndexMath m{inner, loc};
              Value start = arith::IndexCastOp::create(inner, loc, inner.getIndexType(), x[1]);
              Value from = arith::SubIOp::create(inner, loc, m.loop(axis), start);
              if (getCircular()) {
                Value turned = arith::RemSIOp::create(inner, loc, from, m.value(size));
                turned = m.add(turned, size);
                from = arith::RemSIOp::create(inner, loc, turned, m.value(size));
              }
              SmallVector<Value> place;
              for (int64_t dim = 0; dim < rank; ++dim)
                place.push_back(m.loop(dim));
              place[axis] = m.clamp(from, length);
              Value value = m.extract(update, place, exists);
              return arith::SelectOp::create(inner, loc, m.inside(from, length), value, x[0]);
            });
  return asResult(b, *this, result);
}

FailureOr<SmallVector<Value>> Col2ImOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  Type storage = storageType(type.getElementType()), compute = computeType(storage);
  int64_t rank = type.getRank(), spatial = rank - 2;
  ArrayRef<int64_t> strides = getStrides(), dilations = getDilations();
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<Columns> resolved =
      resolveColumns(Adaptor(*this), factOf(getImage()), factOf(getKernel()), error);
  if (failed(resolved))
    return failure();
  Shape loops = shapeOf(type);
  llvm::append_range(loops, resolved->kernel);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(rank, rank + spatial));
  Generics g(b, getLoc());
  Value columns = toStorage(b, getLoc(), getColumns());
  // No operand has the dims of the kernel: the zeros for what is outside tell their sizes.
  Value zero = scalar(b, getLoc(), compute, 0);
  Value empty = g.empty(resolved->kernel, compute);
  SmallVector<OpFoldResult> kernel = g.bounds(resolved->kernel),
                            counts = g.bounds(resolved->windows);
  Value exists = g.hasElements(shapeOf(getColumns()));
  Value zeros = linalg::FillOp::create(b, getLoc(), zero, empty).getResult(0);
  Value sum = g.reduce(
      loops, axes, zero, Read{zeros, g.select(loops.size(), axes)},
      [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        IndexMath m{inner, loc};
        Value row = m.loop(1), window = m.constant(0);
        Value isInside = arith::ConstantIntOp::create(inner, loc, 1, 1);
        for (int64_t i = 0; i < spatial; ++i) {
          row = arith::AddIOp::create(inner, loc, m.mul(row, kernel[i]), m.loop(rank + i));
          Value offset = m.add(m.mul(m.loop(rank + i), -dilations[i]), getPads()[i]);
          Value start = m.add(m.loop(2 + i), offset);
          Value at = arith::DivSIOp::create(inner, loc, start, m.constant(strides[i]));
          Value isStart = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq,
                                                m.mul(at, strides[i]), start);
          isInside = arith::AndIOp::create(inner, loc, isInside, isStart);
          isInside = arith::AndIOp::create(inner, loc, isInside, m.inside(at, counts[i]));
          window =
              arith::AddIOp::create(inner, loc, m.mul(window, counts[i]), m.clamp(at, counts[i]));
        }
        Value place[] = {m.loop(0), row, window};
        Value value = widen(inner, loc, m.extract(columns, place, exists));
        value = arith::SelectOp::create(inner, loc, isInside, value, x[0]);
        Value terms[] = {x.back(), value};
        return byType<arith::AddFOp, arith::AddIOp, arith::AddIOp>(compute, inner, loc, terms);
      });
  if (compute != storage)
    sum = g.map(shapeOf(type), storage, Read{sum, g.identity(rank)},
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
