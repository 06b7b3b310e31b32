// nn.slice and nn.slice_at: see Move.td.
#include "dialects/nn/Move.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

namespace {
/// What a slice takes of one dim.
struct Range {
  AffineExpr start, size;
  int64_t step = 1;
};

/// The range of a dim of any size, its limits clamped as ONNX says. A symbol counts as 1 or more
/// where that saves a clamp: an empty dim gives a negative size then, which no run accepts, or is
/// not what SliceOp::infer() asks for.
struct RangeOfDim {
  AffineExpr size, zero = getAffineConstantExpr(0, size.getContext());

  bool isAtMost(AffineExpr lhs, AffineExpr rhs) const {
    return isNeverNegative(rhs - lhs, /*least=*/1);
  }
  AffineExpr clamp(AffineExpr limit, AffineExpr low, AffineExpr high) const {
    // Numbers that exporters write for "all there is".
    if (std::optional<int64_t> known = constantOf(limit); known && !constantOf(size))
      if (*known >= INT32_MAX || *known <= -INT32_MAX)
        return *known > 0 ? high : low;
    limit = select(isLess(limit, zero), limit + size, limit); // counted from the front
    if (!isAtMost(limit, high))
      limit = minimum(limit, high);
    return isAtMost(low, limit) ? limit : maximum(limit, low);
  }
  Range take(AffineExpr start, AffineExpr end, int64_t step) const {
    if (constantOf(size) == 0)
      return {zero, zero, 1};
    constexpr int64_t most = int64_t(1) << 50; // more than any size: takes one element
    step = std::clamp(step, -most, most);
    AffineExpr high = step > 0 ? size : size - 1, low = step > 0 ? zero : zero - 1;
    start = clamp(start, zero, high);
    end = clamp(end, low, high);
    AffineExpr distance = step > 0 ? end - start : start - end;
    if (!isAtMost(zero, distance))
      distance = maximum(distance, zero);
    return {normalForm(start), normalForm(distance.ceilDiv(std::abs(step))), step};
  }
};
} // namespace

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
    ranges.push_back({getAffineConstantExpr(0, size.getContext()), size});
  for (auto [axis, start, end, step] : llvm::zip(*axes, *starts.value, *ends.value, *steps)) {
    if (step == 0)
      return error("expects steps other than 0");
    int64_t dim = fromFront(axis, operand.rank());
    ranges[dim] = RangeOfDim{operand.shape[dim]}.take(start, end, step);
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
  for (auto [range, size] : llvm::zip(*ranges, operands[0].shape)) {
    result.shape.push_back(range.size);
    // Where the dim is empty there is nothing of what is always taken.
    if (!constantOf(size) && constantOf(range.size).value_or(0) > 0)
      if (AffineExpr isEmpty = normalForm(isLess(size, size * 0 + 1)); constantOf(isEmpty) != 0)
        result.zeros.push_back(isEmpty);
  }
  bool isKnown = operands[0].value && llvm::all_of(*ranges, [](const Range &range) {
                   return constantOf(range.start) && constantOf(range.size);
                 });
  if (!isKnown)
    return success();
  SmallVector<int64_t> strides = rowMajorStrides(operands[0]);
  int64_t origin = 0;
  for (auto [dim, range] : llvm::enumerate(*ranges)) {
    origin += *constantOf(range.start) * strides[dim];
    strides[dim] *= result.size(dim) > 1 ? range.step : 0; // one element: any step, unused
  }
  moveValues(operands[0], origin, strides, result);
  return success();
}

static Shape startsOf(ArrayRef<Range> ranges) {
  return llvm::map_to_vector(ranges, [](const Range &range) { return range.start; });
}

FailureOr<SmallVector<Value>> SliceOp::lower(OpBuilder &b) {
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<SmallVector<Range>> ranges = resolveSlice(factsOf(getOperands()), error);
  if (failed(ranges))
    return failure();
  Shape shape = shapeOf(getType());
  Generics g(b, getLoc());
  Type storage = storageType(getType().getElementType());
  Value operand = toStorage(b, getLoc(), getOperand());
  if (constantOf(elementCount(shape, getContext())) == 0)
    return asResult(b, *this, g.empty(shape, storage));
  if (llvm::any_of(*ranges, [](const Range &range) { return range.step < 0; })) {
    SmallVector<OpFoldResult> starts = g.bounds(startsOf(*ranges));
    return asResult(b, *this,
                    g.moveByIndex(operand, shape, /*exists=*/{},
                                  [&](const IndexMath &m, int64_t dim, Value place) {
                                    return m.add(m.mul(place, (*ranges)[dim].step), starts[dim]);
                                  }));
  }
  SmallVector<OpFoldResult> offsets = g.bounds(startsOf(*ranges)), sizes = g.bounds(shape), steps;
  for (auto [range, size] : llvm::zip(*ranges, shape))
    steps.push_back(b.getIndexAttr(constantOf(size) == 1 ? 1 : range.step));
  return asResult(b, *this,
                  tensor::ExtractSliceOp::create(b, getLoc(), tensorOf(shape, storage), operand,
                                                 offsets, sizes, steps));
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  auto silent = [](const Twine &) { return failure(); };
  SmallVector<Fact> facts = factsOf(getOperands());
  FailureOr<SmallVector<Range>> ranges = resolveSlice(facts, silent);
  if (failed(ranges) || getType() != getOperand().getType())
    return {};
  for (auto [range, size] : llvm::zip(*ranges, facts[0].shape))
    if (constantOf(range.start) != 0 || range.step != 1 || range.size != size)
      return {};
  return getOperand();
}

LogicalResult SliceAtOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  const Fact &operand = operands[0];
  const std::optional<Shape> &sizes = operands[3].value;
  for (const Fact &parameter : operands.drop_front())
    if (parameter.rank() != 1 || parameter.size(0) != operand.rank())
      return error("expects a start, a step and a size for each of " + Twine(operand.rank()) +
                   " dims");
  if (!sizes)
    return error("expects sizes known before the program runs");
  Fact &result = results.emplace_back();
  result.element = operand.element;
  result.shape = *sizes;
  for (auto [dim, size] : llvm::enumerate(result.shape))
    if (operand.size(dim) == 0 && constantOf(size).value_or(0) > 0)
      return error("expects elements to take in dim " + Twine(dim) + ", found none");
  return success();
}

/// Element `place` of an index tensor: a size of Generics::bound(), or read when the kernel starts.
static OpFoldResult readNumber(Generics &g, Value tensor, int64_t place) {
  if (std::optional<Shape> known = factOf(tensor).value)
    return g.bound((*known)[place]);
  Value at = arith::ConstantIndexOp::create(g.b, g.loc, place);
  Value element = tensor::ExtractOp::create(g.b, g.loc, tensor, at);
  return arith::IndexCastOp::create(g.b, g.loc, g.b.getIndexType(), element).getResult();
}

FailureOr<SmallVector<Value>> SliceAtOp::lower(OpBuilder &b) {
  Generics g(b, getLoc());
  Shape from = shapeOf(getOperand());
  SmallVector<OpFoldResult> starts, steps, sizes = g.bounds(from);
  for (size_t dim = 0; dim < from.size(); ++dim) {
    starts.push_back(readNumber(g, getStarts(), dim));
    steps.push_back(readNumber(g, getSteps(), dim));
  }
  Value operand = toStorage(b, getLoc(), getOperand());
  return asResult(b, *this,
                  g.moveByIndex(operand, shapeOf(getType()), g.hasElements(from),
                                [&](const IndexMath &m, int64_t dim, Value place) -> Value {
                                  if (from[dim] == shapeOf(getType())[dim] &&
                                      knownSize(starts[dim]) == 0 && knownSize(steps[dim]) == 1)
                                    return place;
                                  place = m.add(m.mul(place, steps[dim]), starts[dim]);
                                  return m.clamp(place, sizes[dim]);
                                }));
}

} // namespace nncc::nn
