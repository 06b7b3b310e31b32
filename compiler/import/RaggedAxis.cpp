// Sequences of tensors that are parts of one tensor, along one of its axes.
#include "compiler/import/Ragged.h"

#include "runtime/include/nncc/abi.h"

using namespace mlir;
using namespace nncc;

static AffineExpr product(ArrayRef<AffineExpr> sizes, OpBinder &b) {
  return elementCount(sizes, b.getBuilder().getContext());
}

// The sizes that all tensors have, but for those of `axis`, which may differ; -1 is none.
Shape Ragged::commonShape(Value sequence, int64_t axis) const {
  const RankedTensorType tensor = rankedTensor(
      sequence, "joins the tensors of a sequence, and nothing says how many dims they have");
  if (!tensor)
    return {};
  if (isString(tensor)) {
    b.unsupported("joins tensors of strings, of a sequence of which only a run knows the length");
    return {};
  }
  Value rows = partsOf(sequence).back(), zero = b.constant(ArrayRef<int64_t>{0});
  require(less(zero, b.sizes(length(sequence))), "joins the tensors of an empty sequence");
  SmallVector<int64_t> differs(NNCC_VALUE_ROW, 1);
  if (axis >= 0)
    differs[1 + axis] = 0;
  Value first = cut(rows, number(0), number(1));
  Value difference = f.mul(f.sub(rows, first), b.constant(differs));
  require(equal(difference, zero), "joins tensors whose sizes differ");
  const Shape found = b.sizesOf(b.reshape(first, {NNCC_VALUE_ROW}), "a size in a sequence");
  if (b.hasFailed())
    return {};
  Shape shape(found.begin() + 1, found.begin() + 1 + tensor.getRank());
  for (auto [size, known] : llvm::zip(shape, tensor.getShape()))
    size = ShapedType::isDynamic(known) ? size : number(known);
  return shape;
}

Value Ragged::stack(Value sequence, int64_t axis) const {
  Shape shape = commonShape(sequence, -1);
  shape.insert(shape.begin(), length(sequence));
  SmallVector<int64_t> perm;
  for (int64_t dim = 1; dim < int64_t(shape.size()); ++dim)
    perm.push_back(dim);
  perm.insert(perm.begin() + axis, 0);
  return b.hasFailed() ? Value() : f.transpose(b.reshapeTo(partsOf(sequence)[0], shape), perm);
}

Value Ragged::concat(Value sequence, int64_t axis, bool isNew) const {
  if (auto tensor =
          sequence ? dyn_cast<RankedTensorType>(tensorTypeOf(sequence)) : RankedTensorType())
    axis = b.axis(axis, tensor.getRank() + isNew);
  if (!sequence || b.hasFailed())
    return {};
  if (isNew)
    return stack(sequence, axis);
  Shape shape = commonShape(sequence, axis);
  if (b.hasFailed())
    return {};
  const SmallVector<Value> parts = partsOf(sequence);
  Value sizes = b.reshapeTo(f.slice(parts.back(), 1, 1 + axis, 2 + axis), length(sequence));
  shape[axis] = total(sizes);
  const AffineExpr outer = product(ArrayRef<AffineExpr>(shape).take_front(axis), b);
  const AffineExpr inner = product(ArrayRef<AffineExpr>(shape).drop_front(axis + 1), b);
  if (constantOf(outer) == 1)
    return b.reshapeTo(parts[0], shape);
  // Slice [o, q] of the result is slice q - before of the o-th of those that its tensor has.
  Value owner = owners(sizes, shape[axis]);
  Value before = gather(sumBefore(sizes), owner), own = gather(sizes, owner);
  Value place =
      f.add(places(shape[axis]), f.mul(before, b.reshape(b.sizes(normalForm(outer - 1)), {})));
  Value blocks = b.reshapeTo(places(outer), {outer, number(1)});
  Value slices = b.reshapeTo(parts[0], {normalForm(outer * shape[axis]), inner});
  return b.reshapeTo(gather(slices, f.add(place, f.mul(own, blocks))), shape);
}

// The rows of parts of these sizes [n] along an axis of a tensor.
Value Ragged::rowsOfParts(const Shape &shape, int64_t axis, Value sizes, bool keepsAxis) const {
  const AffineExpr count = b.shapeOf(sizes)[0];
  Shape row(NNCC_VALUE_ROW, number(1));
  row[0] = number(int64_t(shape.size()) - !keepsAxis);
  for (int64_t dim = 0, next = 1; dim < int64_t(shape.size()); ++dim)
    if (keepsAxis || dim != axis)
      row[next++] = shape[dim];
  auto columns = [&](int64_t from, int64_t to) {
    Value values = b.sizes(ArrayRef<AffineExpr>(row).slice(from, to - from));
    return b.create<nn::ExpandOp>(
        {b.reshape(values, {1, to - from}), b.sizes({count, number(to - from)})});
  };
  if (!keepsAxis)
    return columns(0, NNCC_VALUE_ROW);
  SmallVector<Value> all{columns(0, 1 + axis), b.reshapeTo(sizes, {count, number(1)})};
  if (axis + 2 < NNCC_VALUE_ROW)
    all.push_back(columns(axis + 2, NNCC_VALUE_ROW));
  return f.concat(all, 1);
}

Value Ragged::split(Value x, int64_t axis, Value sizes, bool keepsAxis) const {
  if (!x || !sizes)
    return {};
  const Shape shape = b.shapeOf(x);
  if (shape.size() > NNCC_VALUE_MAX_RANK || isString(x.getType()))
    return b.unsupported("splits " + describe(x.getType()) +
                         " into a sequence of which only a run "
                         "knows the length");
  SmallVector<int64_t> known(cast<RankedTensorType>(tensorTypeOf(x)).getShape());
  if (keepsAxis)
    known[axis] = ShapedType::kDynamic;
  else
    known.erase(known.begin() + axis);
  const AffineExpr size = shape[axis];
  const AffineExpr outer = product(ArrayRef<AffineExpr>(shape).take_front(axis), b);
  const AffineExpr inner = product(ArrayRef<AffineExpr>(shape).drop_front(axis + 1), b);
  Value elements = x;
  if (constantOf(outer) != 1) {
    // Slice t of those of one part is slice t % own of its (t / own)-th block in `x`.
    auto scalar = [&](AffineExpr value) { return b.reshape(b.sizes(normalForm(value)), {}); };
    const AffineExpr slices = normalForm(outer * size);
    Value owner = owners(f.mul(sizes, scalar(outer)), slices);
    Value before = gather(sumBefore(sizes), owner), own = gather(sizes, owner);
    Value slice = f.sub(places(slices), f.mul(before, scalar(outer)));
    Value block = f.div(slice, own);
    slice = f.add(f.sub(slice, f.mul(block, own)), f.add(before, f.mul(block, scalar(size))));
    elements = gather(b.reshapeTo(x, {slices, inner}), slice);
  }
  Value rows = rowsOfParts(shape, axis, sizes, keepsAxis);
  Type tensor = RankedTensorType::get(known, elementTypeOf(x.getType()));
  return make(nn::SequenceType::get(x.getContext(), tensor), {flat(elements), rows});
}
