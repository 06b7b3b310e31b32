// kern.recurrence.
#include "dialects/kern/Kern.h"

#include "dialects/Sizes.h"

using namespace mlir;
using namespace nncc::kern;

MutableOperandRange RecurrenceOp::getDpsInitsMutable() {
  unsigned count = getNumResults();
  return MutableOperandRange(*this, getNumOperands() - count, count);
}

double RecurrenceOp::getFlops() {
  double flops = 2.0 * getUnits();
  for (AffineExpr size : nncc::shapeOf(getXType()))
    flops *= nncc::nominal(size);
  return flops;
}

/// Reports an operand of another shape; one that is not there has any.
static LogicalResult expectShape(RecurrenceOp op, StringRef name, Value operand,
                                 ArrayRef<int64_t> shape) {
  if (!operand)
    return success();
  auto type = cast<RankedTensorType>(operand.getType());
  if (type.getRank() == static_cast<int64_t>(shape.size()) &&
      llvm::all_of(llvm::zip(type.getShape(), shape),
                   [](auto pair) { return agree(std::get<0>(pair), std::get<1>(pair)); }))
    return success();
  auto text = llvm::map_range(shape, [](int64_t size) {
    return ShapedType::isDynamic(size) ? std::string("?") : std::to_string(size);
  });
  return op.emitOpError("expects ")
         << name << " of [" << llvm::join(text, ", ") << "], found " << type;
}

static LogicalResult verifyOperands(RecurrenceOp op) {
  RankedTensorType x = op.getXType(), r = op.getRType();
  if (x.getRank() != 3 || r.getRank() != 5 || !r.hasStaticShape())
    return op.emitOpError("expects x of rank 3 and r of rank 5 and known sizes, found ")
           << x << " and " << r;
  int64_t directions = op.getDirections(), gates = op.getGates(), units = op.getUnits();
  int64_t open = ShapedType::kDynamic;
  if (directions < 1 || directions > 2)
    return op.emitOpError("expects one or two directions, found ") << directions;
  if (gates < 1 || units < 1 || !llvm::isInt<32>(units) || !llvm::isInt<16>(gates))
    return op.emitOpError("expects r of gates and units, below 2^31, found ") << r;
  int64_t steps = x.getDimSize(0), rows = x.getDimSize(1), params = op.getParamCount();
  int64_t panels = llvm::divideCeil(units, panel);
  if (failed(expectShape(op, "x", op.getX(), {open, open, directions * gates * units})) ||
      failed(expectShape(op, "r", op.getR(), {directions, panels, gates, units, panel})))
    return failure();
  if (op.getParams() && op.getParams().getType().getRank() != 3)
    return op.emitOpError("expects params of rank 3, found ") << op.getParams().getType();
  if (failed(expectShape(op, "params", op.getParams(), {directions, params, units})) ||
      failed(expectShape(op, "lengths", op.getLengths(), {rows})) ||
      failed(expectShape(op, "y_init", op.getYInit(), {steps, directions, rows, units})))
    return failure();
  for (auto [name, state] : {std::pair("h", op.getH()),
                             {"c", op.getC()},
                             {"h_init", op.getHInit()},
                             {"c_init", op.getCInit()}})
    if (failed(expectShape(op, name, state, {directions, rows, units})))
      return failure();
  return success();
}

LogicalResult RecurrenceOp::verify() {
  if (failed(verifyOperands(*this)))
    return failure();
  Type element = getXType().getElementType();
  if (!element.isF32() && !element.isF64())
    return emitOpError("expects elements of f32 or f64, found ") << element;
  for (Value operand : getOperands()) {
    Type own = cast<RankedTensorType>(operand.getType()).getElementType();
    if (operand == getLengths() ? !own.isInteger(32) : own != element)
      return emitOpError("expects lengths of i32 and other operands of one type, found ") << own;
  }
  if (RecurrencePlanAttr plan = getPlanAttr())
    if (plan.getUnitRows() < 1 || plan.getRows() < plan.getUnitRows() || plan.getTileRows() < 1 ||
        !llvm::isPowerOf2_64(plan.getTileRows()) || plan.getSums() < 1 || plan.getTeam() < 1 ||
        plan.getTeam() > getPanels())
      return emitOpError(
                 "expects a plan of positive numbers, as many rows as unit_rows or more, "
                 "tile_rows of a power of two, and no more workers in a team than panels, found ")
             << plan;
  SmallVector<Type> types;
  for (Value init : {getYInit(), getHInit(), getCInit()})
    if (init)
      types.push_back(init.getType());
  if (types.empty() || TypeRange(getResultTypes()) != TypeRange(types))
    return emitOpError("expects the types of its inits, one or more, as results");
  return success();
}

/// A region of `arguments` elements that yields `yields` elements.
static LogicalResult verifyBody(RecurrenceOp op, StringRef name, Block &body, size_t arguments,
                                size_t yields) {
  Type element = op.getXType().getElementType();
  auto states = dyn_cast<StatesOp>(body.getTerminator());
  if (!states || states.getNumOperands() != yields ||
      llvm::any_of(states->getOperandTypes(), [&](Type type) { return type != element; }))
    return op.emitOpError("expects ")
           << name << " to yield " << yields << " elements of " << element;
  if (body.getNumArguments() != arguments ||
      llvm::any_of(body.getArgumentTypes(), [&](Type type) { return type != element; }))
    return op.emitOpError("expects ") << name << " of " << arguments << " arguments of " << element
                                      << ", found " << body.getNumArguments();
  for (Operation &inner : body.without_terminator())
    if (!isMemoryEffectFree(&inner) || inner.getNumRegions())
      return inner.emitOpError("is not allowed in a cell");
  return success();
}

LogicalResult RecurrenceOp::verifyRegions() {
  int64_t states = getStates(), gates = getGates();
  if (states < 1 || states > 2 || (states == 1 && (getC() || getCInit())))
    return emitOpError("expects one state, or two where there is a c, found ") << states;
  int64_t others = getParamCount() + states;
  if (failed(verifyBody(*this, "cell", getCell().front(), 2 * gates + others, states)))
    return failure();
  Block *reset = getResetBody();
  if (!reset)
    return success();
  if (getReset().size() != 1 || gates < 2)
    return emitOpError("expects one region reset at most, and two gates there");
  return verifyBody(*this, "reset", *reset, 2 * (gates - 1) + others, 1);
}
