// The operations that choose elements, by one thread: loops over single elements.
#include "dialects/nn/Loops.h"
#include "targets/kernel/Selection.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace nncc;
using nncc::nn::Loops;

namespace {
/// A merge sort of the places of rows, one buffer to the other.
struct MergeSort {
  Value source, rows, columns;
  bool descending, isUnsigned, isSingle; // one column

  /// What the loops carry: places [2, rows], the next ones of two runs [2], a comparison [1].
  enum { Places, Heads, Sign };

  /// Whether row x has to come before row y of a batch.
  Value isBefore(const Loops &l, Value batch, Value x, Value y, SmallVector<Value> &carried) const;
  SmallVector<Value> sort(const Loops &l, Value batch, Value passes,
                          SmallVector<Value> carried) const;
  SmallVector<Value> merge(const Loops &l, Value batch, Value pass, Value i,
                           SmallVector<Value> carried) const;
};
} // namespace

Value MergeSort::isBefore(const Loops &l, Value batch, Value x, Value y,
                          SmallVector<Value> &carried) const {
  auto compare = [&](const Loops &at, Value column, Value first, Value second) {
    Value a = tensor::ExtractOp::create(at.b, at.loc, source, ValueRange{batch, first, column});
    Value b = tensor::ExtractOp::create(at.b, at.loc, source, ValueRange{batch, second, column});
    return descending ? isLess(at.b, at.loc, isUnsigned, b, a)
                      : isLess(at.b, at.loc, isUnsigned, a, b);
  };
  Value zero = l.constant(0);
  if (isSingle)
    return compare(l, zero, x, y);
  // 1 where x comes first, 2 where y does, 0 as long as they are equal.
  carried[Sign] = l.set(carried[Sign], zero, zero);
  carried[Sign] = l.repeat(columns, carried[Sign], [&](Loops inner, Value column, auto state) {
    Value known = inner.get(state[0], inner.constant(0));
    Value here = inner.select(compare(inner, column, y, x), inner.constant(2), inner.constant(0));
    here = inner.select(compare(inner, column, x, y), inner.constant(1), here);
    Value isOpen = inner.compare(arith::CmpIPredicate::eq, known, inner.constant(0));
    Value next = inner.select(isOpen, here, known);
    return SmallVector<Value>{inner.set(state[0], inner.constant(0), next)};
  })[0];
  return l.compare(arith::CmpIPredicate::eq, l.get(carried[Sign], zero), l.constant(1));
}

/// The row that comes `i`th: the first one of two runs of 2^pass rows each that is left.
SmallVector<Value> MergeSort::merge(const Loops &l, Value batch, Value pass, Value i,
                                    SmallVector<Value> carried) const {
  Value zero = l.constant(0), one = l.constant(1), last = l.add(rows, -1);
  Value width = arith::ShLIOp::create(l.b, l.loc, one, pass); // pass: less than 48
  Value from = arith::AndIOp::create(l.b, l.loc, pass, one), to = l.sub(one, from);
  Value both = l.sum(width, width);
  Value start = arith::AndIOp::create(l.b, l.loc, i, l.sub(zero, both));
  Value middle = l.smaller(l.sum(start, width), rows), end = l.smaller(l.sum(start, both), rows);
  Value isFirst = l.compare(arith::CmpIPredicate::eq, i, start);
  Value left = l.select(isFirst, start, l.get(carried[Heads], zero));
  Value right = l.select(isFirst, middle, l.get(carried[Heads], one));
  Value x = l.get(carried[Places], {from, l.smaller(left, last)});
  Value y = l.get(carried[Places], {from, l.smaller(right, last)});
  Value rightFirst = isBefore(l, batch, y, x, carried);
  Value takesRight =
      l.both(l.less(right, end), l.either(rightFirst, l.negate(l.less(left, middle))));
  carried[Places] = l.set(carried[Places], {to, i}, l.select(takesRight, y, x));
  Value step = l.toIndex(takesRight);
  carried[Heads] = l.set(carried[Heads], zero, l.sum(left, l.sub(one, step)));
  carried[Heads] = l.set(carried[Heads], one, l.sum(right, step));
  return carried;
}

SmallVector<Value> MergeSort::sort(const Loops &l, Value batch, Value passes,
                                   SmallVector<Value> carried) const {
  for (int64_t head : {0, 1}) // read, though not taken, where a run begins
    carried[Heads] = l.set(carried[Heads], l.constant(head), l.constant(0));
  carried[Places] = l.repeat(rows, carried[Places], [&](Loops inner, Value i, auto state) {
    return SmallVector<Value>{inner.set(state[0], {inner.constant(0), i}, i)};
  })[0];
  return l.repeat(passes, carried, [&](Loops outer, Value pass, SmallVector<Value> state) {
    return outer.repeat(rows, state, [&](Loops inner, Value i, SmallVector<Value> each) {
      return merge(inner, batch, pass, i, each);
    });
  });
}

/// The least p so that 2^p is n or more.
static Value logarithm(const Loops &l, OpFoldResult n) {
  if (std::optional<int64_t> known = nn::knownSize(n))
    return l.constant(*known > 1 ? llvm::Log2_64_Ceil(*known) : 0);
  Value result = l.constant(0);
  for (int64_t p = 0; p < 48; ++p) // no tensor has as many elements
    result = l.sum(result, l.toIndex(l.less(l.constant(int64_t(1) << p), cast<Value>(n))));
  return result;
}

/// kern.argsort by one thread.
static Value argSortLoops(OpBuilder &b, kern::ArgSortOp op) {
  Location loc = op.getLoc();
  nn::Generics g(b, loc);
  Loops l(b, loc);
  Shape shape = shapeOf(op.getOperand()), result = shapeOf(op.getInit());
  Type index = b.getI64Type();
  AffineExpr two = b.getAffineConstantExpr(2), one = b.getAffineConstantExpr(1);
  OpFoldResult rows = g.bound(shape[1]), columns = g.bound(shape[2]);
  MergeSort sorting{op.getOperand(),    l.value(rows),      l.value(columns),
                    op.getDescending(), op.getIsUnsigned(), nn::knownSize(columns) == 1};
  Value passes = logarithm(l, rows), batches = l.value(g.bound(shape[0])),
        count = l.value(g.bound(result[1]));
  Value last = arith::AndIOp::create(b, loc, passes, l.constant(1));
  SmallVector<Value> carried{g.empty({two, shape[1]}, index), g.empty(two, index),
                             g.empty(one, index), op.getInit()};
  carried = l.repeat(batches, carried, [&](Loops outer, Value batch, SmallVector<Value> state) {
    Value sorted = state.pop_back_val();
    state = sorting.sort(outer, batch, passes, state);
    SmallVector<Value> copied = outer.repeat(
        count, {state[MergeSort::Places], sorted}, [&](Loops inner, Value i, auto each) {
          Value place = inner.get(each[0], {last, i});
          return SmallVector<Value>{each[0], inner.set(each[1], {batch, i}, place)};
        });
    state[MergeSort::Places] = copied[0];
    state.push_back(copied[1]);
    return state;
  });
  return carried.back();
}

/// kern.positions by one thread.
static Value positionsLoops(OpBuilder &b, kern::PositionsOp op) {
  Location loc = op.getLoc();
  nn::Generics g(b, loc);
  Loops l(b, loc);
  auto zeros = [&](Value init) {
    Value zero = nn::scalar(b, loc, b.getI64Type(), 0);
    return linalg::FillOp::create(b, loc, zero, init).getResult(0);
  };
  Value count = l.value(g.bound(shapeOf(op.getInit())[0]));
  Value size = l.value(g.bound(shapeOf(op.getMask())[0]));
  Value exists = l.less(l.constant(0), count);
  Value end = l.select(exists, size, l.constant(0)), last = l.add(count, -1);
  SmallVector<Value> carried{zeros(op.getInit()),
                             zeros(g.empty(b.getAffineConstantExpr(1), b.getI64Type()))};
  return l.repeat(end, carried, [&](Loops inner, Value i, SmallVector<Value> state) {
    Value zero = inner.constant(0), found = inner.get(state[1], zero);
    Value place = inner.smaller(found, last), old = inner.get(state[0], place);
    Value holds = inner.both(tensor::ExtractOp::create(inner.b, inner.loc, op.getMask(), i),
                             inner.less(found, count));
    state[0] = inner.set(state[0], place, inner.select(holds, i, old));
    state[1] = inner.set(state[1], zero, inner.sum(found, inner.toIndex(holds)));
    return state;
  })[0];
}

namespace {
/// The loops of one class.
struct Suppression {
  bool isCenter;
  Value boxes, scores, order, count, most, iou, score;

  /// What they carry: the numbers of boxes, how many there are, whether one overlaps.
  enum { Chosen, Kept, Hit };
  SmallVector<Value> cornersOf(const Loops &l, Value batch, Value box) const {
    SmallVector<Value> numbers;
    for (int64_t i = 0; i < 4; ++i)
      numbers.push_back(l.get(boxes, {batch, box, l.constant(i)}));
    return BoxOverlap{l.b, l.loc, isCenter}.corners(numbers);
  }
  SmallVector<Value> choose(const Loops &l, Value batch, Value kind, Value i,
                            SmallVector<Value> carried) const;
};
} // namespace

SmallVector<Value> Suppression::choose(const Loops &l, Value batch, Value kind, Value i,
                                       SmallVector<Value> carried) const {
  Value zero = l.constant(0), last = l.add(count, -1);
  OpFoldResult size(count);
  Value box = l.clamp(l.get(order, {batch, kind, i}), size);
  Value value = l.get(scores, {batch, kind, box}), kept = l.get(carried[Kept], zero);
  Value isWanted = l.both(isScored(l.b, l.loc, value, score), l.less(kept, most));
  SmallVector<Value> corners = cornersOf(l, batch, box);
  carried[Hit] = l.set(carried[Hit], zero, zero);
  Value others = l.select(isWanted, kept, zero);
  SmallVector<Value> both{carried[Chosen], carried[Hit]};
  both = l.repeat(others, both, [&](Loops inner, Value j, SmallVector<Value> state) {
    Value other = inner.clamp(inner.get(state[0], {batch, kind, j}), size);
    BoxOverlap overlap{inner.b, inner.loc, isCenter};
    Value hits = inner.toIndex(overlap.isAbove(cornersOf(inner, batch, other), corners, iou));
    Value none = inner.constant(0), before = inner.get(state[1], none);
    state[1] = inner.set(state[1], none, arith::OrIOp::create(inner.b, inner.loc, before, hits));
    return state;
  });
  carried[Chosen] = both[0], carried[Hit] = both[1];
  Value isFree = l.compare(arith::CmpIPredicate::eq, l.get(carried[Hit], zero), zero);
  Value takes = l.both(isWanted, isFree);
  SmallVector<Value> place{batch, kind, l.smaller(kept, last)};
  Value next = l.select(takes, box, l.get(carried[Chosen], place));
  carried[Chosen] = l.set(carried[Chosen], place, next);
  carried[Kept] = l.set(carried[Kept], zero, l.sum(kept, l.toIndex(takes)));
  return carried;
}

/// kern.suppress by one thread.
static Value suppressionLoops(OpBuilder &b, kern::SuppressOp op) {
  Location loc = op.getLoc();
  nn::Generics g(b, loc);
  Loops l(b, loc);
  Shape shape = shapeOf(op.getInit());
  SmallVector<Value> sizes =
      llvm::map_to_vector(g.bounds(shape), [&](OpFoldResult size) { return l.value(size); });
  Suppression each{
      op.getCenterPoint(), op.getBoxes(),        op.getScores(),        op.getOrder(), sizes[2],
      op.getMost(),        op.getIouThreshold(), op.getScoreThreshold()};
  AffineExpr one = b.getAffineConstantExpr(1);
  Type index = b.getI64Type();
  Value none =
      linalg::FillOp::create(b, loc, nn::scalar(b, loc, index, -1), op.getInit()).getResult(0);
  SmallVector<Value> carried{none, g.empty(one, index), g.empty(one, index)};
  carried = l.repeat(sizes[0], carried, [&](Loops outer, Value batch, SmallVector<Value> state) {
    return outer.repeat(sizes[1], state, [&](Loops middle, Value kind, SmallVector<Value> inner) {
      Value zero = middle.constant(0);
      inner[Suppression::Kept] = middle.set(inner[Suppression::Kept], zero, zero);
      return middle.repeat(sizes[2], inner, [&](Loops at, Value i, SmallVector<Value> last) {
        return each.choose(at, batch, kind, i, last);
      });
    });
  });
  return carried[0];
}

void nncc::lowerSelections(func::FuncOp kernel) {
  OpBuilder b(kernel.getContext());
  for (Operation &op : llvm::make_early_inc_range(kernel.front())) {
    b.setInsertionPoint(&op);
    Value loops;
    if (auto sort = dyn_cast<kern::ArgSortOp>(op))
      loops = argSortLoops(b, sort);
    else if (auto positions = dyn_cast<kern::PositionsOp>(op))
      loops = positionsLoops(b, positions);
    else if (auto suppress = dyn_cast<kern::SuppressOp>(op))
      loops = suppressionLoops(b, suppress);
    if (!loops)
      continue;
    op.getResult(0).replaceAllUsesWith(loops);
    op.erase();
  }
}
