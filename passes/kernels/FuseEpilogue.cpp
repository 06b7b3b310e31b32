// Elementwise consumers move into the region of a contraction or window.
#include "passes/Passes.h"

#include "dialects/nn/Generics.h"
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
                         ValueRange extras, Value init, ArrayAttr maps) {
  return kern::ContractOp::create(rewriter, loc, init.getType(), op.getA(), op.getB(), extras, init,
                                  op.getBLayout(), op.getGroups(), op.getStrides(),
                                  op.getDilations(), op.getPads(), maps, op.getPlanAttr(),
                                  op.getBlocksAttr());
}

kern::WindowOp rebuild(PatternRewriter &rewriter, kern::WindowOp op, Location loc,
                       ValueRange extras, Value init, ArrayAttr maps) {
  return kern::WindowOp::create(rewriter, loc, init.getType(), op.getA(), op.getWeights(), extras,
                                init, op.getKind(), op.getKernel(), op.getStrides(),
                                op.getDilations(), op.getPads(), maps, op.getByteWeights());
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

Type elementOf(Value value) { return getElementTypeOrSelf(value); }

/// Whether the epilogue of `root` can load or store it.
bool isStorable(Operation *root, Type element) {
  auto contract = dyn_cast<kern::ContractOp>(root);
  bool isHalf = element.isF16() || element.isBF16();
  return element.isF32() || element.isInteger(8) || element.isInteger(32) ||
         (isHalf && contract && contract.isOfHalves());
}

/// Bytes that are widened where they are used: in the epilogue too, rather than in memory.
nn::ScalarOpInterface widening(Value value) {
  Operation *op = value.getDefiningOp();
  bool widens = isa_and_present<nn::DequantizeOp, nn::CastOp>(op) &&
                elementOf(op->getOperand(0)).isInteger(8) && elementOf(value).isF32();
  return widens ? cast<nn::ScalarOpInterface>(op) : nn::ScalarOpInterface();
}

/// Calls `visit` on what an epilogue loads for `value`.
void forEachLeaf(Value value, llvm::function_ref<void(Value)> visit) {
  if (splatOf(value))
    return;
  if (nn::ScalarOpInterface op = widening(value)) {
    for (Value operand : op->getOperands())
      forEachLeaf(operand, visit);
    return;
  }
  visit(value);
}

/// Fuses `consumer` into `root`, which defines its operand number `position`.
template <typename Root> struct Fusion {
  PatternRewriter &rewriter;
  Root root;
  nn::ScalarOpInterface consumer;
  unsigned position;
  RankedTensorType type = cast<RankedTensorType>(consumer->getResult(0).getType());
  Block *body = nullptr; // of the result

  void run() {
    SmallVector<Value> extras(root.getExtras());
    SmallVector<Attribute> maps(root.getMaps().getValue());
    for (OpOperand &operand : consumer->getOpOperands())
      if (operand.getOperandNumber() != position)
        forEachLeaf(operand.get(), [&](Value leaf) {
          extras.push_back(leaf);
          maps.push_back(
              AffineMapAttr::get(nn::broadcastMap(cast<RankedTensorType>(leaf.getType()), type)));
        });
    Location loc = rewriter.getFusedLoc({root.getLoc(), consumer.getLoc()});
    Value init = root.getInit();
    if (init.getType() != type)
      init = nn::Generics(rewriter, loc).empty(shapeOf(type), type.getElementType());
    Root result = rebuild(rewriter, root, loc, extras, init, rewriter.getArrayAttr(maps));
    rewriter.inlineRegionBefore(root.getEpilogue(), result.getEpilogue(),
                                result.getEpilogue().begin());
    body = result.getBody();
    auto yield = cast<kern::YieldOp>(body->getTerminator());
    rewriter.setInsertionPoint(yield);
    SmallVector<Value> scalars;
    for (OpOperand &operand : consumer->getOpOperands())
      scalars.push_back(operand.getOperandNumber() == position ? yield.getValue()
                                                               : scalarOf(operand.get()));
    Value element = nn::buildElement(consumer, rewriter, consumer.getLoc(), scalars);
    rewriter.replaceOpWithNewOp<kern::YieldOp>(yield, element);
    remark::passed(consumer.getLoc(), remarkNamed("Fused"))
        << remark::add("{0} into {1}", consumer->getName().getStringRef().str(),
                       root->getName().getStringRef().str());
    rewriter.replaceOp(consumer, result->getResults());
    rewriter.eraseOp(root);
  }

  /// The element of `value`; leaves become block arguments in the order of forEachLeaf.
  Value scalarOf(Value value) {
    if (TypedAttr splat = splatOf(value))
      return arith::ConstantOp::create(rewriter, consumer.getLoc(), splat);
    nn::ScalarOpInterface op = widening(value);
    if (!op)
      return body->addArgument(nn::storageType(elementOf(value)), consumer.getLoc());
    SmallVector<Value> scalars;
    for (Value operand : op->getOperands())
      scalars.push_back(scalarOf(operand));
    return nn::buildElement(op, rewriter, op.getLoc(), scalars);
  }
};

struct FuseConsumer : OpInterfaceRewritePattern<nn::ScalarOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(nn::ScalarOpInterface consumer,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(consumer->getResult(0).getType());
    Operation *root = nullptr;
    unsigned position = 0;
    for (OpOperand &operand : consumer->getOpOperands()) {
      Operation *def = operand.get().getDefiningOp();
      if (!def || !isa<kern::ContractOp, kern::WindowOp>(def) ||
          !keepsType(def, operand.get(), type))
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
    if (StringRef why = whyNot(root, consumer, position, type); !why.empty())
      return rewriter.notifyMatchFailure(consumer, why);
    rewriter.setInsertionPoint(consumer);
    if (auto contract = dyn_cast<kern::ContractOp>(root))
      Fusion<kern::ContractOp>{rewriter, contract, consumer, position}.run();
    else
      Fusion<kern::WindowOp>{rewriter, cast<kern::WindowOp>(root), consumer, position}.run();
    return success();
  }

  /// Whether the result of `root` may become one of `type`: of the same shape, and of another
  /// element type where sums are not kept in it.
  static bool keepsType(Operation *root, Value result, RankedTensorType type) {
    if (result.getType() == type)
      return true;
    auto contract = dyn_cast<kern::ContractOp>(root);
    bool keepsSums = contract && !contract.isOfBytes() && !contract.isOfHalves();
    return shapeOf(result) == shapeOf(type) && !keepsSums &&
           isStorable(root, type.getElementType()) && isStorable(root, elementOf(result));
  }

  /// Why an epilogue cannot read an operand of `consumer`, which gives `type`; empty: it can.
  static StringRef whyNot(Operation *root, nn::ScalarOpInterface consumer, unsigned position,
                          RankedTensorType type) {
    StringRef why;
    for (OpOperand &operand : consumer->getOpOperands())
      if (operand.getOperandNumber() != position)
        forEachLeaf(operand.get(), [&](Value leaf) {
          if (!nn::broadcastsAlike(shapeOf(leaf), shapeOf(type)))
            why = "only a run knows what is repeated";
          else if (elementOf(leaf) != type.getElementType() && !isStorable(root, elementOf(leaf)))
            why = "an operand is of another element type";
        });
    return why;
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
