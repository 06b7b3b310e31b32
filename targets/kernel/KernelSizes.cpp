#include "targets/kernel/KernelSizes.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace nncc;

Value KernelSizes::symbol(unsigned number, OpBuilder &b, Location loc) {
  Value &known = values[getAffineSymbolExpr(number, b.getContext())];
  if (!known)
    known = rt::DimOp::create(b, loc, b.getIndexType(), call, number);
  return known;
}

Value KernelSizes::value(AffineExpr expression, Location loc) {
  expression = normalForm(expression);
  if (Value known = values.lookup(expression))
    return known;
  OpBuilder b(expression.getContext());
  if (last)
    b.setInsertionPointAfter(last);
  else
    b.setInsertionPointToStart(entry);
  Value result =
      buildSize(b, loc, expression, [&](unsigned number) { return symbol(number, b, loc); });
  last = result.getDefiningOp();
  return values[expression] = result;
}

Value KernelSizes::expand(OpBuilder &b, Location loc, AffineExpr expression, ValueRange dims) {
  unsigned symbols = symbolCount(expression);
  if (symbols == 0)
    return affine::expandAffineExpr(b, loc, expression, dims, {});
  Shape numbered; // dims become symbols after those of the kernel
  for (unsigned d = 0; d < dims.size(); ++d)
    numbered.push_back(b.getAffineSymbolExpr(symbols + d));
  return buildSize(b, loc, normalForm(expression.replaceDims(numbered)), [&](unsigned number) {
    return number < symbols ? value(b.getAffineSymbolExpr(number), loc) : dims[number - symbols];
  });
}

/// What buildSize makes of a quotient or remainder is corrected below 0: the operation itself.
static Value withoutRounding(Operation *op) {
  auto select = dyn_cast<arith::SelectOp>(op);
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpIOp>() : nullptr;
  bool rounds = compare && compare.getPredicate() == arith::CmpIPredicate::slt &&
                getConstantIntValue(compare.getRhs()) == 0 &&
                compare.getLhs().getDefiningOp<arith::RemSIOp>();
  return rounds ? select.getFalseValue() : Value();
}

/// A divisor that is kept from being 0.
static Value withoutGuard(Value divisor) {
  auto guarded = divisor.getDefiningOp<arith::MaxSIOp>();
  return guarded && getConstantIntValue(guarded.getRhs()) == 1 ? guarded.getLhs() : divisor;
}

AffineExpr nncc::expressionOf(Value index) {
  MLIRContext *context = index.getContext();
  if (auto known = getConstantIntValue(index))
    return getAffineConstantExpr(*known, context);
  Operation *op = index.getDefiningOp();
  if (!op)
    return {};
  if (auto symbol = dyn_cast<rt::SymbolOp>(op))
    return getAffineSymbolExpr(symbol.getNumber(), context);
  if (auto dim = dyn_cast<rt::DimOp>(op))
    return getAffineSymbolExpr(dim.getNumber(), context);
  if (Value rounded = withoutRounding(op))
    return expressionOf(rounded);
  bool divides = isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op);
  SmallVector<AffineExpr> operands;
  for (OpOperand &use : op->getOpOperands()) {
    bool isDivisor = divides && use.getOperandNumber() == 1;
    Value operand = isDivisor ? withoutGuard(use.get()) : use.get();
    operands.push_back(expressionOf(operand));
    if (!operands.back())
      return {};
  }
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    AffineMap map = apply.getAffineMap();
    ArrayRef<AffineExpr> all = operands;
    return normalForm(map.getResult(0).replaceDimsAndSymbols(all.take_front(map.getNumDims()),
                                                             all.drop_front(map.getNumDims())));
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op))
    return operands[0];
  if (isa<arith::AddIOp>(op))
    return normalForm(operands[0] + operands[1]);
  if (isa<arith::SubIOp>(op))
    return normalForm(operands[0] - operands[1]);
  if (isa<arith::MulIOp>(op))
    return normalForm(operands[0] * operands[1]);
  // Sizes are not negative: rounding to zero is rounding down.
  if (isa<arith::FloorDivSIOp, arith::DivSIOp, arith::DivUIOp>(op))
    return normalForm(operands[0].floorDiv(operands[1]));
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return normalForm(operands[0].ceilDiv(operands[1]));
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return normalForm(operands[0] % operands[1]);
  return {};
}

AffineExpr nncc::expressionOf(OpFoldResult index, MLIRContext *context) {
  if (auto known = getConstantIntValue(index))
    return getAffineConstantExpr(*known, context);
  auto value = dyn_cast<Value>(index);
  return value ? expressionOf(value) : AffineExpr();
}

std::optional<Shape> nncc::expressionsOf(ArrayRef<OpFoldResult> indices, MLIRContext *context) {
  Shape result;
  for (OpFoldResult index : indices) {
    result.push_back(expressionOf(index, context));
    if (!result.back())
      return std::nullopt;
  }
  return result;
}
