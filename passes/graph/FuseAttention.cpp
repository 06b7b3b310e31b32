// Attention by its formula, however an exporter spelled it.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FUSEATTENTION
#include "passes/Passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Takes products and quotients with scalars off `value`, into `scale`.
Value withoutScale(Value value, double &scale) {
  while (Operation *op = value.getDefiningOp()) {
    Value other;
    if (auto mul = dyn_cast<nn::MulOp>(op)) {
      std::optional<double> left = nn::constantScalar(mul.getLhs());
      std::optional<double> right = left ? std::nullopt : nn::constantScalar(mul.getRhs());
      if (!left && !right)
        return value;
      other = left ? mul.getRhs() : mul.getLhs();
      if (other.getType() != value.getType())
        return value;
      scale *= left ? *left : *right;
    } else if (auto div = dyn_cast<nn::DivOp>(op)) {
      std::optional<double> scalar = nn::constantScalar(div.getRhs());
      other = div.getLhs();
      if (!scalar || *scalar == 0 || other.getType() != value.getType())
        return value;
      scale /= *scalar;
    } else {
      return value;
    }
    value = other;
  }
  return value;
}

/// The formula's parts; what is found on the way from the weights to the operands.
struct Formula {
  Value query, key, value, mask; // key: [..., S, D]
  double scale = 1;
  std::optional<double> fill; // in place of scores where the mask is false
  bool isInverted = false;    // ... where it is true
  nn::AttentionGuard guard = nn::AttentionGuard::None;
  Value transposedKey; // [..., D, S], where no transpose was found
};

/// weights, or where(isnan(weights), 0, weights)
Value matchGuard(Value weights, Formula &f) {
  auto where = weights.getDefiningOp<nn::WhereOp>();
  if (!where)
    return weights;
  auto isNaN = where.getCondition().getDefiningOp<nn::IsNaNOp>();
  if (!isNaN || isNaN.getOperand() != where.getRhs() ||
      nn::constantScalar(where.getLhs()) != std::optional<double>(0))
    return {};
  f.guard = nn::AttentionGuard::NaN;
  return where.getRhs();
}

/// Whether `mask` broadcasts to `scores` without changing their shape.
bool isMaskFor(Value mask, Value scores) {
  Shape small = shapeOf(mask), full = shapeOf(scores);
  if (small.size() > full.size())
    return false;
  return llvm::all_of(llvm::zip(small, ArrayRef(full).take_back(small.size())), [](auto pair) {
    return constantOf(std::get<0>(pair)) == 1 || std::get<0>(pair) == std::get<1>(pair);
  });
}

/// scores + mask, where(mask, scores, fill), where(mask, fill, scores), or scores as they are.
Value matchMask(Value scores, Formula &f) {
  if (auto where = scores.getDefiningOp<nn::WhereOp>()) {
    std::optional<double> right = nn::constantScalar(where.getRhs());
    f.fill = right ? right : nn::constantScalar(where.getLhs());
    f.isInverted = !right;
    f.mask = where.getCondition();
    return f.fill ? (right ? where.getLhs() : where.getRhs()) : Value();
  }
  auto add = scores.getDefiningOp<nn::AddOp>();
  if (!add)
    return scores;
  for (auto [sum, mask] : {std::pair(add.getLhs(), add.getRhs()), {add.getRhs(), add.getLhs()}}) {
    double scale = 1;
    if (sum.getType() == add.getType() && withoutScale(sum, scale).getDefiningOp<nn::MatMulOp>() &&
        isMaskFor(mask, sum)) {
      f.mask = mask;
      return sum;
    }
  }
  return {};
}

/// Heads that share a key: [N, G, S, D] -> [N, G, 1, S, D] -> [N, G, H/G, S, D] -> [N, H, S, D].
Value withoutRepeats(Value heads) {
  auto merged = heads.getDefiningOp<nn::ReshapeOp>();
  auto expand = merged ? merged.getOperand().getDefiningOp<nn::ExpandOp>() : nn::ExpandOp();
  auto split = expand ? expand.getOperand().getDefiningOp<nn::ReshapeOp>() : nn::ReshapeOp();
  if (!split)
    return heads;
  Shape to = shapeOf(heads), wide = shapeOf(expand), from = shapeOf(split.getOperand());
  if (to.size() != 4 || wide.size() != 5 || from.size() != 4 ||
      to[1] != normalForm(wide[1] * wide[2]) || from[1] != wide[1])
    return heads;
  Shape single = wide;
  single[2] = getAffineConstantExpr(1, heads.getContext());
  bool fits = shapeOf(split.getResult()) == single && from[0] == wide[0] && to[0] == wide[0] &&
              from[2] == wide[3] && from[3] == wide[4] && to[2] == wide[3] && to[3] == wide[4];
  return fits ? split.getOperand() : heads;
}

struct RecogniseAttention : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp root, PatternRewriter &rewriter) const override {
    Type element = root.getType().getElementType();
    if (!element.isF32() && !element.isF16() && !element.isBF16())
      return rewriter.notifyMatchFailure(root, "not of f32 or a narrower float");
    Formula f;
    f.value = root.getRhs();
    if (failed(matchScores(root, rewriter, f)))
      return failure();
    return rewrite(root, rewriter, f);
  }

private:
  /// From the weights back to query and key.
  static LogicalResult matchScores(nn::MatMulOp root, PatternRewriter &rewriter, Formula &f) {
    auto refuse = [&](const char *why) { return rewriter.notifyMatchFailure(root, why); };
    Value weights = matchGuard(root.getLhs(), f);
    auto softmax = weights ? weights.getDefiningOp<nn::SoftmaxOp>() : nn::SoftmaxOp();
    if (!softmax)
      return refuse("the left operand is no soft-max");
    int64_t rank = softmax.getType().getRank(), axis = softmax.getAxis();
    if (axis != -1 && axis != rank - 1)
      return refuse("the soft-max is not over the last axis");
    if (rank != 3 && rank != 4)
      return refuse("the scores are not of rank 3 or 4");
    bool isAlone = f.guard == nn::AttentionGuard::None
                       ? softmax->hasOneUse()
                       : root.getLhs().hasOneUse() && softmax.getResult().hasNUses(2);
    if (!isAlone)
      return refuse("the weights are used elsewhere too");
    Value scores = matchMask(softmax.getOperand(), f);
    if (!scores || scores.getType() != softmax.getType())
      return refuse("the mask is none that is added or chosen by");
    Value products = withoutScale(scores, f.scale);
    auto matmul = products.getDefiningOp<nn::MatMulOp>();
    if (!matmul)
      return refuse("the scores are no product of matrices");
    for (Value step = softmax.getOperand(); step; step = next(step, scores)) {
      if (!step.hasOneUse())
        return refuse("the scores are used elsewhere too");
      if (step == products)
        break;
    }
    return matchOperands(matmul, rewriter, f);
  }

  /// The value that `step`, between soft-max and product, is made of.
  static Value next(Value step, Value scores) {
    Operation *op = step.getDefiningOp();
    for (Value operand : op->getOperands())
      if (operand.getType() == step.getType() && (operand == scores || !isa<nn::AddOp>(op)))
        if (!nn::constantScalar(operand))
          return operand;
    return {};
  }

  static LogicalResult matchOperands(nn::MatMulOp matmul, PatternRewriter &rewriter, Formula &f) {
    f.query = withoutScale(matmul.getLhs(), f.scale);
    f.transposedKey = withoutScale(matmul.getRhs(), f.scale);
    if (auto transpose = f.transposedKey.getDefiningOp<nn::TransposeOp>()) {
      SmallVector<int64_t> perm(transpose.getPerm());
      std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
      f.key = withoutScale(transpose.getOperand(), f.scale);
      if (!llvm::is_sorted(perm))
        f.key = rewriter.createOrFold<nn::TransposeOp>(matmul.getLoc(), f.key, perm);
    }
    int64_t rank = typeOf(f.query).getRank();
    for (Value operand : {Value(matmul.getRhs()), f.value})
      if (typeOf(operand).getRank() != rank)
        return rewriter.notifyMatchFailure(matmul, "the operands differ in rank");
    Shape query = shapeOf(f.query), keys = shapeOf(matmul.getRhs()), values = shapeOf(f.value);
    for (int64_t d = 0; d < rank - 2; ++d)
      if (query[d] != keys[d] || query[d] != values[d])
        return rewriter.notifyMatchFailure(matmul, "the operands are not of the same heads");
    if (keys.back() != values[rank - 2])
      return rewriter.notifyMatchFailure(matmul, "key and value are not known to be as many");
    if (!constantOf(rank == 4 ? query[1] : query[0]))
      return rewriter.notifyMatchFailure(matmul, "only a run knows the number of heads");
    if (!constantOf(query.back()) || !constantOf(values.back()))
      return rewriter.notifyMatchFailure(matmul, "only a run knows depth or width");
    if (!std::isfinite(f.scale))
      return rewriter.notifyMatchFailure(matmul, "the scale is not finite");
    return success();
  }

  static LogicalResult rewrite(nn::MatMulOp root, PatternRewriter &rewriter, Formula &f) {
    Location loc = root.getLoc();
    if (!f.key) {
      SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(f.query).getRank()));
      std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
      f.key = nn::TransposeOp::create(rewriter, loc, f.transposedKey, perm);
    }
    bool hasBatch = typeOf(f.query).getRank() == 4;
    if (!hasBatch) // heads of one batch: a mask of their rank broadcasts to [1, H, L, S] as well
      for (Value *operand : {&f.query, &f.key, &f.value})
        *operand = withBatch(rewriter, loc, *operand);
    f.key = withoutRepeats(f.key), f.value = withoutRepeats(f.value);
    if (shapeOf(f.key)[1] != shapeOf(f.value)[1] || !constantOf(shapeOf(f.key)[1]))
      return rewriter.notifyMatchFailure(root, "key and value are shared by different heads");
    if (f.isInverted)
      f.mask = nn::NotOp::create(rewriter, loc, f.mask);
    auto scale = rewriter.getF32FloatAttr(f.scale);
    FloatAttr fill = rewriter.getF32FloatAttr(f.fill.value_or(-INFINITY));
    RankedTensorType type = root.getType();
    if (!hasBatch)
      type = tensorOf(withBatch(root), type.getElementType());
    Value result = nn::AttentionOp::create(
        rewriter, loc, type, f.query, f.key, f.value, f.mask, scale, fill, /*causal=*/UnitAttr(),
        nn::AttentionGuardAttr::get(rewriter.getContext(), f.guard));
    if (!hasBatch)
      result = nn::ReshapeOp::create(rewriter, loc, result, shapeOf(root.getResult()));
    remark::passed(loc, remark::RemarkOpts::name("Recognised").category("nncc-fuse-attention"))
        << remark::add("{0}", f.mask ? "attention with a mask" : "attention");
    rewriter.replaceOp(root, result);
    return success();
  }

  static Shape withBatch(Value heads) {
    Shape shape = shapeOf(heads);
    shape.insert(shape.begin(), getAffineConstantExpr(1, heads.getContext()));
    return shape;
  }
  /// [B, L, D] -> [1, B, L, D]
  static Value withBatch(PatternRewriter &rewriter, Location loc, Value heads) {
    return nn::ReshapeOp::create(rewriter, loc, heads, withBatch(heads));
  }
};

/// Query, key and value from one product: a part of its transpose is the transpose of a part, which
/// the attention reads as it is stored.
/// ```
/// reshape(slice(transpose(x)))  ->  transpose(reshape(slice(x)))
/// ```
struct SliceBeforeTranspose : OpRewritePattern<nn::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::AttentionOp op, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (OpOperand &operand : op->getOpOperands().take_front(3))
      if (Value heads = rewriteHeads(operand.get(), rewriter)) {
        rewriter.modifyOpInPlace(op, [&] { operand.set(heads); });
        changed = true;
      }
    return changed ? success()
                   : rewriter.notifyMatchFailure(op, "no operand is a part of a transpose");
  }

private:
  static Value rewriteHeads(Value heads, PatternRewriter &rewriter) {
    auto reshape = heads.getDefiningOp<nn::ReshapeOp>();
    auto slice = reshape ? reshape.getOperand().getDefiningOp<nn::SliceOp>() : nn::SliceOp();
    auto transpose =
        slice ? slice.getOperand().getDefiningOp<nn::TransposeOp>() : nn::TransposeOp();
    if (!transpose || !heads.hasOneUse() || !slice->hasOneUse())
      return {};
    std::optional<SmallVector<int64_t>> axes = nn::constantIntegers(slice.getAxes());
    if (!axes || axes->size() != 1)
      return {};
    Shape part = shapeOf(slice.getResult()), kept = part;
    SmallVector<int64_t> perm(transpose.getPerm());
    int64_t axis = axes->front() < 0 ? axes->front() + part.size() : axes->front();
    kept.erase(kept.begin() + axis);
    if (constantOf(part[axis]) != 1 || shapeOf(heads) != kept)
      return {};
    Location loc = slice.getLoc();
    int64_t source = perm[axis];
    Value sliced =
        nn::SliceOp::create(rewriter, loc, transpose.getOperand(), slice.getStarts(),
                            slice.getEnds(), makeIntegers(rewriter, loc, source), slice.getSteps());
    Shape shape = shapeOf(sliced);
    shape.erase(shape.begin() + source);
    perm.erase(perm.begin() + axis);
    for (int64_t &dim : perm)
      dim -= dim > source;
    Value whole = nn::ReshapeOp::create(rewriter, loc, sliced, shape);
    return nn::TransposeOp::create(rewriter, loc, whole, perm);
  }
};

struct FuseAttention : impl::FuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecogniseAttention, SliceBeforeTranspose>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
