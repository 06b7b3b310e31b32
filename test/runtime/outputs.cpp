// Outputs of which only the run tells a size: the elements of x[n] that are above 0.
#include "nncc/nncc.hpp"

#include "check.h"

#include <algorithm>
#include <cmath>

namespace {

const int64_t inputShape[] = {-1}, outputShape[] = {-2};
const nncc_tensor_info input = {"x", NNCC_FLOAT, 1, inputShape};
const nncc_tensor_info output = {"y", NNCC_FLOAT, 1, outputShape};
const nncc_dim dims[] = {{"n", 0, -1}, {"", 0, -1}};

nncc_status plan(const int64_t *, int64_t *arena, int64_t *scratch) {
  *arena = *scratch = 0;
  return NNCC_OK;
}

nncc_status run(const nncc_frame *frame) {
  const float *x = static_cast<const float *>(frame->inputs[0]);
  int64_t count = 0, next = 0, n = frame->dims[0];
  for (int64_t i = 0; i < n; ++i)
    count += x[i] > 0;
  if (n && std::isnan(x[0])) // ends before it asks
    return NNCC_DATA_ERROR;
  auto *y = static_cast<float *>(frame->services->output(frame->host, 0, &count));
  if (!y || frame->outputs[0])
    return NNCC_INTERNAL;
  for (int64_t i = 0; i < n; ++i)
    if (x[i] > 0)
      y[next++] = x[i];
  return NNCC_OK;
}

nncc_descriptor describe() {
  nncc_descriptor d = {};
  d.magic = NNCC_ABI_MAGIC;
  d.abi_major = NNCC_ABI_MAJOR;
  d.abi_minor = NNCC_ABI_MINOR;
  d.struct_size = sizeof d;
  d.name = "positive";
  d.isa = "";
  d.num_inputs = d.num_outputs = 1;
  d.num_dims = 2;
  d.inputs = &input;
  d.outputs = &output;
  d.dims = dims;
  d.plan = plan;
  d.run = run;
  return d;
}

const nncc_descriptor descriptor = describe();

nncc::Instance newInstance() {
  return nncc::Instance::create(nncc::Model::fromDescriptor(&descriptor).value()).value();
}

void testWrapper() {
  auto instance = newInstance();
  for (int64_t n : {0, 3, 1000, 2}) {
    std::vector<float> x(n), wanted;
    for (int64_t i = 0; i < n; ++i) {
      x[i] = float(i % 3) - 1;
      if (x[i] > 0)
        wanted.push_back(x[i]);
    }
    auto outputs = instance({nncc::view(x.data(), {n})}).value();
    CHECK(outputs[0].shape() == std::vector<int64_t>{int64_t(wanted.size())});
    CHECK(std::equal(wanted.begin(), wanted.end(), outputs[0].data<float>()));
    CHECK(instance.outputShape(0).value() == std::vector<int64_t>{-1});
  }
}

void testMemoryOfTheInstance() {
  auto instance = newInstance();
  float x[] = {1, -2, 3};
  auto before = instance.output(0);
  CHECK(!before && before.status().code() == NNCC_INVALID_ARGUMENT);
  nncc::TensorView none(nullptr, NNCC_FLOAT, {0});
  CHECK(instance.run({nncc::view(x, {3})}, {none}));
  auto view = instance.output(0);
  nncc_tensor found = view->get();
  CHECK(found.rank == 1 && found.shape[0] == 2 && static_cast<float *>(found.data)[1] == 3);
  // A run that fails leaves no output of the one before.
  x[0] = NAN;
  CHECK(!instance.run({nncc::view(x, {3})}, {none}));
  CHECK(!instance.output(0));
}

void testWrongArguments() {
  auto instance = newInstance();
  float x[] = {1, -2, 3}, y[3];
  auto status = instance.run({nncc::view(x, {3})}, {nncc::view(y, {3})});
  CHECK(status.code() == NNCC_NOT_SUPPORTED);
  CHECK(status.message().find("output 'y'") != std::string::npos);
  CHECK(status.message().find("nncc_instance_output") != std::string::npos);
  CHECK(!instance.output(1));
}

} // namespace

int main() {
  testWrapper();
  testMemoryOfTheInstance();
  testWrongArguments();
  return checkResult();
}
