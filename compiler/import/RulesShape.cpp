// Shapes as values, and other shapes for the same elements.
#include "compiler/import/Compose.h"
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

static void importReshape(OpBinder &b) {
  Value shape = b.getOpset() < 5 ? b.constant(b.integers("shape").value_or(SmallVector<int64_t>()))
                                 : b.input(1);
  b.requireSizes(shape, "the shape");
  nn::ReshapeOp::Properties properties;
  properties.allow_zero = b.unitIf(b.flag("allowzero"));
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
  if (b.getOpset() >= 13) {
    b.requireIntegers(b.input(1), "its axes");
    return b.input(1);
  }
  auto axes = b.integers("axes");
  return axes ? b.constant(*axes) : Value();
}

static void importSqueeze(OpBinder &b) {
  SmallVector<Value> operands{b.input(0)};
  if (Value axes = readAxes(b))
    operands.push_back(axes);
  b.result(b.create<nn::SqueezeOp>(operands));
}

static void importUnsqueeze(OpBinder &b) {
  Value axes = readAxes(b);
  b.result(axes ? b.create<nn::UnsqueezeOp>({b.input(0), axes}) : b.invalid("has no axes"));
}

static void importExpand(OpBinder &b) {
  b.requireSizes(b.input(1), "the shape");
  b.result(b.create<nn::ExpandOp>({b.input(0), b.input(1)}));
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
