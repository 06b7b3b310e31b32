#include "targets/kernel/Window.h"

using namespace mlir;
using namespace nncc;

namespace {
constexpr int64_t vectorBytes = 64;
/// Wider windows are looped over tap by tap; their taps are not unrolled.
constexpr int64_t widestUnrolled = 16;
/// Accumulators of a tile: with the weights of one row of taps they fit in 32 registers.
constexpr int64_t tileSums = 8;
/// Multiplications of a unit, at least, and how many units there should be.
constexpr int64_t unitTaps = 1 << 17, unitsWanted = 16;

bool isSupported(Type type) {
  return type.isF32() || type.isF64() || type.isSignlessInteger(8) || type.isSignlessInteger(16) ||
         type.isSignlessInteger(32) || type.isSignlessInteger(64);
}
} // namespace

WindowTaps nncc::tapsInside(Emitter &e, const WindowDim &dim, Value at) {
  if (!dim.isPadded())
    return {e.constant(0), e.constant(dim.taps)};
  Value top = e.sub(e.mul(at, dim.stride), e.constant(dim.low));
  // Steps that reach so far, at least.
  auto taps = [&](Value distance) {
    return e.divideCeil(e.maximum(distance, e.constant(0)), dim.dilation);
  };
  Value from = taps(e.sub(e.constant(0), top));
  Value to = e.minimum(e.constant(dim.taps), taps(e.sub(e.size(dim.in), top)));
  return {from, e.maximum(e.sub(to, from), e.constant(0))};
}

TypedAttr Window::neutral() const {
  Builder b(sum.getContext());
  if (kind != kern::WindowKind::Max)
    return b.getZeroAttr(sum);
  if (auto type = dyn_cast<FloatType>(sum))
    return b.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics(), /*Negative=*/true));
  return b.getIntegerAttr(sum, APInt::getSignedMinValue(sum.getIntOrFloatBitWidth()));
}

AffineExpr Window::rowCount() const {
  AffineExpr result = getAffineConstantExpr(1, sum.getContext());
  for (const auto *dims : {&batches, &rows})
    for (const WindowDim &dim : *dims)
      result = result * dim.out;
  return normalForm(result);
}

SmallVector<WindowTiles> Window::tiles() const {
  SmallVector<WindowTiles> result;
  int64_t width = fixed(columns.out);
  auto isInterior = [&](int64_t x, int64_t count) {
    return x + count <= width && columns.covers(x, 0) &&
           columns.covers(x + count - 1, columns.taps - 1);
  };
  for (int64_t x = 0; x < width;) {
    int64_t count = std::min(pixels, width - x), repeated = 1;
    while (isInterior(x, count) && isInterior(x + repeated * count, count))
      ++repeated;
    result.push_back({x, count, repeated});
    x += count * repeated;
  }
  return result;
}

Window::Uses Window::uses(int64_t pixels, std::optional<int64_t> x, int64_t taps) const {
  Uses result;
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    for (int64_t tap = 0; tap < taps; ++tap)
      if (!x || columns.covers(*x + pixel, tap))
        result[pixel * columns.stride + tap * columns.dilation].push_back({pixel, tap});
  return result;
}

void Window::schedule() {
  lanes = vectorBytes / std::max<int64_t>(sum.getIntOrFloatBitWidth() / 8, 4);
  // Columns of equal tiles, as many as there are accumulators for; then vectors of channels.
  // Tiles of an open row are small, as what is left of it is computed one by one.
  int64_t most = columns.isOpen() ? 4 : 7;
  int64_t width = std::max<int64_t>(nominal(columns.out), 0);
  int64_t rows = std::max<int64_t>(nominal(rowCount()), 1);
  int64_t count = llvm::divideCeil(width, most);
  pixels = std::max<int64_t>(llvm::divideCeil(width, std::max<int64_t>(count, 1)), 1);
  vectors = std::clamp<int64_t>(tileSums / pixels, 1, 4);
  while (vectors > 1 && fullVectors() % vectors)
    --vectors;
  int64_t rowTaps = std::max<int64_t>(width * kernelSize, 1);
  unitGroups = groups();
  unitRows = std::clamp<int64_t>(unitTaps / (rowTaps * channelCount() + 1), 1, rows);
  if (nominal(rowChunks()) >= unitsWanted)
    return;
  unitRows = 1;
  int64_t channelUnits = llvm::divideCeil(unitsWanted, rows);
  int64_t fewestGroups = llvm::divideCeil(unitTaps / 4, rowTaps * vectors * lanes);
  unitGroups = std::clamp<int64_t>(llvm::divideCeil(groups(), channelUnits),
                                   std::min(fewestGroups, groups()), groups());
  if (unitGroups == groups())
    unitRows = std::clamp<int64_t>(unitTaps / 4 / (rowTaps * channelCount() + 1), 1, rows);
}

static LogicalResult checkTypes(kern::WindowOp op) {
  for (RankedTensorType type : {op.getAType(), op.getInitType()})
    if (!type.hasStaticShape() && !type.getEncoding())
      return op.emitError("a window takes sizes that are constants or expressions over symbols, "
                          "found ")
             << type;
  Type element = op.getAType().getElementType(), sum = op.getBody()->getArgument(0).getType();
  Type output = op.getInitType().getElementType();
  bool convertible = element == sum || (element.isInteger(8) && sum.isF32()) ||
                     (isa<FloatType>(element) && isa<FloatType>(sum) &&
                      element.getIntOrFloatBitWidth() < sum.getIntOrFloatBitWidth());
  // Bytes of weights would have a sign, those of a have none.
  if (op.getWeights() && isa<IntegerType>(getElementTypeOrSelf(op.getWeights())))
    return op.emitError("has no schedule for weights of type ")
           << getElementTypeOrSelf(op.getWeights());
  if (!isSupported(sum) || !convertible || !output.isIntOrFloat() ||
      output.getIntOrFloatBitWidth() % 8)
    return op.emitError("has no schedule for elements of type ")
           << element << ", sums of type " << sum << ", results of type " << output;
  if (isa<IntegerType>(sum) && op.getKind() != kern::WindowKind::Max)
    return op.emitError("has no schedule for integers of this kind of window");
  return success();
}

FailureOr<Window> Window::of(kern::WindowOp op, const Kernel &kernel) {
  if (failed(checkTypes(op)))
    return failure();
  FailureOr<Epilogue> epilogue = Epilogue::of(op, &kernel);
  if (failed(epilogue))
    return failure();
  Window result;
  result.kind = op.getKind();
  result.epilogue = *epilogue;
  result.element = op.getAType().getElementType();
  result.sum = op.getBody()->getArgument(0).getType();
  result.result = op.getInitType().getElementType();
  if (op.getWeights())
    result.weights = getElementTypeOrSelf(op.getWeights());
  const Place &a = kernel.place(op.getA()), &c = kernel.place(op.getResult());
  result.aOffset = a.offset, result.cOffset = c.offset;
  Shape in = shapeOf(op.getAType()), out = shapeOf(op.getInitType());
  AffineExpr zero = getAffineConstantExpr(0, op.getContext());
  int64_t window = op.getWindowRank(), rank = out.size(), batch = rank - window - 1;
  for (int64_t d = 0; d < rank; ++d) {
    WindowDim dim;
    dim.in = in[d], dim.out = out[d];
    dim.a = a.strides[d], dim.c = c.strides[d], dim.weights = zero;
    for (const Epilogue::Extra &extra : result.epilogue.getExtras())
      dim.extras.push_back(extra.strides[d]);
    if (int64_t w = d - batch; w >= 0 && w < window) {
      dim.taps = op.getKernel()[w], dim.stride = op.getStrides()[w];
      dim.dilation = op.getDilations()[w], dim.low = op.getPads()[w];
      dim.high = op.getPads()[window + w];
      result.kernelSize *= dim.taps;
    }
    if (op.getWeights() && d >= batch)
      dim.weights = kernel.place(op.getWeights()).strides[d - batch];
    (d < batch ? result.batches : result.rows).push_back(dim);
  }
  result.weightsOffset = op.getWeights() ? kernel.place(op.getWeights()).offset : zero;
  result.channels = result.rows.pop_back_val();
  if (result.rows.back().taps <= widestUnrolled)
    result.columns = result.rows.pop_back_val();
  else {
    AffineExpr one = getAffineConstantExpr(1, op.getContext());
    result.columns.in = result.columns.out = one;
    result.columns.a = result.columns.weights = result.columns.c = zero;
    result.columns.extras.assign(result.epilogue.getExtras().size(), zero);
  }
  const WindowDim &channels = result.channels;
  if (!constantOf(channels.out) || !constantOf(channels.a) || !constantOf(channels.c) ||
      !constantOf(channels.weights) || !llvm::all_of(channels.extras, constantOf))
    return op.emitError("expects a constant number of channels, at constant distances, found ")
           << op.getInitType();
  result.schedule();
  return result;
}
