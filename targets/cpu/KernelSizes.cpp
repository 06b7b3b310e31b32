#include "targets/cpu/KernelSizes.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

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
