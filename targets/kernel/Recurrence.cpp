#include "targets/kernel/Recurrence.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;

FailureOr<Recurrence> Recurrence::of(kern::RecurrenceOp op, Kernel &kernel) {
  Shape x = shapeOf(op.getXType());
  Recurrence result{op,
                    kernel,
                    x[0],
                    x[1],
                    op.getDirections(),
                    op.getGates(),
                    op.getUnits(),
                    nullptr,
                    {},
                    {op.getH(), op.getC()}};
  // By results, not by their inits: one empty tensor may stand for several.
  auto next = op->result_begin();
  auto resultOf = [&](Value init) { return init ? Value(*next++) : Value(); };
  result.output = resultOf(op.getYInit());
  result.last = {resultOf(op.getHInit()), resultOf(op.getCInit())};
  if (result.isEmpty())
    return result;
  for (Block *body : {&op.getCell().front(), op.getResetBody()})
    if (body)
      for (Operation &inner : body->without_terminator())
        if (!isa<arith::ConstantOp>(inner) && !OpTrait::hasElementwiseMappableTraits(&inner))
          return inner.emitError("has no form on vectors, as a cell needs");
  if (kernel.place(op.getR()).strides != denseStrides(op.getRType()))
    return op.emitError("expects weights that lie one after the other");
  for (Value tensor : op.getResults())
    if (constantOf(kernel.place(tensor).strides.back()) == 0)
      return op.emitError("the units of a result lie on one another");
  return result;
}

bool Recurrence::isEmpty() {
  auto isEmpty = [](Value tensor) {
    return llvm::is_contained(cast<RankedTensorType>(tensor.getType()).getShape(), 0);
  };
  return op.getXType().getDimSize(1) == 0 || llvm::all_of(op.getResults(), isEmpty);
}

Value Recurrence::address(Emitter &e, Value tensor, ValueRange indices) const {
  const Place &place = kernel.place(tensor);
  Value at = e.size(place.offset);
  for (auto [index, stride] : llvm::zip_equal(indices, place.strides))
    at = e.add(at, e.mul(index, stride));
  return at;
}

Value Recurrence::lengthOf(Emitter &e, Value row) {
  if (!op.getLengths())
    return e.size(steps);
  Value length = memref::LoadOp::create(e.b, e.loc, kernel.place(op.getLengths()).buffer,
                                        address(e, op.getLengths(), row));
  length = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(), length);
  return e.minimum(e.maximum(length, e.constant(0)), e.size(steps));
}

Value Recurrence::positionOf(Emitter &e, Value direction, Value step, Value length) {
  ArrayRef<bool> reverse = op.getReverse();
  if (llvm::all_equal(reverse) && !reverse.front())
    return step;
  Value mirrored = e.sub(e.sub(length, e.constant(1)), step);
  if (llvm::all_equal(reverse))
    return mirrored;
  return arith::SelectOp::create(e.b, e.loc, e.equals(direction, reverse[1] ? 1 : 0), mirrored,
                                 step);
}
