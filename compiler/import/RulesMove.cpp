// Operators that move elements.
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace nncc;

static void importTranspose(OpBinder &b) {
  const int64_t rank = b.rankOf(b.input(0));
  auto perm = b.integers("perm");
  if (!perm)
    perm = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  nn::TransposeOp::Properties properties;
  properties.perm = b.array(*perm);
  b.result(b.create<nn::TransposeOp>({b.input(0)}, properties));
}

static void importConcat(OpBinder &b) {
  nn::ConcatOp::Properties properties;
  properties.axis = b.i64(b.integer("axis", 1)); // required from opset 4 on
  b.result(b.create<nn::ConcatOp>(b.allInputs(), properties));
}

// The sizes of the parts: given, or as equal as can be with a smaller last one.
static Shape readParts(OpBinder &b, AffineExpr size) {
  const int64_t count = int64_t(b.getOutputCount());
  MLIRContext *context = size.getContext();
  if (b.getOpset() >= 13 && b.input(1))
    return b.sizesOf(b.input(1), "the size of a part");
  if (auto parts = b.integers("split"); parts && b.getOpset() < 13)
    return makeShape(*parts, context);
  if (int64_t stated = b.integer("num_outputs", count); stated != count) {
    b.invalid("num_outputs is " + Twine(stated) + ", but the node has " + Twine(count) +
              " outputs");
    return {};
  }
  if (b.getOpset() < 18 && constantOf(normalForm(size % count)).value_or(0) != 0)
    b.invalid("cannot split " + b.textOf(size) + " elements into " + Twine(count) + " equal parts");
  const AffineExpr part = size.ceilDiv(count);
  Shape parts(count, part);
  parts.back() = size - part * (count - 1);
  return parts;
}

static void importSplit(OpBinder &b) {
  Value x = b.input(0);
  const int64_t axis = b.axis(b.integer("axis", 0), b.rankOf(x));
  if (b.hasFailed())
    return;
  const AffineExpr size = b.shapeOf(x)[axis];
  const Shape parts = readParts(b, size);
  if (b.hasFailed())
    return;
  AffineExpr left = size;
  bool fits = parts.size() == b.getOutputCount();
  for (AffineExpr part : parts) {
    left = left - part;
    fits &= constantOf(part).value_or(0) >= 0 && constantOf(left).value_or(0) >= 0;
  }
  if (!fits || constantOf(normalForm(left)).value_or(0) != 0)
    return (void)b.invalid("its parts do not add up to the " + b.textOf(size) +
                           " elements of axis " + Twine(axis) + " for " +
                           Twine(b.getOutputCount()) + " outputs");
  b.requireZeros(left, "its parts do not add up to the size of axis " + Twine(axis));
  const bool isKnown = b.getOpset() < 13 || !b.input(1) || nn::factOf(b.input(1)).value;
  for (auto [i, part] : llvm::enumerate(Compose{b}.split(x, axis, parts, isKnown)))
    b.result(part, i);
}

namespace {
/// What a slice takes, one of each per axis.
struct Limits {
  Value starts, ends, axes, steps;
};
} // namespace

// The limits of all dims: those of the axes, for others all there is.
static Limits limitsOfDims(OpBinder &b, Value x, const Limits &given) {
  Parameters p{b};
  const int64_t rank = b.rankOf(x);
  Value axes = p.axes(given.axes, rank);
  auto spread = [&](Value values, int64_t otherwise) {
    values = p.wide(values);
    return p.spread(values, axes, rank, b.reshape(b.constant({otherwise}), {}));
  };
  Limits all{spread(given.starts, 0), spread(given.ends, INT64_MAX), axes, spread(given.steps, 1)};
  p.require(p.flip(p.equal(all.steps, p.f.number(all.steps, 0))), "a step is 0");
  return all;
}

// A slice whose limits a run computes: clamped as ONNX says.
static Value sliceAt(OpBinder &b, Value x, const Limits &given) {
  Parameters p{b};
  Compose f{b};
  const int64_t rank = b.rankOf(x);
  for (Value each : {given.ends, given.axes, given.steps})
    if (b.rankOf(each) != 1 || b.shapeOf(each) != b.shapeOf(given.starts))
      return b.invalid("expects a start, an end, an axis and a step for each axis");
  const auto [starts, ends, axes, steps] = limitsOfDims(b, x, given);
  Value size = b.sizes(b.shapeOf(x)), zero = f.number(size, 0), one = f.number(size, 1);
  constexpr int64_t most = int64_t(1) << 50; // more than any size: takes one element
  Value step = p.min(p.max(steps, f.number(size, -double(most))), f.number(size, double(most)));
  Value isForward = p.less(zero, step);
  auto clamp = [&](Value limit, Value low, Value high) {
    limit = f.where(p.less(limit, zero), f.add(limit, size), limit);
    return p.max(p.min(limit, high), low);
  };
  Value last = f.sub(size, one);
  Value high = f.where(isForward, size, last), low = f.where(isForward, zero, f.number(size, -1));
  Value start = clamp(starts, zero, high), end = clamp(ends, low, high);
  Value distance = p.max(f.where(isForward, f.sub(end, start), f.sub(start, end)), zero);
  distance = f.where(p.less(zero, size), distance, zero);
  Value magnitude = f.unary<nn::AbsOp>(step);
  Value counts = f.div(f.add(distance, f.sub(magnitude, one)), magnitude);
  // The dims that no axis names keep their sizes.
  Shape sizes = b.sizesOf(counts, "a size of the slice");
  if (auto known = b.integersOf(given.axes); known && !b.hasFailed()) {
    SmallVector<bool> isSliced(rank, false);
    for (int64_t axis : *known)
      isSliced[b.axis(axis, rank)] = true;
    for (auto [dim, own] : llvm::enumerate(b.shapeOf(x)))
      sizes[dim] = isSliced[dim] ? sizes[dim] : own;
  }
  return b.create<nn::SliceAtOp>({x, start, step, b.sizes(sizes)});
}

// Operands that are 1-D tensors of one length; axes default to all dims in order, steps to 1.
static void importSlice(OpBinder &b) {
  Value x = b.input(0), starts = b.input(1), ends = b.input(2), axes = b.input(3),
        steps = b.input(4);
  if (b.getOpset() < 10) {
    starts = b.constant(b.integers("starts").value_or(SmallVector<int64_t>()));
    ends = b.constant(b.integers("ends").value_or(SmallVector<int64_t>()));
    if (auto given = b.integers("axes"))
      axes = b.constant(*given);
  }
  const int64_t count = b.rankOf(starts) == 1 ? b.fixedSizeOf(starts, 0) : -1;
  if (count < 0)
    return (void)b.invalid("'starts' has " + Twine(b.rankOf(starts)) + " dims, expected 1");
  if (!axes)
    axes = b.constant(llvm::to_vector(llvm::seq<int64_t>(0, count)));
  if (!steps)
    steps = b.constant(SmallVector<int64_t>(count, 1));
  if (b.hasFailed())
    return;
  auto isKnown = [](Value value) { return nn::factOf(value).value.has_value(); };
  if (!isKnown(starts) || !isKnown(ends) || !b.integersOf(axes) || !b.integersOf(steps))
    return b.result(sliceAt(b, x, {starts, ends, axes, steps}));
  b.result(b.create<nn::SliceOp>({x, starts, ends, axes, steps}));
}

static std::optional<nn::PadMode> readPadMode(OpBinder &b) {
  const StringRef mode = b.string("mode", "constant");
  for (auto [name, known] :
       {std::pair("constant", nn::PadMode::Constant), std::pair("reflect", nn::PadMode::Reflect),
        std::pair("edge", nn::PadMode::Edge), std::pair("wrap", nn::PadMode::Wrap)})
    if (mode == name)
      return known;
  b.invalid("mode is '" + mode + "', expected constant, reflect, edge or wrap");
  return std::nullopt;
}

// The pads of all dims, where a run computes which of them `axes` name.
static Value padsOfDims(OpBinder &b, Value pads, Value axes) {
  Parameters p{b};
  const int64_t rank = b.rankOf(b.input(0));
  axes = p.axes(axes, rank);
  pads = p.wide(pads);
  const int64_t count = axes ? b.fixedSizeOf(axes, 0) : 0;
  if (b.hasFailed() || constantOf(b.shapeOf(pads)[0]) != 2 * count)
    return b.invalid("expects two pads for each axis");
  Value zero = p.f.number(pads, 0);
  Value low = p.spread(p.f.slice(pads, 0, 0, count), axes, rank, zero);
  Value high = p.spread(p.f.slice(pads, 0, count, 2 * count), axes, rank, zero);
  return p.f.concat({low, high}, 0);
}

// Where in a dim of `size` elements those at `places` around it come from.
static Value sourceOf(const Parameters &p, Value places, Value size, nn::PadMode mode) {
  Value zero = p.f.number(places, 0), last = p.f.sub(size, p.f.number(size, 1));
  if (mode == nn::PadMode::Wrap)
    return p.b.create<nn::ModOp>({places, size});
  if (mode != nn::PadMode::Reflect)
    return p.max(p.min(places, last), zero);
  Value period = p.f.mul(last, 2); // there and back, without the edges twice
  Value forth = p.b.create<nn::ModOp>({places, period});
  return p.min(forth, p.f.sub(period, forth));
}

// Pads of all dims that a run computes: the elements are looked up, one dim after the other.
static Value padAt(OpBinder &b, Value x, Value pads, Value value, nn::PadMode mode) {
  Parameters p{b};
  const int64_t rank = b.rankOf(x);
  pads = p.wide(pads);
  if (b.hasFailed() || constantOf(b.shapeOf(pads)[0]) != 2 * rank)
    return b.invalid("expects two pads for each dim");
  const Shape from = b.shapeOf(x);
  Value low = p.f.slice(pads, 0, 0, rank), high = p.f.slice(pads, 0, rank, 2 * rank);
  const Shape sizes =
      b.sizesOf(p.f.add(b.sizes(from), p.f.add(low, high)), "a size of the padded tensor");
  Value exists;
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    Value own = b.sizes(from[dim]);
    Value places = p.f.sub(p.places(size), p.f.slice(low, 0, dim, dim + 1));
    x = p.gather(x, sourceOf(p, places, own, mode), dim);
    Value isInside = p.both(p.flip(p.less(places, p.f.number(places, 0))), p.less(places, own));
    Shape along(rank, size * 0 + 1);
    along[dim] = size;
    isInside = b.reshapeTo(isInside, along);
    exists = exists ? p.both(exists, isInside) : isInside;
  }
  return exists && mode == nn::PadMode::Constant ? p.f.where(exists, x, value) : x;
}

static void importPad(OpBinder &b) {
  Value x = b.input(0), pads = b.input(1), value = b.input(2), axes = b.input(3);
  Type element = b.typeOf(x).getElementType();
  if (b.getOpset() < 11) {
    auto given = b.integers(b.getOpset() < 2 ? "paddings" : "pads");
    pads = b.constant(given.value_or(SmallVector<int64_t>()));
    value = b.scalar(element, b.number("value", 0));
  }
  auto mode = readPadMode(b);
  if (!mode || b.hasFailed())
    return;
  value = value ? b.reshape(value, {}) : b.scalar(element, 0);
  auto isKnown = [](Value value) { return !value || nn::factOf(value).value; };
  if (axes && (!isKnown(pads) || !b.integersOf(axes)))
    pads = padsOfDims(b, pads, axes), axes = {};
  if (!isKnown(pads))
    return b.result(padAt(b, x, pads, value, *mode));
  SmallVector<Value> operands{x, pads, value};
  if (axes)
    operands.push_back(axes);
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), *mode);
  b.result(b.create<nn::PadOp>(operands, properties));
}

static void importTile(OpBinder &b) {
  b.result(b.create<nn::TileOp>({b.input(0), b.knownSizes(b.input(1), "how often a dim repeats")}));
}

/// DepthToSpace, SpaceToDepth.
template <typename Op> static void importBlocks(OpBinder &b) {
  const StringRef mode = b.string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return (void)b.invalid("mode is '" + mode + "', expected DCR or CRD");
  typename Op::Properties properties;
  properties.block = b.i64(b.integer("blocksize", 1));
  properties.column_major = b.unitIf(mode == "CRD");
  b.result(b.create<Op>({b.input(0)}, properties));
}

void nncc::addMoveRules(Rules &rules) {
  rules.onOp("Transpose", 1, importTranspose);
  rules.onOp("Concat", 1, importConcat);
  rules.onOp("Split", 2, importSplit);
  rules.onOp("Slice", 1, importSlice);
  rules.onOp("Pad", 1, importPad);
  rules.onOp("Tile", 6, importTile);
  rules.onOp("DepthToSpace", 1, importBlocks<nn::DepthToSpaceOp>);
  rules.onOp("SpaceToDepth", 1, importBlocks<nn::SpaceToDepthOp>);
}
