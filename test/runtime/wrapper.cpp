// The C++ wrapper: ownership, results, exceptions.
#include "nncc/nncc.hpp"

#include "arguments.h"
#include "check.h"

static nncc::Model model() { return nncc::Model::fromDescriptor(nncc_model_small()).value(); }

static void testRun() {
  auto instance = nncc::Instance::create(model()).value(); // which keeps its model
  static Arguments a;
  setArguments(&a, 6, 3);
  auto x = nncc::view(a.x, {6, 4}), y = nncc::view(static_cast<const float *>(a.y), {6, 4}, "y");
  auto outputs = instance({x, y}).value();
  CHECK(outputs.size() == 2 && outputs[1].shape() == std::vector<int64_t>{12});
  CHECK(outputs[0].bytes() == 6 * 4 * 4 && outputs[0].data<int32_t>() == nullptr);
  std::memcpy(a.z, outputs[0].data<float>(), outputs[0].bytes());
  std::memcpy(a.pairs, outputs[1].data<float>(), outputs[1].bytes());
  CHECK(resultsAreRight(&a));

  setArguments(&a, 6, 4);
  CHECK(instance.run({x, y}, {nncc::view(a.z, {6, 4}), nncc::view(a.pairs, {12})}));
  CHECK(resultsAreRight(&a));
  nncc::Instance moved = std::move(instance);
  CHECK(moved.bind({nncc::view(a.x, {2, 4}), nncc::view(a.y, {2, 4})}));
  CHECK(moved.outputShape(0).value() == (std::vector<int64_t>{2, 4}));
}

static void testFailures() {
  auto missing = nncc::Model::open("/no/such/model.so");
  CHECK(!missing && missing.status().code() == NNCC_IO_ERROR);
  CHECK(missing.status().message().find("/no/such/model.so") != std::string::npos);
  bool thrown = false;
  try {
    missing.value();
  } catch (const nncc::Error &error) {
    thrown = error.code() == NNCC_IO_ERROR && missing.status().message() == error.what();
  }
  CHECK(thrown);
  auto instance = nncc::Instance::create(model()).value();
  float x[4] = {};
  auto result = instance({nncc::view(x, {4})});
  CHECK(!result && result.status().code() == NNCC_INVALID_ARGUMENT);
  CHECK(!nncc::Tensor::create(NNCC_STRING, {2}));
  auto here = nncc::view(x, {1, 4});
  auto there = instance({here, here.onDevice()});
  CHECK(!there && there.status().message().find("memory of a device") != std::string::npos);
  auto memory = nncc::DeviceMemory::create(instance, 64);
  CHECK(!memory && memory.status().code() == NNCC_NOT_SUPPORTED);
}

int main() {
  CHECK(model().metadata("task") == "arithmetic" && model().metadata("none").empty());
  CHECK(model().inputs().size() == 2 && model().outputs()[1].rank == 1);
  testRun();
  testFailures();
  return checkResult();
}
