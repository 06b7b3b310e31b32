// Elements that follow from their place.
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// The numbers of a range between scalars that a run computes: start + i * delta.
static Value rangeAt(OpBinder &b, Value start, Value limit, Value delta) {
  Parameters p{b};
  Compose f{b};
  OpBuilder &builder = b.getBuilder();
  for (Value *scalar : {&start, &limit, &delta})
    *scalar = b.reshape(*scalar, {});
  if (!start || !limit || !delta)
    return {};
  const Type element = b.typeOf(start).getElementType();
  // Narrow numbers are rounded once, at the end.
  const bool isFloat = isa<FloatType>(element);
  const Type compute = !isFloat                               ? Type(builder.getI64Type())
                       : element.getIntOrFloatBitWidth() < 32 ? Type(builder.getF32Type())
                                                              : element;
  for (Value *scalar : {&start, &limit, &delta})
    *scalar = b.cast(*scalar, compute);
  Value distance = f.sub(limit, start), zero = f.number(delta, 0), count;
  p.require(p.flip(p.equal(delta, zero)), "delta is 0");
  if (isFloat) {
    const Type wide = builder.getF64Type();
    Value steps = f.div(b.cast(distance, wide), b.cast(delta, wide));
    count = b.cast(f.unary<nn::CeilOp>(steps), builder.getI64Type());
  } else {
    Value ahead = p.less(zero, delta), step = p.wide(f.unary<nn::AbsOp>(delta));
    Value left = p.wide(f.where(ahead, distance, f.unary<nn::NegOp>(distance)));
    // The distance of two integers far apart has no integer.
    Value isAhead = f.where(ahead, p.less(start, limit), p.less(limit, start));
    left = f.where(b.reshape(isAhead, {1}), left, f.number(left, 0));
    p.require(p.flip(p.less(left, f.number(left, 0))), "there are too many numbers");
    count = f.div(f.sub(left, f.number(left, 1)), step);
    count = f.where(p.less(f.number(left, 0), left), f.add(count, f.number(count, 1)),
                    f.number(left, 0));
  }
  count = p.max(p.wide(count), f.number(p.wide(count), 0));
  const Shape sizes = b.sizesOf(count, "the number of elements");
  if (b.hasFailed())
    return {};
  Value places = p.places(sizes[0]);
  return b.cast(f.add(f.mul(b.cast(places, compute), delta), start), element);
}

static void importRange(OpBinder &b) {
  bool isKnown = true;
  for (size_t i = 0; i < 3; ++i)
    if (Value value = b.input(i))
      isKnown &= matchPattern(value, m_Constant()) || (i < 2 && nn::factOf(value).value);
  b.result(isKnown ? b.create<nn::RangeOp>({b.input(0), b.input(1), b.input(2)})
                   : rangeAt(b, b.input(0), b.input(1), b.input(2)));
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
  Value depth = b.input(1);
  if (depth && !nn::constantScalar(depth))
    depth = b.knownSizes(b.cast(b.reshape(depth, {}), b.getBuilder().getI64Type()), "the depth");
  Value values = b.withSize(b.input(2), 0, 2, "there are not two values");
  b.result(oneHot(b, b.input(0), depth, values, b.integer("axis", -1)));
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
  if (!x)
    return;
  Value hot = oneHot(b, largest, b.reshape(b.sizes(b.shapeOf(x)[axis]), {}), values, axis);
  b.result(b.reshapeTo(hot, shape));
}

void nncc::addGenerateRules(Rules &rules) {
  rules.onOp("Range", 11, importRange);
  rules.onOp("EyeLike", 9, importEyeLike);
  rules.onOp("Trilu", 14, importTrilu);
  rules.onOp("OneHot", 9, importOneHot);
  rules.onOp("Hardmax", 1, importHardmax);
}
