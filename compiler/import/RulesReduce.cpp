// Reductions and scans.
#include "compiler/import/Indices.h"
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

static Value reduce(OpBinder &b, nn::ReduceKind kind, ValueRange operands, bool keepdims) {
  nn::ReduceOp::Properties properties;
  properties.kind = nn::ReduceKindAttr::get(b.getBuilder().getContext(), kind);
  properties.keepdims = b.unitIf(keepdims);
  return b.create<nn::ReduceOp>(operands, properties);
}

// Along axes that only a run knows: each dim becomes two, of which one has size 1. The second ones
// are reduced.
static Value reduceAt(OpBinder &b, nn::ReduceKind kind, Value x, Value axes) {
  Parameters p{b};
  const int64_t rank = b.rankOf(x);
  axes = p.axes(axes, rank);
  if (!axes)
    return axes;
  Value isReduced = p.isListed(axes, rank), sizes = b.sizes(b.shapeOf(x));
  const Shape count = b.shapeOf(axes); // of which there may be none
  if (!b.flag("noop_with_empty_axes") && !constantOf(count[0])) {
    Value none = p.equal(b.sizes(count), b.constant(ArrayRef<int64_t>{0}));
    isReduced = b.create<nn::OrOp>({isReduced, none});
  }
  Value one = p.f.number(sizes, 1);
  const Shape kept = b.sizesOf(p.f.where(isReduced, one, sizes), "a size");
  const Shape reduced = b.sizesOf(p.f.where(isReduced, sizes, one), "a size");
  if (b.hasFailed())
    return {};
  Shape both;
  SmallVector<int64_t> second;
  for (int64_t dim = 0; dim < rank; ++dim) {
    both.append({kept[dim], reduced[dim]});
    second.push_back(2 * dim + 1);
  }
  Value result = reduce(b, kind, {b.reshapeTo(x, both), b.constant(second)}, /*keepdims=*/false);
  if (b.flag("keepdims", true))
    return result;
  if (!constantOf(count[0]))
    return b.unsupported("the number of axes must be known at compile time where keepdims is 0");
  const int64_t left = rank - *constantOf(count[0]);
  if (left < 0)
    return b.invalid("has more axes than its operand has dims");
  Value shape = p.compact(sizes, p.flip(isReduced), left);
  const Shape own = b.sizesOf(shape, "a size of the result");
  return b.hasFailed() ? Value() : b.reshapeTo(result, own);
}

// The axes are an attribute first and an operand from opset `operandSince` on.
static Rule importReduce(nn::ReduceKind kind, int operandSince) {
  return [kind, operandSince](OpBinder &b) {
    SmallVector<Value> operands{b.input(0)};
    if (b.getOpset() < operandSince) {
      if (auto axes = b.integers("axes"); axes && !axes->empty())
        operands.push_back(b.constant(*axes));
    } else if (Value given = b.input(1)) {
      auto axes = b.integersOf(given);
      if (llvm::is_contained(b.typeOf(given).getShape(), 0))
        axes.emplace();
      if (!axes)
        return b.result(reduceAt(b, kind, b.input(0), given));
      if (!axes->empty() || b.flag("noop_with_empty_axes")) // none: all dims
        operands.push_back(b.constant(*axes));
    } else if (b.flag("noop_with_empty_axes")) {
      operands.push_back(b.constant(ArrayRef<int64_t>()));
    }
    b.result(reduce(b, kind, operands, b.flag("keepdims", true)));
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
  const AffineExpr size = getAffineConstantExpr(rank, b.getBuilder().getContext());
  requireWithin(b, axis, normalForm(-size), normalForm(size - 1), "the axis");
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
