// Reductions and scans.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// Integers [rank] and conditions [rank] on the dims of a tensor whose axes a run decides.
struct RunAxes {
  Value sizes;     // of the dims
  Value isReduced; // whether a dim is one of the axes
  Value isValid;   // [1]: whether every axis is a dim, and another one
};

static RunAxes findReduced(OpBinder &b, Value x, Value axes) {
  Compose f{b};
  const int64_t rank = b.rankOf(x), count = b.fixedSizeOf(axes, 0);
  axes = b.reshape(b.cast(axes, b.getBuilder().getI64Type()), {count, 1});
  auto equals = [&](int64_t first) {
    SmallVector<int64_t> places = llvm::to_vector(llvm::seq<int64_t>(first, first + rank));
    return f.compare(nn::CompareKind::Equal, axes, b.constant(places));
  };
  Value isAxis = b.create<nn::OrOp>({equals(0), equals(-rank)});
  auto sum = [&](Value flags, bool keepdims) {
    return f.reduce(nn::ReduceKind::Sum, b.cast(flags, b.getBuilder().getI64Type()), {0}, keepdims);
  };
  Value found = sum(isAxis, /*keepdims=*/false);
  Value isReduced = f.compare(nn::CompareKind::Greater, found, f.number(found, 0));
  Value distinct = sum(isReduced, /*keepdims=*/true);
  return {b.sizes(b.shapeOf(x)), isReduced,
          f.compare(nn::CompareKind::Equal, distinct, f.number(distinct, double(count)))};
}

// The sizes that are left without those that are reduced: the j-th one is that of the dim before
// which j others are left.
static Shape dropReduced(OpBinder &b, const RunAxes &axes, int64_t kept) {
  Compose f{b};
  Value isKept = b.create<nn::NotOp>({axes.isReduced});
  nn::CumSumOp::Properties properties;
  properties.exclusive = b.unitIf(true);
  Value before = b.create<nn::CumSumOp>(
      {b.cast(isKept, b.getBuilder().getI64Type()), b.reshape(b.constant(ArrayRef<int64_t>(0)), {})}, properties);
  SmallVector<int64_t> places = llvm::to_vector(llvm::seq<int64_t>(0, kept));
  Value isHere =
      f.compare(nn::CompareKind::Equal, b.reshape(b.constant(places), {kept, 1}), before);
  isHere = b.create<nn::AndOp>({isHere, isKept});
  Value sizes = f.where(isHere, axes.sizes, f.number(axes.sizes, 0));
  return b.sizesOf(f.reduce(nn::ReduceKind::Sum, sizes, {1}, /*keepdims=*/false), "its axes");
}

// Along axes that only a run knows: each dim becomes two, what is left of it and what is reduced,
// one of which is 1. The elements stay where they are.
static void importReduceAlong(OpBinder &b, Value x, Value input, nn::ReduceKind kind) {
  Compose f{b};
  if (b.rankOf(input) != 1)
    return (void)b.invalid("its axes have " + Twine(b.rankOf(input)) + " dims, expected 1");
  const int64_t rank = b.rankOf(x), kept = rank - b.fixedSizeOf(input, 0);
  if (kept < 0)
    return (void)b.invalid("has " + Twine(rank - kept) + " axes for " + Twine(rank) + " dims");
  const RunAxes axes = findReduced(b, x, input);
  Value one = f.number(axes.sizes, 1);
  Value left = f.where(axes.isReduced, one, axes.sizes);
  left = f.where(axes.isValid, left, f.number(left, -1)); // ends the run
  const Shape leftSizes = b.sizesOf(left, "its axes");
  const Shape reduced = b.sizesOf(f.where(axes.isReduced, axes.sizes, one), "its axes");
  if (b.hasFailed())
    return;
  Shape split;
  SmallVector<int64_t> odd;
  for (int64_t dim = 0; dim < rank; ++dim) {
    split.append({leftSizes[dim], reduced[dim]});
    odd.push_back(2 * dim + 1);
  }
  Value result = f.reduce(kind, b.reshapeTo(x, split), odd, /*keepdims=*/false);
  if (!b.flag("keepdims", true))
    result = b.reshapeTo(result, kept ? dropReduced(b, axes, kept) : Shape());
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
      if (axes && !b.integersOf(axes))
        return importReduceAlong(b, b.input(0), axes, kind);
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
