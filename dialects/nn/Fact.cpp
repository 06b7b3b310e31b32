#include "dialects/nn/NN.h"

using namespace mlir;

namespace nncc::nn {

int64_t Fact::size(int64_t dim) const {
  return constantOf(shape[dim]).value_or(ShapedType::kDynamic);
}

std::optional<SmallVector<int64_t>> Fact::constants() const {
  if (!value)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (AffineExpr expr : *value) {
    if (!constantOf(expr))
      return std::nullopt;
    result.push_back(*constantOf(expr));
  }
  return result;
}

Fact factOf(Value operand) {
  Fact fact;
  if (!operand)
    return fact;
  auto type = cast<RankedTensorType>(operand.getType());
  fact.element = type.getElementType();
  MLIRContext *context = operand.getContext();
  fact.shape = shapeOf(type);
  DenseIntElementsAttr elements;
  if (type.hasStaticShape() && type.getNumElements() <= Fact::maxValues &&
      type.getElementType().isInteger() && matchPattern(operand, m_Constant(&elements))) {
    bool isSigned =
        !type.getElementType().isUnsignedInteger() && !type.getElementType().isInteger(1);
    fact.value.emplace();
    for (const APInt &element : elements)
      fact.value->push_back(getAffineConstantExpr(
          isSigned ? element.getSExtValue() : static_cast<int64_t>(element.getZExtValue()),
          context));
  }
  return fact;
}

RankedTensorType makeType(const Fact &fact) { return tensorOf(fact.shape, fact.element); }

LogicalResult broadcast(ArrayRef<Fact> operands, Shape &result, EmitError error) {
  for (const Fact &operand : operands) {
    while (result.size() < operand.shape.size())
      result.insert(result.begin(), getAffineConstantExpr(1, operand.shape[0].getContext()));
    size_t offset = result.size() - operand.shape.size();
    for (auto [i, size] : llvm::enumerate(operand.shape)) {
      AffineExpr &known = result[offset + i];
      std::optional<int64_t> knownSize = constantOf(known), thisSize = constantOf(size);
      if (known == size || thisSize == 1)
        continue;
      if (knownSize == 1 || (!knownSize && thisSize))
        known = size;
      else if (knownSize && thisSize)
        return error("expects operands that broadcast, found sizes " + Twine(*knownSize) + " and " +
                     Twine(*thisSize) + " in dim " + Twine(offset + i));
      else if (!knownSize && !thisSize)
        return error("expects sizes that are known at compile time in dim " + Twine(offset + i));
    }
  }
  return success();
}

/// The remainder with the sign of `rhs`, or of `lhs`; 0 of a division by 0.
static int64_t remainder(int64_t lhs, int64_t rhs, bool likeDividend) {
  if (rhs == 0 || rhs == -1) // INT64_MIN % -1 traps
    return 0;
  int64_t result = lhs % rhs;
  return !likeDividend && result != 0 && (result < 0) != (rhs < 0) ? result + rhs : result;
}

/// The operations on sizes that exporters leave in a graph.
static AffineExpr applyOnSizes(StringRef mnemonic, ArrayRef<AffineExpr> x) {
  std::optional<int64_t> lhs = constantOf(x[0]);
  std::optional<int64_t> rhs = x.size() > 1 ? constantOf(x[1]) : std::nullopt;
  if (mnemonic == "cast")
    return x[0];
  if (mnemonic == "add")
    return x[0] + x[1];
  if (mnemonic == "sub")
    return x[0] - x[1];
  if (mnemonic == "mul" && (lhs || rhs))
    return x[0] * x[1];
  if (mnemonic == "where" && lhs)
    return x[*lhs ? 1 : 2];
  if (!lhs || (x.size() > 1 && !rhs))
    return {};
  auto constant = [&](int64_t value) { return getAffineConstantExpr(value, x[0].getContext()); };
  if (mnemonic == "div")
    return *rhs == 0 || (*rhs == -1 && *lhs == INT64_MIN) ? AffineExpr() : constant(*lhs / *rhs);
  if (mnemonic == "max")
    return constant(std::max(*lhs, *rhs));
  if (mnemonic == "min")
    return constant(std::min(*lhs, *rhs));
  if (mnemonic == "neg" && *lhs != INT64_MIN)
    return constant(-*lhs);
  if (mnemonic == "eq")
    return constant(*lhs == *rhs);
  if (mnemonic == "lt")
    return constant(*lhs < *rhs);
  if (mnemonic == "le")
    return constant(*lhs <= *rhs);
  if (mnemonic == "gt")
    return constant(*lhs > *rhs);
  if (mnemonic == "ge")
    return constant(*lhs >= *rhs);
  if (mnemonic == "not" && (*lhs == 0 || *lhs == 1))
    return constant(!*lhs);
  if (mnemonic == "and")
    return constant(*lhs & *rhs);
  if (mnemonic == "or")
    return constant(*lhs | *rhs);
  if (mnemonic == "xor")
    return constant(*lhs ^ *rhs);
  if (mnemonic == "mod" || mnemonic == "fmod")
    return constant(remainder(*lhs, *rhs, /*likeDividend=*/mnemonic == "fmod"));
  if (mnemonic == "bool")
    return constant(*lhs != 0);
  return {};
}

/// The values of an elementwise op on integers whose values are known, if it has some.
static std::optional<Shape> inferValues(StringRef mnemonic, ArrayRef<Fact> operands,
                                        const Fact &result) {
  auto isExact = [](Type type) { // narrower integers wrap, which the expressions do not
    return type.isInteger(1) || (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() >= 32);
  };
  int64_t count = 1;
  for (AffineExpr size : result.shape) {
    std::optional<int64_t> known = constantOf(size);
    if (!known || *known > Fact::maxValues || (count *= *known) > Fact::maxValues)
      return std::nullopt;
  }
  // A scalar stands for all elements, other operands have the result's shape.
  bool known = isExact(result.element) && count > 0;
  for (const Fact &operand : operands)
    known = known && operand.value && !operand.value->empty() &&
            (operand.shape == result.shape || operand.value->size() == 1);
  if (!known)
    return std::nullopt;
  Shape value;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<AffineExpr> x;
    for (const Fact &operand : operands)
      x.push_back((*operand.value)[operand.value->size() == 1 ? 0 : i]);
    AffineExpr element = applyOnSizes(mnemonic, x);
    if (!element)
      return std::nullopt;
    value.push_back(element);
  }
  return value;
}

LogicalResult inferElementwise(StringRef mnemonic, ArrayRef<Fact> operands, Fact &result,
                               EmitError error) {
  if (failed(broadcast(operands, result.shape, error)))
    return failure();
  ArrayRef<Fact> sameType = mnemonic == "where" ? operands.drop_front() : operands;
  if (mnemonic != "pow")
    for (const Fact &operand : sameType)
      if (operand.element != sameType[0].element)
        return error("expects operands of one element type, found " +
                     typeName(sameType[0].element) + " and " + typeName(operand.element));
  result.value = inferValues(mnemonic, operands, result);
  return success();
}

FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank, EmitError error) {
  if (axis < -rank || axis >= rank)
    return error("expects an axis from " + Twine(-rank) + " to " + Twine(rank - 1) + ", found " +
                 Twine(axis));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> normalizeAxes(ArrayRef<int64_t> axes, int64_t rank,
                                              EmitError error) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> normal = normalizeAxis(axis, rank, error);
    if (failed(normal))
      return failure();
    if (llvm::is_contained(result, *normal))
      return error("expects distinct axes, found " + Twine(*normal) + " twice");
    result.push_back(*normal);
  }
  llvm::sort(result);
  return result;
}

FailureOr<SmallVector<int64_t>> expectConstants(const Fact &fact, StringRef name, EmitError error) {
  if (fact.rank() > 1)
    return error("expects " + name + " of rank 1, found rank " + Twine(fact.rank()));
  std::optional<SmallVector<int64_t>> constants = fact.constants();
  if (!constants)
    return error("expects " + name + " known at compile time");
  return *constants;
}

LogicalResult checkSizes(const Fact &fact, EmitError error) {
  constexpr int64_t bytes = 8, most = (int64_t(1) << 48) / bytes;
  int64_t count = 1;
  for (int64_t i = 0; i < fact.rank(); ++i) {
    int64_t size = fact.size(i);
    if (ShapedType::isDynamic(size))
      continue;
    if (size < 0)
      return error("expects sizes of 0 or more, found " + Twine(size) + " in dim " + Twine(i) +
                   " of its result");
    size = std::max<int64_t>(size, 1);
    if (size > most / count)
      return error("expects a result of less than 2^48 bytes");
    count *= size;
  }
  return success();
}

bool areCompatible(TypeRange inferred, TypeRange actual) {
  return inferred.size() == actual.size() && llvm::all_of(llvm::zip(inferred, actual), [](auto p) {
           auto [a, b] = p;
           return getElementTypeOrSelf(a) == getElementTypeOrSelf(b) &&
                  succeeded(verifyCompatibleShape(a, b));
         });
}

SmallVector<Value> foldByFacts(OpBuilder &builder, Operation *op) {
  auto inferred = dyn_cast<InferFactsOpInterface>(op);
  if (!inferred || op->getNumResults() == 0 || isa<ConstantOp>(op))
    return {};
  SmallVector<Fact> operands, results;
  for (Value operand : op->getOperands())
    operands.push_back(factOf(operand));
  if (failed(inferred.inferFacts(operands, results)))
    return {};
  SmallVector<Value> values;
  for (auto [fact, result] : llvm::zip(results, op->getResults())) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    std::optional<SmallVector<int64_t>> constants = fact.constants();
    if (!type || !constants || !type.hasStaticShape())
      return {};
    SmallVector<APInt> elements;
    for (int64_t constant : *constants)
      elements.push_back(
          APInt(64, constant, /*isSigned=*/true).trunc(type.getElementTypeBitWidth()));
    values.push_back(
        ConstantOp::create(builder, op->getLoc(), DenseElementsAttr::get(type, elements)));
  }
  return values;
}

} // namespace nncc::nn
