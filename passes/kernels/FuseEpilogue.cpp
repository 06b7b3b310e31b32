// Elementwise consumers move into the region of a contraction or window.
#include "passes/Passes.h"

#include "dialects/nn/Scalars.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc {
#define GEN_PASS_DEF_FUSEEPILOGUE
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

remark::RemarkOpts remarkNamed(StringRef name) {
  return remark::RemarkOpts::name(name).category("nncc-fuse-epilogue");
}

kern::ContractOp rebuild(PatternRewriter &rewriter, kern::ContractOp op, Location loc,
                         ValueRange extras, ArrayAttr maps) {
  return kern::ContractOp::create(rewriter, loc, op.getResult().getType(), op.getA(), op.getB(),
                                  extras, op.getInit(), op.getBLayout(), op.getGroups(),
                                  op.getStrides(), op.getDilations(), op.getPads(), maps,
                                  op.getPlanAttr());
}

kern::WindowOp rebuild(PatternRewriter &rewriter, kern::WindowOp op, Location loc,
                       ValueRange extras, ArrayAttr maps) {
  return kern::WindowOp::create(rewriter, loc, op.getResult().getType(), op.getA(), op.getWeights(),
                                extras, op.getInit(), op.getKind(), op.getKernel(), op.getStrides(),
                                op.getDilations(), op.getPads(), maps);
}

/// The element of a constant whose elements are all the same.
TypedAttr splatOf(Value value) {
  SplatElementsAttr splat;
  if (!matchPattern(value, m_Constant(&splat)))
    return {};
  Type storage = nn::storageType(splat.getElementType());
  if (storage != splat.getElementType()) // the same bytes
    splat = cast<SplatElementsAttr>(
        DenseElementsAttr::getFromRawBuffer(splat.getType().clone(storage), splat.getRawData()));
  return cast<TypedAttr>(splat.getSplatValue<Attribute>());
}

/// Fuses `consumer` into `root`, which defines its operand number `position`.
template <typename Root>
void fuse(PatternRewriter &rewriter, Root root, nn::ScalarOpInterface consumer, unsigned position) {
  auto type = cast<RankedTensorType>(consumer->getResult(0).getType());
  SmallVector<Value> extras(root.getExtras());
  SmallVector<Attribute> maps(root.getMaps().getValue());
  for (OpOperand &operand : consumer->getOpOperands()) {
    if (operand.getOperandNumber() == position || splatOf(operand.get()))
      continue;
    auto extra = cast<RankedTensorType>(operand.get().getType());
    extras.push_back(operand.get());
    maps.push_back(AffineMapAttr::get(nn::broadcastMap(extra, type)));
  }
  Location loc = rewriter.getFusedLoc({root.getLoc(), consumer.getLoc()});
  Root result = rebuild(rewriter, root, loc, extras, rewriter.getArrayAttr(maps));
  rewriter.inlineRegionBefore(root.getEpilogue(), result.getEpilogue(),
                              result.getEpilogue().begin());
  Block *body = result.getBody();
  auto yield = cast<kern::YieldOp>(body->getTerminator());
  rewriter.setInsertionPoint(yield);
  SmallVector<Value> scalars;
  for (OpOperand &operand : consumer->getOpOperands()) {
    if (operand.getOperandNumber() == position)
      scalars.push_back(yield.getValue());
    else if (TypedAttr splat = splatOf(operand.get()))
      scalars.push_back(arith::ConstantOp::create(rewriter, loc, splat));
    else
      scalars.push_back(body->addArgument(getElementTypeOrSelf(operand.get()), loc));
  }
  Value element = nn::buildElement(consumer, rewriter, consumer.getLoc(), scalars);
  rewriter.replaceOpWithNewOp<kern::YieldOp>(yield, element);
  remark::passed(consumer.getLoc(), remarkNamed("Fused"))
      << remark::add("{0} into {1}", consumer->getName().getStringRef().str(),
                     root->getName().getStringRef().str());
  rewriter.replaceOp(consumer, result->getResults());
  rewriter.eraseOp(root);
}

struct FuseConsumer : OpInterfaceRewritePattern<nn::ScalarOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(nn::ScalarOpInterface consumer,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(consumer->getResult(0).getType());
    Operation *root = nullptr;
    unsigned position = 0;
    for (OpOperand &operand : consumer->getOpOperands()) {
      Operation *def = operand.get().getDefiningOp();
      if (!def || !isa<kern::ContractOp, kern::WindowOp>(def) || operand.get().getType() != type)
        continue;
      if (def->getBlock() != consumer->getBlock()) {
        remark::missed(consumer.getLoc(), remarkNamed("NotFused")) << remark::reason(
            "{0} is outside of its branch or loop", def->getName().getStringRef().str());
        continue;
      }
      if (!def->hasOneUse()) {
        remark::missed(consumer.getLoc(), remarkNamed("NotFused")) << remark::reason(
            "the result of {0} is used elsewhere too", def->getName().getStringRef().str());
        continue;
      }
      // Of two, the later one: the other one's result is there when it runs.
      if (!root || root->isBeforeInBlock(def)) {
        root = def;
        position = operand.getOperandNumber();
      }
    }
    if (!root)
      return rewriter.notifyMatchFailure(consumer,
                                         "no contraction of its shape and type that is used once");
    for (Value operand : consumer->getOperands())
      if (!nn::broadcastsAlike(shapeOf(operand), shapeOf(type)))
        return rewriter.notifyMatchFailure(consumer, "only a run knows what is repeated");
    for (Value operand : consumer->getOperands())
      if (getElementTypeOrSelf(operand) != type.getElementType() && !splatOf(operand))
        return rewriter.notifyMatchFailure(consumer, "an operand is of another element type");
    rewriter.setInsertionPoint(consumer);
    if (auto contract = dyn_cast<kern::ContractOp>(root))
      fuse(rewriter, contract, consumer, position);
    else
      fuse(rewriter, cast<kern::WindowOp>(root), consumer, position);
    return success();
  }
};

struct FuseEpilogue : nncc::impl::FuseEpilogueBase<FuseEpilogue> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseConsumer>(&getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
