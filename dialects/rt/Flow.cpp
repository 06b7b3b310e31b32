// Control flow: what the regions of rt.if and rt.loop have to give, and symbols that a run defines.
#include "dialects/rt/RT.h"

#include "dialects/Sizes.h"
#include "dialects/nn/Limits.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::rt;

SmallVector<Block *> rt::programBlocks(Operation *function) {
  SmallVector<Block *> blocks{&function->getRegion(0).front()};
  for (size_t i = 0; i < blocks.size(); ++i)
    for (Operation &op : *blocks[i])
      if (isa<IfOp, LoopOp, WhenOp, WhileOp>(op))
        for (Region &region : op.getRegions())
          blocks.push_back(&region.front());
  return blocks;
}

static LogicalResult verifySymbols(Operation *op, ArrayRef<int64_t> symbols) {
  for (int64_t symbol : symbols)
    if (symbol < 0 || symbol > INT32_MAX)
      return op->emitOpError("expects numbers of symbols, found ") << symbol;
  return success();
}

/// One expression over symbols per symbol.
static LogicalResult verifyValues(Operation *op, std::optional<AffineMap> values, StringRef name,
                                  size_t count) {
  size_t found = values ? values->getNumResults() : 0;
  if (values && values->getNumDims())
    return op->emitOpError("expects expressions over symbols in '")
           << name << "', found " << AffineMapAttr::get(*values);
  if (found != count)
    return op->emitOpError("expects ") << count << " values in '" << name << "', found " << found;
  return success();
}

/// As many, of the same ranks and elements, and of no sizes that are known to differ.
static LogicalResult verifyTypes(Operation *op, const Twine &what, TypeRange expected,
                                 TypeRange found) {
  bool agree =
      expected.size() == found.size() && llvm::all_of(llvm::zip(expected, found), [](auto pair) {
        auto a = cast<RankedTensorType>(std::get<0>(pair));
        auto b = cast<RankedTensorType>(std::get<1>(pair));
        return a.getElementType() == b.getElementType() &&
               succeeded(verifyCompatibleShape(a.getShape(), b.getShape()));
      });
  if (agree)
    return success();
  return op->emitOpError("expects ") << what << " (" << expected << "), found (" << found << ")";
}

static LogicalResult verifyCondition(Operation *op, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getElementType().isInteger(1) && tensor.hasStaticShape() &&
      tensor.getNumElements() == 1)
    return success();
  return op->emitOpError("expects a condition of one element of i1, found ") << type;
}

static YieldOp yieldOf(Region &region) {
  return region.front().empty() ? YieldOp() : dyn_cast<YieldOp>(region.front().back());
}

LogicalResult ReadOp::verify() {
  auto type = cast<RankedTensorType>(getSource().getType());
  if (!type.hasStaticShape() || !type.getElementType().isInteger() ||
      type.getElementTypeBitWidth() > 64)
    return emitOpError("expects integers, of known sizes, found ") << type;
  if (type.getNumElements() != static_cast<int64_t>(getSymbols().size()) ||
      (!getMinus().empty() && getMinus().size() != getSymbols().size()))
    return emitOpError("expects ") << type.getNumElements() << " symbols";
  return failure(failed(verifySymbols(*this, getSymbols())) ||
                 failed(verifySymbols(*this, getMinus())));
}

/// One limit below for each one above.
static LogicalResult verifyLimits(Operation *op, AffineMap low, AffineMap high) {
  if (low.getNumDims() || high.getNumDims())
    return op->emitOpError("expects limits over symbols");
  if (low.getNumResults() != high.getNumResults() || !low.getNumResults())
    return op->emitOpError("expects as many lower as upper limits, found ")
           << low.getNumResults() << " and " << high.getNumResults();
  return success();
}

LogicalResult WithinOp::verify() {
  Type element = getElementTypeOrSelf(getSource());
  if (!element.isInteger() || element.getIntOrFloatBitWidth() > 64)
    return emitOpError("expects integers, found ") << getSource().getType();
  return verifyLimits(*this, getLow(), getHigh());
}

LogicalResult ExpectOp::verify() {
  if (getValues().getNumDims() || getValues().getNumResults() != getLow().getNumResults())
    return emitOpError("expects values over symbols, one for each limit");
  return verifyLimits(*this, getLow(), getHigh());
}

LogicalResult WithinOp::canonicalize(WithinOp op, PatternRewriter &rewriter) {
  if (!nn::isWithin(op.getSource(), op.getLow().getResults(), op.getHigh().getResults()))
    return rewriter.notifyMatchFailure(op, "its operand may have other values");
  rewriter.eraseOp(op);
  return success();
}

/// An operation that defines symbols is not dead when nobody uses its results: their sizes may be
/// all that is asked for.
static void addEffectOf(bool definesSymbols,
                        SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  if (definesSymbols)
    effects.emplace_back(MemoryEffects::Write::get());
}

void IfOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffectOf(!getSymbols().empty(), effects);
}

void LoopOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  AffineExpr counter = getAffineSymbolExpr(getCounter(), getContext());
  bool isCounted = llvm::any_of(getResultTypes(), [&](Type type) {
    return llvm::any_of(shapeOf(cast<RankedTensorType>(type)), [&](AffineExpr size) {
      return size.isFunctionOfSymbol(getCounter()) || size == counter;
    });
  });
  addEffectOf(isCounted || !getSymbols().empty(), effects);
}

LogicalResult IfOp::verify() {
  if (failed(verifyCondition(*this, getCondition().getType())) ||
      failed(verifySymbols(*this, getSymbols())))
    return failure();
  for (Region *branch : {&getThenRegion(), &getElseRegion()}) {
    YieldOp yield = yieldOf(*branch);
    if (!yield || branch->getNumArguments())
      return emitOpError("expects branches without arguments that end with rt.yield");
    if (failed(
            verifyTypes(*this, "branches that yield", getResultTypes(), yield.getOperandTypes())) ||
        failed(verifyValues(yield, yield.getSizes(), "sizes", getSymbols().size())))
      return failure();
  }
  return success();
}

YieldOp LoopOp::getYield() { return yieldOf(getBody()); }
Value LoopOp::getNextCondition() { return getConditional() ? getYield().getOperand(0) : Value(); }
OperandRange LoopOp::getNextStates() {
  return getYield().getOperands().slice(getConditional(), getInits().size());
}
OperandRange LoopOp::getElements() {
  return getYield().getOperands().drop_front(getConditional() + getInits().size());
}

bool LoopOp::isAppended(size_t element) {
  auto rank = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank(); };
  const int64_t own = rank(getElements()[element]);
  return own > 0 && own == rank(getResult(getInits().size() + element));
}

LogicalResult LoopOp::verify() {
  YieldOp yield = getYield();
  if (!yield)
    return emitOpError("expects a body that ends with rt.yield");
  if (getOperands().size() < getConditional() || yield.getOperands().size() < getConditional())
    return emitOpError("expects a condition as its first operand, and its body to yield one");
  if (getConditional() && (failed(verifyCondition(*this, getCondition().getType())) ||
                           failed(verifyCondition(*this, getNextCondition().getType()))))
    return failure();
  size_t states = getInits().size();
  if (getNumResults() < states || yield.getOperands().size() != getNumResults() + getConditional())
    return emitOpError("expects a result per value that its body yields");
  SmallVector<Type> collected;
  for (auto [i, type] : llvm::enumerate(getElements().getTypes())) {
    SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
    if (isAppended(i))
      shape.front() = ShapedType::kDynamic;
    else
      shape.insert(shape.begin(), ShapedType::kDynamic);
    collected.push_back(
        RankedTensorType::get(shape, cast<RankedTensorType>(type).getElementType()));
  }
  TypeRange results(getResultTypes());
  for (size_t i = 0; i < collected.size(); ++i)
    if (isAppended(i) && !cast<RankedTensorType>(results[states + i]).isDynamicDim(0))
      return emitOpError("expects what it puts one behind the other to be of a size that grows");
  if (failed(verifyTypes(*this, "arguments of its body", getInits().getTypes(),
                         getBody().getArgumentTypes())) ||
      failed(verifyTypes(*this, "a body that yields the state", getBody().getArgumentTypes(),
                         getNextStates().getTypes())) ||
      failed(verifyTypes(*this, "results", getBody().getArgumentTypes(),
                         results.take_front(states))) ||
      failed(verifyTypes(*this, "results", collected, results.drop_front(states))))
    return failure();
  int64_t counter = getCounter();
  if (failed(verifySymbols(*this, counter)) || failed(verifySymbols(*this, getSymbols())) ||
      failed(verifyValues(*this, getStarts(), "starts", getSymbols().size())) ||
      failed(verifyValues(yield, yield.getSizes(), "sizes", getSymbols().size())))
    return failure();
  return getTrip() ? verifyValues(*this, getTrip(), "trip", 1) : success();
}

LogicalResult LoadOp::verify() {
  if (!getElement().isInteger() || getElement().getIntOrFloatBitWidth() > 64)
    return emitOpError("expects integers, found ") << getElement();
  if (!getMinus().empty() && getMinus().size() != getSymbols().size())
    return emitOpError("expects ") << getSymbols().size() << " symbols in 'minus'";
  return failure(failed(verifySymbols(*this, getSymbols())) ||
                 failed(verifySymbols(*this, getMinus())));
}

LogicalResult LimitOp::verify() {
  if (!getElement().isInteger() || getElement().getIntOrFloatBitWidth() > 64)
    return emitOpError("expects integers, found ") << getElement();
  return verifyLimits(*this, getLow(), getHigh());
}

LogicalResult SetOp::verify() {
  return failure(failed(verifySymbols(*this, getSymbols())) ||
                 failed(verifyValues(*this, getValues(), "values", getSymbols().size())));
}
