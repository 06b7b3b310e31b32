// Normalizations: see Norm.td.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// The result is like the operand; `axis` has to be one of its dims.
static LogicalResult inferAlongAxis(int64_t axis, const Fact &operand,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  results.push_back(operand);
  return success(succeeded(normalizeAxis(axis, operand.rank(), error)));
}

LogicalResult SoftmaxOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  return inferAlongAxis(op.getAxis(), operands[0], results, error);
}

LogicalResult LogSoftmaxOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                  SmallVectorImpl<Fact> &results, EmitError error) {
  return inferAlongAxis(op.getAxis(), operands[0], results, error);
}

LogicalResult LpNormOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  if (op.getP() != 1 && op.getP() != 2)
    return error("expects p of 1 or 2, found " + Twine(static_cast<int64_t>(op.getP())));
  return inferAlongAxis(op.getAxis(), operands[0], results, error);
}

/// Scales and biases: each broadcasts to the operand without making it larger. What sizes they know
/// the result has.
static LogicalResult inferScaled(int64_t axis, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  if (failed(inferAlongAxis(axis, operands[0], results, error)))
    return failure();
  for (const Fact &scale : operands.drop_front()) {
    if (!scale.element)
      continue;
    if (failed(expectBroadcast(scale.shape, operands[0].shape, results[0], error)))
      return failure();
    for (auto [size, own] : llvm::zip(llvm::reverse(scale.shape), llvm::reverse(results[0].shape)))
      if (constantOf(size).value_or(1) != 1)
        own = size;
  }
  return success();
}

LogicalResult LayerNormOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  return inferScaled(op.getAxis(), operands, results, error);
}

LogicalResult RMSNormOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  return inferScaled(op.getAxis(), operands, results, error);
}

/// Operands after the first have one element for each channel, dim 1 of the first.
static LogicalResult inferPerChannel(ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                     EmitError error) {
  if (operands[0].rank() < 2)
    return error("expects an operand of rank 2 or more, found rank " + Twine(operands[0].rank()));
  Fact &result = results.emplace_back(operands[0]);
  AffineExpr channels = result.shape[1];
  for (const Fact &fact : operands.drop_front()) {
    if (fact.rank() != 1)
      return error("expects parameters of rank 1, found rank " + Twine(fact.rank()));
    if (!result.mayEqual(fact.shape[0], channels))
      return error("expects parameters of " + textOf(channels) + " channels, found " +
                   textOf(fact.shape[0]));
    if (constantOf(fact.shape[0]))
      result.shape[1] = fact.shape[0];
  }
  return success();
}

LogicalResult BatchNormOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  return inferPerChannel(operands, results, error);
}

LogicalResult InstanceNormOp::infer(Adaptor, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  return inferPerChannel(operands, results, error);
}

LogicalResult GroupNormOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                 SmallVectorImpl<Fact> &results, EmitError error) {
  if (failed(inferPerChannel(operands, results, error)))
    return failure();
  results[0] = operands[0]; // a dim that is split in two keeps its expression
  int64_t groups = op.getGroups();
  if (groups < 1 || !results[0].mayBeZero(operands[0].shape[1] % groups))
    return error("expects groups that divide the channels, found " + Twine(groups) + " groups");
  return success();
}

LogicalResult MeanVarianceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  results.push_back(operands[0]);
  return success(succeeded(normalizeAxes(op.getAxes(), operands[0].rank(), error)));
}

LogicalResult LRNOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                           EmitError error) {
  if (operands[0].rank() < 2)
    return error("expects an operand of rank 2 or more, found rank " + Twine(operands[0].rank()));
  int64_t size = op.getSize();
  if (size < 1)
    return error("expects a size of 1 or more, found " + Twine(size));
  results.push_back(operands[0]);
  return success();
}

namespace {
/// The statistics of a tensor over some of its dims, in f32 or wider, and what is made with them.
struct Normalizer {
  Generics g;
  Value x; // storage
  Shape loops;
  SmallVector<int64_t> axes;
  Type element, compute;

  Normalizer(OpBuilder &b, Location loc, Value tensor, ArrayRef<int64_t> axes)
      : Normalizer(b, loc, tensor, shapeOf(tensor), axes) {}
  /// `shape`: what is known of the tensor's sizes, by its parameters as well.
  Normalizer(OpBuilder &b, Location loc, Value tensor, Shape shape, ArrayRef<int64_t> axes)
      : g(b, loc), x(tensor), loops(std::move(shape)), axes(axes) {
    element = getElementTypeOrSelf(tensor);
    compute = computeType(element);
  }

  Read all() const { return {x, g.identity(loops.size())}; }
  /// A statistic, for each element.
  Read each(Value statistic) const { return {statistic, g.without(loops.size(), axes)}; }
  /// The number of elements over which a statistic is.
  OpFoldResult count() {
    Shape sizes;
    for (int64_t axis : axes)
      sizes.push_back(loops[axis]);
    return g.bound(elementCount(sizes, g.b.getContext()));
  }

  using Scalar = llvm::function_ref<Value(OpBuilder &, Location, ValueRange)>;
  /// The sum of part(x, reads...) over the axes.
  Value sum(ArrayRef<Read> reads, Scalar part) {
    SmallVector<Read> inputs{all()};
    llvm::append_range(inputs, reads);
    return g.reduce(loops, axes, scalar(g.b, g.loc, compute, 0), inputs,
                    [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
                      return arith::AddFOp::create(
                          b, loc, part(b, loc, widened(b, loc, v.drop_back())), v.back());
                    });
  }
  /// body(x, reads...) for each element, in the element type.
  Value map(ArrayRef<Read> reads, Scalar body) {
    SmallVector<Read> inputs{all()};
    llvm::append_range(inputs, reads);
    return g.map(loops, element, inputs, [&](OpBuilder &b, Location loc, ValueRange v) {
      return body(b, loc, widened(b, loc, v));
    });
  }
  /// The largest number. A NaN may be passed over: what is computed with it is NaN again.
  Value max() {
    return g.reduce(loops, axes, scalar(g.b, g.loc, compute, -INFINITY), all(),
                    [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
                      return arith::MaximumFOp::create(b, loc, widen(b, loc, v[0]), v[1],
                                                       arith::FastMathFlags::nnan);
                    });
  }
  /// e^(x - max). The largest power is 1, and what is no normal number beside it does not count.
  Value power(OpBuilder &b, Location loc, Value x, Value max) const {
    auto flags = compute.isF32() ? arith::FastMathFlags::ninf | arith::FastMathFlags::afn
                                 : arith::FastMathFlags::none;
    return math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x, max), flags);
  }
  /// finish(a statistic), once for all elements that share it.
  Value finish(Value statistic, Scalar body) {
    Shape shape = shapeOf(statistic);
    return g.map(shape, compute, Read{statistic, g.identity(shape.size())}, body);
  }
  Value mean() {
    Value total = sum({}, [](OpBuilder &, Location, ValueRange v) { return v[0]; });
    OpFoldResult divisor = count();
    return finish(total, [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
      return arith::DivFOp::create(b, loc, v[0], IndexMath{b, loc}.toFloat(divisor, compute));
    });
  }
  /// 1 / sqrt(the mean square of x - mean + epsilon); without a mean of x alone.
  Value inverseDeviation(Value mean, double epsilon) {
    SmallVector<Read> reads;
    if (mean)
      reads.push_back(each(mean));
    Value squares = sum(reads, [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
      Value centered = mean ? Value(arith::SubFOp::create(b, loc, v[0], v[1])) : v[0];
      return arith::MulFOp::create(b, loc, centered, centered);
    });
    OpFoldResult divisor = count();
    return finish(squares, [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
      Value mean = arith::DivFOp::create(b, loc, v[0], IndexMath{b, loc}.toFloat(divisor, compute));
      Value shifted = arith::AddFOp::create(b, loc, mean, scalar(b, loc, compute, epsilon));
      return arith::DivFOp::create(b, loc, scalar(b, loc, compute, 1),
                                   math::SqrtOp::create(b, loc, shifted));
    });
  }

  SmallVector<Value> widened(OpBuilder &b, Location loc, ValueRange values) const {
    return llvm::map_to_vector(values, [&](Value value) { return narrow(b, loc, value, compute); });
  }
  /// (x - mean) * inverse * scale + bias, of those that are there.
  Value scaled(Value mean, Value inverse, Read scale, Read bias) {
    SmallVector<Read> reads{each(inverse), scale};
    if (mean)
      reads.push_back(each(mean));
    if (bias.tensor)
      reads.push_back(bias);
    return map(reads, [&](OpBuilder &b, Location loc, ValueRange v) -> Value {
      Value centered = mean ? Value(arith::SubFOp::create(b, loc, v[0], v[3])) : v[0];
      Value unit = arith::MulFOp::create(b, loc, centered, v[1]);
      Value result = arith::MulFOp::create(b, loc, unit, v[2]);
      return bias.tensor ? Value(arith::AddFOp::create(b, loc, result, v.back())) : result;
    });
  }
};
} // namespace

/// The dims from `axis` to before `end`.
static SmallVector<int64_t> dimsFrom(int64_t axis, int64_t end) {
  return llvm::to_vector(llvm::seq<int64_t>(axis, end));
}

/// How an operand that broadcasts to `type` is read.
static Read broadcastRead(Value tensor, RankedTensorType type) {
  if (!tensor)
    return {};
  return {tensor, broadcastMap(cast<RankedTensorType>(tensor.getType()), type)};
}

FailureOr<SmallVector<Value>> SoftmaxOp::lower(OpBuilder &b) {
  Normalizer n(b, getLoc(), getOperand(), fromFront(getAxis(), getType().getRank()));
  Value max = n.max();
  // The powers are kept, in the compute type.
  Value powers = n.g.map(n.loops, n.compute, {n.all(), n.each(max)},
                         [&](OpBuilder &inner, Location loc, ValueRange raw) -> Value {
                           SmallVector<Value> v = n.widened(inner, loc, raw);
                           return n.power(inner, loc, v[0], v[1]);
                         });
  Normalizer p(b, getLoc(), powers, n.axes);
  Value sum = p.sum({}, [](OpBuilder &, Location, ValueRange v) { return v[0]; });
  Value inverse = p.finish(sum, [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
    return arith::DivFOp::create(inner, loc, scalar(inner, loc, n.compute, 1), v[0]);
  });
  p.element = n.element;
  return SmallVector<Value>{
      p.map(p.each(inverse), [](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        return arith::MulFOp::create(inner, loc, v[0], v[1]);
      })};
}

FailureOr<SmallVector<Value>> LogSoftmaxOp::lower(OpBuilder &b) {
  Normalizer n(b, getLoc(), getOperand(), fromFront(getAxis(), getType().getRank()));
  Value max = n.max();
  Value sum = n.sum(n.each(max), [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
    return n.power(inner, loc, v[0], v[1]);
  });
  Value log = n.finish(sum, [](OpBuilder &inner, Location loc, ValueRange v) -> Value {
    return math::LogOp::create(inner, loc, v[0]);
  });
  return SmallVector<Value>{
      n.map({n.each(max), n.each(log)}, [](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        return arith::SubFOp::create(inner, loc, arith::SubFOp::create(inner, loc, v[0], v[1]),
                                     v[2]);
      })};
}

FailureOr<SmallVector<Value>> LpNormOp::lower(OpBuilder &b) {
  Normalizer n(b, getLoc(), getOperand(), fromFront(getAxis(), getType().getRank()));
  Value norm = n.sum({}, [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
    if (getP() == 1)
      return math::AbsFOp::create(inner, loc, v[0]);
    return arith::MulFOp::create(inner, loc, v[0], v[0]);
  });
  if (getP() == 2)
    norm = n.finish(norm, [](OpBuilder &inner, Location loc, ValueRange v) -> Value {
      return math::SqrtOp::create(inner, loc, v[0]);
    });
  return SmallVector<Value>{
      n.map(n.each(norm), [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        Value zero = scalar(inner, loc, n.compute, 0);
        Value none = arith::CmpFOp::create(inner, loc, arith::CmpFPredicate::OEQ, v[1], zero);
        return arith::SelectOp::create(inner, loc, none, zero,
                                       arith::DivFOp::create(inner, loc, v[0], v[1]));
      })};
}

FailureOr<SmallVector<Value>> LayerNormOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  int64_t rank = type.getRank();
  Normalizer n(b, getLoc(), getOperand(), shapeOf(type),
               dimsFrom(fromFront(getAxis(), rank), rank));
  Value mean = n.mean();
  Value inverse = n.inverseDeviation(mean, getEpsilon().convertToDouble());
  return SmallVector<Value>{
      n.scaled(mean, inverse, broadcastRead(getScale(), type), broadcastRead(getBias(), type))};
}

FailureOr<SmallVector<Value>> RMSNormOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  int64_t rank = type.getRank();
  Normalizer n(b, getLoc(), getOperand(), shapeOf(type),
               dimsFrom(fromFront(getAxis(), rank), rank));
  Value inverse = n.inverseDeviation({}, getEpsilon().convertToDouble());
  return SmallVector<Value>{n.scaled({}, inverse, broadcastRead(getScale(), type), {})};
}

FailureOr<SmallVector<Value>> BatchNormOp::lower(OpBuilder &b) {
  Normalizer n(b, getLoc(), getOperand(), shapeOf(getType()), {});
  SmallVector<Read> reads;
  for (Value parameter : {getScale(), getBias(), getMean(), getVariance()})
    reads.push_back({parameter, n.g.select(getType().getRank(), 1)});
  double epsilon = getEpsilon().convertToDouble();
  return SmallVector<Value>{
      n.map(reads, [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        Value shifted =
            arith::AddFOp::create(inner, loc, v[4], scalar(inner, loc, n.compute, epsilon));
        Value factor =
            arith::DivFOp::create(inner, loc, v[1], math::SqrtOp::create(inner, loc, shifted));
        Value centered = arith::SubFOp::create(inner, loc, v[0], v[3]);
        return arith::AddFOp::create(inner, loc,
                                     arith::MulFOp::create(inner, loc, centered, factor), v[2]);
      })};
}

/// On [N, groups, C/groups, x..].
static Value lowerGroupNorm(OpBuilder &b, Location loc, Value operand, Value scale, Value bias,
                            int64_t groups, double epsilon) {
  Generics g(b, loc);
  Shape shape = shapeOf(operand);
  AffineExpr channels = shape[1].floorDiv(groups);
  shape[1] = channels;
  shape.insert(shape.begin() + 1, b.getAffineConstantExpr(groups));
  int64_t rank = shape.size();
  Normalizer n(b, loc, g.reshape(operand, shape), dimsFrom(2, rank));
  auto perChannel = [&](Value parameter) {
    return Read{g.reshape(parameter, Shape{shape[1], channels}), g.select(rank, {1, 2})};
  };
  Value mean = n.mean();
  Value inverse = n.inverseDeviation(mean, epsilon);
  return g.reshape(n.scaled(mean, inverse, perChannel(scale), perChannel(bias)), shapeOf(operand));
}

FailureOr<SmallVector<Value>> GroupNormOp::lower(OpBuilder &b) {
  return SmallVector<Value>{lowerGroupNorm(b, getLoc(), getOperand(), getScale(), getBias(),
                                           getGroups(), getEpsilon().convertToDouble())};
}

FailureOr<SmallVector<Value>> InstanceNormOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  int64_t rank = type.getRank();
  Normalizer n(b, getLoc(), getOperand(), shapeOf(type), dimsFrom(2, rank));
  auto perChannel = [&](Value parameter) { return Read{parameter, n.g.select(rank, 1)}; };
  Value mean = n.mean();
  Value inverse = n.inverseDeviation(mean, getEpsilon().convertToDouble());
  return SmallVector<Value>{n.scaled(mean, inverse, perChannel(getScale()), perChannel(getBias()))};
}

FailureOr<SmallVector<Value>> MeanVarianceOp::lower(OpBuilder &b) {
  SmallVector<int64_t> axes;
  for (int64_t axis : getAxes())
    axes.push_back(fromFront(axis, getType().getRank()));
  Normalizer n(b, getLoc(), getOperand(), axes);
  Value mean = n.mean();
  Value squares = n.sum(n.each(mean), [](OpBuilder &inner, Location loc, ValueRange v) -> Value {
    Value centered = arith::SubFOp::create(inner, loc, v[0], v[1]);
    return arith::MulFOp::create(inner, loc, centered, centered);
  });
  OpFoldResult divisor = n.count();
  Value deviation = n.finish(squares, [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
    Value mean =
        arith::DivFOp::create(inner, loc, v[0], IndexMath{inner, loc}.toFloat(divisor, n.compute));
    Value root = math::SqrtOp::create(inner, loc, mean);
    return arith::AddFOp::create(inner, loc, root, scalar(inner, loc, n.compute, 1e-9));
  });
  return SmallVector<Value>{n.map(
      {n.each(mean), n.each(deviation)}, [](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        return arith::DivFOp::create(inner, loc, arith::SubFOp::create(inner, loc, v[0], v[1]),
                                     v[2]);
      })};
}

FailureOr<SmallVector<Value>> LRNOp::lower(OpBuilder &b) {
  int64_t rank = getType().getRank(), size = getSize();
  Normalizer n(b, getLoc(), getOperand(), rank);
  Shape loops = n.loops;
  // Windows beyond all channels see no more than those.
  int64_t most = constantOf(loops[1]).value_or(size);
  int64_t below = std::min((size - 1) / 2, most), above = std::min(size / 2, most);
  loops.push_back(b.getAffineConstantExpr(below + above + 1));
  auto windowType = RankedTensorType::get(below + above + 1, b.getF32Type());
  float each = getAlpha().convertToFloat() / size;
  Value window = arith::ConstantOp::create(b, getLoc(), DenseElementsAttr::get(windowType, each));
  OpFoldResult channels = n.g.bound(loops[1]);
  Value sum = n.g.reduce(
      loops, rank, scalar(b, getLoc(), n.compute, 0), Read{window, n.g.select(rank + 1, rank)},
      [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        IndexMath m{inner, loc};
        SmallVector<Value> indices;
        for (int64_t dim = 0; dim < rank; ++dim)
          indices.push_back(m.loop(dim));
        Value channel = m.add(m.add(indices[1], m.loop(rank)), -below);
        indices[1] = m.clamp(channel, channels);
        Value x = widen(inner, loc, tensor::ExtractOp::create(inner, loc, getOperand(), indices));
        Value square = arith::MulFOp::create(inner, loc, x, x);
        square = arith::MulFOp::create(inner, loc, square, narrow(inner, loc, v[0], n.compute));
        square = arith::SelectOp::create(inner, loc, m.inside(channel, channels), square,
                                         scalar(inner, loc, n.compute, 0));
        return arith::AddFOp::create(inner, loc, square, v.back());
      });
  return SmallVector<Value>{n.map(
      Read{sum, n.g.identity(rank)}, [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
        auto constant = [&](double value) { return scalar(inner, loc, n.compute, value); };
        Value base = arith::AddFOp::create(inner, loc, v[1], constant(getBias().convertToDouble()));
        Value power = math::PowFOp::create(inner, loc, base, constant(getBeta().convertToDouble()));
        return arith::DivFOp::create(inner, loc, v[0], power);
      })};
}

void NNDialect::addNormOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Norm.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Norm.cpp.inc"
