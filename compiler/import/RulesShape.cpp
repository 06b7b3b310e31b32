// Shapes as values, and other shapes for the same elements.
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nncc;

static void importShape(OpBinder &b) {
  nn::ShapeOp::Properties properties;
  properties.start = b.i64(b.integer("start", 0));
  if (b.attribute("end"))
    properties.end = b.i64(b.integer("end", 0));
  b.result(b.create<nn::ShapeOp>({b.input(0)}, properties));
}

// The shape that a reshape means whose shape a run computes: 0 stands for the operand's size, -1
// for what is left.
static Value resolveShape(OpBinder &b, Value x, Value shape, bool allowZero) {
  const int64_t rank = b.fixedSizeOf(shape, 0);
  Compose compose{b};
  Shape own = b.shapeOf(x);
  const AffineExpr count = elementCount(own, b.getBuilder().getContext());
  own.resize(rank, b.getBuilder().getAffineConstantExpr(0));
  shape = b.cast(shape, b.getBuilder().getI64Type());
  if (!allowZero)
    shape = compose.where(compose.compare(nn::CompareKind::Equal, shape, compose.number(shape, 0)),
                          b.sizes(own), shape);
  Value isOpen = compose.compare(nn::CompareKind::Equal, shape, compose.number(shape, -1));
  Value one = compose.number(shape, 1);
  Value others = compose.reduce(nn::ReduceKind::Prod, compose.where(isOpen, one, shape), {0}, true);
  Value rest = compose.div(b.sizes(count), others); // 0 where it is divided by 0
  return b.knownSizes(compose.where(isOpen, rest, shape), "a size of the shape");
}

static void importReshape(OpBinder &b) {
  Value shape = b.getOpset() < 5 ? b.constant(b.integers("shape").value_or(SmallVector<int64_t>()))
                                 : b.input(1);
  if (b.rankOf(shape) != 1)
    return (void)b.invalid("expects a shape of 1 dim, found " + Twine(b.rankOf(shape)));
  const bool isKnown = shape && nn::factOf(shape).value;
  if (!isKnown)
    shape = resolveShape(b, b.input(0), shape, b.flag("allowzero"));
  nn::ReshapeOp::Properties properties;
  properties.allow_zero = b.unitIf(b.flag("allowzero") || !isKnown);
  b.result(b.create<nn::ReshapeOp>({b.input(0), shape}, properties));
}

static void importFlatten(OpBinder &b) {
  Value x = b.input(0);
  const int64_t rank = b.rankOf(x);
  int64_t axis = b.integer("axis", 1);
  if (axis < -rank || axis > rank)
    return (void)b.invalid("axis " + Twine(axis) + " is outside of [" + Twine(-rank) + ", " +
                           Twine(rank) + "]");
  axis = axis < 0 ? axis + rank : axis;
  b.result(Compose{b}.flatten(x, axis));
}

// The axes of Squeeze and Unsqueeze: an attribute, from opset 13 on an operand. Null: none given.
static Value readAxes(OpBinder &b) {
  if (b.getOpset() >= 13)
    return b.input(1);
  auto axes = b.integers("axes");
  return axes ? b.constant(*axes) : Value();
}

// The number of axes that a run computes, which the rank of the result follows from.
static int64_t countAxes(OpBinder &b, Value axes) {
  return b.rankOf(axes) == 0 ? 1 : b.fixedSizeOf(axes, 0);
}

// Without the dims that `axes` name; that their sizes are 1 follows from the number of elements.
static Value squeezeAt(OpBinder &b, Value x, Value axes) {
  Parameters p{b};
  const int64_t rank = b.rankOf(x), left = rank - countAxes(b, axes);
  if (left < 0)
    return b.invalid("has more axes than its operand has dims");
  axes = p.axes(axes, rank);
  Value sizes = b.sizes(b.shapeOf(x)), isDropped = p.isListed(axes, rank);
  p.require(p.equal(p.f.where(isDropped, sizes, p.f.number(sizes, 1)), p.f.number(sizes, 1)),
            "the size of an axis is not 1");
  const Shape own = b.sizesOf(p.compact(sizes, p.flip(isDropped), left), "a size");
  return b.hasFailed() ? Value() : b.reshapeTo(x, own);
}

static void importSqueeze(OpBinder &b) {
  SmallVector<Value> operands{b.input(0)};
  if (Value axes = readAxes(b)) {
    if (!b.integersOf(axes))
      return b.result(squeezeAt(b, b.input(0), axes));
    operands.push_back(axes);
  } else { // the rank of the result must not depend on a run
    for (auto [dim, size] : llvm::enumerate(b.shapeOf(b.input(0))))
      if (!constantOf(size))
        b.requireZeros(isEqual(size, size * 0 + 1),
                       "has no axes, and dim " + Twine(dim) +
                           " of its operand, which was open at compile time, is 1");
  }
  b.result(b.create<nn::SqueezeOp>(operands));
}

// With dims of size 1 at `axes` of the result.
static Value unsqueezeAt(OpBinder &b, Value x, Value axes) {
  Parameters p{b};
  const int64_t own = b.rankOf(x), rank = own + countAxes(b, axes);
  axes = p.axes(axes, rank);
  Value isNew = p.isListed(axes, rank), one = b.constant(ArrayRef<int64_t>{1});
  Value from = p.sumBefore(p.toInteger(p.flip(isNew)));
  // Of no dims there is none to look up: a 1 behind them.
  Value sizes = p.f.concat({b.sizes(b.shapeOf(x)), one}, 0);
  Value result = p.f.where(isNew, one, p.gather(sizes, from));
  const Shape shape = b.sizesOf(result, "a size");
  return b.hasFailed() ? Value() : b.reshapeTo(x, shape);
}

static void importUnsqueeze(OpBinder &b) {
  Value axes = readAxes(b);
  if (!axes)
    return (void)b.invalid("has no axes");
  b.result(b.integersOf(axes) ? b.create<nn::UnsqueezeOp>({b.input(0), axes})
                              : unsqueezeAt(b, b.input(0), axes));
}

static void importExpand(OpBinder &b) {
  b.result(b.create<nn::ExpandOp>({b.input(0), b.knownSizes(b.input(1), "a size of the shape")}));
}

void nncc::addShapeRules(Rules &rules) {
  rules.onOp("Shape", 1, importShape);
  rules.onOp("Size", 1, [](OpBinder &b) { b.result(b.create<nn::SizeOp>({b.input(0)})); });
  rules.onOp("Reshape", 1, importReshape);
  rules.onOp("Flatten", 1, importFlatten);
  rules.onOp("Squeeze", 1, importSqueeze);
  rules.onOp("Unsqueeze", 1, importUnsqueeze);
  rules.onOp("Expand", 8, importExpand);
}
