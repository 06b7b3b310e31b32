// The largest elements.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// Integers in the order of the floats `x`: NaN is the largest, -0 is 0.
static Value orderedBits(OpBinder &b, Value x) {
  Compose f{b};
  const Type element = b.typeOf(x).getElementType();
  const unsigned width = element.getIntOrFloatBitWidth();
  x = f.where(f.compare(nn::CompareKind::Equal, x, f.number(x, 0)), f.number(x, 0), x);
  nn::BitCastOp::Properties properties;
  properties.to = TypeAttr::get(b.getBuilder().getIntegerType(width));
  Value bits = b.create<nn::BitCastOp>({x}, properties);
  if (!bits)
    return bits;
  // The magnitude of a negative number counts downwards.
  auto type = RankedTensorType::get({}, properties.to.getValue());
  Value mask = b.constant(DenseElementsAttr::get(type, APInt::getSignedMaxValue(width)));
  return f.where(f.compare(nn::CompareKind::Less, bits, f.number(bits, 0)),
                 b.create<nn::XorOp>({bits, mask}), bits);
}

// 0, 1, .. as int64 along dim `axis` of a tensor of `rank` dims.
static Value countUp(OpBinder &b, AffineExpr size, int64_t axis, int64_t rank) {
  auto scalar = [&](int64_t value) { return b.reshape(b.constant({value}), {}); };
  Value places = b.create<nn::RangeOp>({scalar(0), b.reshape(b.sizes(size), {}), scalar(1)});
  Shape shape(rank, b.getBuilder().getAffineConstantExpr(1));
  shape[axis] = size;
  return b.reshapeTo(places, shape);
}

// How many elements of a row come before each of its elements, of equal ones the earlier ones:
// every element is compared with all of its row.
static Value ranks(OpBinder &b, Value x, int64_t axis, bool largest) {
  Compose f{b};
  const Shape shape = b.shapeOf(x);
  const AffineExpr one = b.getBuilder().getAffineConstantExpr(1);
  Shape own = shape, others = shape;
  own.insert(own.begin() + axis + 1, one);
  others.insert(others.begin() + axis, one);
  const int64_t rank = own.size();
  Value mine = b.reshapeTo(x, own), other = b.reshapeTo(x, others);
  Value isBefore =
      f.compare(largest ? nn::CompareKind::Greater : nn::CompareKind::Less, other, mine);
  Value isEarlier = f.compare(nn::CompareKind::Less, countUp(b, shape[axis], axis + 1, rank),
                              countUp(b, shape[axis], axis, rank));
  Value isEqual = f.compare(nn::CompareKind::Equal, other, mine);
  isBefore = b.create<nn::OrOp>({isBefore, b.create<nn::AndOp>({isEqual, isEarlier})});
  return f.reduce(nn::ReduceKind::Sum, b.cast(isBefore, b.getBuilder().getI64Type()), {axis + 1},
                  /*keepdims=*/false);
}

// An attribute first; from 0 to the number of elements, or the run ends.
static AffineExpr readK(OpBinder &b, AffineExpr all) {
  Compose f{b};
  Value k = b.getOpset() < 10 ? b.constant({b.integer("k", -1)}) : b.input(1);
  if (!k || b.typeOf(k).getNumElements() != 1) {
    b.invalid("expected k, one integer");
    return all;
  }
  k = b.reshape(b.cast(k, b.getBuilder().getI64Type()), {1});
  const auto known = b.integersOf(k);
  if (known && constantOf(all)) {
    if ((*known)[0] < 0 || (*known)[0] > *constantOf(all))
      b.invalid("k is " + Twine((*known)[0]) + ", expected 0 to " + Twine(*constantOf(all)));
    return b.getBuilder().getAffineConstantExpr((*known)[0]);
  }
  Value fits = f.compare(nn::CompareKind::LessEqual, k, b.sizes(all));
  const Shape sizes = b.sizesOf(f.where(fits, k, f.number(k, -1)), "k");
  return sizes.empty() ? all : sizes[0];
}

static void importTopK(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0);
  if (!x || b.rankOf(x) < 1)
    return (void)b.invalid("expected an operand of 1 dim or more");
  const int64_t axis = b.axis(b.integer("axis", -1), b.rankOf(x));
  const Shape shape = b.shapeOf(x);
  const AffineExpr size = readK(b, shape[axis]);
  if (b.hasFailed())
    return;
  Value keys = isa<FloatType>(b.typeOf(x).getElementType()) ? orderedBits(b, x) : x;
  Value order = ranks(b, keys, axis, b.flag("largest", true));
  // The place of the element of each rank.
  Shape behind = shape;
  behind.insert(behind.begin() + axis, b.getBuilder().getAffineConstantExpr(1));
  const int64_t rank = behind.size();
  Value isHere =
      f.compare(nn::CompareKind::Equal, b.reshapeTo(order, behind), countUp(b, size, axis, rank));
  Value place = countUp(b, shape[axis], axis + 1, rank);
  Value indices =
      f.reduce(nn::ReduceKind::Sum, f.where(isHere, place, f.number(place, 0)), {axis + 1},
               /*keepdims=*/false);
  nn::GatherElementsOp::Properties properties;
  properties.axis = b.i64(axis);
  b.result(b.create<nn::GatherElementsOp>({x, indices}, properties));
  b.result(indices, 1);
}

void nncc::addSelectRules(Rules &rules) { rules.onOp("TopK", 1, importTopK); }
