// One step of training: optimizers of ai.onnx.preview.training.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// Inputs are the rate R, the step T and then `kinds` tensors for each parameter, all of one kind
// together; `step` computes what is new for one parameter.
static Rule
importOptimizer(size_t kinds,
                function_ref<SmallVector<Value>(OpBinder &, Value, Value, ArrayRef<Value>)> step) {
  return [kinds, step](OpBinder &b) {
    const size_t count = (b.getInputCount() - 2) / kinds;
    if (b.getInputCount() < 2 + kinds || (b.getInputCount() - 2) % kinds != 0)
      return (void)b.invalid("has " + Twine(b.getInputCount()) + " inputs, expected 2 and " +
                             Twine(kinds) + " for each parameter");
    Value rate = b.reshape(b.input(0), {}), iteration = b.reshape(b.input(1), {});
    for (size_t i = 0; i < count; ++i) {
      SmallVector<Value> state;
      for (size_t kind = 0; kind < kinds; ++kind)
        state.push_back(b.input(2 + kind * count + i));
      for (auto [kind, value] : llvm::enumerate(step(b, rate, iteration, state)))
        b.result(value, kind * count + i);
    }
  };
}

// The gradient with that of the regularization term.
static Value regularized(OpBinder &b, Value x, Value gradient) {
  Compose f{b};
  return f.add(f.mul(x, b.number("norm_coefficient", 0)), gradient);
}

static SmallVector<Value> stepMomentum(OpBinder &b, Value rate, Value iteration,
                                       ArrayRef<Value> state) {
  Compose f{b};
  Value x = state[0], momentum = state[2], gradient = regularized(b, x, state[1]);
  const double alpha = b.number("alpha", 0);
  Value isFirst = f.compare(nn::CompareKind::LessEqual, iteration, f.number(iteration, 0));
  Value beta = f.where(isFirst, f.number(x, 1), f.number(x, b.number("beta", 0)));
  Value next = f.add(f.mul(momentum, alpha), f.mul(beta, gradient));
  Value direction =
      b.string("mode", "standard") == "nesterov" ? f.add(gradient, f.mul(next, alpha)) : next;
  return {f.sub(x, f.mul(rate, direction)), next};
}

static SmallVector<Value> stepAdagrad(OpBinder &b, Value rate, Value iteration,
                                      ArrayRef<Value> state) {
  Compose f{b};
  Value x = state[0], gradient = regularized(b, x, state[1]);
  Value past =
      f.mul(b.cast(iteration, b.typeOf(rate).getElementType()), b.number("decay_factor", 0));
  Value decayed = f.div(rate, f.add(past, 1));
  Value squares = f.add(state[2], f.mul(gradient, gradient));
  Value scale = f.add(f.unary<nn::SqrtOp>(squares), b.number("epsilon", 0));
  return {f.sub(x, f.div(f.mul(decayed, gradient), scale)), squares};
}

static SmallVector<Value> stepAdam(OpBinder &b, Value rate, Value iteration,
                                   ArrayRef<Value> state) {
  Compose f{b};
  const double alpha = b.number("alpha", 0.9f), beta = b.number("beta", 0.999f);
  Value x = state[0], gradient = regularized(b, x, state[1]);
  Value momentum = f.add(f.mul(state[2], alpha), f.mul(gradient, 1 - alpha));
  Value squares = f.add(f.mul(state[3], beta), f.mul(f.mul(gradient, gradient), 1 - beta));
  Value scale = f.add(f.unary<nn::SqrtOp>(squares), b.number("epsilon", 0));
  // From the second step on the averages are no longer too small by the zeros they start with.
  Value times = b.cast(iteration, b.typeOf(rate).getElementType());
  auto bias = [&](double factor) {
    return f.sub(f.number(times, 1), f.pow(f.number(times, factor), times));
  };
  Value corrected = f.div(f.mul(rate, f.unary<nn::SqrtOp>(bias(beta))), bias(alpha));
  Value isFirst = f.compare(nn::CompareKind::LessEqual, iteration, f.number(iteration, 0));
  Value adjusted = f.where(isFirst, rate, corrected);
  Value next = f.sub(x, f.mul(adjusted, f.div(momentum, scale)));
  return {f.mul(next, 1 - double(b.number("norm_coefficient_post", 0))), momentum, squares};
}

void nncc::addTrainRules(Rules &rules) {
  rules.onOp("ai.onnx.preview.training.Momentum", 1, importOptimizer(3, stepMomentum));
  rules.onOp("ai.onnx.preview.training.Adagrad", 1, importOptimizer(3, stepAdagrad));
  rules.onOp("ai.onnx.preview.training.Adam", 1, importOptimizer(4, stepAdam));
}
