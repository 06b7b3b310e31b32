// Convolutions, matrix products and pools -> kern.contract and kern.window.
#include "dialects/nn/Generics.h"
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace nncc {
#define GEN_PASS_DEF_FORMCONTRACTIONS
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The block of an epilogue that changes nothing: sums of f16 or bf16 are of f32.
void buildIdentityEpilogue(OpBuilder &b, Location loc, Region &region, Type element) {
  OpBuilder::InsertionGuard guard(b);
  Value sum = b.createBlock(&region, region.end(), nn::computeType(element), loc)->getArgument(0);
  kern::YieldOp::create(b, loc, nn::narrow(b, loc, sum, element));
}

Value empty(OpBuilder &b, Location loc, RankedTensorType type) {
  return nn::Generics(b, loc).empty(shapeOf(type), type.getElementType());
}

Value reshape(OpBuilder &b, Location loc, Value value, ArrayRef<AffineExpr> shape) {
  return b.createOrFold<nn::ReshapeOp>(loc, value, shape);
}

Value cast(OpBuilder &b, Location loc, Value value, Type element) {
  if (getElementTypeOrSelf(value) == element)
    return value;
  return nn::CastOp::create(b, loc, value, element);
}

/// Windows are computed in f32, or in f64 where the model says so.
Type computeType(Type element) {
  return element.isF64() ? element : Float32Type::get(element.getContext());
}

/// Contractions too, but they read f16 and bf16.
Type operandType(Type element) {
  return element.isF16() || element.isBF16() ? element : computeType(element);
}

Value pack(OpBuilder &b, Location loc, Value weights, ArrayRef<int64_t> dims,
           ArrayRef<int64_t> factors) {
  auto source = llvm::cast<RankedTensorType>(weights.getType());
  SmallVector<int64_t> shape;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    // A dim that is cut by factor f has panels of f; the one with factor 1 beside it runs inside.
    int64_t size = source.getDimSize(dim), inner = 1;
    for (auto [other, factor] : llvm::zip(dims, factors))
      if (other == dim && factor > factors[d])
        inner = factor;
    shape.push_back(inner > 1 ? inner : llvm::divideCeil(size, factors[d]));
  }
  return kern::PackOp::create(b, loc, source.clone(shape), weights, dims, factors);
}

/// The inner dims of a panel of weights whose dims `k` and `n` are depth and columns.
void appendDepth(SmallVectorImpl<int64_t> &dims, SmallVectorImpl<int64_t> &factors, Type element,
                 int64_t k, int64_t n) {
  bool isByte = element.isInteger(8);
  dims.append({k, n});
  factors.append({isByte ? kern::bytesPerStep : 1, 1});
  if (isByte)
    dims.push_back(k), factors.push_back(1);
}

/// What a window loads as elements of type `element`: those, or unsigned bytes.
Value loadable(OpBuilder &b, Location loc, Value value, Type element) {
  auto widened = value.getDefiningOp<nn::CastOp>();
  if (widened && element.isF32() && getElementTypeOrSelf(widened.getOperand()).isUnsignedInteger(8))
    return widened.getOperand();
  return cast(b, loc, value, element);
}

kern::ContractOp contract(OpBuilder &b, Location loc, Value a, Value weights, RankedTensorType type,
                          kern::BLayout layout, int64_t groups, ArrayRef<int64_t> strides,
                          ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads,
                          kern::BlocksAttr blocks = {}) {
  auto op = kern::ContractOp::create(b, loc, type, a, weights, ValueRange(), empty(b, loc, type),
                                     layout, groups, strides, dilations, pads, b.getArrayAttr({}),
                                     kern::PlanAttr(), blocks);
  buildIdentityEpilogue(b, loc, op.getEpilogue(), type.getElementType());
  return op;
}

/// A result without elements, or sums of nothing, which are 0: where one of the factors is empty.
LogicalResult replaceEmpty(Operation *op, ValueRange factors, PatternRewriter &rewriter) {
  auto isEmpty = [](Value value) {
    auto type = llvm::cast<RankedTensorType>(value.getType());
    return llvm::is_contained(type.getShape(), 0);
  };
  Value result = op->getResult(0);
  auto type = llvm::cast<RankedTensorType>(result.getType());
  if (!type.hasStaticShape() || !(isEmpty(result) || llvm::any_of(factors, isEmpty)))
    return failure();
  rewriter.replaceOpWithNewOp<nn::ConstantOp>(
      op, DenseElementsAttr::get(
              type, llvm::cast<TypedAttr>(rewriter.getZeroAttr(type.getElementType()))));
  return success();
}

struct FormConv : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    if (!op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "not channels-last");
    if (succeeded(replaceEmpty(op, op->getOperands(), rewriter)))
      return success();
    Location loc = op.getLoc();
    Type element = op.getType().getElementType();
    int64_t groups = op.getGroups(), outputs = op.getType().getShape().back();
    bool depthwise =
        groups > 1 && groups == outputs && groups == op.getInput().getType().getShape().back();
    if (isa<IntegerType>(element)) {
      RankedTensorType input = op.getInput().getType();
      if (depthwise || op.getWeights().getType().getDimSize(1) % kern::bytesPerStep ||
          input.isDynamicDim(input.getRank() - 1))
        return rewriter.notifyMatchFailure(op, "no kernel for such channels of integers");
      rewriter.replaceOp(op,
                         formContract(op, rewriter, op.getInput(), op.getWeights(), op.getType()));
      return success();
    }
    element = depthwise ? computeType(element) : operandType(element);
    Value weights = cast(rewriter, loc, op.getWeights(), element);
    auto type = llvm::cast<RankedTensorType>(op.getType().clone(element));
    Value result =
        depthwise ? formDepthwise(op, rewriter, loadable(rewriter, loc, op.getInput(), element),
                                  weights, type)
                  : formContract(op, rewriter, cast(rewriter, loc, op.getInput(), element), weights,
                                 type);
    rewriter.replaceOp(op, cast(rewriter, loc, result, op.getType().getElementType()));
    return success();
  }

  static bool isOfBytes(Value input) { return getElementTypeOrSelf(input).isInteger(8); }

  /// Whether they are known to be integers from -128 to 127.
  static bool holdsBytes(Value weights) {
    auto numbers = getElementTypeOrSelf(weights).isF32() ? readFloats(weights) : std::nullopt;
    return numbers && llvm::all_of(*numbers, [](double number) {
             return number >= -128 && number <= 127 && number == std::trunc(number);
           });
  }

  /// Weights [C, 1, k..] -> [k.., C].
  static Value formDepthwise(nn::ConvOp op, PatternRewriter &rewriter, Value input, Value weights,
                             RankedTensorType type) {
    Location loc = op.getLoc();
    auto source = llvm::cast<RankedTensorType>(weights.getType());
    SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(2, source.getRank()));
    SmallVector<int64_t> kernel(source.getShape().drop_front(2));
    dims.push_back(0);
    Value packed = pack(rewriter, loc, weights, dims, SmallVector<int64_t>(dims.size(), 1));
    auto window = kern::WindowOp::create(
        rewriter, loc, type, input, packed, ValueRange(), empty(rewriter, loc, type),
        kern::WindowKind::Depthwise, kernel, op.getStrides(), op.getDilations(), op.getPads(),
        rewriter.getArrayAttr({}), isOfBytes(input) && holdsBytes(weights));
    buildIdentityEpilogue(rewriter, loc, window.getEpilogue(), type.getElementType());
    return window.getResult();
  }

  /// Weights [G*N, K, k..] -> [G?, N/16, k.., K, 16], of bytes [G?, N/16, k.., K/4, 16, 4].
  static Value formContract(nn::ConvOp op, PatternRewriter &rewriter, Value input, Value weights,
                            RankedTensorType type) {
    Location loc = op.getLoc();
    auto source = llvm::cast<RankedTensorType>(weights.getType());
    int64_t groups = op.getGroups(), lead = groups > 1;
    if (lead) { // panels must not run over from one group to the next
      Shape shape = shapeOf(source);
      shape[0] = shape[0].floorDiv(groups);
      shape.insert(shape.begin(), getAffineConstantExpr(groups, source.getContext()));
      weights = reshape(rewriter, loc, weights, shape);
    }
    SmallVector<int64_t> dims, factors;
    if (lead)
      dims.push_back(0), factors.push_back(1);
    dims.push_back(lead), factors.push_back(kern::panel);
    for (int64_t i = 2; i < source.getRank(); ++i)
      dims.push_back(i + lead), factors.push_back(1);
    appendDepth(dims, factors, source.getElementType(), lead + 1, lead);
    Value packed = pack(rewriter, loc, weights, dims, factors);
    return contract(rewriter, loc, input, packed, type, kern::BLayout::Packed, groups,
                    op.getStrides(), op.getDilations(), op.getPads())
        .getResult();
  }
};

struct FormMatMul : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    Type element = op.getType().getElementType();
    if (!isa<FloatType>(element))
      return formBytes(op, rewriter);
    if (!canBroadcastBatches(op))
      return rewriter.notifyMatchFailure(op, "which operand is repeated is known in a run only");
    if (succeeded(replaceEmpty(op, op->getOperands(), rewriter)))
      return success();
    Location loc = op.getLoc();
    Type compute = operandType(element);
    Value lhs = cast(rewriter, loc, op.getLhs(), compute);
    Value rhs = cast(rewriter, loc, op.getRhs(), compute);
    Shape left = shapeOf(lhs), right = shapeOf(rhs), shape = shapeOf(op.getType());
    AffineExpr one = getAffineConstantExpr(1, rewriter.getContext());
    if (left.size() == 1) // a row
      lhs = reshape(rewriter, loc, lhs, {one, left[0]});
    if (right.size() == 1) // a column
      rhs = reshape(rewriter, loc, rhs, {right[0], one});
    Value result = product(rewriter, loc, lhs, rhs);
    if (shapeOf(result) != shape)
      result = reshape(rewriter, loc, result, shape);
    rewriter.replaceOp(op, cast(rewriter, loc, result, element));
    return success();
  }

  /// Bytes times weights of bytes.
  static LogicalResult formBytes(nn::MatMulOp op, PatternRewriter &rewriter) {
    RankedTensorType lhs = op.getLhs().getType(), rhs = op.getRhs().getType();
    if (lhs.getElementType() == rhs.getElementType() || lhs.getRank() < 2 || rhs.getRank() != 2 ||
        !isWeights(op.getRhs()) || rhs.getDimSize(0) % kern::bytesPerStep ||
        lhs.isDynamicDim(lhs.getRank() - 1))
      return rewriter.notifyMatchFailure(op, "other products of integers are lowered as sums");
    if (succeeded(replaceEmpty(op, op->getOperands(), rewriter)))
      return success();
    Value packed = packWeights(rewriter, op.getLoc(), op.getRhs());
    rewriter.replaceOp(op, contract(rewriter, op.getLoc(), op.getLhs(), packed, op.getType(),
                                    kern::BLayout::Packed, 1, {}, {}, {}));
    return success();
  }

  /// The operands' shapes with as many dims as that of the longer one.
  static std::pair<Shape, Shape> shapesOf(Value lhs, Value rhs) {
    Shape left = shapeOf(lhs), right = shapeOf(rhs);
    AffineExpr one = getAffineConstantExpr(1, lhs.getContext());
    left.insert(left.begin(), std::max<int64_t>(right.size() - left.size(), 0), one);
    right.insert(right.begin(), std::max<int64_t>(left.size() - right.size(), 0), one);
    return {left, right};
  }

  /// Whether it is known of each batch dim which operand, if any, is repeated along it.
  static bool canBroadcastBatches(nn::MatMulOp op) {
    if (op.getLhs().getType().getRank() < 3 || op.getRhs().getType().getRank() < 3)
      return true;
    auto [left, right] = shapesOf(op.getLhs(), op.getRhs());
    return llvm::all_of(llvm::drop_end(llvm::zip(left, right), 2), [](auto pair) {
      auto [a, b] = pair;
      return a == b || constantOf(a) == 1 || constantOf(b) == 1;
    });
  }

  static Value product(PatternRewriter &rewriter, Location loc, Value lhs, Value rhs) {
    auto right = llvm::cast<RankedTensorType>(rhs.getType());
    bool batched = llvm::any_of(right.getShape().drop_back(2), [](int64_t n) { return n != 1; });
    if (!batched && isWeights(rhs)) {
      auto [shape, weights] = shapesOf(lhs, rhs);
      lhs = reshape(rewriter, loc, lhs, shape);
      shape.back() = weights.back();
      return contract(rewriter, loc, lhs, packWeights(rewriter, loc, rhs),
                      tensorOf(shape, right.getElementType()), kern::BLayout::Packed, 1, {}, {}, {})
          .getResult();
    }
    return batchedProduct(rewriter, loc, lhs, rhs);
  }

  static bool isWeights(Value value) {
    if (auto transpose = value.getDefiningOp<nn::TransposeOp>())
      value = transpose.getOperand();
    return isConstant(value);
  }

  /// [1.., K, N] -> [N/16, K, 16], of bytes [N/16, K/4, 16, 4]; a transpose of constants is a part
  /// of the recipe.
  static Value packWeights(PatternRewriter &rewriter, Location loc, Value weights) {
    auto type = llvm::cast<RankedTensorType>(weights.getType());
    int64_t k = type.getRank() - 2, n = k + 1;
    if (auto transpose = weights.getDefiningOp<nn::TransposeOp>()) {
      weights = transpose.getOperand();
      k = transpose.getPerm()[k], n = transpose.getPerm()[n];
    }
    SmallVector<int64_t> dims{n}, factors{kern::panel};
    appendDepth(dims, factors, type.getElementType(), k, n);
    return pack(rewriter, loc, weights, dims, factors);
  }

  /// Both operands are activations: batch dims of the result broadcast.
  static Value batchedProduct(PatternRewriter &rewriter, Location loc, Value lhs, Value rhs) {
    auto right = llvm::cast<RankedTensorType>(rhs.getType());
    auto [a, b] = shapesOf(lhs, rhs);
    Shape shape = a;
    int64_t rank = shape.size();
    kern::BLayout layout = kern::BLayout::Plain;
    auto transpose = rhs.getDefiningOp<nn::TransposeOp>();
    if (transpose && transpose.getPerm()[right.getRank() - 2] == right.getRank() - 1) {
      // The product with a transposed matrix, such as Q K^T, reads it as it is stored.
      layout = kern::BLayout::Transposed;
      SmallVector<int64_t> perm(transpose.getPerm());
      std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
      rhs = rewriter.createOrFold<nn::TransposeOp>(loc, transpose.getOperand(), perm);
      std::swap(b[rank - 1], b[rank - 2]);
    }
    for (int64_t i = 0; i < rank - 2; ++i)
      shape[i] = constantOf(a[i]) == 1 ? b[i] : a[i];
    shape.back() = b[layout == kern::BLayout::Transposed ? rank - 2 : rank - 1];
    Shape expanded(shape);
    expanded.back() = a.back();
    lhs = reshape(rewriter, loc, lhs, a);
    if (expanded != a) // rows are not shared: the batch dims of a are those of the result
      lhs = nn::ExpandOp::create(rewriter, loc, lhs, nn::buildSizes(rewriter, loc, expanded));
    if (right.getRank() != rank && right.getRank() > 2)
      rhs = reshape(rewriter, loc, rhs, b);
    return contract(rewriter, loc, lhs, rhs, tensorOf(shape, right.getElementType()), layout, 1, {},
                    {}, {})
        .getResult();
  }
};

struct FormMatMulPacked : OpRewritePattern<nn::MatMulPackedOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulPackedOp op, PatternRewriter &rewriter) const override {
    if (succeeded(replaceEmpty(op, op->getOperands(), rewriter)))
      return success();
    Location loc = op.getLoc();
    Type element = op.getType().getElementType(), compute = rewriter.getF32Type();
    Value lhs = cast(rewriter, loc, op.getLhs(), compute), weights = op.getWeights();
    Shape shape = shapeOf(lhs);
    if (shape.size() == 1) { // a row
      shape.insert(shape.begin(), getAffineConstantExpr(1, getContext()));
      lhs = reshape(rewriter, loc, lhs, shape);
    }
    shape.back() = getAffineConstantExpr(op.getColumns(), getContext());
    kern::BlocksAttr blocks;
    if (op.getBits() < 16)
      blocks = kern::BlocksAttr::get(getContext(), op.getBits(), op.getBlock());
    Value result = contract(rewriter, loc, lhs, weights, tensorOf(shape, compute),
                            kern::BLayout::Packed, 1, {}, {}, {}, blocks)
                       .getResult();
    if (shapeOf(result) != shapeOf(op.getType()))
      result = reshape(rewriter, loc, result, shapeOf(op.getType()));
    rewriter.replaceOp(op, cast(rewriter, loc, result, element));
    return success();
  }
};

/// A kernel of attention computes 16 queries at a time. For few of them products of matrices are
/// faster, each a kernel. 12 heads of 128 keys, depth 64, on one thread: 1 query 12 us against 37
/// us, 8 queries 37 us against 45 us; 128 queries 505 us against 506 us, on two threads 317 us
/// against 298 us.
constexpr int64_t fewQueries = 8;

struct DecomposeAttention : OpRewritePattern<nn::AttentionOp> {
  DecomposeAttention(MLIRContext *context, int64_t fewKeys)
      : OpRewritePattern(context), fewKeys(fewKeys) {}

  LogicalResult matchAndRewrite(nn::AttentionOp op, PatternRewriter &rewriter) const override {
    RankedTensorType query = op.getQuery().getType(), key = op.getKey().getType();
    if (query.getElementType().isF64() || nominal(shapeOf(query)[2]) > fewQueries)
      return rewriter.notifyMatchFailure(op, "of f64 or of many queries");
    if (op.getCausal() || query.getDimSize(1) != key.getDimSize(1))
      return rewriter.notifyMatchFailure(op, "causal or of grouped heads");
    if (op.getGuard() == nn::AttentionGuard::Empty)
      return rewriter.notifyMatchFailure(op,
                                         "queries without a key are told apart by their scores");
    if (nominal(shapeOf(key)[2]) <= fewKeys)
      return rewriter.notifyMatchFailure(op, "of few keys");
    Location loc = op.getLoc();
    Type element = rewriter.getF32Type();
    auto operand = [&](Value value) { return cast(rewriter, loc, value, element); };
    auto scalar = [&](FloatAttr value) -> Value {
      auto type = RankedTensorType::get({}, element);
      return nn::ConstantOp::create(rewriter, loc, DenseElementsAttr::get(type, value.getValue()));
    };
    Value turned =
        nn::TransposeOp::create(rewriter, loc, operand(op.getKey()), ArrayRef<int64_t>{0, 1, 3, 2});
    Value scores = nn::MatMulOp::create(rewriter, loc, operand(op.getQuery()), turned);
    scores = nn::MulOp::create(rewriter, loc, scores, scalar(op.getScaleAttr()));
    if (Value mask = op.getMask()) {
      if (getElementTypeOrSelf(mask).isInteger(1))
        scores = nn::WhereOp::create(rewriter, loc, mask, scores, scalar(op.getFillAttr()));
      else
        scores = nn::AddOp::create(rewriter, loc, scores, operand(mask));
    }
    Value weights = nn::SoftmaxOp::create(rewriter, loc, scores, /*axis=*/3);
    if (op.getGuard() == nn::AttentionGuard::NaN)
      weights = nn::WhereOp::create(rewriter, loc, nn::IsNaNOp::create(rewriter, loc, weights),
                                    scalar(rewriter.getF32FloatAttr(0)), weights);
    Value result = nn::MatMulOp::create(rewriter, loc, weights, operand(op.getValue()));
    rewriter.replaceOp(op, cast(rewriter, loc, result, op.getType().getElementType()));
    return success();
  }

  const int64_t fewKeys;
};

struct FormAttention : OpRewritePattern<nn::AttentionOp> {
  FormAttention(MLIRContext *context, int64_t halvesFrom)
      : OpRewritePattern(context), halvesFrom(halvesFrom) {}

  LogicalResult matchAndRewrite(nn::AttentionOp op, PatternRewriter &rewriter) const override {
    Type element = op.getType().getElementType();
    if (element.isF64())
      return rewriter.notifyMatchFailure(op, "products of f64 are lowered as sums");
    if (succeeded(replaceEmpty(op, op.getValue(), rewriter)))
      return success();
    Location loc = op.getLoc();
    Type f32 = rewriter.getF32Type(), compute = keepsHalves(op) ? operandType(element) : f32;
    auto type = llvm::cast<RankedTensorType>(op.getType().clone(compute));
    auto operand = [&](Value value) { return cast(rewriter, loc, value, compute); };
    Value mask = op.getMask();
    FloatAttr fill =
        mask && getElementTypeOrSelf(mask).isInteger(1) ? op.getFillAttr() : FloatAttr();
    if (mask)
      mask = withBatches(rewriter, loc, cast(rewriter, loc, mask, f32));
    auto attention = kern::AttentionOp::create(
        rewriter, loc, type, operand(op.getQuery()), operand(op.getKey()), operand(op.getValue()),
        mask, empty(rewriter, loc, type), op.getScaleAttr(), fill, op.getCausalAttr(),
        kern::GuardAttr::get(op.getContext(), guardOf(op.getGuard())), kern::AttentionPlanAttr());
    rewriter.replaceOp(op, cast(rewriter, loc, attention.getResult(), element));
    return success();
  }

  bool keepsHalves(nn::AttentionOp op) const {
    return halvesFrom && nominal(shapeOf(op.getQuery())[2]) >= halvesFrom;
  }

  static kern::Guard guardOf(nn::AttentionGuard guard) {
    switch (guard) {
    case nn::AttentionGuard::None:
      return kern::Guard::None;
    case nn::AttentionGuard::Empty:
      return kern::Guard::Empty;
    case nn::AttentionGuard::NaN:
      return kern::Guard::NaN;
    }
    llvm_unreachable("a guard");
  }

  /// Of rank 4.
  static Value withBatches(PatternRewriter &rewriter, Location loc, Value mask) {
    Shape shape = shapeOf(mask);
    shape.insert(shape.begin(), 4 - shape.size(), getAffineConstantExpr(1, mask.getContext()));
    return reshape(rewriter, loc, mask, shape);
  }

  const int64_t halvesFrom;
};

struct FormPool : OpRewritePattern<nn::PoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::PoolOp op, PatternRewriter &rewriter) const override {
    if (!op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "not channels-last");
    if (succeeded(replaceEmpty(op, op->getOperands(), rewriter)))
      return success();
    static constexpr kern::WindowKind kinds[] = {kern::WindowKind::Max, kern::WindowKind::Average,
                                                 kern::WindowKind::AverageValid};
    Location loc = op.getLoc();
    Type element = computeType(op.getType().getElementType());
    auto type = llvm::cast<RankedTensorType>(op.getType().clone(element));
    auto window = kern::WindowOp::create(
        rewriter, loc, type, loadable(rewriter, loc, op.getInput(), element), Value(), ValueRange(),
        empty(rewriter, loc, type), kinds[static_cast<int>(op.getKind())], op.getKernel(),
        op.getStrides(), op.getDilations(), op.getPads(), rewriter.getArrayAttr({}));
    buildIdentityEpilogue(rewriter, loc, window.getEpilogue(), element);
    rewriter.replaceOp(op, cast(rewriter, loc, window.getResult(), op.getType().getElementType()));
    return success();
  }
};

struct FormContractions : nncc::impl::FormContractionsBase<FormContractions> {
  using FormContractionsBase::FormContractionsBase;

  void runOnOperation() override {
    RewritePatternSet decomposition(&getContext());
    decomposition.add<DecomposeAttention>(&getContext(), fewKeys);
    walkAndApplyPatterns(getOperation(), std::move(decomposition));
    RewritePatternSet patterns(&getContext());
    patterns.add<FormConv, FormMatMul, FormMatMulPacked, FormPool>(&getContext());
    patterns.add<FormAttention>(&getContext(), halvesFrom);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
