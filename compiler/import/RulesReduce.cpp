// Reductions and scans.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// The dims of `x` in the order of its own, each as two: what is left of it and what is reduced.
// Both are sizes that the axes of a run decide; the elements stay where they are.
static Value splitByAxes(OpBinder &b, Value x, ArrayRef<AffineExpr> isReduced) {
  const AffineExpr one = b.getBuilder().getAffineConstantExpr(1);
  Shape split;
  for (auto [size, reduced] : llvm::zip(b.shapeOf(x), isReduced)) {
    split.push_back(select(reduced, one, size));
    split.push_back(select(reduced, size, one));
  }
  return b.reshapeTo(x, split);
}

// For each dim 1 if it is one of the axes, else 0; a run with an axis that is no dim, or is given
// twice, ends.
static Shape findReduced(OpBinder &b, int64_t rank, ArrayRef<AffineExpr> axes) {
  auto number = [&](int64_t value) { return b.getBuilder().getAffineConstantExpr(value); };
  Shape isReduced(rank, number(0)), zeros;
  AffineExpr found = number(0);
  for (int64_t dim = 0; dim < rank; ++dim) {
    for (AffineExpr axis : axes)
      isReduced[dim] =
          isReduced[dim] + isEqual(axis, number(dim)) + isEqual(axis, number(dim - rank));
    found = found + isReduced[dim];
    if (axes.size() > 1)
      zeros.push_back(isReduced[dim] * (isReduced[dim] - 1));
  }
  zeros.push_back(found - int64_t(axes.size()));
  b.expectZeros(zeros, "its axes");
  return isReduced;
}

// The sizes that are left, without those that are reduced: the j-th one is that of the dim before
// which j others are left.
static Shape dropReduced(OpBinder &b, ArrayRef<AffineExpr> sizes, ArrayRef<AffineExpr> isReduced,
                         int64_t rank) {
  const AffineExpr zero = b.getBuilder().getAffineConstantExpr(0);
  Shape result(rank, zero);
  for (int64_t place = 0; place < rank; ++place) {
    AffineExpr before = zero;
    for (auto [size, reduced] : llvm::zip(sizes, isReduced)) {
      AffineExpr isHere = isEqual(before, b.getBuilder().getAffineConstantExpr(place));
      result[place] = result[place] + select(isHere, select(reduced, zero, size), zero);
      before = before + 1 - reduced;
    }
  }
  return result;
}

// Along axes that only a run knows.
static void importReduceAlong(OpBinder &b, Value x, ArrayRef<AffineExpr> axes,
                              nn::ReduceKind kind) {
  const int64_t rank = b.rankOf(x), kept = rank - int64_t(axes.size());
  if (kept < 0)
    return (void)b.invalid("has " + Twine(axes.size()) + " axes for " + Twine(rank) + " dims");
  const Shape isReduced = findReduced(b, rank, axes);
  SmallVector<int64_t> odd;
  for (int64_t dim = 0; dim < rank; ++dim)
    odd.push_back(2 * dim + 1);
  Value result = Compose{b}.reduce(kind, splitByAxes(b, x, isReduced), odd, /*keepdims=*/false);
  if (!b.flag("keepdims", true))
    result = b.reshapeTo(result, dropReduced(b, b.shapeOf(x), isReduced, kept));
  b.result(result);
}

// The axes are an attribute first and an operand from opset `operandSince` on.
static Rule importReduce(nn::ReduceKind kind, int operandSince) {
  return [kind, operandSince](OpBinder &b) {
    SmallVector<Value> operands{b.input(0)};
    if (b.getOpset() < operandSince) {
      if (auto axes = b.integers("axes"); axes && !axes->empty())
        operands.push_back(b.constant(*axes));
    } else {
      Value axes = b.input(1);
      if (axes && b.typeOf(axes).hasStaticShape() && b.typeOf(axes).getNumElements() == 0)
        axes = Value();
      if (axes && !b.integersOf(axes)) {
        const Shape expressions = b.numbersOf(axes, "an axis");
        if (!b.hasFailed())
          importReduceAlong(b, b.input(0), expressions, kind);
        return;
      }
      if (axes)
        operands.push_back(axes);
      else if (b.flag("noop_with_empty_axes")) // none: all dims
        operands.push_back(b.constant(ArrayRef<int64_t>()));
    }
    nn::ReduceOp::Properties properties;
    properties.kind = nn::ReduceKindAttr::get(b.getBuilder().getContext(), kind);
    properties.keepdims = b.unitIf(b.flag("keepdims", true));
    b.result(b.create<nn::ReduceOp>(operands, properties));
  };
}

static Rule importArgReduce(nn::ArgReduceKind kind) {
  return [kind](OpBinder &b) {
    nn::ArgReduceOp::Properties properties;
    properties.kind = nn::ArgReduceKindAttr::get(b.getBuilder().getContext(), kind);
    properties.axis = b.i64(b.integer("axis", 0));
    properties.keepdims = b.unitIf(b.flag("keepdims", true));
    properties.select_last = b.unitIf(b.flag("select_last_index"));
    b.result(b.create<nn::ArgReduceOp>({b.input(0)}, properties));
  };
}

// Along an axis that only a run knows, the scans along all axes are there to choose from.
template <typename Op> static void importScan(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0), axis = b.input(1);
  typename Op::Properties properties;
  properties.exclusive = b.unitIf(b.flag("exclusive"));
  properties.reverse = b.unitIf(b.flag("reverse"));
  const int64_t rank = b.rankOf(x);
  if (b.integersOf(axis) || rank < 1)
    return b.result(b.create<Op>({x, axis}, properties));
  axis = b.reshape(axis, {});
  Value result;
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value scan = b.create<Op>({x, b.reshape(b.constant({dim}), {})}, properties);
    auto equals = [&](int64_t value) {
      return f.compare(nn::CompareKind::Equal, axis, f.number(axis, double(value)));
    };
    Value isChosen = b.create<nn::OrOp>({equals(dim), equals(dim - rank)});
    result = result ? f.where(isChosen, scan, result) : scan;
  }
  b.result(result);
}

void nncc::addReduceRules(Rules &rules) {
  rules.onOp("ReduceSum", 1, importReduce(nn::ReduceKind::Sum, 13));
  rules.onOp("ReduceMean", 1, importReduce(nn::ReduceKind::Mean, 18));
  rules.onOp("ReduceMax", 1, importReduce(nn::ReduceKind::Max, 18));
  rules.onOp("ReduceMin", 1, importReduce(nn::ReduceKind::Min, 18));
  rules.onOp("ReduceProd", 1, importReduce(nn::ReduceKind::Prod, 18));
  rules.onOp("ReduceL1", 1, importReduce(nn::ReduceKind::L1, 18));
  rules.onOp("ReduceL2", 1, importReduce(nn::ReduceKind::L2, 18));
  rules.onOp("ReduceSumSquare", 1, importReduce(nn::ReduceKind::SumSquare, 18));
  rules.onOp("ReduceLogSum", 1, importReduce(nn::ReduceKind::LogSum, 18));
  rules.onOp("ReduceLogSumExp", 1, importReduce(nn::ReduceKind::LogSumExp, 18));
  rules.onOp("ArgMax", 1, importArgReduce(nn::ArgReduceKind::Max));
  rules.onOp("ArgMin", 1, importArgReduce(nn::ArgReduceKind::Min));
  rules.onOp("CumSum", 11, importScan<nn::CumSumOp>);
  rules.onOp("CumProd", 26, importScan<nn::CumProdOp>);
}
