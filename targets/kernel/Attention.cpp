#include "targets/kernel/Attention.h"

using namespace mlir;
using namespace nncc;

FailureOr<Attention> Attention::of(kern::AttentionOp op, const Kernel &kernel) {
  for (auto [operand, dim] :
       {std::pair(op.getQuery(), 1), {op.getQuery(), 3}, {op.getValue(), 1}, {op.getValue(), 3}})
    if (cast<RankedTensorType>(operand.getType()).isDynamicDim(dim))
      return op.emitError("expects heads, depth and width that are known at compile time");
  auto operand = [&](Value tensor) {
    const Place &place = kernel.place(tensor);
    return Operand{place.buffer, nullptr, place.offset, place.strides};
  };
  Shape queries = shapeOf(op.getQueryType()), values = shapeOf(op.getValueType());
  Attention result{op,
                   operand(op.getQuery()),
                   operand(op.getKey()),
                   operand(op.getValue()),
                   {},
                   operand(op.getInit()),
                   queries[0],
                   queries[2],
                   values[2],
                   fixed(queries[1]),
                   fixed(values[1]),
                   fixed(queries[3]),
                   fixed(values[3])};
  if (!result.isEmpty() && constantOf(result.init.strides[3]) == 0)
    return op.emitError("the columns of init lie on one another");
  if (!op.getMask())
    return result;
  result.mask = operand(op.getMask());
  for (auto [stride, size] :
       llvm::zip(result.mask.strides, cast<RankedTensorType>(op.getMask().getType()).getShape()))
    if (size == 1)
      stride = getAffineConstantExpr(0, op.getContext());
  return result;
}

bool Attention::isEmpty() { return llvm::is_contained(op.getInitType().getShape(), 0); }

void Attention::enterHead(Emitter &e, Value batch, Value head) {
  auto enter = [&](Operand &x, Value head) {
    x.at = e.add(e.add(e.size(x.offset), e.mul(batch, x.strides[0])), e.mul(head, x.strides[1]));
  };
  enter(query, head);
  enter(init, head);
  if (mask.buffer)
    enter(mask, head);
  Value group = e.divide(head, heads / groups).first;
  enter(key, group);
  enter(value, group);
}
