#include "targets/kernel/Epilogue.h"
#include "targets/kernel/BodyEvaluator.h"
#include "targets/kernel/Sweep.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace nncc;

namespace {
/// The strides of a place over the dims of init, to which `map` takes its own.
Epilogue::Extra project(Value extra, AffineMap map, const Kernel *kernel) {
  auto type = cast<RankedTensorType>(extra.getType());
  AffineExpr zero = getAffineConstantExpr(0, type.getContext());
  Epilogue::Extra result{nullptr, type.getElementType(), zero, {}};
  Shape own = denseStrides(type);
  if (kernel) {
    const Place &place = kernel->place(extra);
    result.buffer = place.buffer, result.offset = place.offset, own = place.strides;
  }
  result.strides.assign(map.getNumDims(), zero);
  for (auto [i, expression] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expression))
      result.strides[dim.getPosition()] = own[i];
  return result;
}
} // namespace

FailureOr<Epilogue> Epilogue::of(Operation *op, const Kernel *kernel) {
  auto contract = dyn_cast<kern::ContractOp>(op);
  auto window = dyn_cast<kern::WindowOp>(op);
  OperandRange extras = contract ? contract.getExtras() : window.getExtras();
  ArrayAttr maps = contract ? contract.getMaps() : window.getMaps();
  Epilogue result;
  result.body = contract ? contract.getBody() : window.getBody();
  for (auto [extra, map] : llvm::zip(extras, maps.getAsValueRange<AffineMapAttr>())) {
    Type element = getElementTypeOrSelf(extra.getType());
    if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8)
      return op->emitError("an epilogue cannot load elements of type ") << element;
    result.extras.push_back(project(extra, map, kernel));
  }
  for (Operation &inner : result.body->without_terminator()) {
    if (!isa<arith::ConstantOp>(inner) && !OpTrait::hasElementwiseMappableTraits(&inner))
      return inner.emitError("has no form on vectors, as an epilogue needs");
    result.heavy |= isHeavyOp(inner);
  }
  return result;
}

bool Epilogue::isIdentity() const {
  return cast<kern::YieldOp>(body->getTerminator()).getValue() == body->getArgument(0);
}

/// A product that is added is rounded once, where the processor can: one instruction instead of
/// two.
static void contract(Operation *op) {
  if (auto product = dyn_cast<arith::MulFOp>(op))
    product.setFastmath(product.getFastmath() | arith::FastMathFlags::contract);
  if (auto sum = dyn_cast<arith::AddFOp>(op))
    sum.setFastmath(sum.getFastmath() | arith::FastMathFlags::contract);
}

SmallVector<Value> nncc::evaluateOnVectors(Emitter &e, Block &body, ValueRange arguments) {
  auto vector = dyn_cast<VectorType>(arguments.front().getType());
  auto shaped = [&](Type element) -> Type {
    return vector ? VectorType::get(vector.getShape(), element) : element;
  };
  IRMapping map;
  map.map(body.getArguments(), arguments);
  for (Operation &inner : body.without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(inner); constant && vector) {
      auto splat =
          DenseElementsAttr::get(cast<ShapedType>(shaped(constant.getType())), constant.getValue());
      map.map(constant.getResult(), arith::ConstantOp::create(e.b, e.loc, splat).getResult());
      continue;
    }
    Operation *clone = e.b.clone(inner, map);
    relaxZeros(clone);
    contract(clone);
    for (Value result : clone->getResults())
      result.setType(shaped(result.getType()));
  }
  return llvm::map_to_vector(body.getTerminator()->getOperands(),
                             [&](Value value) { return map.lookup(value); });
}

Value Epilogue::apply(Emitter &e, Value sums, ValueRange values) const {
  SmallVector<Value> arguments{sums};
  llvm::append_range(arguments, values);
  return evaluateOnVectors(e, *body, arguments).front();
}
