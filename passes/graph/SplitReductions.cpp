// A reduction that leaves little and reads much -> one of parts, and one of what these leave.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_SPLITREDUCTIONS
#include "passes/Passes.h.inc"

namespace {

/// The shape of an operand as three sizes: what is before, of, and behind the dims that are
/// reduced.
struct Sizes {
  int64_t outer = 1, reduced = 1, inner = 1;
};

/// None where the reduced dims do not follow each other.
std::optional<Sizes> sizesOf(nn::ReduceOp op) {
  auto type = cast<RankedTensorType>(op.getOperand().getType());
  std::optional<SmallVector<int64_t>> axes;
  if (op.getAxes() && !(axes = readIntegers(op.getAxes())))
    return std::nullopt;
  if (!type.hasStaticShape() || (axes && axes->empty()))
    return std::nullopt;
  auto isAxis = [&](int64_t d) {
    return !axes || llvm::is_contained(*axes, d) || llvm::is_contained(*axes, d - type.getRank());
  };
  Sizes sizes;
  for (auto [d, size] : llvm::enumerate(type.getShape())) {
    bool isReduced = isAxis(d);
    if (size == 1)
      continue;
    if (isReduced && sizes.inner != 1)
      return std::nullopt;
    (isReduced ? sizes.reduced : sizes.reduced == 1 ? sizes.outer : sizes.inner) *= size;
  }
  return sizes;
}

/// What joins the results of parts; none where these say too little, or would round once more.
std::optional<nn::ReduceKind> joining(nn::ReduceOp op) {
  Type element = cast<RankedTensorType>(op.getType()).getElementType();
  bool isNarrow = element.getIntOrFloatBitWidth() < 32;
  switch (op.getKind()) {
  case nn::ReduceKind::Max:
  case nn::ReduceKind::Min:
    return op.getKind();
  case nn::ReduceKind::Mean:
    return isa<FloatType>(element) && !isNarrow ? std::make_optional(op.getKind()) : std::nullopt;
  case nn::ReduceKind::Sum:
  case nn::ReduceKind::L1:
  case nn::ReduceKind::SumSquare:
    return isNarrow ? std::nullopt : std::make_optional(nn::ReduceKind::Sum);
  default:
    return std::nullopt;
  }
}

struct SplitReduction : OpRewritePattern<nn::ReduceOp> {
  SplitReduction(MLIRContext *context, int64_t blocks, int64_t elements)
      : OpRewritePattern(context), blocks(blocks), elements(elements) {}

  LogicalResult matchAndRewrite(nn::ReduceOp op, PatternRewriter &rewriter) const override {
    std::optional<Sizes> sizes = sizesOf(op);
    std::optional<nn::ReduceKind> kind = joining(op);
    if (!sizes || !kind)
      return rewriter.notifyMatchFailure(op, "its parts cannot be joined");
    int64_t parts = partsOf(*sizes);
    if (parts < 2)
      return rewriter.notifyMatchFailure(op, "has enough results, or too few elements for each");
    Location loc = op.getLoc();
    auto reduce = [&](Value x, int64_t axis, nn::ReduceKind how) -> Value {
      return nn::ReduceOp::create(rewriter, loc, x, makeIntegers(rewriter, loc, {axis}), how,
                                  /*keepdims=*/false);
    };
    Shape apart = makeShape({sizes->outer, parts, sizes->reduced / parts, sizes->inner},
                            rewriter.getContext());
    Value x = nn::ReshapeOp::create(rewriter, loc, op.getOperand(), apart);
    x = reduce(reduce(x, 2, op.getKind()), 1, *kind);
    auto type = cast<RankedTensorType>(op.getType());
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, x, shapeOf(type));
    return success();
  }

private:
  /// As many as make up for the results that are missing, if one of about so many divides the size.
  int64_t partsOf(const Sizes &sizes) const {
    // Results whose elements are neighbours need 32 bytes of them for a block.
    int64_t results = sizes.outer * llvm::divideCeil(sizes.inner, 8);
    if (results == 0 || sizes.reduced == 0)
      return 1;
    int64_t most = sizes.reduced * sizes.inner / elements;
    int64_t wanted = std::min<int64_t>(llvm::divideCeil(blocks, results), most);
    if (2 * results >= blocks || wanted < 2)
      return 1;
    for (int64_t parts = wanted; parts <= std::min(4 * wanted, most); ++parts)
      if (sizes.reduced % parts == 0)
        return parts;
    for (int64_t parts = wanted; parts > 1; --parts)
      if (sizes.reduced % parts == 0)
        return parts;
    return 1;
  }

  int64_t blocks, elements;
};

struct SplitReductions : impl::SplitReductionsBase<SplitReductions> {
  using SplitReductionsBase::SplitReductionsBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SplitReduction>(&getContext(), results, elements);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
