// Constant matrices of matrix products stay, or become, numbers of few bits.
#include "passes/Passes.h"
#include "passes/graph/DequantizedMatrix.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/bit.h"

#include <cstring>

namespace nncc {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

constexpr auto remarkNamed = [](StringRef name) {
  return remark::RemarkOpts::name(name).category("nncc-pack-weights");
};

nn::MatMulPackedOp replace(PatternRewriter &rewriter, nn::MatMulOp op, ElementsAttr packed,
                           int64_t columns, int64_t bits, int64_t block) {
  Value weights = nn::ConstantOp::create(rewriter, op.getRhs().getLoc(), packed);
  remark::passed(op.getLoc(), remarkNamed("Packed"))
      << remark::metric("Bits", bits) << remark::metric("Block", block)
      << remark::metric("Columns", columns);
  return rewriter.replaceOpWithNewOp<nn::MatMulPackedOp>(op, op.getType(), op.getLhs(), weights,
                                                         columns, bits, block);
}

/// Computed in f32 whatever the type; f64 needs more.
bool isPrecise(nn::MatMulOp op) {
  Type element = op.getType().getElementType();
  return isa<FloatType>(element) && !element.isF64() &&
         !ShapedType::isDynamic(op.getLhs().getType().getShape().back());
}

struct KeepIntegers : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    if (!isPrecise(op) || !op.getLhs().getType().getRank())
      return rewriter.notifyMatchFailure(op, "of f64, of integers, or of an open inner size");
    if (op.getLhs().getDefiningOp<nn::DequantizeOp>())
      return rewriter.notifyMatchFailure(op, "a product of integers");
    std::string why;
    std::optional<DequantizedMatrix> matrix = DequantizedMatrix::of(op.getRhs(), why);
    if (!matrix) {
      if (op.getRhs().getDefiningOp<nn::DequantizeOp>())
        remark::missed(op.getLoc(), remarkNamed("NotPacked")) << remark::reason("{0}", why);
      return rewriter.notifyMatchFailure(op, why);
    }
    replace(rewriter, op, matrix->pack(op.getContext()), matrix->getColumns(), matrix->getBits(),
            matrix->getBlock());
    return success();
  }
};

struct RoundToBF16 : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    Value weights = op.getRhs();
    auto type = cast<RankedTensorType>(weights.getType());
    if (!op.getType().getElementType().isF32() || type.getRank() != 2 || !type.hasStaticShape() ||
        !op.getLhs().getType().getRank())
      return rewriter.notifyMatchFailure(op, "no matrix of f32");
    constexpr int64_t fewElements = 4096; // a page or so: nothing is gained
    if (type.getNumElements() < fewElements)
      return rewriter.notifyMatchFailure(op, "few weights");
    bool isTransposed = false;
    if (auto transpose = weights.getDefiningOp<nn::TransposeOp>()) {
      isTransposed = transpose.getPerm() == ArrayRef<int64_t>{1, 0};
      weights = transpose.getOperand();
    }
    ElementsAttr attr;
    if (!matchPattern(weights, m_Constant(&attr)))
      return rewriter.notifyMatchFailure(op, "weights that a run computes");
    auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
    AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
    if (!blob || static_cast<int64_t>(blob->getData().size()) < type.getNumElements() * 4)
      return rewriter.notifyMatchFailure(op, "equal weights, or missing ones");
    auto *from = reinterpret_cast<const float *>(blob->getData().data());
    int64_t depth = type.getDimSize(0), columns = type.getDimSize(1);
    replace(rewriter, op,
            round(op.getContext(), from, depth, columns, isTransposed ? 1 : columns,
                  isTransposed ? depth : 1),
            columns, /*bits=*/16, /*block=*/1);
    return success();
  }

  /// To nearest, halves to even; NaN stays one.
  static uint16_t toBF16(float value) {
    uint32_t bits = llvm::bit_cast<uint32_t>(value);
    if (value != value)
      return static_cast<uint16_t>(bits >> 16 | 0x40);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }

  /// In panels [P, K, 16].
  static ElementsAttr round(MLIRContext *context, const float *from, int64_t depth, int64_t columns,
                            int64_t strideK, int64_t strideN) {
    constexpr int64_t width = WeightBlocks::columns;
    int64_t panels = llvm::divideCeil(columns, width), count = panels * depth * width;
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(count * 2, /*align=*/64);
    auto *to = reinterpret_cast<uint16_t *>(blob.getMutableData().data());
    std::memset(to, 0, count * 2);
    for (int64_t n = 0; n < columns; ++n)
      for (int64_t k = 0; k < depth; ++k)
        to[(n / width * depth + k) * width + n % width] = toBF16(from[k * strideK + n * strideN]);
    auto type = RankedTensorType::get({panels, depth, width}, BFloat16Type::get(context));
    return DenseResourceElementsAttr::get(type, "packed", std::move(blob));
  }
};

struct PackWeights : impl::PackWeightsBase<PackWeights> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    if (!type.empty() && type != "bf16") {
      getOperation().emitError("expects type bf16 or none, found '") << type << "'";
      return signalPassFailure();
    }
    RewritePatternSet patterns(&getContext());
    patterns.add<KeepIntegers>(&getContext());
    if (type == "bf16")
      patterns.add<RoundToBF16>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace nncc
