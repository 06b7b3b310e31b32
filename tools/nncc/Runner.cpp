#include "tools/nncc/Runner.h"

#include <chrono>

using namespace llvm;

namespace nncc::tool {

Expected<double> Runner::run() {
  auto start = std::chrono::steady_clock::now();
  nncc_status status =
      rawResults.empty()
          ? nncc_instance_run(instance.get(), inputs.data(), inputs.size(), outputs.data(),
                              outputs.size())
          : nncc_instance_run_values(instance.get(), rawValues.data(), rawValues.size(),
                                     rawResults.data(), rawResults.size());
  if (status)
    return runtimeError(status);
  for (nncc_value *&result : rawResults)
    nncc_value_destroy(std::exchange(result, nullptr));
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

static bool hasTensorsOnly(const nncc_model *model) {
  return nncc_model_descriptor(model)->num_input_values == 0 &&
         nncc_model_descriptor(model)->num_output_values == 0;
}

/// The outputs' shapes for the sizes that `instance` is bound to, and memory for them.
static Expected<std::vector<Tensor>> makeOutputs(const nncc_model *model,
                                                 const nncc_instance *instance) {
  std::vector<Tensor> outputs;
  for (int32_t i = 0; i < nncc_model_num_outputs(model); ++i) {
    const nncc_tensor_info *info = nncc_model_output(model, i);
    std::vector<int64_t> shape(info->rank);
    if (nncc_status status = nncc_instance_output_shape(instance, i, shape.data()))
      return runtimeError(status);
    bool isOfRun = llvm::is_contained(shape, -1);
    if (isOfRun)
      shape.assign(shape.size(), 0);
    Expected<Tensor> output = Tensor::create(info->type, std::move(shape));
    if (!output)
      return output.takeError();
    output->isOfRun = isOfRun;
    outputs.push_back(std::move(*output));
  }
  return outputs;
}

static Error addValues(nncc_model *model, ArrayRef<Value> inputs, Runner &runner) {
  for (const Value &value : inputs) {
    Expected<ValueHandle> handle = toRuntime(value);
    if (!handle)
      return handle.takeError();
    runner.rawValues.push_back(handle->get());
    runner.values.push_back(std::move(*handle));
  }
  runner.rawResults.resize(nncc_model_num_output_values(model));
  return Error::success();
}

Expected<Runner> Runner::create(nncc_model *model, ArrayRef<Value> inputs, int threads,
                                bool profile) {
  nncc_instance_options instanceOptions = NNCC_INSTANCE_OPTIONS_INIT;
  instanceOptions.threads = threads;
  instanceOptions.flags = profile ? NNCC_INSTANCE_PROFILE : 0;
  nncc_instance *created = nullptr;
  if (nncc_status status = nncc_instance_create(model, &instanceOptions, &created))
    return runtimeError(status);
  Runner runner;
  runner.instance.reset(created);
  if (!hasTensorsOnly(model)) {
    if (Error error = addValues(model, inputs, runner))
      return std::move(error);
    return runner;
  }
  for (const Value &value : inputs)
    runner.inputs.push_back(value.tensors.front().view(nullptr));
  if (nncc_status status = nncc_instance_bind(created, runner.inputs.data(), runner.inputs.size()))
    return runtimeError(status);
  Expected<std::vector<Tensor>> results = makeOutputs(model, created);
  if (!results)
    return results.takeError();
  runner.results = std::move(*results);
  for (Tensor &tensor : runner.results) {
    std::fill(tensor.bytes().begin(), tensor.bytes().end(), 0); // its pages exist from now on
    runner.outputs.push_back(tensor.view(nullptr));
  }
  return runner;
}

} // namespace nncc::tool
