// Quantized operators. Products of integers are those of floats that are exact; the graph passes
// make integers of them again where there are kernels for these.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"
#include "compiler/import/TypeMap.h"
#include "compiler/import/WindowAttributes.h"

using namespace mlir;
using namespace nncc;

// Scale or zero point in a shape that broadcasts to x: one, one per element of `axis`, or one per
// block of them.
static Value spread(OpBinder &b, Value x, Value parameter, int64_t axis, int64_t block) {
  if (!x || !parameter || b.hasOneElement(parameter))
    return b.reshape(parameter, {});
  if (block == 0)
    return Compose{b}.along(parameter, axis, b.rankOf(x));
  Shape shape = b.shapeOf(parameter), blocks = shape;
  if (int64_t(shape.size()) != b.rankOf(x))
    return b.invalid("a scale or zero point per block has " + Twine(shape.size()) +
                     " dims, expected " + Twine(b.rankOf(x)));
  blocks.insert(blocks.begin() + axis + 1, b.getBuilder().getAffineConstantExpr(1));
  Value column = b.reshapeTo(parameter, blocks);
  blocks[axis + 1] = b.getBuilder().getAffineConstantExpr(block);
  shape[axis] = shape[axis] * block;
  Value repeated = b.reshapeTo(b.create<nn::ExpandOp>({column, b.sizes(blocks)}), shape);
  return Compose{b}.slice(repeated, axis, 0, b.shapeOf(x)[axis]);
}

// The axis of the parameters: it counts only where they are no scalars.
static std::optional<int64_t> parameterAxis(OpBinder &b, Value x, Value scale) {
  if (b.getOpset() < 13 && b.rankOf(scale) == 0)
    return 0;
  if (scale && b.hasOneElement(scale))
    return 0;
  const int64_t axis = b.axis(b.integer("axis", 1), b.rankOf(x));
  return b.hasFailed() ? std::nullopt : std::optional(axis);
}

// The type of the quantized elements: of the zero point, else output_dtype, else uint8.
static Value zeroPointOrZero(OpBinder &b, Value zeroPoint) {
  if (zeroPoint)
    return zeroPoint;
  Type element = b.integer("output_dtype", 0)
                     ? b.elementType("output_dtype")
                     : b.getBuilder().getIntegerType(8, /*isSigned=*/false);
  return element ? b.scalar(element, 0) : Value();
}

static bool isFloatOfCompute(Type element) {
  return isa<FloatType>(element) && !nn::isCode(element);
}

// A scale in a type that divides and multiplies: float8e8m0 holds powers of two alone, int32
// numbers that are none.
static Value usableScale(OpBinder &b, Value scale) {
  return !scale || isFloatOfCompute(b.typeOf(scale).getElementType())
             ? scale
             : b.cast(scale, b.getBuilder().getF32Type());
}

// The float type that attribute `name` states; `otherwise` where it is left out or 0.
static Type floatType(OpBinder &b, StringRef name, Type otherwise) {
  if (b.integer(name, 0) == 0)
    return otherwise;
  Type element = b.elementType(name);
  if (element && !isFloatOfCompute(element))
    b.invalid(name + " is " + elementTypeName(toDataType(element)) + ", expected a float type");
  return element;
}

static void importQuantize(OpBinder &b) {
  Value x = b.input(0), scale = usableScale(b, b.input(1));
  auto axis = parameterAxis(b, x, scale);
  Value zero = zeroPointOrZero(b, b.input(2));
  if (!axis || !zero)
    return;
  Type precision = floatType(b, "precision", b.typeOf(scale).getElementType());
  if (!precision)
    return;
  const int64_t block = b.integer("block_size", 0);
  scale = b.cast(scale, precision);
  nn::QuantizeOp::Properties properties;
  properties.wide = b.unitIf(!b.flag("saturate", true));
  b.result(b.create<nn::QuantizeOp>(
      {x, spread(b, x, scale, *axis, block), spread(b, x, zero, *axis, block)}, properties));
}

// The blocks of `axis` as a dim of their own, where all are whole: shapes that let the scale of
// each broadcast.
static std::optional<SmallVector<int64_t>>
splitIntoBlocks(OpBinder &b, Value x, Value scale, Value zero, int64_t axis, int64_t block) {
  if (block == 0 || !b.typeOf(x).hasStaticShape() || !b.typeOf(scale).hasStaticShape())
    return std::nullopt;
  SmallVector<int64_t> shape(b.fixedShapeOf(x)), blocks(shape);
  if (block < 1 || axis >= int64_t(shape.size()) || shape[axis] % block)
    return std::nullopt;
  blocks[axis] /= block;
  for (Value parameter : {scale, zero})
    if (b.typeOf(parameter).getShape() != ArrayRef(blocks) &&
        (parameter == scale || !b.hasOneElement(parameter)))
      return std::nullopt;
  shape[axis] /= block;
  shape.insert(shape.begin() + axis + 1, block);
  return shape;
}

static void importDequantize(OpBinder &b) {
  Value x = b.input(0), scale = b.input(1), zero = b.input(2);
  auto axis = parameterAxis(b, x, scale);
  if (!axis || !x || !scale)
    return;
  if (!zero)
    zero = Compose{b}.number(x, 0);
  Type element = floatType(b, "output_dtype", b.typeOf(scale).getElementType());
  if (!element)
    return;
  if (!isFloatOfCompute(element))
    return (void)b.invalid("a scale of type float8e8m0 needs output_dtype");
  // The product is made in the wider one of the two types.
  scale = usableScale(b, scale);
  if (element.getIntOrFloatBitWidth() > b.typeOf(scale).getElementTypeBitWidth())
    scale = b.cast(scale, element);
  const int64_t block = b.integer("block_size", 0);
  if (auto split = splitIntoBlocks(b, x, scale, zero, *axis, block)) {
    SmallVector<int64_t> perBlock(*split), whole(b.fixedShapeOf(x));
    perBlock[*axis + 1] = 1;
    zero = b.reshape(zero, b.hasOneElement(zero) ? ArrayRef<int64_t>() : perBlock);
    Value parts =
        b.create<nn::DequantizeOp>({b.reshape(x, *split), b.reshape(scale, perBlock), zero});
    return b.result(b.cast(b.reshape(parts, whole), element));
  }
  Value result = b.create<nn::DequantizeOp>(
      {x, spread(b, x, scale, *axis, block), spread(b, x, zero, *axis, block)});
  b.result(b.cast(result, element));
}

// The float type in which sums of `terms` products of two 8-bit differences are exact: f64 for as
// many as there may be.
static Type exactType(OpBinder &b, AffineExpr terms) {
  const std::optional<int64_t> known = constantOf(terms);
  const bool isExact = known && *known <= (int64_t(1) << 24) / (255 * 255);
  return isExact ? Type(b.getBuilder().getF32Type()) : Type(b.getBuilder().getF64Type());
}

// x - zeroPoint as floats.
static Value centered(OpBinder &b, Value x, Value zeroPoint, Type type) {
  if (!x)
    return {};
  Value zero = zeroPoint ? zeroPoint : Compose{b}.number(x, 0);
  return b.create<nn::DequantizeOp>({x, b.scalar(type, 1), zero});
}

// A parameter of one value, or one per row or column of a matrix.
static Value perLine(OpBinder &b, Value parameter, bool isRow) {
  if (!parameter || b.rankOf(parameter) != 1)
    return parameter;
  if (b.hasOneElement(parameter))
    return b.reshape(parameter, {});
  return isRow ? Compose{b}.along(parameter, 0, 2) : parameter;
}

static Value integerMatMul(OpBinder &b, Value lhs, Value lhsZero, Value rhs, Value rhsZero) {
  const int64_t rank = b.rankOf(rhs);
  if (b.rankOf(lhs) == 0 || rank == 0)
    return b.invalid("expected operands of 1 dim or more");
  AffineExpr terms = b.shapeOf(lhs).back(); // the other operand has as many
  if (!constantOf(terms))
    terms = b.shapeOf(rhs)[std::max<int64_t>(rank - 2, 0)];
  Type type = exactType(b, terms);
  return b.create<nn::MatMulOp>({centered(b, lhs, perLine(b, lhsZero, true), type),
                                 centered(b, rhs, perLine(b, rhsZero, false), type)});
}

static void importMatMulInteger(OpBinder &b) {
  b.result(b.cast(integerMatMul(b, b.input(0), b.input(2), b.input(1), b.input(3)),
                  b.getBuilder().getI32Type()));
}

// The sums times lhsScale * rhsScale, as quantized numbers.
static Value requantize(OpBinder &b, Value sums, Value lhsScale, Value rhsScale, Value scale,
                        Value zeroPoint) {
  Compose f{b};
  Type type = b.getBuilder().getF32Type();
  Value product = f.mul(b.cast(lhsScale, type), b.cast(rhsScale, type));
  return b.create<nn::QuantizeOp>(
      {f.mul(b.cast(sums, type), product), b.cast(scale, type), zeroPoint});
}

static void importQLinearMatMul(OpBinder &b) {
  Value sums = integerMatMul(b, b.input(0), b.input(2), b.input(3), b.input(5));
  b.result(requantize(b, sums, perLine(b, b.input(1), true), perLine(b, b.input(4), false),
                      perLine(b, b.input(6), true), perLine(b, b.input(7), true)));
}

static Value integerConv(OpBinder &b, Value x, Value xZero, Value weights, Value weightsZero) {
  auto window = readConvWindow(b, x, weights);
  if (!window)
    return {};
  const Shape sizes = b.shapeOf(weights);
  Type type = exactType(b, elementCount(ArrayRef(sizes).drop_front(), b.getBuilder().getContext()));
  if (weightsZero && !b.hasOneElement(weightsZero))
    weightsZero = Compose{b}.along(weightsZero, 0, b.rankOf(weights));
  Value input = centered(b, x, xZero, type);
  return createConv(b, *window, input, centered(b, weights, weightsZero, type));
}

static void importConvInteger(OpBinder &b) {
  b.result(b.cast(integerConv(b, b.input(0), b.input(2), b.input(1), b.input(3)),
                  b.getBuilder().getI32Type()));
}

static void importQLinearConv(OpBinder &b) {
  Compose f{b};
  Value sums = integerConv(b, b.input(0), b.input(2), b.input(3), b.input(5));
  if (!sums)
    return;
  if (Value bias = b.input(8))
    sums = f.add(sums, b.cast(f.along(bias, 1, b.rankOf(sums)), b.typeOf(sums).getElementType()));
  auto perChannel = [&](Value parameter) {
    return parameter && b.hasOneElement(parameter) ? b.reshape(parameter, {})
                                                   : f.along(parameter, 1, b.rankOf(sums));
  };
  b.result(requantize(b, sums, perChannel(b.input(1)), perChannel(b.input(4)),
                      perChannel(b.input(6)), perChannel(b.input(7))));
}

void nncc::addQuantRules(Rules &rules) {
  rules.onOp("QuantizeLinear", 10, importQuantize);
  rules.onOp("DequantizeLinear", 10, importDequantize);
  rules.onOp("MatMulInteger", 10, importMatMulInteger);
  rules.onOp("QLinearMatMul", 10, importQLinearMatMul);
  rules.onOp("ConvInteger", 10, importConvInteger);
  rules.onOp("QLinearConv", 10, importQLinearConv);
}
