// Elements chosen by their values: how many there are, a run counts.
#include "compiler/import/Indices.h"
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace nncc;

namespace {
/// Formulas on places, which are int64 [n].
struct Selection : Parameters {
  explicit Selection(OpBinder &b) : Parameters{b} {}

  /// How many elements hold.
  AffineExpr countTrue(Value mask) const {
    const Shape found = b.sizesOf(sum(toInteger(mask), 0), "a number of elements");
    return b.hasFailed() ? number(0) : found[0];
  }
  Value positions(Value mask, AffineExpr count) const {
    return b.create<nn::PositionsOp>({mask, b.sizes(count)});
  }
  /// The order of the rows of [batch, n, m].
  Value order(Value rows, AffineExpr count, bool descending) const {
    nn::ArgSortOp::Properties properties;
    properties.descending = b.unitIf(descending);
    return b.create<nn::ArgSortOp>({rows, b.sizes(count)}, properties);
  }
  /// The order of [n].
  Value order(Value x) const {
    const AffineExpr n = x ? b.shapeOf(x)[0] : number(0);
    return b.reshapeTo(order(b.reshapeTo(x, {number(1), n, number(1)}), n, false), n);
  }
  Value differs(Value x, Value y) const { return flip(equal(x, y)); }
};
} // namespace

// The largest or smallest elements along an axis: an order, and what is at its places.
static void importTopK(OpBinder &b) {
  Selection s(b);
  Value x = b.input(0);
  const int64_t rank = b.rankOf(x), axis = b.axis(b.integer("axis", -1), rank);
  Value k = b.getOpset() < 10 ? b.constant({b.integer("k", 0)}) : b.reshape(b.input(1), {1});
  if (!b.hasFailed())
    requireWithin(b, k, s.number(0), b.shapeOf(x)[axis], "k");
  const Shape count = b.sizesOf(k, "k");
  if (b.hasFailed())
    return;
  // The axis last, all other dims before it as one.
  SmallVector<int64_t> perm, back(rank);
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != axis)
      perm.push_back(dim);
  perm.push_back(axis);
  for (auto [to, from] : llvm::enumerate(perm))
    back[from] = to;
  Value rows = s.f.transpose(x, perm);
  Shape shape = b.shapeOf(rows);
  rows = s.f.flatten(rows, rank - 1);
  const Shape flat = b.shapeOf(rows);
  Value order = s.order(b.reshapeTo(rows, {flat[0], flat[1], s.number(1)}), count[0],
                        b.flag("largest", true));
  nn::GatherElementsOp::Properties properties;
  properties.axis = b.i64(1);
  Value values = b.create<nn::GatherElementsOp>({rows, order}, properties);
  shape.back() = count[0];
  for (auto [i, value] : llvm::enumerate(std::array{values, order}))
    b.result(s.f.transpose(b.reshapeTo(value, shape), back), i);
}

// [rank, count]: places counted over all elements, as one index per dim.
static void importNonZero(OpBinder &b) {
  Selection s(b);
  Value x = b.input(0);
  Shape shape = b.shapeOf(x);
  const int64_t rank = int64_t(shape.size());
  Value mask = s.flat(b.cast(x, b.getBuilder().getI1Type()));
  const AffineExpr count = s.countTrue(mask);
  if (rank == 0) // no index says where a scalar is
    return b.result(b.reshapeTo(s.zeros(s.number(0)), {s.number(0), count}));
  Shape strides(shape.size(), s.number(1));
  for (int64_t dim = rank - 1; dim > 0; --dim)
    strides[dim - 1] = normalForm(strides[dim] * shape[dim]);
  auto column = [&](ArrayRef<AffineExpr> values) { return b.reshape(b.sizes(values), {rank, 1}); };
  Value places = b.reshapeTo(s.positions(mask, count), {s.number(1), count});
  places = s.f.div(places, column(strides));
  b.result(b.create<nn::ModOp>({places, column(shape)}));
}

static void importCompress(OpBinder &b) {
  Selection s(b);
  Value x = b.input(0), mask = b.input(1);
  const bool isFlat = !b.attribute("axis");
  if (isFlat)
    x = s.flat(x);
  const int64_t axis = b.axis(b.integer("axis", 0), b.rankOf(x));
  if (b.rankOf(mask) != 1)
    return (void)b.invalid("expects a condition of 1 dim, found " + Twine(b.rankOf(mask)));
  const AffineExpr count = s.countTrue(mask);
  Value places = s.positions(mask, count);
  if (b.hasFailed())
    return;
  // The condition may be longer than the axis where it is false.
  const Shape size{b.shapeOf(x)[axis]};
  s.require(s.less(places, b.reshape(b.sizes(size), {})),
            "the condition holds behind the end of axis " + Twine(axis));
  b.result(s.gather(x, places, axis));
}

namespace {
/// Equal elements in groups; all members are int64. `inverse`: the group of each element.
struct Groups {
  Value first, inverse, sizes;
  AffineExpr count;
};
} // namespace

// Groups in the order of the values; rows [n, m] are compared.
static Groups findGroups(Selection s, Value rows) {
  OpBinder &b = s.b;
  const AffineExpr n = b.shapeOf(rows)[0], m = b.shapeOf(rows)[1];
  Value order = b.reshapeTo(s.order(b.reshapeTo(rows, {s.number(1), n, m}), n, false), n);
  Value places = s.places(n), zero = s.f.number(places, 0);
  Value before = s.max(s.f.sub(places, s.f.number(places, 1)), zero);
  Value sorted = s.gather(rows, order), previous = s.gather(sorted, before);
  Value changes = s.toInteger(s.differs(sorted, previous));
  Value starts = s.less(zero, s.sum(changes, 1));
  starts = b.create<nn::OrOp>({starts, s.equal(places, zero)});
  Groups groups;
  groups.count = s.countTrue(starts);
  groups.first = s.gather(order, s.positions(starts, groups.count));
  Value axis = b.reshape(b.constant(ArrayRef<int64_t>{0}), {});
  Value group = b.create<nn::CumSumOp>({s.toInteger(starts), axis});
  group = s.f.sub(group, s.f.number(group, 1));
  groups.inverse = s.scatter(s.zeros(n), order, group, nn::ScatterKind::Replace);
  Value ones = b.create<nn::ExpandOp>({s.f.number(places, 1), b.sizes(n)});
  groups.sizes = s.scatter(s.zeros(groups.count), group, ones, nn::ScatterKind::Add);
  return groups;
}

// The same groups in the order in which they are found.
static Groups inOrderOfPlaces(Selection s, const Groups &groups) {
  Value order = s.order(groups.first);
  Value rank =
      s.scatter(s.zeros(groups.count), order, s.places(groups.count), nn::ScatterKind::Replace);
  return {s.gather(groups.first, order), s.gather(rank, groups.inverse),
          s.gather(groups.sizes, order), groups.count};
}

static void importUnique(OpBinder &b) {
  Selection s(b);
  Value x = b.input(0);
  const bool isFlat = !b.attribute("axis");
  if (isFlat)
    x = s.flat(x);
  const int64_t rank = b.rankOf(x), axis = b.axis(b.integer("axis", 0), rank);
  if (b.hasFailed())
    return;
  SmallVector<int64_t> perm{axis};
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != axis)
      perm.push_back(dim);
  Value rows = s.f.flatten(s.f.transpose(x, perm), 1);
  if (!rows)
    return;
  Groups groups = findGroups(s, rows);
  if (!b.flag("sorted", true))
    groups = inOrderOfPlaces(s, groups);
  b.result(s.gather(x, groups.first, axis));
  for (auto [i, value] : llvm::enumerate(std::array{groups.first, groups.inverse, groups.sizes}))
    if (b.wants(i + 1))
      b.result(value, i + 1);
}

// Boxes [B, N, 4] and scores [B, C, N]; the result is [chosen, 3]: batch, class and box.
static void importNonMaxSuppression(OpBinder &b) {
  Selection s(b);
  Value boxes = b.input(0), scores = b.input(1);
  if (b.rankOf(boxes) != 3 || b.rankOf(scores) != 3)
    return (void)b.invalid("expects boxes and scores of 3 dims");
  boxes = b.withSize(boxes, 2, 4, "the boxes do not have 4 coordinates");
  const Shape shape = b.shapeOf(scores);
  auto limit = [&](size_t i, double otherwise) {
    Value given = b.input(i);
    return given ? given : b.scalar(b.getBuilder().getF32Type(), otherwise);
  };
  Value most = b.input(2) ? s.wide(b.input(2)) : b.constant(ArrayRef<int64_t>{0});
  const AffineExpr rowCount = normalForm(shape[0] * shape[1]);
  Value order = s.order(b.reshapeTo(scores, {rowCount, shape[2], s.number(1)}), shape[2], true);
  nn::SuppressOp::Properties properties;
  properties.center_point = b.unitIf(b.flag("center_point_box"));
  Value chosen = b.create<nn::SuppressOp>(
      {boxes, scores, b.reshapeTo(order, shape), most, limit(3, 0), limit(4, NAN)}, properties);
  chosen = s.flat(chosen);
  Value mask = s.flip(s.less(chosen, s.f.number(chosen, 0)));
  const AffineExpr count = s.countTrue(mask);
  Value places = s.positions(mask, count);
  auto scalar = [&](AffineExpr size) { return b.reshape(b.sizes(size), {}); };
  Value row = s.f.div(places, scalar(shape[2])), kinds = scalar(shape[1]);
  SmallVector<Value> columns{s.f.div(row, kinds), b.create<nn::ModOp>({row, kinds}),
                             s.gather(chosen, places)};
  for (Value &column : columns)
    column = b.reshapeTo(column, {count, s.number(1)});
  b.result(s.f.concat(columns, 1));
}

void nncc::addSelectRules(Rules &rules) {
  rules.onOp("TopK", 1, importTopK);
  rules.onOp("NonZero", 9, importNonZero);
  rules.onOp("Compress", 9, importCompress);
  rules.onOp("Unique", 11, importUnique);
  rules.onOp("NonMaxSuppression", 10, importNonMaxSuppression);
}
