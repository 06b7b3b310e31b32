#include "compiler/import/Parameters.h"
#include "compiler/import/Indices.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace nncc;

Value Parameters::wide(Value value) const {
  value = b.cast(value, b.getBuilder().getI64Type());
  return b.rankOf(value) == 0 ? b.reshape(value, {1}) : value;
}
Value Parameters::count(int64_t n) const {
  return b.constant(llvm::to_vector(llvm::seq<int64_t>(0, n)));
}
Value Parameters::places(AffineExpr n) const {
  const AffineExpr zero = b.getBuilder().getAffineConstantExpr(0);
  auto scalar = [&](AffineExpr value) { return b.reshape(b.sizes(value), {}); };
  return b.create<nn::RangeOp>({scalar(zero), scalar(n), scalar(zero + 1)});
}
Value Parameters::less(Value x, Value y) const { return f.compare(nn::CompareKind::Less, x, y); }
Value Parameters::equal(Value x, Value y) const { return f.compare(nn::CompareKind::Equal, x, y); }
Value Parameters::gather(Value x, Value indices, int64_t axis) const {
  nn::GatherOp::Properties properties;
  properties.axis = b.i64(axis);
  return b.create<nn::GatherOp>({x, indices}, properties);
}

void Parameters::require(Value holds, const Twine &text) const {
  if (!holds)
    return;
  if (auto known = b.integersOf(holds)) {
    if (llvm::is_contained(*known, 0))
      b.invalid(text);
    return;
  }
  Value violations = toInteger(flip(holds));
  if (violations)
    if (auto known = nn::factOf(violations).value)
      return b.requireZeros(*known, text);
  if (int64_t rank = b.rankOf(violations))
    violations = f.reduce(nn::ReduceKind::Sum, violations,
                          llvm::to_vector(llvm::seq<int64_t>(0, rank)), /*keepdims=*/false);
  const Shape found = b.sizesOf(violations, "the number of violations");
  if (!b.hasFailed())
    b.requireZeros(found[0], text);
}

// [rank, k]: whether dim i is axis j.
static Value matches(const Parameters &p, Value axes, int64_t rank) {
  if (!axes)
    return axes;
  AffineExpr one = p.b.getBuilder().getAffineConstantExpr(1);
  return p.equal(p.b.reshape(p.count(rank), {rank, 1}),
                 p.b.reshapeTo(axes, {one, p.b.shapeOf(axes)[0]}));
}

Value Parameters::axes(Value axes, int64_t rank) const {
  axes = wide(axes);
  if (b.rankOf(axes) != 1)
    return b.invalid("expects axes of 1 dim, found " + Twine(b.rankOf(axes)));
  if (auto known = b.integersOf(axes)) {
    for (int64_t &axis : *known)
      axis = b.axis(axis, rank);
    for (int64_t axis : *known)
      if (llvm::count(*known, axis) > 1 && !b.hasFailed())
        b.invalid("axis " + Twine(axis) + " is given twice");
    return b.hasFailed() ? Value() : b.constant(*known);
  }
  const AffineExpr size = getAffineConstantExpr(rank, b.getBuilder().getContext());
  requireWithin(b, axes, normalForm(-size), normalForm(size - 1), "an axis");
  Value zero = f.number(axes, 0), limit = f.number(axes, double(rank));
  axes = f.where(less(axes, zero), f.add(axes, limit), axes);
  Value times = sum(toInteger(matches(*this, axes, rank)), 1);
  require(less(times, f.number(times, 2)), "an axis is given twice");
  return axes;
}

Value Parameters::isListed(Value axes, int64_t rank) const {
  Value times = sum(toInteger(matches(*this, axes, rank)), 1);
  return less(f.number(times, 0), times);
}

Value Parameters::spread(Value values, Value axes, int64_t rank, Value otherwise) const {
  if (auto known = b.integersOf(axes)) {
    SmallVector<int64_t> places(rank, int64_t(known->size())); // what is behind the values
    for (auto [place, axis] : llvm::enumerate(*known))
      places[axis] = int64_t(place);
    return gather(f.concat({values, b.reshape(otherwise, {1})}, 0), b.constant(places));
  }
  Value chosen = f.where(matches(*this, axes, rank), values, f.number(values, 0));
  return f.where(isListed(axes, rank), sum(chosen, 1), otherwise);
}

Value Parameters::scatter(Value data, Value indices, Value updates, nn::ScatterKind kind) const {
  nn::ScatterElementsOp::Properties properties;
  properties.kind = nn::ScatterKindAttr::get(b.getBuilder().getContext(), kind);
  properties.axis = b.i64(0);
  return b.create<nn::ScatterElementsOp>({data, indices, updates}, properties);
}

Value Parameters::zeros(AffineExpr count) const {
  Value zero = b.reshape(b.constant(ArrayRef<int64_t>{0}), {});
  return b.create<nn::ExpandOp>({zero, b.sizes(count)});
}

Value Parameters::flat(Value x) const {
  return x ? b.reshapeTo(x, elementCount(b.shapeOf(x), b.getBuilder().getContext())) : x;
}

Value Parameters::sumBefore(Value x) const {
  nn::CumSumOp::Properties properties;
  properties.exclusive = b.getBuilder().getUnitAttr();
  Value axis = b.reshape(b.constant(ArrayRef<int64_t>{0}), {});
  return b.create<nn::CumSumOp>({x, axis}, properties);
}

Value Parameters::compact(Value values, Value keeps, int64_t count) const {
  Value place = sumBefore(toInteger(keeps));
  place = f.where(keeps, place, f.number(place, -1));
  return sum(f.where(matches(*this, place, count), values, f.number(values, 0)), 1);
}
