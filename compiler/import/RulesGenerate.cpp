// Elements that follow from their place.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// The result's size follows from the values: they must be constants.
static void importRange(OpBinder &b) {
  for (size_t i = 0; i < 3; ++i)
    if (Value value = b.input(i); !matchPattern(value, m_Constant()) && !nn::factOf(value).value)
      return (void)b.unsupported("start, limit and delta must be known before the program runs");
  b.result(b.create<nn::RangeOp>({b.input(0), b.input(1), b.input(2)}));
}

static void importEyeLike(OpBinder &b) {
  Type element = b.elementType("dtype", b.typeOf(b.input(0)).getElementType());
  if (!element)
    return;
  nn::EyeLikeOp::Properties properties;
  properties.to = TypeAttr::get(element);
  properties.k = b.i64(b.integer("k", 0));
  b.result(b.create<nn::EyeLikeOp>({b.input(0)}, properties));
}

static void importTrilu(OpBinder &b) {
  SmallVector<Value> operands{b.input(0)};
  if (Value k = b.input(1))
    operands.push_back(k);
  nn::TriluOp::Properties properties;
  properties.upper = b.unitIf(b.flag("upper", true));
  b.result(b.create<nn::TriluOp>(operands, properties));
}

static Value oneHot(OpBinder &b, Value indices, Value depth, Value values, int64_t axis) {
  nn::OneHotOp::Properties properties;
  properties.axis = b.i64(axis);
  return b.create<nn::OneHotOp>({indices, depth, values}, properties);
}

static void importOneHot(OpBinder &b) {
  Value depth = b.cast(b.reshape(b.input(1), {}), b.getBuilder().getI64Type());
  depth = b.knownSizes(depth, "the depth");
  b.result(oneHot(b, b.input(0), depth, b.input(2), b.integer("axis", -1)));
}

// 1 at the first largest element along an axis, else 0. Until opset 12 all dims from the axis on
// are one.
static void importHardmax(OpBinder &b) {
  Value x = b.input(0);
  const Shape shape = b.shapeOf(x);
  int64_t axis = b.axis(b.integer("axis", b.getOpset() < 13 ? 1 : -1), b.rankOf(x));
  if (b.hasFailed())
    return;
  if (b.getOpset() < 13) {
    x = Compose{b}.flatten(x, axis);
    axis = 1;
  }
  nn::ArgReduceOp::Properties properties;
  properties.kind = nn::ArgReduceKindAttr::get(b.getBuilder().getContext(), nn::ArgReduceKind::Max);
  properties.axis = b.i64(axis);
  Value largest = b.create<nn::ArgReduceOp>({x}, properties);
  Type element = b.typeOf(b.input(0)).getElementType();
  nn::ConcatOp::Properties concat;
  concat.axis = b.i64(0);
  Value values = b.create<nn::ConcatOp>(
      {b.reshape(b.scalar(element, 0), {1}), b.reshape(b.scalar(element, 1), {1})}, concat);
  const int64_t depth = x ? b.fixedSizeOf(x, axis) : 0;
  Value hot = oneHot(b, largest, b.reshape(b.constant({depth}), {}), values, axis);
  b.result(b.reshapeTo(hot, shape));
}

void nncc::addGenerateRules(Rules &rules) {
  rules.onOp("Range", 11, importRange);
  rules.onOp("EyeLike", 9, importEyeLike);
  rules.onOp("Trilu", 14, importTrilu);
  rules.onOp("OneHot", 9, importOneHot);
  rules.onOp("Hardmax", 1, importHardmax);
}
