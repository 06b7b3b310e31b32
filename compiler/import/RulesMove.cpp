// Operators that move elements.
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

static Value sliceOf(OpBinder &b, Value x, int64_t axis, AffineExpr start, AffineExpr end) {
  return b.create<nn::SliceOp>(
      {x, b.sizes(start), b.sizes(end), b.constant({axis}), b.constant({1})});
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
    b.invalid("cannot split " + nn::textOf(size) + " elements into " + Twine(count) +
              " equal parts");
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
    return (void)b.invalid("its parts do not add up to the " + nn::textOf(size) +
                           " elements of axis " + Twine(axis) + " for " +
                           Twine(b.getOutputCount()) + " outputs");
  AffineExpr start = getAffineConstantExpr(0, size.getContext());
  for (auto [i, part] : llvm::enumerate(parts)) {
    b.result(sliceOf(b, x, axis, start, start + part), i);
    start = start + part;
  }
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
  starts = b.knownNumbers(starts, "a start");
  ends = b.knownNumbers(ends, "an end");
  b.requireIntegers(axes, "its axes");
  b.requireIntegers(steps, "its steps");
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

static void importPad(OpBinder &b) {
  Value x = b.input(0), pads = b.input(1), value = b.input(2), axes = b.input(3);
  Type element = b.typeOf(x).getElementType();
  if (b.getOpset() < 11) {
    auto given = b.integers(b.getOpset() < 2 ? "paddings" : "pads");
    pads = b.constant(given.value_or(SmallVector<int64_t>()));
    value = b.scalar(element, b.number("value", 0));
  }
  auto mode = readPadMode(b);
  pads = b.knownNumbers(pads, "a pad");
  if (axes)
    b.requireIntegers(axes, "its axes");
  if (!mode || b.hasFailed())
    return;
  value = value ? b.reshape(value, {}) : b.scalar(element, 0);
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
