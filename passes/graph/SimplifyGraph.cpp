// Rewrites that make a graph smaller whatever target it is for, beyond canonicalisation.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_SIMPLIFYGRAPH
#include "passes/Passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isSingle(Value value) {
  return typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1;
}

/// x + 0, x - 0, x * 1, x / 1, x ^ 1. (-0 + 0 becomes -0, everything else is the same.)
template <typename Op> struct DropNeutral : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    constexpr bool isSum = std::is_same_v<Op, nn::AddOp> || std::is_same_v<Op, nn::SubOp>;
    constexpr bool commutes = std::is_same_v<Op, nn::AddOp> || std::is_same_v<Op, nn::MulOp>;
    constexpr double neutral = isSum ? 0 : 1;
    Value kept;
    if (nn::constantScalar(op.getRhs()) == neutral)
      kept = op.getLhs();
    else if (commutes && nn::constantScalar(op.getLhs()) == neutral)
      kept = op.getRhs();
    if (!kept)
      return rewriter.notifyMatchFailure(op, "no operand is neutral");
    if (kept.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "it broadcasts or converts");
    rewriter.replaceOp(op, kept);
    return success();
  }
};

/// x - c -> x + (-c): the same bits, and one form less for other patterns.
struct SubtractionToAddition : OpRewritePattern<nn::SubOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::SubOp op, PatternRewriter &rewriter) const override {
    if (isConstant(op.getLhs()))
      return rewriter.notifyMatchFailure(op, "of a constant");
    std::optional<SmallVector<double>> elements = readFloats(op.getRhs(), nn::Fact::maxValues);
    if (!elements)
      return rewriter.notifyMatchFailure(op, "no small constant is subtracted");
    for (double &element : *elements)
      element = -element;
    rewriter.replaceOpWithNewOp<nn::AddOp>(
        op, op.getType(), op.getLhs(),
        makeFloats(rewriter, op.getLoc(), typeOf(op.getRhs()), *elements));
    return success();
  }
};

/// x / c -> x * (1 / c) where 1 / c is exact: a power of two.
struct DivisionToMultiplication : OpRewritePattern<nn::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::DivOp op, PatternRewriter &rewriter) const override {
    std::optional<double> scalar = nn::constantScalar(op.getRhs());
    int exponent = 0;
    if (!scalar || std::abs(std::frexp(*scalar, &exponent)) != 0.5 || std::abs(exponent) > 14)
      return rewriter.notifyMatchFailure(op,
                                         "not divided by a power of two that every float type has");
    SmallVector<double> elements(typeOf(op.getRhs()).getNumElements(), 1 / *scalar);
    rewriter.replaceOpWithNewOp<nn::MulOp>(
        op, op.getType(), op.getLhs(),
        makeFloats(rewriter, op.getLoc(), typeOf(op.getRhs()), elements));
    return success();
  }
};

/// The scalar constant of a product, and what it multiplies.
std::pair<Value, std::optional<double>> splitScalar(nn::MulOp op) {
  for (auto [value, constant] : {std::pair(op.getLhs(), op.getRhs()), {op.getRhs(), op.getLhs()}})
    if (isSingle(constant) && value.getType() == op.getType())
      if (std::optional<double> scalar = nn::constantScalar(constant))
        return {value, scalar};
  return {};
}

/// x * a * b -> x * (a * b) for scalars; one of them a power of two, so that nothing is rounded
/// otherwise.
struct MergeFactors : OpRewritePattern<nn::MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MulOp op, PatternRewriter &rewriter) const override {
    auto [value, outer] = splitScalar(op);
    auto inner = value ? value.getDefiningOp<nn::MulOp>() : nullptr;
    if (!inner || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(op, "not the product of two scalars and a value");
    auto [source, first] = splitScalar(inner);
    if (!source)
      return rewriter.notifyMatchFailure(op, "not the product of two scalars and a value");
    int exponent = 0;
    if (std::abs(std::frexp(*outer, &exponent)) != 0.5 &&
        std::abs(std::frexp(*first, &exponent)) != 0.5)
      return rewriter.notifyMatchFailure(op, "the product would be rounded otherwise");
    rewriter.replaceOpWithNewOp<nn::MulOp>(
        op, op.getType(), source,
        makeScalar(rewriter, op.getLoc(), getElementTypeOrSelf(op.getType()), *outer * *first));
    return success();
  }
};

/// gather with one constant index -> slice and reshape, which are views.
struct GatherToSlice : OpRewritePattern<nn::GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::GatherOp op, PatternRewriter &rewriter) const override {
    std::optional<SmallVector<int64_t>> index = nn::constantIntegers(op.getIndices());
    RankedTensorType data = typeOf(op.getData()), type = typeOf(op.getResult());
    int64_t axis = op.getAxis();
    axis = axis < 0 ? axis + data.getRank() : axis;
    if (!index || index->size() != 1 || data.isDynamicDim(axis))
      return rewriter.notifyMatchFailure(op, "not one index that is known");
    int64_t first = index->front(); // in range: verified
    first = first < 0 ? first + data.getDimSize(axis) : first;
    Location loc = op.getLoc();
    auto integer = [&](int64_t value) { return makeIntegers(rewriter, loc, value); };
    Value slice = nn::SliceOp::create(rewriter, loc, op.getData(), integer(first),
                                      integer(first + 1), integer(axis), integer(1));
    if (slice.getType() != type)
      slice = nn::ReshapeOp::create(rewriter, loc, slice, shapeOf(type));
    rewriter.replaceOp(op, slice);
    return success();
  }
};

/// A transpose that cancels against those in front of an elementwise tree:
/// transpose(f(transpose(x), c)) -> f(x, transpose(c)).
struct CancelTransposes : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    Operation *root = op.getOperand().getDefiningOp();
    if (!isa_and_present<nn::ScalarOpInterface>(root) || !root->hasOneUse())
      return rewriter.notifyMatchFailure(op,
                                         "not of an elementwise operation that nothing else uses");
    SmallVector<int64_t> inverse = invertPermutationVector(op.getPerm());
    unsigned cancelled = 0;
    if (!absorbs(op.getOperand(), inverse, cancelled, /*depth=*/0) || cancelled == 0)
      return rewriter.notifyMatchFailure(op, "some operand is not transposed the other way");
    remark::passed(op.getLoc(),
                   remark::RemarkOpts::name("Cancelled").category("nncc-simplify-graph"))
        << remark::metric("Transposes", cancelled + 1);
    rewriter.replaceOp(op, rebuild(op.getOperand(), op.getPerm(), rewriter));
    return success();
  }

private:
  static bool cancels(Value value, ArrayRef<int64_t> inverse) {
    auto transpose = value.getDefiningOp<nn::TransposeOp>();
    return transpose && transpose.getPerm() == inverse;
  }

  static bool absorbs(Value value, ArrayRef<int64_t> inverse, unsigned &cancelled, unsigned depth) {
    if (isSingle(value) ||
        (isConstant(value) && typeOf(value).getRank() == static_cast<int64_t>(inverse.size())))
      return true;
    if (cancels(value, inverse)) {
      ++cancelled;
      return true;
    }
    Operation *op = value.getDefiningOp();
    constexpr unsigned deepest = 16;
    return isa_and_present<nn::ScalarOpInterface>(op) && op->hasOneUse() && depth < deepest &&
           llvm::all_of(op->getOperands(), [&](Value operand) {
             return absorbs(operand, inverse, cancelled, depth + 1);
           });
  }

  static Value rebuild(Value value, ArrayRef<int64_t> perm, PatternRewriter &rewriter) {
    if (isSingle(value) && typeOf(value).getRank() != static_cast<int64_t>(perm.size()))
      return value;
    if (cancels(value, invertPermutationVector(perm)))
      return value.getDefiningOp<nn::TransposeOp>().getOperand();
    if (isSingle(value) || isConstant(value))
      return nn::TransposeOp::create(rewriter, value.getLoc(), value, perm);
    SmallVector<Value> operands;
    for (Value operand : value.getDefiningOp()->getOperands())
      operands.push_back(rebuild(operand, perm, rewriter));
    Operation *copy = rewriter.clone(*value.getDefiningOp());
    rewriter.modifyOpInPlace(copy, [&] {
      copy->setOperands(operands);
      Shape shape = shapeOf(value);
      copy->getResult(0).setType(
          tensorOf(applyPermutation(ArrayRef(shape), perm), getElementTypeOrSelf(value)));
    });
    return copy->getResult(0);
  }
};

struct SimplifyGraph : impl::SimplifyGraphBase<SimplifyGraph> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DropNeutral<nn::AddOp>, DropNeutral<nn::SubOp>, DropNeutral<nn::MulOp>,
                 DropNeutral<nn::DivOp>, DropNeutral<nn::PowOp>, SubtractionToAddition,
                 DivisionToMultiplication, MergeFactors, GatherToSlice, CancelTransposes>(
        &getContext());
    for (Dialect *dialect : getContext().getLoadedDialects())
      dialect->getCanonicalizationPatterns(patterns);
    for (RegisteredOperationName name : getContext().getRegisteredOperations())
      if (isa<nn::NNDialect>(name.getDialect()))
        name.getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
  }
};

} // namespace
} // namespace nncc
