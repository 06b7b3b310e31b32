// Numbers between products of integers and the codes that become of them, in units of these codes.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FOLDSCALES
#include "passes/Passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The elements of a constant of f32, or of one that is dequantized: small ones, as biases are.
std::optional<SmallVector<double>> readNumbers(Value value) {
  if (auto reshape = value.getDefiningOp<nn::ReshapeOp>())
    return readNumbers(reshape.getOperand());
  auto dequantize = value.getDefiningOp<nn::DequantizeOp>();
  if (!dequantize)
    return typeOf(value).getElementType().isF32() ? readFloats(value) : std::nullopt;
  std::optional<SmallVector<int64_t>> codes = readIntegers(dequantize.getOperand());
  std::optional<SmallVector<int64_t>> zeros = readIntegers(dequantize.getZeroPoint());
  std::optional<SmallVector<double>> scales = readFloats(dequantize.getScale());
  if (!codes || !zeros || !scales ||
      dequantize.getType().getNumElements() != static_cast<int64_t>(codes->size()) ||
      typeOf(dequantize.getOperand()).getRank() > 1 ||
      !llvm::all_of(*zeros, [](int64_t zero) { return zero == 0; }) ||
      (scales->size() != 1 && scales->size() != codes->size()))
    return std::nullopt;
  SmallVector<double> result;
  for (auto [i, code] : llvm::enumerate(*codes))
    result.push_back(code * (*scales)[scales->size() == 1 ? 0 : i]);
  return result;
}

/// Multiplies what elementwise operations compute by a positive factor, at no cost in a run.
struct Scaler {
  PatternRewriter &rewriter;
  static constexpr int mostOps = 8;

  /// Whether `scale` finds a place for the factor: in constants, and in scales of integers.
  bool canScale(Value value, int depth = mostOps) const {
    if (isNumbers(value))
      return true;
    Operation *op = value.getDefiningOp();
    if (!op || depth == 0 || !typeOf(value).getElementType().isF32())
      return false;
    if (auto dequantize = dyn_cast<nn::DequantizeOp>(op))
      return isa<IntegerType>(typeOf(dequantize.getOperand()).getElementType()) &&
             isNumbers(dequantize.getScale());
    if (!op->hasOneUse())
      return false;
    if (auto mul = dyn_cast<nn::MulOp>(op))
      return canScale(mul.getRhs(), depth - 1) || canScale(mul.getLhs(), depth - 1);
    return isa<nn::AddOp, nn::SubOp, nn::MaxOp, nn::MinOp, nn::ReluOp>(op) &&
           llvm::all_of(op->getOperands(),
                        [&](Value operand) { return canScale(operand, depth - 1); });
  }

  /// value * factor, of which `canScale` is true.
  Value scale(Value value, double factor, int depth = mostOps) const {
    OpBuilder::InsertionGuard guard(rewriter);
    if (std::optional<SmallVector<double>> numbers = readNumbers(value)) {
      rewriter.setInsertionPointAfterValue(value);
      for (double &number : *numbers)
        number *= factor;
      return makeFloats(rewriter, value.getLoc(), typeOf(value), *numbers);
    }
    Operation *op = value.getDefiningOp();
    SmallVector<Value> operands(op->getOperands());
    if (isa<nn::DequantizeOp>(op))
      operands[1] = scale(operands[1], factor, depth - 1);
    else if (isa<nn::MulOp>(op)) {
      unsigned place = canScale(operands[1], depth - 1);
      operands[place] = scale(operands[place], factor, depth - 1);
    } else
      for (Value &operand : operands)
        operand = scale(operand, factor, depth - 1);
    rewriter.setInsertionPoint(op);
    Operation *scaled = rewriter.clone(*op);
    scaled->setOperands(operands);
    return scaled->getResult(0);
  }

private:
  static bool isNumbers(Value value) { return readNumbers(value).has_value(); }
};

std::optional<int64_t> integerOf(Value value) {
  std::optional<SmallVector<int64_t>> integers = readIntegers(value);
  return integers && llvm::all_equal(*integers) && !integers->empty()
             ? std::optional(integers->front())
             : std::nullopt;
}

struct CodeRange {
  double lowest, highest; // less the zero point

  static std::optional<CodeRange> of(nn::QuantizeOp op) {
    auto element = dyn_cast<IntegerType>(typeOf(op.getResult()).getElementType());
    std::optional<int64_t> zero = integerOf(op.getZeroPoint());
    if (!element || element.getWidth() != 8 || !zero)
      return std::nullopt;
    double lowest = element.isUnsigned() ? 0 : -128;
    return CodeRange{lowest - *zero, lowest + 255 - *zero};
  }
};

std::optional<double> scaleOf(Value value) {
  std::optional<double> scale = nn::constantScalar(value);
  return scale && *scale > 0 && std::isfinite(1 / *scale) ? scale : std::nullopt;
}

/// quantize(x, s) -> quantize(x / s, 1), where the division is done at compile time.
struct FoldIntoQuantize : OpRewritePattern<nn::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::QuantizeOp op, PatternRewriter &rewriter) const override {
    std::optional<double> scale = scaleOf(op.getScale());
    RankedTensorType operand = typeOf(op.getOperand());
    if (!op.getByReciprocal() || !scale || *scale == 1 || !operand.getElementType().isF32() ||
        operand.getShape() != op.getType().getShape())
      return rewriter.notifyMatchFailure(op, "the order of rounding is not open, or no scale");
    Scaler scaler{rewriter};
    if (!scaler.canScale(op.getOperand()))
      return rewriter.notifyMatchFailure(op, "nothing takes the factor at compile time");
    Value scaled = scaler.scale(op.getOperand(), 1 / *scale);
    Value one = makeScalar(rewriter, op.getLoc(), rewriter.getF32Type(), 1);
    rewriter.modifyOpInPlace(op, [&] {
      op.getOperandMutable().assign(scaled);
      op.getScaleMutable().assign(one);
    });
    return success();
  }
};

/// Bounds that saturation has as well.
struct DropBounds : OpRewritePattern<nn::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::QuantizeOp op, PatternRewriter &rewriter) const override {
    std::optional<CodeRange> range = CodeRange::of(op);
    std::optional<double> scale = scaleOf(op.getScale());
    Operation *bound = op.getOperand().getDefiningOp();
    if (!range || !scale || !isa_and_present<nn::ReluOp, nn::MaxOp, nn::MinOp>(bound) ||
        bound->getResult(0).getType() != bound->getOperand(0).getType())
      return rewriter.notifyMatchFailure(op, "no bounds of 8-bit integers");
    auto limit = [&]() -> std::optional<double> {
      return bound->getNumOperands() == 2 ? nn::constantScalar(bound->getOperand(1)) : std::nullopt;
    };
    // A bound that rounds to the last code is none.
    auto isBelow = [&](double x) { return x / *scale < range->lowest + 0.5; };
    auto isAbove = [&](double x) { return x / *scale > range->highest - 0.5; };
    bool isNeedless = (isa<nn::ReluOp>(bound) && isBelow(0)) ||
                      (isa<nn::MaxOp>(bound) && limit() && isBelow(*limit())) ||
                      (isa<nn::MinOp>(bound) && limit() && isAbove(*limit()));
    if (!isNeedless)
      return rewriter.notifyMatchFailure(op, "bounds that saturation does not have");
    rewriter.modifyOpInPlace(op, [&] { op.getOperandMutable().assign(bound->getOperand(0)); });
    return success();
  }
};

/// The product of integers that elementwise operations compute `value` of, along first operands.
Operation *productOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && isa<nn::ScalarOpInterface>(op))
    op = op->getOperand(0).getDefiningOp();
  return op && isa<nn::ConvOp, nn::MatMulOp>(op) ? op : nullptr;
}

/// Of two results of products that are added only the later one is in registers by then; the other
/// one is in memory, better as codes.
bool meetsLaterProduct(nn::DequantizeOp op) {
  Operation *own = productOf(op);
  if (!own || !op->hasOneUse() || !isa<nn::AddOp>(*op->user_begin()))
    return false;
  return llvm::any_of(op->user_begin()->getOperands(), [&](Value operand) {
    Operation *other = operand == op.getResult() ? nullptr : productOf(operand);
    return other && other->getBlock() == own->getBlock() && own->isBeforeInBlock(other);
  });
}

/// dequantize(quantize(x)) between floats -> round, bound and multiply: codes are not stored.
struct KeepFloats : OpRewritePattern<nn::DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::DequantizeOp op, PatternRewriter &rewriter) const override {
    auto quantize = op.getOperand().getDefiningOp<nn::QuantizeOp>();
    if (!quantize || !quantize->hasOneUse() || !quantize.getByReciprocal())
      return rewriter.notifyMatchFailure(op, "not of numbers that are quantized for it alone");
    if (meetsLaterProduct(op))
      return rewriter.notifyMatchFailure(op, "it will be in memory");
    std::optional<CodeRange> range = CodeRange::of(quantize);
    std::optional<double> scale = scaleOf(quantize.getScale());
    std::optional<int64_t> zero = integerOf(op.getZeroPoint());
    if (quantize.getOperand().getType() != op.getType() || !op.getType().getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not between floats of one type");
    if (!range || !scale || !zero || zero != integerOf(quantize.getZeroPoint()) ||
        !nn::constantScalar(op.getScale()))
      return rewriter.notifyMatchFailure(op, "scales and zero points are not known or differ");
    Location loc = op.getLoc();
    auto number = [&](double x) { return makeScalar(rewriter, loc, rewriter.getF32Type(), x); };
    Value x = quantize.getOperand();
    Scaler scaler{rewriter};
    if (*scale != 1)
      x = scaler.canScale(x) ? scaler.scale(x, 1 / *scale)
                             : nn::MulOp::create(rewriter, loc, x, number(1 / *scale));
    x = nn::RoundOp::create(rewriter, loc, x);
    x = nn::MaxOp::create(rewriter, loc, x, number(range->lowest));
    x = nn::MinOp::create(rewriter, loc, x, number(range->highest));
    rewriter.replaceOpWithNewOp<nn::MulOp>(op, x, op.getScale());
    return success();
  }
};

struct FoldScales : impl::FoldScalesBase<FoldScales> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldIntoQuantize, DropBounds, KeepFloats>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nncc
