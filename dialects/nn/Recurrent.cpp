// nn.recurrence.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nncc::nn {

int64_t RecurrenceOp::parametersOf(StringRef activation) {
  return llvm::StringSwitch<int64_t>(activation)
      .Cases({"relu", "tanh", "sigmoid", "softsign", "softplus"}, 0)
      .Cases({"leaky_relu", "thresholded_relu", "elu"}, 1)
      .Cases({"affine", "scaled_tanh", "hard_sigmoid"}, 2)
      .Default(-1);
}

Value RecurrenceOp::activate(OpBuilder &b, Location loc, int64_t i, Value x) {
  double alpha = getAlpha()[i], beta = getBeta()[i];
  auto times = [&](Value y, double factor) -> Value {
    return arith::MulFOp::create(b, loc, y, scalar(b, loc, y.getType(), factor));
  };
  auto relu = [&] { return buildRelu(b, loc, x); };
  auto tanh = [&]() -> Value { return math::TanhOp::create(b, loc, x); };
  auto sigmoid = [&] { return buildSigmoid(b, loc, x); };
  auto softsign = [&] { return buildSoftsign(b, loc, x); };
  auto softplus = [&] { return buildSoftplus(b, loc, x); };
  auto leaky = [&] { return buildLeakyRelu(b, loc, x, alpha); };
  auto threshold = [&] { return buildThresholdedRelu(b, loc, x, alpha); };
  auto elu = [&] { return buildElu(b, loc, x, alpha); };
  auto affine = [&]() -> Value {
    return arith::AddFOp::create(b, loc, times(x, alpha), scalar(b, loc, x.getType(), beta));
  };
  auto scaled = [&] { return times(math::TanhOp::create(b, loc, times(x, beta)), alpha); };
  auto hard = [&] { return buildHardSigmoid(b, loc, x, alpha, beta); };
  StringRef name = cast<StringAttr>(getActivations()[i]).getValue();
  return llvm::StringSwitch<llvm::function_ref<Value()>>(name)
      .Case("relu", relu)
      .Case("tanh", tanh)
      .Case("sigmoid", sigmoid)
      .Case("softsign", softsign)
      .Case("softplus", softplus)
      .Case("leaky_relu", leaky)
      .Case("thresholded_relu", threshold)
      .Case("elu", elu)
      .Case("affine", affine)
      .Case("scaled_tanh", scaled)
      .Case("hard_sigmoid", hard)
      .Default(sigmoid)();
}

namespace {
/// The sizes of a recurrence, and the checks of its operands against them.
struct Layer {
  CellKind kind;
  AffineExpr directions, gates, steps, rows, units;
  Fact &result; // takes what has to hold
  EmitError error;

  LogicalResult expect(const Fact &fact, StringRef name, ArrayRef<AffineExpr> shape) {
    if (fact.rank() != static_cast<int64_t>(shape.size()))
      return error("expects " + name + " of rank " + Twine(shape.size()) + ", found rank " +
                   Twine(fact.rank()));
    for (auto [i, size] : llvm::enumerate(shape))
      if (!result.mayEqual(fact.shape[i], size))
        return error("expects " + name + " of size " + textOf(size) + " in dim " + Twine(i) +
                     ", found " + textOf(fact.shape[i]));
    return success();
  }
};
} // namespace

static LogicalResult checkActivations(RecurrenceOp::Adaptor op, EmitError error) {
  size_t functions = RecurrenceOp::functionsOf(op.getKind());
  if (op.getActivations().size() != functions || op.getAlpha().size() != functions ||
      op.getBeta().size() != functions)
    return error("expects activations, alpha and beta of " + Twine(functions) + " functions");
  for (auto name : op.getActivations().getAsRange<StringAttr>())
    if (RecurrenceOp::parametersOf(name.getValue()) < 0)
      return error("expects names of activations, found '" + name.getValue() + "'");
  bool isLSTM = op.getKind() == CellKind::LSTM, isGRU = op.getKind() == CellKind::GRU;
  if (op.getInitialC() && !isLSTM)
    return error("expects initial c of an lstm only");
  if (op.getInputForget() && !isLSTM)
    return error("expects input_forget of an lstm only");
  if (op.getLinearBeforeReset() && !isGRU)
    return error("expects linear_before_reset of a gru only");
  if (op.getParams() && !isLSTM && !op.getLinearBeforeReset())
    return error("expects parameters of an lstm or of a gru with linear_before_reset only");
  if (op.getClip() && !(op.getClip()->convertToDouble() >= 0))
    return error("expects a bound of 0 or more to clip to");
  return success();
}

LogicalResult RecurrenceOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                  SmallVectorImpl<Fact> &results, EmitError error) {
  if (failed(checkActivations(op, error)))
    return failure();
  const Fact &x = operands[0], &r = operands[1];
  if (x.rank() != 3 || r.rank() != 3)
    return error("expects x and r of rank 3, found rank " + Twine(x.rank()) + " and " +
                 Twine(r.rank()));
  if (ShapedType::isDynamic(r.size(2)) || r.size(2) < 1 || !llvm::isInt<32>(r.size(2)))
    return error("expects units, dim 2 of r, that are known, from 1 to 2^31 - 1");
  MLIRContext *context = x.element.getContext();
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  Fact result;
  result.element = x.element;
  AffineExpr directions = number(directionsOf(op.getDirection())),
             gates = number(gatesOf(op.getKind())), units = r.shape[2], steps = x.shape[0],
             rows = x.shape[1];
  Layer layer{op.getKind(), directions, gates, steps, rows, units, result, error};
  if (failed(layer.expect(x, "x", {steps, rows, directions * gates * units})) ||
      failed(layer.expect(r, "r", {directions, gates * units, units})))
    return failure();
  size_t next = 2;
  auto optional = [&](bool isThere, StringRef name, ArrayRef<AffineExpr> shape) -> LogicalResult {
    return isThere ? layer.expect(operands[next++], name, shape) : success();
  };
  int64_t params = op.getKind() == CellKind::LSTM ? 3 : 1;
  if (failed(optional(!!op.getParams(), "params", {directions, number(params), units})) ||
      failed(optional(!!op.getLengths(), "lengths", {rows})) ||
      failed(optional(!!op.getInitialH(), "initial h", {directions, rows, units})) ||
      failed(optional(!!op.getInitialC(), "initial c", {directions, rows, units})))
    return failure();
  for (const Fact &fact : operands)
    if (isa<FloatType>(fact.element) && fact.element != x.element)
      return error("expects operands of one element type");
  if (!x.element.isF32() && !x.element.isF64())
    return error("expects elements of f32 or f64");
  result.shape = {steps, directions, rows, units};
  results.push_back(result);
  result.shape = {directions, rows, units};
  result.zeros.clear();
  results.append(statesOf(op.getKind()), result);
  return success();
}

FailureOr<SmallVector<Value>> RecurrenceOp::lower(OpBuilder &) {
  return emitOpError("has no form in linalg: run nncc-form-recurrences before");
}

void NNDialect::addRecurrentOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Recurrent.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Recurrent.cpp.inc"
