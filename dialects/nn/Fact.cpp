#include "dialects/BroadcastSizes.h"
#include "dialects/nn/Generics.h"

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
  if (auto sizes = operand.getDefiningOp<SizesOp>())
    fact.value.emplace(sizes.getElements().getResults());
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

bool Fact::mayBeZero(AffineExpr expression) {
  expression = normalForm(expression);
  if (std::optional<int64_t> known = constantOf(expression))
    return *known == 0;
  AffineExpr one = getAffineConstantExpr(1, expression.getContext());
  if (isNeverNegative(expression - one) || isNeverNegative(-expression - one))
    return false;
  if (!llvm::is_contained(zeros, expression))
    zeros.push_back(expression);
  return true;
}

std::string textOf(AffineExpr size) {
  std::optional<int64_t> known = constantOf(size);
  return known ? std::to_string(*known) : "open";
}

static AffineExpr shorter(AffineExpr lhs, AffineExpr rhs) {
  return length(rhs) < length(lhs) ? rhs : lhs;
}

/// The size of one dim of the result; null if the two never fit. `size` is not equal to `known`.
static AffineExpr broadcastSizes(AffineExpr known, AffineExpr size, Fact &result) {
  std::optional<int64_t> knownSize = constantOf(known), thisSize = constantOf(size);
  if (thisSize == 1)
    return known;
  if (knownSize == 1)
    return size;
  if (areOfSameSymbols(known, size))
    return result.mayEqual(known, size) ? shorter(known, size) : AffineExpr();
  // Equal, or one of them is 1.
  if (!result.mayBeZero((known - size) * (known - 1) * (size - 1)))
    return {};
  return broadcastSize(known, size);
}

LogicalResult expectBroadcast(ArrayRef<AffineExpr> shape, ArrayRef<AffineExpr> target, Fact &result,
                              EmitError error) {
  if (shape.size() > target.size())
    return error("expects an operand of at most " + Twine(target.size()) + " dims, found " +
                 Twine(shape.size()));
  size_t first = target.size() - shape.size();
  for (auto [i, size] : llvm::enumerate(shape))
    if (constantOf(size) != 1 && !result.mayEqual(size, target[first + i]))
      return error("expects operands that broadcast, found sizes " + textOf(target[first + i]) +
                   " and " + textOf(size) + " in dim " + Twine(first + i));
  return success();
}

bool broadcastsAlike(ArrayRef<AffineExpr> sizes, ArrayRef<AffineExpr> target) {
  return sizes.size() <= target.size() &&
         llvm::all_of(llvm::zip(sizes, target.take_back(sizes.size())), [](auto pair) {
           auto [size, whole] = pair;
           return size == whole || constantOf(size) || areOfSameSymbols(size, whole);
         });
}

LogicalResult broadcast(ArrayRef<Fact> operands, Fact &result, EmitError error) {
  Shape &shape = result.shape;
  for (const Fact &operand : operands) {
    while (shape.size() < operand.shape.size())
      shape.insert(shape.begin(), getAffineConstantExpr(1, operand.shape[0].getContext()));
    size_t offset = shape.size() - operand.shape.size();
    for (auto [i, size] : llvm::enumerate(operand.shape)) {
      AffineExpr known = shape[offset + i];
      if (known == size)
        continue;
      shape[offset + i] = broadcastSizes(known, size, result);
      if (!shape[offset + i])
        return error("expects operands that broadcast, found sizes " + textOf(known) + " and " +
                     textOf(size) + " in dim " + Twine(offset + i));
    }
  }
  return success();
}

LogicalResult inferElementwise(StringRef mnemonic, ArrayRef<Fact> operands, Fact &result,
                               EmitError error) {
  if (failed(broadcast(operands, result, error)))
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

Value buildValue(OpBuilder &builder, Location loc, const Fact &fact) {
  auto type = makeType(fact);
  if (!type.hasStaticShape() || !type.getElementType().isInteger() ||
      type.getNumElements() != static_cast<int64_t>(fact.value->size()))
    return {};
  std::optional<SmallVector<int64_t>> constants = fact.constants();
  if (!constants) {
    AffineMap elements = sizeMap(llvm::map_to_vector(*fact.value, normalForm), type.getContext());
    return SizesOp::create(builder, loc, elements, type);
  }
  SmallVector<APInt> elements;
  for (int64_t constant : *constants)
    elements.push_back(
        APInt(64, constant, /*isSigned=*/true).sextOrTrunc(type.getElementTypeBitWidth()));
  return ConstantOp::create(builder, loc, DenseElementsAttr::get(type, elements));
}

Value buildSizes(OpBuilder &b, Location loc, ArrayRef<AffineExpr> sizes) {
  Fact fact;
  fact.element = b.getI64Type();
  fact.shape = makeShape(static_cast<int64_t>(sizes.size()), b.getContext());
  fact.value.emplace(sizes);
  return buildValue(b, loc, fact);
}

SmallVector<Fact> inferFacts(Operation *op) {
  SmallVector<Fact> results;
  auto inferred = dyn_cast<InferFactsOpInterface>(op);
  if (!inferred || failed(inferred.inferFacts(factsOf(op->getOperands()), results)))
    return {};
  return results;
}

SmallVector<Value> foldByFacts(OpBuilder &builder, Operation *op, ArrayRef<Fact> results) {
  if (isa<ConstantOp, SizesOp>(op))
    return {};
  SmallVector<Value> values;
  for (const Fact &fact : results) {
    Value value = fact.value ? buildValue(builder, op->getLoc(), fact) : Value();
    if (!value)
      return {};
    values.push_back(value);
  }
  return values;
}

} // namespace nncc::nn
