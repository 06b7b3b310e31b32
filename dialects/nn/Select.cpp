// Elements chosen by their values: see Select.td. Loops over single elements, whose state is in
// small tensors: how far they get depends on the data.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// The one element of a count.
static FailureOr<AffineExpr> countOf(const Fact &fact, EmitError error) {
  if (!fact.value || fact.value->size() != 1)
    return error("expects a count of one element known before the program runs");
  return fact.value->front();
}

LogicalResult ArgSortOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                               EmitError error) {
  const Fact &operand = operands[0];
  if (operand.rank() != 3)
    return error("expects an operand of rank 3, found rank " + Twine(operand.rank()));
  FailureOr<AffineExpr> count = countOf(operands[1], error);
  if (failed(count))
    return failure();
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(operand.element.getContext(), 64);
  result.shape = {operand.shape[0], *count};
  if (!result.mayBeZero(isLess(operand.shape[1], *count)))
    return error("expects a count of at most " + textOf(operand.shape[1]) + ", found " +
                 textOf(*count));
  return success();
}

LogicalResult PositionsOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  if (operands[0].rank() != 1)
    return error("expects a mask of rank 1, found rank " + Twine(operands[0].rank()));
  FailureOr<AffineExpr> count = countOf(operands[1], error);
  if (failed(count))
    return failure();
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(operands[0].element.getContext(), 64);
  result.shape = {*count};
  return success();
}

LogicalResult SuppressOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                EmitError error) {
  const Fact &boxes = operands[0], &scores = operands[1], &order = operands[2];
  if (boxes.rank() != 3 || boxes.size(2) != 4 || scores.rank() != 3 || order.rank() != 3)
    return error("expects boxes [B, N, 4], scores [B, C, N] and their order");
  for (const Fact &limit : operands.drop_front(3))
    if (limit.rank() > 1 || (limit.rank() == 1 && limit.size(0) != 1))
      return error("expects limits of one element");
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(boxes.element.getContext(), 64);
  result.shape = scores.shape;
  bool fits = result.mayEqual(boxes.shape[0], scores.shape[0]) &&
              result.mayEqual(boxes.shape[1], scores.shape[2]);
  for (int64_t dim = 0; dim < 3; ++dim)
    fits = fits && result.mayEqual(order.shape[dim], scores.shape[dim]);
  return fits ? success() : error("expects a score and a place in the order for each box");
}

namespace {
/// Loops that carry tensors, spelled shortly. Numbers in tensors are i64, in code indices.
struct Loops : IndexMath {
  Loops(OpBuilder &b, Location loc) : IndexMath{b, loc} {}

  using Body = llvm::function_ref<SmallVector<Value>(Loops, Value i, SmallVector<Value> carried)>;
  SmallVector<Value> repeat(Value count, ValueRange carried, Body body) const {
    auto loop = scf::ForOp::create(
        b, loc, constant(0), count, constant(1), carried,
        [&](OpBuilder &inner, Location at, Value i, ValueRange state) {
          scf::YieldOp::create(inner, at, body(Loops(inner, at), i, SmallVector<Value>(state)));
        });
    return SmallVector<Value>(loop.getResults());
  }
  Value get(Value tensor, ValueRange at) const {
    Value element = tensor::ExtractOp::create(b, loc, tensor, at);
    if (!element.getType().isInteger() || element.getType().isInteger(1))
      return element;
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
  }
  Value set(Value tensor, ValueRange at, Value value) const {
    if (value.getType().isIndex())
      value = arith::IndexCastOp::create(b, loc, b.getI64Type(), value);
    return tensor::InsertOp::create(b, loc, value, tensor, at);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) const {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value less(Value x, Value y) const { return compare(arith::CmpIPredicate::slt, x, y); }
  Value select(Value condition, Value x, Value y) const {
    return arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value both(Value x, Value y) const { return arith::AndIOp::create(b, loc, x, y); }
  Value either(Value x, Value y) const { return arith::OrIOp::create(b, loc, x, y); }
  Value negate(Value x) const {
    return arith::XOrIOp::create(b, loc, x, arith::ConstantIntOp::create(b, loc, 1, 1));
  }
  Value sum(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
  Value smaller(Value x, Value y) const { return arith::MinSIOp::create(b, loc, x, y); }
  /// 1 where it holds.
  Value toIndex(Value condition) const { return select(condition, constant(1), constant(0)); }
};

/// A merge sort of the places of rows, one buffer to the other.
struct MergeSort {
  Type element; // of nn
  Value source, rows, columns;
  bool descending, isSingle; // one column

  /// What the loops carry: places [2, rows], the next ones of two runs [2], a comparison [1].
  enum { Places, Heads, Sign };

  Value isLess(const Loops &l, Value x, Value y) const;
  /// Whether row x has to come before row y of a batch.
  Value isBefore(const Loops &l, Value batch, Value x, Value y, SmallVector<Value> &carried) const;
  SmallVector<Value> sort(const Loops &l, Value batch, Value passes,
                          SmallVector<Value> carried) const;
  SmallVector<Value> merge(const Loops &l, Value batch, Value pass, Value i,
                           SmallVector<Value> carried) const;
};
} // namespace

Value MergeSort::isLess(const Loops &l, Value x, Value y) const {
  if (isa<FloatType>(element)) {
    x = widen(l.b, l.loc, x), y = widen(l.b, l.loc, y);
    auto compare = [&](arith::CmpFPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpFOp::create(l.b, l.loc, predicate, x, y);
    };
    Value toNaN =
        l.both(compare(arith::CmpFPredicate::ORD, x, x), compare(arith::CmpFPredicate::UNO, y, y));
    return l.either(compare(arith::CmpFPredicate::OLT, x, y), toNaN);
  }
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  return l.compare(isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y);
}

Value MergeSort::isBefore(const Loops &l, Value batch, Value x, Value y,
                          SmallVector<Value> &carried) const {
  auto compare = [&](const Loops &at, Value column, Value first, Value second) {
    Value a = tensor::ExtractOp::create(at.b, at.loc, source, ValueRange{batch, first, column});
    Value b = tensor::ExtractOp::create(at.b, at.loc, source, ValueRange{batch, second, column});
    return descending ? isLess(at, b, a) : isLess(at, a, b);
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
  if (std::optional<int64_t> known = knownSize(n))
    return l.constant(*known > 1 ? llvm::Log2_64_Ceil(*known) : 0);
  Value result = l.constant(0);
  for (int64_t p = 0; p < 48; ++p) // no tensor has as many elements
    result = l.sum(result, l.toIndex(l.less(l.constant(int64_t(1) << p), cast<Value>(n))));
  return result;
}

FailureOr<SmallVector<Value>> ArgSortOp::lower(OpBuilder &b) {
  Location loc = getLoc();
  Generics g(b, loc);
  Loops l(b, loc);
  Shape shape = shapeOf(getOperand()), result = shapeOf(getType());
  if (constantOf(elementCount(result, getContext())) == 0)
    return asResult(b, *this, g.empty(result, b.getI64Type()));
  Type index = b.getI64Type();
  AffineExpr two = b.getAffineConstantExpr(2), one = b.getAffineConstantExpr(1);
  OpFoldResult rows = g.bound(shape[1]), columns = g.bound(shape[2]);
  MergeSort sorting{getOperand().getType().getElementType(),
                    toStorage(b, loc, getOperand()),
                    l.value(rows),
                    l.value(columns),
                    getDescending(),
                    knownSize(columns) == 1};
  Value passes = logarithm(l, rows), batches = l.value(g.bound(shape[0])),
        count = l.value(g.bound(result[1]));
  Value last = arith::AndIOp::create(b, loc, passes, l.constant(1));
  SmallVector<Value> carried{g.empty({two, shape[1]}, index), g.empty(two, index),
                             g.empty(one, index), g.empty(result, index)};
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
  return asResult(b, *this, carried.back());
}

/// A tensor of one number.
static Value filled(Generics &g, ArrayRef<AffineExpr> shape, int64_t value) {
  return linalg::FillOp::create(g.b, g.loc, scalar(g.b, g.loc, g.b.getI64Type(), value),
                                g.empty(shape, g.b.getI64Type()))
      .getResult(0);
}

FailureOr<SmallVector<Value>> PositionsOp::lower(OpBuilder &b) {
  Generics g(b, getLoc());
  Loops l(b, getLoc());
  Shape shape = shapeOf(getType());
  if (constantOf(shape[0]) == 0)
    return asResult(b, *this, g.empty(shape, b.getI64Type()));
  Value mask = toStorage(b, getLoc(), getMask()), count = l.value(g.bound(shape[0]));
  Value size = l.value(g.bound(shapeOf(getMask())[0]));
  Value exists = l.less(l.constant(0), count);
  Value end = l.select(exists, size, l.constant(0)), last = l.add(count, -1);
  SmallVector<Value> carried{filled(g, shape, 0), filled(g, b.getAffineConstantExpr(1), 0)};
  carried = l.repeat(end, carried, [&](Loops inner, Value i, SmallVector<Value> state) {
    Value zero = inner.constant(0), found = inner.get(state[1], zero);
    Value place = inner.smaller(found, last), old = inner.get(state[0], place);
    Value holds = inner.both(tensor::ExtractOp::create(inner.b, inner.loc, mask, i),
                             inner.less(found, count));
    state[0] = inner.set(state[0], place, inner.select(holds, i, old));
    state[1] = inner.set(state[1], zero, inner.sum(found, inner.toIndex(holds)));
    return state;
  });
  return asResult(b, *this, carried[0]);
}

namespace {
/// The overlap of two boxes, in f32.
struct Overlap {
  const Loops &l;
  Value boxes, batch;
  bool isCenter;

  Value op(Value x, Value y, arith::CmpFPredicate choose) const {
    return l.select(arith::CmpFOp::create(l.b, l.loc, choose, x, y), x, y);
  }
  Value smaller(Value x, Value y) const { return op(x, y, arith::CmpFPredicate::OLT); }
  Value larger(Value x, Value y) const { return op(x, y, arith::CmpFPredicate::OGT); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(l.b, l.loc, x, y); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(l.b, l.loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(l.b, l.loc, x, y); }
  Value number(double value) const { return scalar(l.b, l.loc, l.b.getF32Type(), value); }

  /// [low of one side, low of the other, high, high].
  SmallVector<Value> corners(Value box) const {
    SmallVector<Value> x;
    for (int64_t i = 0; i < 4; ++i)
      x.push_back(l.get(boxes, {batch, box, l.constant(i)}));
    if (!isCenter)
      return {smaller(x[0], x[2]), smaller(x[1], x[3]), larger(x[0], x[2]), larger(x[1], x[3])};
    Value half = number(0.5), width = mul(x[2], half), height = mul(x[3], half);
    return {sub(x[0], width), sub(x[1], height), add(x[0], width), add(x[1], height)};
  }
  Value area(ArrayRef<Value> box) const { return mul(sub(box[2], box[0]), sub(box[3], box[1])); }
  /// Whether the part that two boxes share is above the threshold. One without an area has none.
  Value isAbove(ArrayRef<Value> x, ArrayRef<Value> y, Value threshold) const {
    Value zero = number(0);
    Value height = larger(sub(smaller(x[2], y[2]), larger(x[0], y[0])), zero);
    Value width = larger(sub(smaller(x[3], y[3]), larger(x[1], y[1])), zero);
    Value shared = mul(height, width), areaX = area(x), areaY = area(y);
    Value whole = sub(add(areaX, areaY), shared);
    auto greater = [&](Value value, Value than) -> Value {
      return arith::CmpFOp::create(l.b, l.loc, arith::CmpFPredicate::OGT, value, than);
    };
    Value exist = l.both(l.both(greater(areaX, zero), greater(areaY, zero)), greater(whole, zero));
    Value ratio = arith::DivFOp::create(l.b, l.loc, shared, whole);
    return l.both(exist, greater(ratio, threshold));
  }
};

/// The loops of one class.
struct Suppression {
  bool isCenter;
  Value boxes, scores, order, count, most, iou, score;

  /// What they carry: the numbers of boxes, how many there are, whether one overlaps.
  enum { Chosen, Kept, Hit };
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
  auto compare = [&](arith::CmpFPredicate predicate, Value x, Value y) -> Value {
    return arith::CmpFOp::create(l.b, l.loc, predicate, x, y);
  };
  Value isScored = l.either(compare(arith::CmpFPredicate::OGT, value, score),
                            compare(arith::CmpFPredicate::UNO, score, score));
  Value isWanted = l.both(isScored, l.less(kept, most));
  Overlap overlap{l, boxes, batch, isCenter};
  SmallVector<Value> corners = overlap.corners(box);
  carried[Hit] = l.set(carried[Hit], zero, zero);
  Value others = l.select(isWanted, kept, zero);
  SmallVector<Value> both{carried[Chosen], carried[Hit]};
  both = l.repeat(others, both, [&](Loops inner, Value j, SmallVector<Value> state) {
    Overlap here{inner, boxes, batch, isCenter};
    Value other = inner.clamp(inner.get(state[0], {batch, kind, j}), size);
    Value hits = inner.toIndex(here.isAbove(here.corners(other), corners, iou));
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

FailureOr<SmallVector<Value>> SuppressOp::lower(OpBuilder &b) {
  Location loc = getLoc();
  Generics g(b, loc);
  Loops l(b, loc);
  Shape shape = shapeOf(getType());
  if (constantOf(elementCount(shape, getContext())) == 0)
    return asResult(b, *this, g.empty(shape, b.getI64Type()));
  auto read = [&](Value limit) {
    SmallVector<Value> first(cast<RankedTensorType>(limit.getType()).getRank(), l.constant(0));
    return tensor::ExtractOp::create(b, loc, limit, first).getResult();
  };
  Value most = arith::IndexCastOp::create(b, loc, b.getIndexType(), read(getMost()));
  SmallVector<Value> sizes =
      llvm::map_to_vector(g.bounds(shape), [&](OpFoldResult size) { return l.value(size); });
  Suppression each{getCenterPoint(),
                   getBoxes(),
                   getScores(),
                   getOrder(),
                   sizes[2],
                   most,
                   read(getIouThreshold()),
                   read(getScoreThreshold())};
  AffineExpr one = b.getAffineConstantExpr(1);
  Type index = b.getI64Type();
  SmallVector<Value> carried{filled(g, shape, -1), g.empty(one, index), g.empty(one, index)};
  carried = l.repeat(sizes[0], carried, [&](Loops outer, Value batch, SmallVector<Value> state) {
    return outer.repeat(sizes[1], state, [&](Loops middle, Value kind, SmallVector<Value> inner) {
      Value zero = middle.constant(0);
      inner[Suppression::Kept] = middle.set(inner[Suppression::Kept], zero, zero);
      return middle.repeat(sizes[2], inner, [&](Loops at, Value i, SmallVector<Value> last) {
        return each.choose(at, batch, kind, i, last);
      });
    });
  });
  return asResult(b, *this, carried[0]);
}

void NNDialect::addSelectOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Select.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Select.cpp.inc"
