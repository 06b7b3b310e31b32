// Transposed convolutions become convolutions that compute the phases of their results as channels.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_DECOMPOSECONVTRANSPOSE
#include "passes/Passes.h.inc"

namespace {

/// One spatial dim. Result y = x * stride + k - lo has phase (y + lo) % stride, which is that of k:
/// with k = phase + stride * t it is in row q = x + t of its phase.
struct Dim {
  int64_t kernel, stride, taps; // of a phase
  int64_t padLo, padHi;         // of the convolution
  int64_t cropLo, cropHi;       // of its rows, all phases of them

  Dim(int64_t kernel, int64_t stride, int64_t lo, int64_t hi, int64_t outputPad)
      : kernel(kernel), stride(stride), taps(llvm::divideCeil(kernel, stride)) {
    int64_t first = std::min(lo / stride, taps - 1); // the first row that is computed
    int64_t end = kernel + outputPad - hi; // of the results, from the last input's first one on
    padLo = taps - 1 - first;
    padHi = std::max<int64_t>(0, llvm::divideCeilSigned(end, stride) - 1);
    cropLo = lo - first * stride;
    cropHi = (padHi + 1) * stride - end;
  }
};

struct Decompose : OpRewritePattern<nn::ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvTransposeOp op, PatternRewriter &rewriter) const override {
    if (!op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "not channels-last");
    if (op.getGroups() != 1 || llvm::any_of(op.getDilations(), [](int64_t d) { return d != 1; }))
      return rewriter.notifyMatchFailure(op, "of groups, or dilated");
    SmallVector<Dim> dims;
    int64_t spatial = op.getStrides().size();
    ArrayRef<int64_t> kernel = op.getWeights().getType().getShape().drop_front(2);
    for (int64_t i = 0; i < spatial; ++i)
      dims.emplace_back(kernel[i], op.getStrides()[i], op.getPads()[i], op.getPads()[spatial + i],
                        op.getOutputPads()[i]);
    Location loc = op.getLoc();
    SmallVector<int64_t> ones(spatial, 1), pads;
    for (const Dim &dim : dims)
      pads.push_back(dim.padLo);
    for (const Dim &dim : dims)
      pads.push_back(dim.padHi);
    Value weights = phasesOfWeights(rewriter, loc, op.getWeights(), dims);
    Value phases =
        nn::ConvOp::create(rewriter, loc, op.getInput(), weights, ones, ones, pads, /*groups=*/1,
                           /*channels_last=*/true);
    Value image = interleave(rewriter, loc, phases, dims), result = crop(rewriter, loc, image, dims);
    if (result.getType() != op.getType()) { // a slice of an open size might be of none
      result.getDefiningOp()->erase();
      result = padLess(rewriter, loc, image, dims);
    }
    if (result.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the sizes of its result are not what they seem");
    remark::passed(loc,
                   remark::RemarkOpts::name("Decomposed").category("nncc-decompose-conv-transpose"))
        << remark::metric("Channels", *constantOf(shapeOf(phases).back()));
    rewriter.replaceOp(op, result);
    return success();
  }

  /// [C, O, k1..ks] -> [phase1..phases * O, C, taps1..tapss], the last tap of each phase first.
  static Value phasesOfWeights(PatternRewriter &rewriter, Location loc, Value weights,
                               ArrayRef<Dim> dims) {
    Type element = getElementTypeOrSelf(weights);
    auto number = [&](int64_t value) { return rewriter.getAffineConstantExpr(value); };
    Shape split{shapeOf(weights)[0], shapeOf(weights)[1]}, merged;
    int64_t rank = dims.size(), phases = 1;
    SmallVector<int64_t> missing(2 * (rank + 2), 0), perm, axes;
    for (auto [i, dim] : llvm::enumerate(dims)) {
      missing[rank + 4 + i] = dim.taps * dim.stride - dim.kernel;
      split.append({number(dim.taps), number(dim.stride)});
      axes.push_back(2 + 2 * i);
      perm.push_back(3 + 2 * i);
      phases *= dim.stride;
    }
    perm.append({1, 0});
    llvm::append_range(perm, axes);
    merged = {split[1] * phases, split[0]};
    for (const Dim &dim : dims)
      merged.push_back(number(dim.taps));
    if (llvm::any_of(missing, [](int64_t count) { return count > 0; }))
      weights =
          nn::PadOp::create(rewriter, loc, weights, makeIntegers(rewriter, loc, missing),
                            makeScalar(rewriter, loc, element, 0), Value(), nn::PadMode::Constant);
    weights = rewriter.createOrFold<nn::ReshapeOp>(loc, weights, split);
    SmallVector<int64_t> back(rank, -1), begin(rank, std::numeric_limits<int64_t>::min());
    auto integers = [&](ArrayRef<int64_t> values) { return makeIntegers(rewriter, loc, values); };
    if (llvm::any_of(dims, [](const Dim &dim) { return dim.taps > 1; }))
      weights = nn::SliceOp::create(rewriter, loc, weights, integers(back), integers(begin),
                                    integers(axes), integers(back));
    weights = nn::TransposeOp::create(rewriter, loc, weights, perm);
    return rewriter.createOrFold<nn::ReshapeOp>(loc, weights, merged);
  }

  /// [N, q1..qs, phase1..phases * O] -> [N, q1 * stride1, .., O].
  static Value interleave(PatternRewriter &rewriter, Location loc, Value phases,
                          ArrayRef<Dim> dims) {
    Shape shape = shapeOf(phases), split(shape), merged{shape[0]};
    int64_t rank = dims.size();
    SmallVector<int64_t> perm{0};
    split.pop_back();
    AffineExpr outputs = shape.back();
    for (auto [i, dim] : llvm::enumerate(dims)) {
      split.push_back(rewriter.getAffineConstantExpr(dim.stride));
      outputs = outputs.floorDiv(dim.stride);
      perm.append({static_cast<int64_t>(i) + 1, static_cast<int64_t>(i) + 1 + rank});
      merged.push_back(shape[i + 1] * dim.stride);
    }
    perm.push_back(2 * rank + 1);
    split.push_back(outputs);
    merged.push_back(outputs);
    Value result = rewriter.createOrFold<nn::ReshapeOp>(loc, phases, split);
    result = rewriter.createOrFold<nn::TransposeOp>(loc, result, perm);
    return rewriter.createOrFold<nn::ReshapeOp>(loc, result, merged);
  }

  /// The same as a padding of negative sizes, which are subtracted whatever there is.
  static Value padLess(PatternRewriter &rewriter, Location loc, Value image, ArrayRef<Dim> dims) {
    int64_t rank = dims.size() + 2;
    SmallVector<int64_t> pads(2 * rank, 0);
    for (auto [i, dim] : llvm::enumerate(dims))
      pads[i + 1] = -dim.cropLo, pads[rank + i + 1] = -dim.cropHi;
    Value zero = makeScalar(rewriter, loc, getElementTypeOrSelf(image), 0);
    return nn::PadOp::create(rewriter, loc, image, makeIntegers(rewriter, loc, pads), zero, Value(),
                             nn::PadMode::Constant);
  }

  static Value crop(PatternRewriter &rewriter, Location loc, Value image, ArrayRef<Dim> dims) {
    SmallVector<int64_t> starts, ends, axes, steps;
    for (auto [i, dim] : llvm::enumerate(dims)) {
      if (!dim.cropLo && !dim.cropHi)
        continue;
      starts.push_back(dim.cropLo);
      ends.push_back(dim.cropHi ? -dim.cropHi : std::numeric_limits<int64_t>::max());
      axes.push_back(i + 1);
      steps.push_back(1);
    }
    if (axes.empty())
      return image;
    auto integers = [&](ArrayRef<int64_t> values) { return makeIntegers(rewriter, loc, values); };
    return nn::SliceOp::create(rewriter, loc, image, integers(starts), integers(ends),
                               integers(axes), integers(steps));
  }
};

struct DecomposeConvTranspose : impl::DecomposeConvTransposeBase<DecomposeConvTranspose> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<Decompose>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace nncc
