// Products of dequantized numbers -> products of the integers.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FORMINTEGERPRODUCTS
#include "passes/Passes.h.inc"

namespace {

/// Kernels take groups of so many products at a time.
constexpr int64_t productGroup = 4;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isSingle(Value value) {
  return typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1;
}

bool isByte(Type element) { return element.isInteger(8) && !element.isSignedInteger(); }

bool isScale(Value value) {
  Type element = typeOf(value).getElementType();
  return element.isF32() || element.isF64();
}

/// Whether no scale and no zero point repeats codes.
bool keepsShape(nn::DequantizeOp op) {
  return typeOf(op.getOperand()).getShape() == op.getType().getShape();
}

/// The one integer that all elements of an 8-bit constant are.
std::optional<int64_t> uniformCode(Value value) {
  std::optional<ArrayRef<char>> bytes = readBytes(value);
  if (!bytes || bytes->empty() || !isByte(typeOf(value).getElementType()) ||
      !llvm::all_equal(*bytes))
    return std::nullopt;
  bool isUnsigned = typeOf(value).getElementType().isUnsignedInteger();
  return isUnsigned ? static_cast<uint8_t>(bytes->front()) : static_cast<int8_t>(bytes->front());
}

/// Builds the operations of nn that a rewrite needs; those on constants are evaluated later.
struct Builder {
  PatternRewriter &rewriter;
  Location loc;

  Value integer(Type element, int64_t value) {
    auto type = RankedTensorType::get({}, element);
    unsigned width = element.getIntOrFloatBitWidth();
    APInt bits(width, value, /*isSigned=*/false, /*implicitTrunc=*/true);
    return nn::ConstantOp::create(rewriter, loc, DenseElementsAttr::get(type, bits));
  }
  Value cast(Value value, Type element) {
    if (typeOf(value).getElementType() == element)
      return value;
    return nn::CastOp::create(rewriter, loc, value, TypeAttr::get(element));
  }
  Value reshape(Value value, ArrayRef<int64_t> shape) {
    if (typeOf(value).getShape() == shape)
      return value;
    if (auto numbers = readFloats(value)) // at once: scales are multiplied by others
      return makeFloats(rewriter, loc, typeOf(value).clone(shape), *numbers);
    Shape sizes;
    for (int64_t size : shape)
      sizes.push_back(rewriter.getAffineConstantExpr(size));
    return nn::ReshapeOp::create(rewriter, loc, value, sizes);
  }
  /// A single element as a scalar.
  Value scalar(Value value) { return reshape(value, {}); }
  /// The same bytes with the highest bit inverted, of type `element`: 128 more, or 128 less.
  Value shift(Value value, Type element) {
    Value flipped =
        nn::XorOp::create(rewriter, loc, value, integer(typeOf(value).getElementType(), 128));
    return nn::BitCastOp::create(rewriter, loc, flipped, TypeAttr::get(element));
  }
  /// `high` more elements behind and `low` before, along each dim.
  Value pad(Value value, ArrayRef<int64_t> low, ArrayRef<int64_t> high, Value element) {
    SmallVector<int64_t> pads(low);
    llvm::append_range(pads, high);
    if (llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
      return value;
    return nn::PadOp::create(rewriter, loc, value, makeIntegers(rewriter, loc, pads), element,
                             Value(), nn::PadMode::Constant);
  }
};

/// (codes - zero) * scale, one of both for all; codes are ui8.
struct Activation {
  Value codes, scale, zero;

  static bool is(Value value) {
    auto op = value.getDefiningOp<nn::DequantizeOp>();
    return op && keepsShape(op) && isSingle(op.getScale()) && isSingle(op.getZeroPoint()) &&
           isByte(typeOf(op.getOperand()).getElementType()) && isScale(op.getScale());
  }

  static Activation of(Value value, Builder &b) {
    auto op = value.getDefiningOp<nn::DequantizeOp>();
    Activation x{op.getOperand(), b.scalar(op.getScale()), b.scalar(op.getZeroPoint())};
    Type ui8 = b.rewriter.getIntegerType(8, /*isSigned=*/false);
    if (typeOf(x.codes).getElementType() != ui8)
      x.codes = b.shift(x.codes, ui8), x.zero = b.shift(x.zero, ui8);
    return x;
  }

  bool hasZeroPoint() const { return uniformCode(zero) != 0; }
};

/// codes * scale: constants of i8, a scale of one element or one per column.
struct Weights {
  Value codes, scale;
  SmallVector<int64_t> sums; // of the codes of each column

  /// Of weights, perhaps transposed, whose columns are dim `columns`.
  static std::optional<Weights> of(Value value, int64_t columns, Builder &b) {
    auto transpose = value.getDefiningOp<nn::TransposeOp>();
    if (transpose)
      value = transpose.getOperand(), columns = transpose.getPerm()[columns];
    auto op = value.getDefiningOp<nn::DequantizeOp>();
    if (!op || !keepsShape(op) || !isByte(typeOf(op.getOperand()).getElementType()) ||
        !isConstant(op.getScale()) || !isScale(op.getScale()) || !isPerColumn(op, columns))
      return std::nullopt;
    bool isUnsigned = typeOf(op.getOperand()).getElementType().isUnsignedInteger();
    auto sums = sumColumns(op.getOperand(), columns, isUnsigned ? 128 : 0);
    if (!sums || uniformCode(op.getZeroPoint()) != (isUnsigned ? 128 : 0))
      return std::nullopt;
    Weights w{op.getOperand(), op.getScale(), *sums};
    if (isUnsigned)
      w.codes = b.shift(w.codes, b.rewriter.getIntegerType(8));
    if (transpose)
      w.codes = nn::TransposeOp::create(b.rewriter, b.loc, w.codes, transpose.getPerm());
    int64_t count = typeOf(w.scale).getNumElements();
    w.scale = count == 1 ? b.scalar(w.scale) : b.reshape(w.scale, {count});
    return w;
  }

  /// Whether the scale is the same along all dims but `columns`.
  static bool isPerColumn(nn::DequantizeOp op, int64_t columns) {
    RankedTensorType scale = typeOf(op.getScale());
    int64_t lead = op.getType().getRank() - scale.getRank();
    for (auto [dim, size] : llvm::enumerate(scale.getShape()))
      if (size != 1 && static_cast<int64_t>(dim) + lead != columns)
        return false;
    return true;
  }

  /// The sums of code - zero over all dims but `columns`.
  static std::optional<SmallVector<int64_t>> sumColumns(Value codes, int64_t columns,
                                                        int64_t zero) {
    std::optional<ArrayRef<char>> bytes = readBytes(codes);
    RankedTensorType type = typeOf(codes);
    if (!bytes || !type.getNumElements())
      return std::nullopt;
    bool isUnsigned = type.getElementType().isUnsignedInteger(), isSplat = bytes->size() == 1;
    int64_t count = type.getDimSize(columns);
    int64_t inner = llvm::product_of(type.getShape().drop_front(columns + 1));
    SmallVector<int64_t> sums(count, 0);
    for (int64_t i = 0, size = type.getNumElements(); i < size; ++i) {
      char byte = (*bytes)[isSplat ? 0 : i];
      int64_t code = isUnsigned ? static_cast<uint8_t>(byte) : static_cast<int8_t>(byte);
      sums[i / inner % count] += code - zero;
    }
    return sums;
  }
};

/// Scales times a factor; at once where both are constants.
Value multiply(Builder &b, Value scales, Value factor) {
  auto numbers = readFloats(scales), other = readFloats(factor);
  if (!numbers || !other)
    return nn::MulOp::create(b.rewriter, b.loc, scales, factor);
  for (double &number : *numbers)
    number *= other->front();
  return makeFloats(b.rewriter, b.loc, typeOf(scales), *numbers);
}

/// Sums of products of codes, i32 or f32 -> what they stand for; `shape` is that of one element per
/// column.
Value dequantize(Builder &b, Value products, const Activation &x, const Weights &w,
                 ArrayRef<int64_t> shape) {
  Type i32 = b.rewriter.getI32Type();
  Value scale = multiply(b, w.scale, x.scale);
  if (typeOf(scale).getRank())
    scale = b.reshape(scale, shape);
  Value zero = b.integer(i32, 0);
  if (x.hasZeroPoint()) {
    auto type = RankedTensorType::get(shape, i32);
    auto sums = llvm::map_to_vector(w.sums, [](int64_t sum) { return static_cast<int32_t>(sum); });
    Value column =
        nn::ConstantOp::create(b.rewriter, b.loc, DenseElementsAttr::get<int32_t>(type, sums));
    zero = nn::MulOp::create(b.rewriter, b.loc, b.cast(x.zero, i32), column);
  }
  if (typeOf(products).getElementType() == i32)
    return nn::DequantizeOp::create(b.rewriter, b.loc, products, scale, zero);
  if (x.hasZeroPoint())
    products = nn::SubOp::create(b.rewriter, b.loc, products,
                                 b.cast(zero, typeOf(products).getElementType()));
  return nn::MulOp::create(b.rewriter, b.loc, products, scale);
}

void remarkFormed(Operation *op) {
  remark::passed(op->getLoc(),
                 remark::RemarkOpts::name("Formed").category("nncc-form-integer-products"))
      << remark::add("{0} of ui8 and i8", op->getName().getStringRef().str());
}

LogicalResult refuse(PatternRewriter &rewriter, Operation *op, StringRef why) {
  remark::missed(op->getLoc(),
                 remark::RemarkOpts::name("NotFormed").category("nncc-form-integer-products"))
      << remark::reason("{0}", why.str());
  return rewriter.notifyMatchFailure(op, why);
}

struct FormConv : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    auto input = op.getInput().getDefiningOp<nn::DequantizeOp>();
    if (!input || !op.getWeights().getDefiningOp<nn::DequantizeOp>() || op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "not of dequantized numbers, as ONNX has them");
    Builder b{rewriter, op.getLoc()};
    ArrayRef<int64_t> kernel = op.getWeights().getType().getShape();
    int64_t groups = op.getGroups(), outputs = kernel[0], depth = kernel[1], rank = kernel.size();
    bool isDepthwise = depth == 1 && groups > 1 && groups == outputs;
    int64_t taps = llvm::product_of(kernel.drop_front(2));
    if (isDepthwise ? taps > 512 : groups > 1 && depth % productGroup)
      return refuse(rewriter, op, "groups whose channels are no multiple of 4");
    if (rank > 4)
      return refuse(rewriter, op, "a window of more than two dims");
    if (op.getInput().getType().isDynamicDim(1))
      return refuse(rewriter, op, "an open number of channels");
    if (!Activation::is(op.getInput()))
      return refuse(rewriter, op, "the input has more than one scale, or is no 8-bit integer");
    auto w = Weights::of(op.getWeights(), 0, b);
    if (!w)
      return refuse(rewriter, op,
                    "weights are no symmetric 8-bit constants with a scale per output channel");
    Activation x = Activation::of(op.getInput(), b);
    remarkFormed(op);
    SmallVector<int64_t> column(rank - 1, 1);
    column[0] = outputs;
    SmallVector<int64_t> pads = padInput(b, op, x, *w, isDepthwise || groups > 1 ? 0 : depth);
    auto conv = [&](Value input, Value weights) {
      return nn::ConvOp::create(rewriter, op.getLoc(), input, weights, op.getStrides(),
                                op.getDilations(), pads, groups, /*channels_last=*/false);
    };
    Value products;
    if (isDepthwise) { // sums of few products are exact in f32
      Type f32 = rewriter.getF32Type();
      products =
          b.cast(conv(b.cast(x.codes, f32), b.cast(w->codes, f32)), op.getType().getElementType());
    } else
      products = conv(x.codes, w->codes);
    rewriter.replaceOp(op, dequantize(b, products, x, *w, column));
    return success();
  }

  /// Gives the input, where padding stands for another number than the code 0, its rows of padding,
  /// and both the channels, of `depth`, that make groups of products. -> the pads that are left.
  static SmallVector<int64_t> padInput(Builder &b, nn::ConvOp op, Activation &x, Weights &w,
                                       int64_t depth) {
    int64_t rank = op.getType().getRank(), spatial = rank - 2;
    SmallVector<int64_t> pads(op.getPads()), low(rank, 0), high(rank, 0);
    high[1] = depth % productGroup ? productGroup - depth % productGroup : 0;
    w.codes = b.pad(w.codes, low, high, b.integer(b.rewriter.getIntegerType(8), 0));
    if (x.hasZeroPoint() || high[1]) // one copy for both
      for (int64_t i = 0; i < spatial; ++i) {
        low[2 + i] = std::exchange(pads[i], 0);
        high[2 + i] = std::exchange(pads[spatial + i], 0);
      }
    x.codes = b.pad(x.codes, low, high, x.zero);
    return pads;
  }
};

struct FormMatMul : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter &rewriter) const override {
    RankedTensorType rhs = op.getRhs().getType();
    if (!op.getLhs().getDefiningOp<nn::DequantizeOp>() || rhs.getRank() != 2 ||
        op.getLhs().getType().getRank() < 2)
      return rewriter.notifyMatchFailure(op, "not of dequantized numbers and a matrix");
    Builder b{rewriter, op.getLoc()};
    if (!Activation::is(op.getLhs()))
      return refuse(rewriter, op, "the left side has more than one scale, or is no 8-bit integer");
    if (typeOf(op.getLhs()).isDynamicDim(typeOf(op.getLhs()).getRank() - 1))
      return refuse(rewriter, op, "rows of an open length");
    auto w = Weights::of(op.getRhs(), 1, b);
    if (!w)
      return refuse(rewriter, op,
                    "weights are no symmetric 8-bit constants with a scale per column");
    Activation x = Activation::of(op.getLhs(), b);
    remarkFormed(op);
    int64_t rank = typeOf(x.codes).getRank(), depth = rhs.getDimSize(0);
    int64_t more = depth % productGroup ? productGroup - depth % productGroup : 0;
    SmallVector<int64_t> none(rank, 0), high(rank, 0);
    high.back() = more;
    x.codes = b.pad(x.codes, none, high, x.zero);
    w->codes = b.pad(w->codes, {0, 0}, {more, 0}, b.integer(rewriter.getIntegerType(8), 0));
    Value products = nn::MatMulOp::create(rewriter, op.getLoc(), x.codes, w->codes);
    rewriter.replaceOp(op, dequantize(b, products, x, *w, {rhs.getDimSize(1)}));
    return success();
  }
};

/// Largest codes stand for largest numbers: pools take codes.
struct SinkBelowPool : OpRewritePattern<nn::PoolOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::PoolOp op, PatternRewriter &rewriter) const override {
    auto dequantize = op.getInput().getDefiningOp<nn::DequantizeOp>();
    if (op.getKind() != nn::PoolKind::Max || !Activation::is(op.getInput()) || op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "no maximum of 8-bit integers of one scale");
    auto scale = readFloats(dequantize.getScale());
    if (!scale || !(scale->front() > 0))
      return rewriter.notifyMatchFailure(op, "the scale is not known to be positive");
    Builder b{rewriter, op.getLoc()};
    Activation x = Activation::of(op.getInput(), b);
    Type code = typeOf(x.codes).getElementType();
    Value input = b.cast(x.codes, rewriter.getF32Type());
    auto pool = cast<nn::PoolOp>(rewriter.clone(*op));
    pool.getInputMutable().assign(input);
    Value codes = b.cast(pool.getResult(), code);
    rewriter.replaceOpWithNewOp<nn::DequantizeOp>(op, codes, x.scale, x.zero);
    return success();
  }
};

/// quantize(dequantize(x)) with the same parameters.
struct DropRoundTrip : OpRewritePattern<nn::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::QuantizeOp op, PatternRewriter &rewriter) const override {
    auto input = op.getOperand().getDefiningOp<nn::DequantizeOp>();
    if (!input || input.getOperand().getType() != op.getType() ||
        !isByte(op.getType().getElementType()))
      return rewriter.notifyMatchFailure(op, "not of dequantized numbers of its type");
    auto same = [](Value x, Value y) {
      Attribute first, second;
      return x == y ||
             (matchPattern(x, m_Constant(&first)) && matchPattern(y, m_Constant(&second)) &&
              isSingle(x) && isSingle(y) && first == second);
    };
    if (!same(input.getScale(), op.getScale()) || !same(input.getZeroPoint(), op.getZeroPoint()))
      return rewriter.notifyMatchFailure(op, "of another scale or zero point");
    rewriter.replaceOp(op, input.getOperand());
    return success();
  }
};

/// Whether elementwise operations compute `value` of sums of products of integers.
bool isOfProducts(Value value, int depth = 8) {
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return false;
  if (auto dequantize = dyn_cast<nn::DequantizeOp>(op))
    if (typeOf(dequantize.getOperand()).getElementType().isInteger(32))
      return true;
  if (auto conv = dyn_cast<nn::ConvOp>(op)) // depthwise
    if (auto widened = conv.getInput().getDefiningOp<nn::CastOp>())
      return isByte(typeOf(widened.getOperand()).getElementType());
  return isa<nn::ScalarOpInterface>(op) && llvm::any_of(op->getOperands(), [&](Value operand) {
           return isOfProducts(operand, depth - 1);
         });
}

/// cast(dequantize(x, 1, z)) to the type of x -> x - z.
struct DropUnitScale : OpRewritePattern<nn::CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::CastOp op, PatternRewriter &rewriter) const override {
    auto dequantize = op.getOperand().getDefiningOp<nn::DequantizeOp>();
    if (!dequantize || dequantize.getOperand().getType() != op.getType() ||
        !op.getTo().isInteger(32) || nn::constantScalar(dequantize.getScale()) != 1)
      return rewriter.notifyMatchFailure(op, "not of integers of its type with a scale of 1");
    rewriter.replaceOpWithNewOp<nn::SubOp>(op, op.getType(), dequantize.getOperand(),
                                           dequantize.getZeroPoint());
    return success();
  }
};

struct FormIntegerProducts : impl::FormIntegerProductsBase<FormIntegerProducts> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FormConv, FormMatMul, SinkBelowPool, DropRoundTrip, DropUnitScale>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    // Behind such sums the order in which scales are multiplied and rounded is open.
    getOperation()->walk([](nn::QuantizeOp op) {
      if (isConstant(op.getScale()) && isByte(op.getType().getElementType()) &&
          isOfProducts(op.getOperand()))
        op.setByReciprocal(true);
    });
  }
};

} // namespace
} // namespace nncc
