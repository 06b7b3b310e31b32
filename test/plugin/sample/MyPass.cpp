// A pass of one's own: relu(relu(x)) -> relu(x), at most `limit` times in a function.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

using namespace mlir;
using nncc::nn::ReluOp;

namespace {

struct DropRelu : OpRewritePattern<ReluOp> {
  DropRelu(MLIRContext *context, int64_t &left) : OpRewritePattern(context), left(left) {}

  LogicalResult matchAndRewrite(ReluOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getOperand().getDefiningOp<ReluOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "its operand is not a relu");
    auto options = remark::RemarkOpts::name("ReluOfRelu").category("my-pass");
    if (left == 0) {
      remark::missed(op.getLoc(), options) << remark::reason("the limit is reached");
      return rewriter.notifyMatchFailure(op, "the limit is reached");
    }
    --left;
    remark::passed(op.getLoc(), options) << remark::add("a relu of a relu is one relu");
    rewriter.replaceOp(op, inner.getResult());
    return success();
  }

  int64_t &left;
};

struct MyPass : PassWrapper<MyPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MyPass)

  MyPass() = default;
  MyPass(const MyPass &other) : PassWrapper(other) {} // copies the options as well
  StringRef getArgument() const override { return "my-pass"; }
  StringRef getDescription() const override { return "Drop a relu of a relu"; }

  void runOnOperation() override {
    int64_t left = limit;
    RewritePatternSet patterns(&getContext());
    patterns.add<DropRelu>(&getContext(), left);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }

  Option<int64_t> limit{*this, "limit", llvm::cl::desc("At most this many"),
                        llvm::cl::init(100)};
};

} // namespace

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "my-pass", "1.0", [] { PassRegistration<MyPass>(); }};
}
