// nn.resize.
#include "dialects/nn/Generics.h"
#include "dialects/nn/ResizeTaps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

namespace {
/// How one dim is resized.
struct Resized {
  int64_t dim;
  AffineExpr size;  // of the result
  double scale = 1; // 0: the ratio of the sizes, or what the kernel reads
};
} // namespace

/// Sizes from scales; a symbolic size takes whole scales only.
static LogicalResult applyScales(const Fact &operand, ArrayRef<double> scales,
                                 MutableArrayRef<Resized> dims, EmitError error) {
  for (auto [resized, scale] : llvm::zip(dims, scales)) {
    if (!(scale > 0 && scale < 1e6))
      return error("expects scales above 0 and below a million");
    int64_t size = operand.size(resized.dim);
    resized.scale = scale;
    if (!ShapedType::isDynamic(size))
      resized.size = getAffineConstantExpr(static_cast<int64_t>(std::floor(size * scale)),
                                           operand.element.getContext());
    else if (scale == std::floor(scale))
      resized.size = operand.shape[resized.dim] * static_cast<int64_t>(scale);
    else
      return error("expects a size known at compile time in dim " + Twine(resized.dim));
  }
  return success();
}

/// The ratio of two sizes, if it is the same in all runs.
static double ratioOf(AffineExpr size, AffineExpr from) {
  if (constantOf(size) && constantOf(from))
    return static_cast<double>(*constantOf(size)) / *constantOf(from);
  AffineExpr whole = exactQuotient(size, from);
  return whole ? constantOf(whole).value_or(0) : 0;
}

/// Scales from sizes.
static LogicalResult applySizes(const Fact &operand, ResizeOp::Adaptor op, const Shape &sizes,
                                MutableArrayRef<Resized> dims, EmitError error) {
  ResizeAspect aspect = op.getAspect();
  double common = 0;
  for (auto [resized, size] : llvm::zip(dims, sizes)) {
    AffineExpr from = operand.shape[resized.dim];
    const bool isEmpty = constantOf(from) == 0 && constantOf(size) == 0;
    if ((constantOf(from) == 0 && !isEmpty) || constantOf(size).value_or(0) < 0)
      return error("expects sizes of 0 or more, of an operand with elements");
    resized.scale = isEmpty ? 1 : ratioOf(size, from);
    resized.size = size;
    if (isEmpty) // none of none: it does not count
      continue;
    if (resized.scale == 0 && aspect != ResizeAspect::Stretch)
      return error("expects a scale known at compile time in dim " + Twine(resized.dim));
    if (resized.scale == 0 && op.getAntialias()) // which decides how many elements count
      return error("expects a scale known at compile time in dim " + Twine(resized.dim) +
                   " to average by, found " + textOf(from) + " to " + textOf(size));
    if (common == 0 ||
        (aspect == ResizeAspect::NotLarger ? resized.scale < common : resized.scale > common))
      common = resized.scale;
  }
  if (aspect == ResizeAspect::Stretch)
    return success();
  for (Resized &resized : dims) {
    resized.scale = common;
    resized.size = getAffineConstantExpr(
        static_cast<int64_t>(std::floor(common * operand.size(resized.dim) + 0.5)),
        operand.element.getContext());
  }
  return success();
}

/// Sizes that a run computes, and scales that may be known all the same.
static LogicalResult applyBoth(ResizeOp::Adaptor op, const Shape &sizes,
                               MutableArrayRef<Resized> dims, EmitError error) {
  std::optional<SmallVector<double>> scales = constantFloats(op.getScales());
  if (op.getAspect() != ResizeAspect::Stretch || op.getAntialias())
    return error("expects no scales beside sizes that keep proportions or average");
  auto type = cast<RankedTensorType>(op.getScales().getType());
  if (type.getRank() != 1 || type.getDimSize(0) != static_cast<int64_t>(dims.size()))
    return error("expects " + Twine(dims.size()) + " scales");
  for (auto [i, resized] : llvm::enumerate(dims)) {
    resized.size = sizes[i];
    resized.scale = scales ? (*scales)[i] : 0;
    if (scales && !(resized.scale > 0 && resized.scale < 1e6))
      return error("expects scales above 0 and below a million");
  }
  return success();
}

/// The dims that a resize changes, from what its operands say.
static FailureOr<SmallVector<Resized>> resolveResize(ResizeOp::Adaptor op, ArrayRef<Fact> operands,
                                                     EmitError error) {
  const Fact &operand = operands[0];
  SmallVector<Resized> dims;
  if (failed(normalizeAxes(op.getAxes(), operand.rank(), error)))
    return failure();
  for (int64_t axis : op.getAxes())
    dims.push_back({fromFront(axis, operand.rank()), {}});
  if (!op.getScales() && !op.getSizes())
    return error("expects scales or sizes");
  if (op.getCoordinates() == ResizeCoordinates::CropAndResize) {
    auto roi = op.getRoi() ? cast<RankedTensorType>(op.getRoi().getType()) : RankedTensorType();
    if (!roi || roi.getRank() != 1 || roi.getDimSize(0) != static_cast<int64_t>(2 * dims.size()))
      return error("expects a roi of " + Twine(2 * dims.size()) + " elements");
  }
  if (op.getScales() && !op.getSizes()) {
    std::optional<SmallVector<double>> scales = constantFloats(op.getScales());
    if (!scales)
      return error("expects scales known at compile time");
    if (scales->size() != dims.size())
      return error("expects " + Twine(dims.size()) + " scales, found " + Twine(scales->size()));
    if (failed(applyScales(operand, *scales, dims, error)))
      return failure();
    return dims;
  }
  const std::optional<Shape> &sizes = operands.back().value;
  if (!sizes)
    return error("expects sizes known at compile time");
  if (sizes->size() != dims.size())
    return error("expects " + Twine(dims.size()) + " sizes, found " + Twine(sizes->size()));
  if (failed(op.getScales() ? applyBoth(op, *sizes, dims, error)
                            : applySizes(operand, op, *sizes, dims, error)))
    return failure();
  return dims;
}

LogicalResult ResizeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  FailureOr<SmallVector<Resized>> dims = resolveResize(op, operands, error);
  if (failed(dims))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  for (const Resized &resized : *dims)
    result.shape[resized.dim] = resized.size;
  return success();
}

/// The one index of each place as an affine function, for whole ratios of sizes.
static AffineExpr asAffine(const Taps &taps, int64_t dim, int64_t from, MLIRContext *context) {
  ArrayRef<int32_t> indices = taps.indices;
  AffineExpr d = getAffineDimExpr(dim, context);
  int64_t run =
      llvm::find_if(indices, [&](int32_t index) { return index != indices[0]; }) - indices.begin();
  if (taps.count != 1 || indices.size() < 2 || indices[0] < 0)
    return {};
  int64_t step = indices[1] - indices[0];
  bool repeats = indices[0] == 0 && indices.size() % run == 0, strides = run == 1;
  for (auto [place, index] : llvm::enumerate(indices)) {
    repeats &= index == static_cast<int64_t>(place) / run;
    strides &= index == indices[0] + static_cast<int64_t>(place) * step;
  }
  bool isPart = step == 1 && indices[0] == 0 && static_cast<int64_t>(indices.size()) != from;
  if (strides) // a part of a dim has no map of its own in linalg
    return isPart ? AffineExpr() : d * step + indices[0];
  return repeats ? d.floorDiv(run) : AffineExpr();
}

namespace {
/// One resized dim in the loops of the lowering.
struct Sampled {
  int64_t dim;
  AffineExpr affine;      // its one index as a function of the loops; null: there is none
  Value indices, weights; // tables
  bool anyOutside;
  int64_t loop = -1; // over the taps
};

/// Reads weighted sums of elements by tables.
struct Resampler {
  Generics g;
  ResizeMode mode;
  Value operand;
  Shape shape, loops; // of the result; then the taps
  SmallVector<Sampled> dims;

  Type element() const { return cast<RankedTensorType>(operand.getType()).getElementType(); }
  SmallVector<Read> tables(bool weights) const;
  Value extract(OpBuilder &b, Location loc, ValueRange indices) const;
  Value affine() const;
  Value nearest();
  Value interpolate(Type from);
  Value fillOutside(Value result, double extrapolation);
  void add(int64_t dim, const Sampling &sampling, AffineExpr from);
  void addTables(Sampled &sampled, const Taps &taps);
};
} // namespace

/// The same for any size, where places do not depend on it and the scale is a whole number.
static AffineExpr asAffine(const Sampling &sampling, int64_t dim, MLIRContext *context) {
  bool isWhole = sampling.scale == std::floor(sampling.scale);
  switch (sampling.coordinates) {
  case ResizeCoordinates::HalfPixel:
  case ResizeCoordinates::PytorchHalfPixel:
  case ResizeCoordinates::Asymmetric:
    break;
  default:
    return {};
  }
  if (!isWhole || sampling.mode != ResizeMode::Nearest || sampling.scale < 1 ||
      sampling.scale > 1024)
    return {};
  int64_t factor = sampling.scale;
  Sampler sampler{sampling, nominalSymbol, nominalSymbol * factor};
  return asAffine(sampler.taps(), dim, nominalSymbol, context);
}

void Resampler::addTables(Sampled &sampled, const Taps &taps) {
  SmallVector<int64_t> table{static_cast<int64_t>(taps.indices.size()) / taps.count};
  if (taps.count > 1)
    table.push_back(taps.count);
  auto constant = [&](Type element, auto values) -> Value {
    return arith::ConstantOp::create(
        g.b, g.loc, DenseElementsAttr::get(RankedTensorType::get(table, element), values));
  };
  sampled.indices = constant(g.b.getI32Type(), ArrayRef(taps.indices));
  if (mode != ResizeMode::Nearest)
    sampled.weights = constant(g.b.getF32Type(), ArrayRef(taps.weights));
}

void Resampler::add(int64_t dim, const Sampling &sampling, AffineExpr from) {
  std::optional<int64_t> known = constantOf(from), size = constantOf(shape[dim]);
  bool isNearest = sampling.mode == ResizeMode::Nearest;
  Sampled sampled{dim, {}, {}, {}, sampling.coordinates == ResizeCoordinates::CropAndResize};
  int64_t count = sampling.tapCount();
  if (known && size && !sampling.readScale && !sampling.readStart) {
    Taps taps = Sampler{sampling, *known, *size}.taps();
    count = taps.count;
    sampled.anyOutside = taps.anyOutside();
    sampled.affine = isNearest ? asAffine(taps, dim, *known, g.b.getContext()) : AffineExpr();
    addTables(sampled, taps);
  } else if (AffineExpr affine = asAffine(sampling, dim, g.b.getContext())) {
    sampled.affine = affine;
  }
  if (!sampled.indices) {
    OpenTaps taps = buildTaps(g, sampling, from, shape[dim]);
    sampled.indices = taps.indices, sampled.weights = taps.weights;
  }
  if (count > 1) {
    sampled.loop = loops.size();
    loops.push_back(g.b.getAffineConstantExpr(count));
  }
  dims.push_back(std::move(sampled));
}

SmallVector<Read> Resampler::tables(bool weights) const {
  SmallVector<Read> reads;
  for (const Sampled &sampled : dims) {
    SmallVector<int64_t> read{sampled.dim};
    if (sampled.loop >= 0)
      read.push_back(sampled.loop);
    reads.push_back({weights ? sampled.weights : sampled.indices, g.select(loops.size(), read)});
  }
  return reads;
}

Value Resampler::extract(OpBuilder &b, Location loc, ValueRange indices) const {
  IndexMath m{b, loc};
  SmallVector<Value> place;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    place.push_back(m.loop(dim));
  for (auto [sampled, index] : llvm::zip(dims, indices)) {
    Value x = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
    place[sampled.dim] =
        sampled.anyOutside ? Value(arith::MaxSIOp::create(b, loc, x, m.constant(0))) : x;
  }
  return tensor::ExtractOp::create(b, loc, operand, place);
}

/// Without tables, where all indices are affine; else null.
Value Resampler::affine() const {
  SmallVector<AffineExpr> exprs;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    exprs.push_back(g.b.getAffineDimExpr(dim));
  for (const Sampled &sampled : dims)
    if (!(exprs[sampled.dim] = sampled.affine))
      return {};
  AffineMap map = AffineMap::get(shape.size(), 0, exprs, g.b.getContext());
  return Generics(g).map(shape, element(), Read{operand, map},
                         [](OpBuilder &, Location, ValueRange x) { return x[0]; });
}

Value Resampler::nearest() {
  return g.map(shape, element(), tables(/*weights=*/false),
               [&](OpBuilder &b, Location loc, ValueRange x) { return extract(b, loc, x); });
}

Value Resampler::interpolate(Type from) {
  SmallVector<int64_t> reduced;
  for (size_t loop = shape.size(); loop < loops.size(); ++loop)
    reduced.push_back(loop);
  Type compute = isa<FloatType>(from) ? computeType(from) : Type(g.b.getF32Type());
  SmallVector<Read> reads = tables(false);
  llvm::append_range(reads, tables(true));
  Value sum =
      g.reduce(loops, reduced, scalar(g.b, g.loc, compute, 0), reads,
               [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                 Value value = extract(b, loc, x.take_front(dims.size()));
                 value = buildCast(isa<FloatType>(from) ? element() : from, compute, b, loc, value);
                 for (Value weight : x.drop_front(dims.size()).drop_back())
                   value = arith::MulFOp::create(b, loc, value, narrow(b, loc, weight, compute));
                 return arith::AddFOp::create(b, loc, value, x.back());
               });
  return g.map(shape, element(), Read{sum, g.identity(shape.size())},
               [&](OpBuilder &b, Location loc, ValueRange x) {
                 return buildCast(compute, isa<FloatType>(from) ? element() : from, b, loc, x[0]);
               });
}

Value Resampler::fillOutside(Value result, double extrapolation) {
  SmallVector<Read> reads{{result, g.identity(shape.size())}};
  for (const Sampled &sampled : dims) {
    SmallVector<AffineExpr> exprs{g.b.getAffineDimExpr(sampled.dim)};
    if (sampled.loop >= 0)
      exprs.push_back(g.b.getAffineConstantExpr(0));
    if (sampled.anyOutside)
      reads.push_back({sampled.indices, AffineMap::get(shape.size(), 0, exprs, g.b.getContext())});
  }
  return g.map(shape, element(), reads, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
    Value value = x[0], fill = scalar(b, loc, element(), extrapolation);
    for (Value index : x.drop_front()) {
      Value outside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index,
                                            scalar(b, loc, index.getType(), 0));
      value = arith::SelectOp::create(b, loc, outside, fill, value);
    }
    return value;
  });
}

FailureOr<SmallVector<Value>> ResizeOp::lower(OpBuilder &b) {
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<SmallVector<Resized>> dims =
      resolveResize(Adaptor(*this), factsOf(getOperands()), error);
  if (failed(dims))
    return failure();
  Shape from = shapeOf(getOperand()), shape = shapeOf(getType());
  auto isEmpty = [&](ArrayRef<AffineExpr> sizes) {
    return constantOf(elementCount(sizes, getContext())) == 0;
  };
  if (isEmpty(from) && !isEmpty(shape))
    return emitOpError("expects elements to show, found none");
  Generics g(b, getLoc());
  Resampler r{g, getMode(), toStorage(b, getLoc(), getOperand()), shape, shape, {}};
  const int64_t count = dims->size();
  const bool isCropped = getCoordinates() == ResizeCoordinates::CropAndResize;
  std::optional<SmallVector<double>> roi;
  if (isCropped)
    roi = constantFloats(getRoi());
  auto read = [&](Value numbers, int64_t i) { // when the kernel starts
    Value place = arith::ConstantIndexOp::create(b, getLoc(), i);
    Value number = tensor::ExtractOp::create(b, getLoc(), numbers, place);
    return narrow(b, getLoc(), number, b.getF32Type());
  };
  bool outside = false;
  for (auto [i, resized] : llvm::enumerate(*dims)) {
    if (from[resized.dim] == shape[resized.dim] && resized.scale == 1 &&
        getCoordinates() != ResizeCoordinates::CropAndResize)
      continue; // every place shows itself
    Sampling sampling{getMode(),
                      getCoordinates(),
                      getRounding(),
                      getCubicCoefficient().convertToFloat(),
                      static_cast<float>(resized.scale),
                      static_cast<float>(roi ? (*roi)[i] : 0),
                      static_cast<float>(roi ? (*roi)[count + i] : 0),
                      getExcludeOutside(),
                      getAntialias()};
    if (resized.scale == 0 && getScales())
      sampling.readScale = read(getScales(), i);
    if (isCropped && !roi)
      sampling.readStart = read(getRoi(), i), sampling.readEnd = read(getRoi(), count + i);
    r.add(resized.dim, sampling, from[resized.dim]);
    outside |= r.dims.back().anyOutside;
  }
  Value result = getMode() == ResizeMode::Nearest ? r.affine() : Value();
  if (!result)
    result =
        getMode() == ResizeMode::Nearest ? r.nearest() : r.interpolate(getType().getElementType());
  if (outside)
    result = r.fillOutside(result, getExtrapolation().convertToDouble());
  return asResult(b, *this, result);
}

void NNDialect::addResizeOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Resize.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Resize.cpp.inc"
