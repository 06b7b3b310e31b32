#include "dialects/nn/Limits.h"

#include "dialects/nn/NN.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc::nn {

static SmallVector<int64_t> readIntegers(IntegerType type, ArrayRef<char> data, int64_t count) {
  const size_t size = type.getWidth() / 8;
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    for (size_t byte = 0; byte < size; ++byte)
      bits |= uint64_t(uint8_t(data[i * size + byte])) << (8 * byte);
    const APInt element(type.getWidth(), bits);
    result.push_back(type.isUnsigned() ? int64_t(element.getZExtValue()) : element.getSExtValue());
  }
  return result;
}

std::optional<SmallVector<int64_t>> allIntegers(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  auto element = dyn_cast<IntegerType>(type.getElementType());
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!element || element.getWidth() % 8 || element.getWidth() > 64 || !constant)
    return std::nullopt;
  if (auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue())) {
    const bool isSigned = !element.isUnsigned();
    return llvm::map_to_vector(dense.getValues<APInt>(), [&](const APInt &each) -> int64_t {
      return isSigned ? each.getSExtValue() : int64_t(each.getZExtValue());
    });
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  const int64_t count = type.getNumElements();
  if (!blob || blob->getData().size() != uint64_t(count) * (element.getWidth() / 8))
    return std::nullopt;
  return readIntegers(element, blob->getData(), count);
}

namespace {

using Sizes = ArrayRef<AffineExpr>;

/// Numbers that are larger take no part in arithmetic on sizes.
constexpr int64_t most = int64_t(1) << 40;

bool isAtMost(AffineExpr lhs, AffineExpr rhs) { return isNeverNegative(normalForm(rhs - lhs)); }

struct Limits {
  Sizes low, high;
  int64_t left = 64; // operations to look at

  size_t count() const { return low.size(); }
  bool allHold(AffineExpr least, AffineExpr greatest) const {
    return llvm::all_of(llvm::zip(low, high), [&](auto pair) {
      auto [from, to] = pair;
      return isAtMost(from, least) && isAtMost(greatest, to);
    });
  }
  bool allHold(ArrayRef<int64_t> values, MLIRContext *context) const;
  bool hold(Value value);

private:
  bool holdPlaces(AffineExpr count) const { return allHold(count * 0, count - 1); }
  bool holdOf(Operation *op);
  bool holdRemainders(ModOp op, bool areTransposed) const;
};

} // namespace

bool Limits::allHold(ArrayRef<int64_t> values, MLIRContext *context) const {
  for (size_t k = 0; k < count(); ++k) {
    int64_t least = INT64_MAX, greatest = INT64_MIN;
    for (size_t i = k; i < values.size(); i += count())
      least = std::min(least, values[i]), greatest = std::max(greatest, values[i]);
    if (least > greatest) // no elements
      continue;
    if (least < -most || greatest > most)
      return false;
    if (!isAtMost(low[k], getAffineConstantExpr(least, context)) ||
        !isAtMost(getAffineConstantExpr(greatest, context), high[k]))
      return false;
  }
  return true;
}

/// x mod d is in [0, d): places counted over all elements, as one index per dim, [k, n] or
/// [n, k].
bool Limits::holdRemainders(ModOp op, bool areTransposed) const {
  const Fact divisors = factOf(op.getRhs());
  if (op.getFmod() || !divisors.value || divisors.value->empty())
    return false;
  const bool isColumn = divisors.rank() == 2 && divisors.size(1) == 1;
  if (count() > 1 && !(areTransposed && isColumn && divisors.value->size() == count()))
    return false;
  for (auto [i, divisor] : llvm::enumerate(*divisors.value)) {
    const AffineExpr from = low[i % count()], to = high[i % count()];
    const AffineExpr zero = divisor * 0;
    if (!isAtMost(zero + 1, divisor) || !isAtMost(from, zero) || !isAtMost(divisor - 1, to))
      return false;
  }
  return true;
}

bool Limits::holdOf(Operation *op) {
  auto constantOrNone = [](Value value) -> std::optional<int64_t> {
    auto known = constantIntegers(value);
    return known && known->size() == 1 ? std::optional(known->front()) : std::nullopt;
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<ReshapeOp, SqueezeOp, UnsqueezeOp>([&](auto same) { return hold(same->getOperand(0)); })
      .Case([&](TransposeOp transpose) {
        auto places = transpose.getOperand().getDefiningOp<ModOp>();
        const bool isMatrix = transpose.getPerm() == ArrayRef<int64_t>{1, 0};
        return places && isMatrix ? holdRemainders(places, true)
                                  : count() == 1 && hold(transpose.getOperand());
      })
      .Case<ExpandOp, SliceOp, SliceAtOp, TileOp, GatherOp, GatherElementsOp, GatherNDOp>(
          [&](auto part) { return count() == 1 && hold(part->getOperand(0)); })
      .Case([&](ConcatOp concat) {
        return count() == 1 &&
               llvm::all_of(concat->getOperands(), [&](Value x) { return hold(x); });
      })
      .Case([&](WhereOp where) {
        return count() == 1 && hold(where->getOperand(1)) && hold(where->getOperand(2));
      })
      .Case([&](CastOp cast) {
        Type from = getElementTypeOrSelf(cast.getOperand()), to = getElementTypeOrSelf(cast);
        if (from.isInteger(1))
          return allHold(low[0] * 0, low[0] * 0 + 1);
        return from.isSignlessInteger() && to.isSignlessInteger() &&
               from.getIntOrFloatBitWidth() <= to.getIntOrFloatBitWidth() &&
               hold(cast.getOperand());
      })
      .Case([&](ModOp mod) { return holdRemainders(mod, false); })
      .Case([&](RangeOp range) {
        const Fact start = factOf(range.getStart()), limit = factOf(range.getLimit());
        return start.value && limit.value && constantOrNone(range.getDelta()).value_or(0) > 0 &&
               allHold(start.value->front(), limit.value->front() - 1);
      })
      .Case([&](PositionsOp positions) { return holdPlaces(shapeOf(positions.getMask())[0]); })
      .Case([&](ArgSortOp sort) { return holdPlaces(shapeOf(sort.getOperand())[1]); })
      .Case([&](ArgReduceOp reduce) {
        const Shape shape = shapeOf(reduce.getOperand());
        const int64_t axis = reduce.getAxis();
        return holdPlaces(shape[axis < 0 ? axis + int64_t(shape.size()) : axis]);
      })
      .Default(false);
}

bool Limits::hold(Value value) {
  if (--left < 0)
    return false;
  if (const Fact fact = factOf(value); fact.value) {
    for (auto [i, element] : llvm::enumerate(*fact.value))
      if (auto known = constantOf(element); (known && (*known < -most || *known > most)) ||
                                            !isAtMost(low[i % count()], element) ||
                                            !isAtMost(element, high[i % count()]))
        return false;
    return true;
  }
  if (auto elements = allIntegers(value))
    return allHold(*elements, value.getContext());
  Operation *op = value.getDefiningOp();
  return op && holdOf(op);
}

bool isWithin(Value value, ArrayRef<AffineExpr> low, ArrayRef<AffineExpr> high) {
  if (constantOf(elementCount(shapeOf(value), value.getContext())) == 0)
    return true;
  return Limits{low, high}.hold(value);
}

} // namespace nncc::nn
