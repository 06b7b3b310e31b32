// The nn operations of a kernel -> linalg, by their own lower().
#include "passes/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace nncc {
#define GEN_PASS_DEF_LOWERNN
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

struct LowerByInterface : OpInterfaceRewritePattern<nn::LowerToLinalgOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(nn::LowerToLinalgOpInterface op,
                                PatternRewriter &rewriter) const override {
    if (isa<nn::SizesOp>(op))
      return rewriter.notifyMatchFailure(op, "is lowered after the ops that it is a parameter of");
    FailureOr<SmallVector<Value>> values = op.lower(rewriter);
    if (failed(values))
      return rewriter.notifyMatchFailure(op, "lower() failed");
    rewriter.replaceOp(op, *values);
    return success();
  }
};

/// A packing that is not a recipe, because its source is computed at run time.
struct LowerPack : OpRewritePattern<kern::PackOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(kern::PackOp op, PatternRewriter &rewriter) const override {
    auto source = cast<RankedTensorType>(op.getSource().getType());
    auto type = cast<RankedTensorType>(op.getType());
    Value init =
        tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
    auto generic = linalg::GenericOp::create(
        rewriter, op.getLoc(), type, ValueRange(), init,
        rewriter.getMultiDimIdentityMap(type.getRank()), iterators,
        [&](OpBuilder &b, Location loc, ValueRange) {
          Value inside = arith::ConstantIntOp::create(b, loc, 1, 1);
          SmallVector<Value> indices;
          for (int64_t dim = 0; dim < source.getRank(); ++dim) {
            Value index = arith::ConstantIndexOp::create(b, loc, 0);
            for (auto [d, factor] : llvm::enumerate(op.getFactors())) {
              if (op.getDims()[d] != dim)
                continue;
              Value i = linalg::IndexOp::create(b, loc, d);
              i = arith::MulIOp::create(b, loc, i, arith::ConstantIndexOp::create(b, loc, factor));
              index = arith::AddIOp::create(b, loc, index, i);
            }
            Value size = arith::ConstantIndexOp::create(b, loc, source.getDimSize(dim));
            Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, size);
            inside = arith::AndIOp::create(b, loc, inside, fits);
            Value last = arith::ConstantIndexOp::create(b, loc, source.getDimSize(dim) - 1);
            indices.push_back(arith::MinSIOp::create(b, loc, index, last));
          }
          Value element = tensor::ExtractOp::create(b, loc, op.getSource(), indices);
          Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
          linalg::YieldOp::create(
              b, loc, arith::SelectOp::create(b, loc, inside, element, zero).getResult());
        });
    rewriter.replaceOp(op, generic.getResults());
    return success();
  }
};

/// The operands and results of operations of kern in storage types.
void storeKernOperands(func::FuncOp function) {
  OpBuilder b(function.getContext());
  function.walk([&](DestinationStyleOpInterface op) {
    if (!isa<kern::KernDialect>(op->getDialect()))
      return;
    b.setInsertionPoint(op);
    for (OpOperand &operand : op->getOpOperands())
      if (auto empty = operand.get().getDefiningOp<tensor::EmptyOp>()) {
        auto type = empty.getType();
        operand.set(tensor::EmptyOp::create(b, op.getLoc(),
                                            type.clone(nn::storageType(type.getElementType())),
                                            empty.getDynamicSizes()));
      } else if (isa<RankedTensorType>(operand.get().getType()))
        operand.set(nn::toStorage(b, op.getLoc(), operand.get()));
    b.setInsertionPointAfter(op);
    for (OpResult result : op->getResults()) {
      auto type = cast<RankedTensorType>(result.getType());
      Type storage = nn::storageType(type.getElementType());
      if (storage == type.getElementType())
        continue;
      result.setType(type.clone(storage));
      Value own = nn::fromStorage(b, op.getLoc(), result, type.getElementType());
      result.replaceAllUsesExcept(own, own.getDefiningOp());
    }
  });
}

/// Arguments and results in storage types.
void dropSigns(func::FuncOp function) {
  Block &body = function.front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  for (BlockArgument argument : body.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    Type storage = nn::storageType(type.getElementType());
    if (storage == type.getElementType())
      continue;
    argument.setType(type.clone(storage));
    auto own = UnrealizedConversionCastOp::create(b, argument.getLoc(), type, argument);
    argument.replaceAllUsesExcept(own.getResult(0), own);
  }
  Operation *terminator = body.getTerminator();
  b.setInsertionPoint(terminator);
  for (OpOperand &result : terminator->getOpOperands())
    result.set(nn::toStorage(b, terminator->getLoc(), result.get()));
  function.setFunctionType(
      b.getFunctionType(body.getArgumentTypes(), terminator->getOperandTypes()));
}

/// Sizes that an op takes as a parameter are a part of what it has become; others are data.
void lowerSizes(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  function.walk([&](nn::SizesOp op) {
    rewriter.setInsertionPoint(op);
    if (op.use_empty())
      rewriter.eraseOp(op);
    else if (FailureOr<SmallVector<Value>> values = op.lower(rewriter); succeeded(values))
      rewriter.replaceOp(op, *values);
  });
}

struct LowerNN : nncc::impl::LowerNNBase<LowerNN> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->hasAttr("rt.kernel"))
      return;
    RewritePatternSet lowering(&getContext());
    lowering.add<LowerByInterface, LowerPack>(&getContext());
    walkAndApplyPatterns(function, std::move(lowering));
    storeKernOperands(function);
    lowerSizes(function);
    WalkResult left = function.walk([](Operation *op) {
      return isa<nn::NNDialect>(op->getDialect()) ? WalkResult(op->emitOpError("was not lowered"))
                                                  : WalkResult::advance();
    });
    if (left.wasInterrupted())
      return signalPassFailure();
    dropSigns(function);
    // Producers that are used once are computed where they are used, not in a row of scratch.
    RewritePatternSet fusion(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(
        fusion, [](OpOperand *operand) { return operand->get().hasOneUse(); });
    tensor::BitcastOp::getCanonicalizationPatterns(fusion, &getContext());
    if (failed(applyPatternsGreedily(function, std::move(fusion))))
      signalPassFailure();
  }
};

} // namespace
