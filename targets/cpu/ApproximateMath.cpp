// math.* on f32 -> polynomials: no call into libm from a kernel.
#include "targets/cpu/MathBuilder.h"
#include "targets/cpu/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc::cpu;

namespace {
bool isF32(Operation *op) { return getElementTypeOrSelf(op->getResult(0).getType()).isF32(); }

template <typename Op, Value (*expand)(MathBuilder &, Op)> struct Expand : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!isF32(op))
      return rewriter.notifyMatchFailure(op, "only f32 has an expansion");
    MathBuilder m(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, expand(m, op));
    return success();
  }
};

template <typename Op, Value (*expand)(MathBuilder &, Value)>
Value expandOperand(MathBuilder &m, Op op) {
  return expand(m, op.getOperand());
}

template <typename Op, Value (*expand)(MathBuilder &, Value)>
using ExpandUnary = Expand<Op, expandOperand<Op, expand>>;

/// The flag `afn`: results below the normal numbers may be inexact; with `ninf`, none is infinite.
Value expandExpOp(MathBuilder &m, math::ExpOp op) {
  bool isNormal = bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn);
  if (isNormal && bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::ninf))
    return expandNormalExp(m, op.getOperand());
  return expandExp(m, op.getOperand(), isNormal);
}

Value expandPowOp(MathBuilder &m, math::PowFOp op) {
  return expandPow(m, op.getLhs(), op.getRhs());
}

/// What neither has an expansion nor an intrinsic of LLVM is a call for each element.
template <typename Op> struct Scalarize : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || type.getRank() != 1 || type.isScalable() || isF32(op))
      return rewriter.notifyMatchFailure(op, "only vectors of other types than f32");
    Location loc = op.getLoc();
    SmallVector<Value> elements;
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      Value element = vector::ExtractOp::create(rewriter, loc, op.getOperand(), i);
      elements.push_back(Op::create(rewriter, loc, element, op.getFastmathAttr()));
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, elements);
    return success();
  }
};

/// The nearest integer: one instruction on most processors, where rounding and conversion are
/// three.
struct ConvertRounded : OpRewritePattern<arith::FPToSIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::FPToSIOp op, PatternRewriter &rewriter) const override {
    auto round = op.getIn().getDefiningOp<math::RoundEvenOp>();
    if (!round || !getElementTypeOrSelf(op.getIn()).isF32() ||
        !getElementTypeOrSelf(op.getType()).isInteger(32))
      return rewriter.notifyMatchFailure(op, "not of a rounded f32 to i32");
    auto vector = dyn_cast<VectorType>(op.getType());
    if (vector && (vector.getRank() != 1 || vector.isScalable()))
      return rewriter.notifyMatchFailure(op, "a vector of several dims");
    std::string name = "llvm.lrint.i32.f32";
    if (vector) {
      std::string lanes = "v" + std::to_string(vector.getNumElements());
      name = "llvm.lrint." + lanes + "i32." + lanes + "f32";
    }
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr(name), round.getOperand());
    return success();
  }
};

/// The larger of two numbers, where NaN may be passed over: one instruction on x86, which a maximum
/// that keeps NaN is three of. To LLVM the flag would say that there is none at all.
struct PassOverNaN : OpRewritePattern<arith::MaximumFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MaximumFOp op, PatternRewriter &rewriter) const override {
    if (!arith::bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::nnan))
      return rewriter.notifyMatchFailure(op, "keeps NaN");
    Value isLarger = arith::CmpFOp::create(rewriter, op.getLoc(), arith::CmpFPredicate::OGT,
                                           op.getLhs(), op.getRhs());
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isLarger, op.getLhs(), op.getRhs());
    return success();
  }
};

template <typename Op> bool is(StringRef name) { return name == Op::getOperationName(); }

struct ApproximateMath : nncc::cpu::impl::ApproximateMathBase<ApproximateMath> {
  using ApproximateMathBase::ApproximateMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Expand<math::ExpOp, expandExpOp>, ExpandUnary<math::Exp2Op, expandExp2>,
                 ExpandUnary<math::ExpM1Op, expandExpM1>, ExpandUnary<math::SinhOp, expandSinh>,
                 ExpandUnary<math::CoshOp, expandCosh>, ExpandUnary<math::ErfOp, expandErf>,
                 ExpandUnary<math::LogOp, expandLog>, ExpandUnary<math::Log2Op, expandLog2>,
                 ExpandUnary<math::Log10Op, expandLog10>, ExpandUnary<math::SinOp, expandSin>,
                 ExpandUnary<math::CosOp, expandCos>, ExpandUnary<math::TanOp, expandTan>,
                 ExpandUnary<math::AtanOp, expandAtan>, ExpandUnary<math::AsinhOp, expandAsinh>,
                 ExpandUnary<math::AcoshOp, expandAcosh>, ExpandUnary<math::AtanhOp, expandAtanh>,
                 Expand<math::PowFOp, expandPowOp>, Scalarize<math::ErfOp>, Scalarize<math::ErfcOp>,
                 Scalarize<math::AsinhOp>, Scalarize<math::AcoshOp>, Scalarize<math::AtanhOp>,
                 PassOverNaN>(&getContext());
    if (lrint)
      patterns.add<ConvertRounded>(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return is<math::TanhOp>(name) || is<math::ErfcOp>(name) || is<math::Log1pOp>(name) ||
             is<math::AsinOp>(name) || is<math::AcosOp>(name);
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
