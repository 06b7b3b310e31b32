// Values through the C++ wrapper, and the model in values_model.c.
#include "nncc/nncc.hpp"

#include "values_model.h"

#include "check.h"

using nncc::Value;

static float numbers[] = {1, 2, 3};

static nncc::Instance newInstance() {
  return nncc::Instance::create(nncc::Model::fromDescriptor(nncc_model_values()).value()).value();
}

static std::vector<Value> list(Value first) {
  std::vector<Value> values;
  values.push_back(std::move(first));
  return values;
}

/// A value for every input, in order.
static std::vector<Value> makeInputs() {
  std::vector<Value> inputs, floats = list(Value::tensor(nncc::view(numbers, {1, 3})).value());
  floats.push_back(Value::tensor(nncc::view(numbers, {0, 3})).value());
  inputs.push_back(Value::sequence(std::move(floats)).value());
  inputs.push_back(Value::none().value());
  inputs.push_back(Value::strings({"a", std::string("b\0c", 3), "", "d"}, {2, 2}).value());
  inputs.push_back(
      Value::optional(Value::sequence(list(Value::strings({"x"}, {}).value())).value()).value());
  inputs.push_back(Value::sequence({}).value());
  inputs.push_back(Value::borrow(nncc::view(numbers, {3})).value());
  return inputs;
}

static void testRun() {
  auto instance = newInstance();
  std::vector<Value> inputs = makeInputs();
  auto outputs = instance.run({inputs.begin(), inputs.end()}).value();
  CHECK(outputs.size() == VALUES_COUNT && outputs[VALUES_S].kind() == NNCC_VALUE_SEQUENCE);
  CHECK(outputs[VALUES_S].count() == 2);
  CHECK(outputs[VALUES_S][0].shape() == (std::vector<int64_t>{1, 3}));
  CHECK(outputs[VALUES_S][0].data<float>()[2] == 3 && !outputs[VALUES_S][0].data<int32_t>());
  CHECK(outputs[VALUES_S][1].shape() == (std::vector<int64_t>{0, 3}));
  CHECK(outputs[VALUES_O].kind() == NNCC_VALUE_OPTIONAL && outputs[VALUES_O].count() == 0);
  CHECK(outputs[VALUES_T].type() == NNCC_STRING && outputs[VALUES_T].count() == 4);
  CHECK(outputs[VALUES_T].string(1) == std::string("b\0c", 3));
  CHECK(outputs[VALUES_T].string(2).empty() && outputs[VALUES_T].string(9).empty());
  CHECK(outputs[VALUES_Q][0][0].string(0) == "x" && outputs[VALUES_N].count() == 0);
  outputs[VALUES_X] = std::move(outputs[VALUES_S]);
  CHECK(outputs[VALUES_X].count() == 2 && !outputs[VALUES_S].get());
}

static void testFailures() {
  auto instance = newInstance();
  std::vector<Value> inputs = makeInputs();
  auto tooFew = instance.run({inputs[0]});
  CHECK(!tooFew && tooFew.status().message().find("expected 6 inputs") != std::string::npos);
  std::swap(inputs[VALUES_O], inputs[VALUES_X]);
  auto wrong = instance.run({inputs.begin(), inputs.end()});
  CHECK(!wrong && wrong.status().message().find("input 'o' (number 1)") != std::string::npos);
  CHECK(!Value::strings({"a", "b"}, {3}));
  CHECK(!Value::tensor(nncc::view(numbers, {-1})));
  auto nested = Value::sequence(list(Value::none().value())); // whose element is not leaked
  CHECK(!nested && nested.status().code() == NNCC_INVALID_ARGUMENT);
  CHECK(!Value::optional(Value::none().value()));
}

int main() {
  nncc::Model model = newInstance().model();
  CHECK(model.inputValues().size() == VALUES_COUNT && model.inputs().size() == VALUES_PARTS);
  CHECK(std::string(model.outputValues()[VALUES_Q].name) == "q");
  testRun();
  testFailures();
  return checkResult();
}
