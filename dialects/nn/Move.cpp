// Pure movement: see Move.td.
#include "dialects/nn/Generics.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace nncc::nn {

/// The distance between neighbours along each dim of a tensor whose values are known.
static SmallVector<int64_t> rowMajorStrides(const Fact &fact) {
  SmallVector<int64_t> sizes;
  for (int64_t dim = 0; dim < fact.rank(); ++dim)
    sizes.push_back(fact.size(dim));
  return computeSuffixProduct(sizes);
}

/// Gives `result` the values of `operand` at origin + its indices * strides.
static void moveValues(const Fact &operand, int64_t origin, ArrayRef<int64_t> strides,
                       Fact &result) {
  int64_t count = 1;
  for (int64_t dim = 0; dim < result.rank(); ++dim)
    count *= result.size(dim);
  SmallVector<int64_t> places = rowMajorStrides(result);
  result.value.emplace();
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = origin;
    for (int64_t dim = 0; dim < result.rank(); ++dim)
      from += i / places[dim] % result.size(dim) * strides[dim];
    result.value->push_back((*operand.value)[from]);
  }
}

LogicalResult TransposeOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &operand = operands[0];
  ArrayRef<int64_t> perm = op.getPerm();
  if (!isPermutationVector(perm) || static_cast<int64_t>(perm.size()) != operand.rank())
    return error("expects a permutation of " + Twine(operand.rank()) + " dims");
  Fact &result = results.emplace_back();
  result.element = operand.element;
  for (int64_t dim : perm)
    result.shape.push_back(operand.shape[dim]);
  if (operand.value) {
    SmallVector<int64_t> from = rowMajorStrides(operand), strides;
    for (int64_t dim : perm)
      strides.push_back(from[dim]);
    moveValues(operand, /*origin=*/0, strides, result);
  }
  return success();
}

LogicalResult ConcatOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  if (operands.empty())
    return error("expects one operand or more");
  FailureOr<int64_t> axis = normalizeAxis(op.getAxis(), operands[0].rank(), error);
  if (failed(axis))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  for (const Fact &operand : operands.drop_front()) {
    if (operand.element != result.element)
      return error("expects operands of one element type, found " + typeName(result.element) +
                   " and " + typeName(operand.element));
    if (operand.rank() != result.rank())
      return error("expects operands of one rank, found " + Twine(result.rank()) + " and " +
                   Twine(operand.rank()));
    for (int64_t i = 0; i < result.rank(); ++i) {
      int64_t known = result.size(i), size = operand.size(i);
      if (i == *axis)
        result.shape[i] = result.shape[i] + operand.shape[i];
      else if (ShapedType::isDynamic(known))
        result.shape[i] = operand.shape[i];
      else if (!ShapedType::isDynamic(size) && size != known)
        return error("expects operands of one size in dim " + Twine(i) + ", found " + Twine(known) +
                     " and " + Twine(size));
    }
    if (result.value && operand.value && result.rank() == 1)
      result.value->append(*operand.value);
    else
      result.value.reset();
  }
  if (result.value && result.value->size() > Fact::maxValues)
    result.value.reset();
  return success();
}

namespace {
/// What a slice takes of one dim.
struct Range {
  int64_t start = 0, step = 1;
  AffineExpr size;
};
} // namespace

/// The range of a dim of static size, its limits clamped as ONNX says.
static Range clampRange(int64_t start, int64_t end, int64_t step, int64_t size,
                        MLIRContext *context) {
  if (size == 0)
    return {0, 1, getAffineConstantExpr(0, context)};
  constexpr int64_t most = int64_t(1) << 50; // more than any size: takes one element
  step = std::clamp(step, -most, most);
  int64_t high = step > 0 ? size : size - 1;
  start = std::clamp<int64_t>(start < 0 ? start + size : start, 0, high);
  end = std::clamp<int64_t>(end < 0 ? end + size : end, step > 0 ? 0 : -1, high);
  int64_t distance = step > 0 ? end - start : start - end, stride = std::abs(step);
  int64_t count = distance <= 0 ? 0 : (distance - 1) / stride + 1;
  return {start, step, getAffineConstantExpr(count, context)};
}

/// The range of each dim that the operands of a slice mean.
static FailureOr<SmallVector<Range>> resolveSlice(ArrayRef<Fact> operands, EmitError error) {
  const Fact &operand = operands[0], &starts = operands[1], &ends = operands[2];
  FailureOr<SmallVector<int64_t>> axes = expectConstants(operands[3], "axes", error);
  if (failed(axes) || failed(normalizeAxes(*axes, operand.rank(), error)))
    return failure();
  FailureOr<SmallVector<int64_t>> steps = expectConstants(operands[4], "steps", error);
  if (failed(steps))
    return failure();
  if (!starts.value || !ends.value)
    return error("expects starts and ends known at compile time");
  size_t count = axes->size();
  if (steps->size() != count || starts.value->size() != count || ends.value->size() != count)
    return error("expects a start, an end and a step for each of " + Twine(count) + " axes");
  SmallVector<Range> ranges;
  for (AffineExpr size : operand.shape)
    ranges.push_back({0, 1, size});
  for (size_t i = 0; i < count; ++i) {
    int64_t dim = fromFront((*axes)[i], operand.rank()), step = (*steps)[i];
    auto start = dyn_cast<AffineConstantExpr>((*starts.value)[i]);
    auto end = dyn_cast<AffineConstantExpr>((*ends.value)[i]);
    if (step == 0)
      return error("expects steps other than 0");
    bool toEnd = (*ends.value)[i] == operand.shape[dim] || (end && end.getValue() >= INT32_MAX);
    if (start && start.getValue() == 0 && toEnd && step == 1)
      continue; // the whole dim, of whatever size
    if (!start || !end || ShapedType::isDynamic(operand.size(dim)))
      return error("expects starts, ends and a size known at compile time in dim " + Twine(dim));
    ranges[dim] = clampRange(start.getValue(), end.getValue(), step, operand.size(dim),
                             operand.element.getContext());
  }
  return ranges;
}

LogicalResult SliceOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                             EmitError error) {
  FailureOr<SmallVector<Range>> ranges = resolveSlice(operands, error);
  if (failed(ranges))
    return failure();
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  for (const Range &range : *ranges)
    result.shape.push_back(range.size);
  if (operands[0].value) {
    SmallVector<int64_t> strides = rowMajorStrides(operands[0]);
    int64_t origin = 0;
    for (auto [dim, range] : llvm::enumerate(*ranges)) {
      origin += range.start * strides[dim];
      strides[dim] *= result.size(dim) > 1 ? range.step : 0; // one element: any step, unused
    }
    moveValues(operands[0], origin, strides, result);
  }
  return success();
}

/// [lo1..lor, hi1..hir] of all dims.
static FailureOr<SmallVector<int64_t>> resolvePads(ArrayRef<Fact> operands, EmitError error) {
  int64_t rank = operands[0].rank();
  FailureOr<SmallVector<int64_t>> pads = expectConstants(operands[1], "pads", error);
  if (failed(pads))
    return failure();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (isPresent(operands, 3)) {
    FailureOr<SmallVector<int64_t>> given = expectConstants(operands[3], "axes", error);
    if (failed(given) || failed(normalizeAxes(*given, rank, error)))
      return failure();
    axes = *given;
  }
  if (pads->size() != 2 * axes.size())
    return error("expects " + Twine(2 * axes.size()) + " pads, found " + Twine(pads->size()));
  SmallVector<int64_t> result(2 * rank, 0);
  constexpr int64_t most = int64_t(1) << 40; // no sum overflows
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t dim = fromFront(axis, rank);
    result[dim] = std::clamp((*pads)[i], -most, most);
    result[rank + dim] = std::clamp((*pads)[axes.size() + i], -most, most);
  }
  return result;
}

LogicalResult PadOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                           EmitError error) {
  FailureOr<SmallVector<int64_t>> pads = resolvePads(operands, error);
  if (failed(pads))
    return failure();
  const Fact &operand = operands[0], &value = operands[2];
  if (value.element != operand.element || value.rank() > 1 || (value.rank() && value.size(0) != 1))
    return error("expects one value of the operand's element type to pad with");
  Fact &result = results.emplace_back();
  result.element = operand.element;
  for (int64_t i = 0; i < operand.rank(); ++i) {
    int64_t low = (*pads)[i], high = (*pads)[operand.rank() + i];
    if (operand.size(i) == 0 && (low > 0 || high > 0) && op.getMode() != PadMode::Constant)
      return error("expects elements to repeat in dim " + Twine(i) + ", found none");
    result.shape.push_back(operand.shape[i] + (low + high));
  }
  return success();
}

LogicalResult TileOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError error) {
  FailureOr<SmallVector<int64_t>> repeats = expectConstants(operands[1], "repeats", error);
  if (failed(repeats))
    return failure();
  if (static_cast<int64_t>(repeats->size()) != operands[0].rank())
    return error("expects " + Twine(operands[0].rank()) + " repeats, found " +
                 Twine(repeats->size()));
  Fact &result = results.emplace_back();
  result.element = operands[0].element;
  for (auto [size, repeat] : llvm::zip(operands[0].shape, *repeats)) {
    if (repeat < 0 || repeat > int64_t(1) << 40)
      return error("expects repeats of 0 or more, found " + Twine(repeat));
    result.shape.push_back(size * repeat);
  }
  if (operands[0].value && result.rank() == 1 && result.size(0) <= Fact::maxValues) {
    result.value.emplace();
    for (int64_t i = 0; i < repeats->front(); ++i)
      result.value->append(*operands[0].value);
  }
  return success();
}

/// What depth_to_space and space_to_depth expect alike.
static LogicalResult checkBlock(const Fact &operand, int64_t block, EmitError error) {
  if (operand.rank() != 4)
    return error("expects an operand of rank 4, found rank " + Twine(operand.rank()));
  if (block < 1 || block > int64_t(1) << 20)
    return error("expects a block of 1 or more, found " + Twine(block));
  return success();
}

LogicalResult DepthToSpaceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  int64_t block = op.getBlock();
  if (failed(checkBlock(operands[0], block, error)))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  int64_t depth = operands[0].size(1), area = block * block;
  if (ShapedType::isDynamic(depth) || depth % area)
    return error("expects channels that are a multiple of " + Twine(area));
  result.shape[1] = result.shape[1].floorDiv(area);
  result.shape[2] = result.shape[2] * block;
  result.shape[3] = result.shape[3] * block;
  return success();
}

LogicalResult SpaceToDepthOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  int64_t block = op.getBlock();
  if (failed(checkBlock(operands[0], block, error)))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  for (int64_t dim : {2, 3}) {
    int64_t size = operands[0].size(dim);
    if (!ShapedType::isDynamic(size) && size % block)
      return error("expects sizes that are a multiple of " + Twine(block) + ", found " +
                   Twine(size) + " in dim " + Twine(dim));
    result.shape[dim] = result.shape[dim].floorDiv(block);
  }
  result.shape[1] = result.shape[1] * (block * block);
  return success();
}

/// The operand read through `indices`, which tell the place in it for each place in the result.
static Value
moveByIndex(Generics &g, Value operand, ArrayRef<int64_t> shape,
            llvm::function_ref<Value(const IndexMath &, int64_t dim, Value place)> index) {
  Type element = cast<RankedTensorType>(operand.getType()).getElementType();
  return g.map(shape, element, {}, [&](OpBuilder &b, Location loc, ValueRange) -> Value {
    IndexMath m{b, loc};
    SmallVector<Value> indices;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      indices.push_back(index(m, dim, m.loop(dim)));
    return tensor::ExtractOp::create(b, loc, operand, indices);
  });
}

static Value transpose(OpBuilder &b, Location loc, Value operand, ArrayRef<int64_t> perm) {
  auto type = cast<RankedTensorType>(operand.getType());
  Value init = tensor::EmptyOp::create(b, loc, applyPermutation(type.getShape(), perm),
                                       type.getElementType());
  return linalg::TransposeOp::create(b, loc, operand, init, perm)->getResult(0);
}

FailureOr<SmallVector<Value>> TransposeOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  return asResult(b, *this,
                  transpose(b, getLoc(), toStorage(b, getLoc(), getOperand()), getPerm()));
}

FailureOr<SmallVector<Value>> ConcatOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  int64_t axis = fromFront(getAxis(), getType().getRank());
  SmallVector<Value> parts;
  for (Value input : getInputs())
    parts.push_back(toStorage(b, getLoc(), input));
  return asResult(b, *this, tensor::ConcatOp::create(b, getLoc(), axis, parts));
}

FailureOr<SmallVector<Value>> SliceOp::lower(OpBuilder &b) {
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<SmallVector<Range>> ranges = resolveSlice(factsOf(getOperands()), error);
  if (failed(ranges) || failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getType();
  Value operand = toStorage(b, getLoc(), getOperand());
  if (type.getNumElements() == 0)
    return asResult(
        b, *this,
        tensor::EmptyOp::create(b, getLoc(), type.getShape(), storageType(type.getElementType())));
  if (llvm::any_of(*ranges, [](const Range &range) { return range.step < 0; })) {
    Generics g(b, getLoc());
    return asResult(
        b, *this,
        moveByIndex(g, operand, type.getShape(), [&](const IndexMath &m, int64_t dim, Value place) {
          const Range &range = (*ranges)[dim];
          return m.add(m.mul(place, range.step), range.start);
        }));
  }
  SmallVector<OpFoldResult> offsets, sizes, steps;
  for (auto [range, size] : llvm::zip(*ranges, type.getShape())) {
    offsets.push_back(b.getIndexAttr(range.start));
    sizes.push_back(b.getIndexAttr(size));
    steps.push_back(b.getIndexAttr(size == 1 ? 1 : range.step));
  }
  return asResult(b, *this,
                  tensor::ExtractSliceOp::create(b, getLoc(), operand, offsets, sizes, steps));
}

/// The constant mode: what is taken away is cut off, then the value is put around.
static Value padConstant(OpBuilder &b, Location loc, Value operand, Value value,
                         ArrayRef<int64_t> pads, RankedTensorType result) {
  auto type = cast<RankedTensorType>(operand.getType());
  SmallVector<OpFoldResult> offsets, sizes, low, high;
  SmallVector<OpFoldResult> steps(type.getRank(), b.getIndexAttr(1));
  int64_t rank = type.getRank();
  bool isCut = false, isEmpty = false;
  for (int64_t dim = 0; dim < rank; ++dim) {
    int64_t before = pads[dim], after = pads[rank + dim], size = type.getDimSize(dim);
    // A cut may take all that is there, and a part of the padding of the other side.
    int64_t start = std::clamp<int64_t>(-before, 0, size),
            end = std::clamp(size + after, start, size);
    offsets.push_back(b.getIndexAttr(start));
    sizes.push_back(b.getIndexAttr(end - start));
    int64_t padBefore = std::clamp<int64_t>(before, 0, result.getDimSize(dim));
    low.push_back(b.getIndexAttr(padBefore));
    high.push_back(b.getIndexAttr(result.getDimSize(dim) - padBefore - (end - start)));
    isCut |= end - start != size;
    isEmpty |= end == start;
  }
  Value fill = tensor::ExtractOp::create(
      b, loc, value,
      SmallVector<Value>(cast<RankedTensorType>(value.getType()).getRank(),
                         arith::ConstantIndexOp::create(b, loc, 0)));
  if (isEmpty) { // nothing of the operand is left
    Value empty = tensor::EmptyOp::create(b, loc, result.getShape(), type.getElementType());
    return linalg::FillOp::create(b, loc, fill, empty).getResult(0);
  }
  if (isCut)
    operand = tensor::ExtractSliceOp::create(b, loc, operand, offsets, sizes, steps);
  return tensor::PadOp::create(b, loc,
                               RankedTensorType::get(result.getShape(), type.getElementType()),
                               operand, low, high, fill);
}

/// The place in [0, size) that a place beyond the edges repeats.
static Value foldPlace(const IndexMath &m, PadMode mode, Value place, int64_t size, int64_t low,
                       int64_t high) {
  if (size == 1 || mode == PadMode::Edge)
    return m.clamp(place, 0, size - 1);
  int64_t period = mode == PadMode::Wrap ? size : 2 * (size - 1);
  int64_t periods = llvm::divideCeil(std::max<int64_t>(low, 0), period); // below 0
  Value positive = m.add(place, periods * period);
  Value rest = arith::RemUIOp::create(m.b, m.loc, positive, m.constant(period));
  if (mode == PadMode::Wrap)
    return rest;
  // 0 .. size - 1, then back: size - 1 - |size - 1 - rest|.
  Value distance = arith::SubIOp::create(m.b, m.loc, m.constant(size - 1), rest);
  Value back = arith::SubIOp::create(m.b, m.loc, rest, m.constant(size - 1));
  Value magnitude = arith::MaxSIOp::create(m.b, m.loc, distance, back);
  return arith::SubIOp::create(m.b, m.loc, m.constant(size - 1), magnitude);
}

FailureOr<SmallVector<Value>> PadOp::lower(OpBuilder &b) {
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<SmallVector<int64_t>> pads = resolvePads(factsOf(getOperands()), error);
  if (failed(pads) || failed(expectStatic(*this)))
    return failure();
  RankedTensorType type = getOperand().getType();
  Value operand = toStorage(b, getLoc(), getOperand());
  if (getMode() == PadMode::Constant)
    return asResult(
        b, *this,
        padConstant(b, getLoc(), operand, toStorage(b, getLoc(), getValue()), *pads, getType()));
  Generics g(b, getLoc());
  int64_t rank = type.getRank();
  return asResult(b, *this,
                  moveByIndex(g, operand, getType().getShape(),
                              [&](const IndexMath &m, int64_t dim, Value place) {
                                int64_t low = (*pads)[dim], high = (*pads)[rank + dim];
                                Value source = m.add(place, -low);
                                if (low <= 0 && high <= 0)
                                  return source;
                                return foldPlace(m, getMode(), source, type.getDimSize(dim), low,
                                                 high);
                              }));
}

/// A broadcast over [repeat, size] of each dim.
FailureOr<SmallVector<Value>> TileOp::lower(OpBuilder &b) {
  std::optional<SmallVector<int64_t>> repeats = constantIntegers(getRepeats());
  if (!repeats)
    return emitOpError("expects repeats known at compile time");
  if (failed(expectStatic(*this)))
    return failure();
  SmallVector<int64_t> loops, read;
  for (auto [size, repeat] : llvm::zip(getOperand().getType().getShape(), *repeats)) {
    if (repeat != 1)
      loops.push_back(repeat);
    read.push_back(loops.size());
    loops.push_back(size);
  }
  Generics g(b, getLoc());
  Value tiled = g.map(loops, storageType(getType().getElementType()),
                      Read{toStorage(b, getLoc(), getOperand()), g.select(loops.size(), read)},
                      [](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return asResult(b, *this, g.reshape(tiled, getType().getShape()));
}

/// A reshape, a transpose, a reshape.
static FailureOr<SmallVector<Value>> lowerBlocks(OpBuilder &b, Operation *op,
                                                 ArrayRef<int64_t> split, ArrayRef<int64_t> perm) {
  Generics g(b, op->getLoc());
  Value parts = g.reshape(toStorage(b, op->getLoc(), op->getOperand(0)), split);
  Value moved = transpose(b, op->getLoc(), parts, perm);
  return asResult(b, op,
                  g.reshape(moved, cast<RankedTensorType>(op->getResult(0).getType()).getShape()));
}

FailureOr<SmallVector<Value>> DepthToSpaceOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  ArrayRef<int64_t> shape = getOperand().getType().getShape();
  int64_t k = getBlock(), depth = shape[1] / (k * k);
  if (getColumnMajor())
    return lowerBlocks(b, *this, {shape[0], depth, k, k, shape[2], shape[3]}, {0, 1, 4, 2, 5, 3});
  return lowerBlocks(b, *this, {shape[0], k, k, depth, shape[2], shape[3]}, {0, 3, 4, 1, 5, 2});
}

FailureOr<SmallVector<Value>> SpaceToDepthOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  ArrayRef<int64_t> shape = getOperand().getType().getShape();
  int64_t k = getBlock();
  SmallVector<int64_t> perm{0, 3, 5, 1, 2, 4};
  if (getColumnMajor())
    perm = {0, 1, 3, 5, 2, 4};
  return lowerBlocks(b, *this, {shape[0], shape[1], shape[2] / k, k, shape[3] / k, k}, perm);
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  return isIdentityPermutation(getPerm()) ? getOperand() : OpFoldResult();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 ? getInputs()[0] : OpFoldResult();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  auto silent = [](const Twine &) { return failure(); };
  SmallVector<Fact> facts = factsOf(getOperands());
  FailureOr<SmallVector<Range>> ranges = resolveSlice(facts, silent);
  if (failed(ranges) || getType() != getOperand().getType())
    return {};
  for (auto [range, size] : llvm::zip(*ranges, facts[0].shape))
    if (range.start != 0 || range.step != 1 || range.size != size)
      return {};
  return getOperand();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto silent = [](const Twine &) { return failure(); };
  FailureOr<SmallVector<int64_t>> pads = resolvePads(factsOf(getOperands()), silent);
  bool nothing = succeeded(pads) && llvm::all_of(*pads, [](int64_t pad) { return pad == 0; });
  return nothing && getType() == getOperand().getType() ? getOperand() : OpFoldResult();
}

OpFoldResult TileOp::fold(FoldAdaptor) {
  std::optional<SmallVector<int64_t>> repeats = constantIntegers(getRepeats());
  bool once = repeats && llvm::all_of(*repeats, [](int64_t repeat) { return repeat == 1; });
  return once && getType() == getOperand().getType() ? getOperand() : OpFoldResult();
}

namespace {
/// transpose(transpose(x)) -> transpose(x)
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto first = op.getOperand().getDefiningOp<TransposeOp>();
    if (!first)
      return rewriter.notifyMatchFailure(op, "its operand is no transpose");
    SmallVector<int64_t> perm;
    for (int64_t dim : op.getPerm())
      perm.push_back(first.getPerm()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), first.getOperand(), perm);
    return success();
  }
};

/// A transpose that moves no dim but those of size 1 -> reshape
struct TransposeOfUnits : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    RankedTensorType type = op.getOperand().getType();
    if (!type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "its sizes are not known");
    SmallVector<int64_t> moved;
    for (int64_t dim : op.getPerm())
      if (type.getDimSize(dim) != 1)
        moved.push_back(dim);
    if (!llvm::is_sorted(moved))
      return rewriter.notifyMatchFailure(op, "moves elements");
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getOperand(), op.getType().getShape());
    return success();
  }
};
} // namespace

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeTransposes, TransposeOfUnits>(context);
}

void NNDialect::addMoveOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Move.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Move.cpp.inc"
