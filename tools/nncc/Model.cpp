#include "tools/nncc/Model.h"

#include "compiler/import/ModelFile.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Isolate.h"
#include "tools/nncc/Reproducer.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nncc::tool {

Error runtimeError(nncc_status status) {
  ErrorClass kind = ErrorClass::Usage;
  if (status == NNCC_ABI_MISMATCH)
    kind = ErrorClass::InvalidModel;
  else if (status == NNCC_NOT_SUPPORTED || status == NNCC_ISA_MISSING)
    kind = ErrorClass::Unsupported;
  else if (status == NNCC_INTERNAL)
    kind = ErrorClass::Internal;
  return make_error<CompileError>(kind, nncc_last_error());
}

std::string InputInfo::typeText() const {
  std::string text = nncc_type_name(type);
  text += '[';
  for (size_t d = 0; d < shape.size(); ++d) {
    text += d ? ", " : "";
    text += shape[d] >= 0 ? std::to_string(shape[d]) : dims[d].empty() ? "?" : dims[d];
  }
  return text + ']';
}

Expected<ModelHandle> openLibrary(const std::string &path, uint32_t flags) {
  nncc_open_options options = NNCC_OPEN_OPTIONS_INIT;
  options.flags = flags;
  nncc_model *model = nullptr;
  if (nncc_status status = nncc_model_open(path.c_str(), &options, &model))
    return runtimeError(status);
  return ModelHandle(model);
}

Expected<std::vector<Tensor>> makeOutputs(const nncc_model *model, const nncc_instance *instance) {
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
    output->name = info->name;
    output->isOfRun = isOfRun;
    outputs.push_back(std::move(*output));
  }
  return outputs;
}

Error takeRunOutputs(const nncc_instance *instance, MutableArrayRef<Tensor> outputs) {
  for (auto [i, output] : llvm::enumerate(outputs)) {
    nncc_tensor found;
    if (!output.isOfRun)
      continue;
    if (nncc_status status = nncc_instance_output(instance, i, &found))
      return runtimeError(status);
    Expected<Tensor> copy =
        Tensor::create(found.type, std::vector<int64_t>(found.shape, found.shape + found.rank));
    if (!copy)
      return copy.takeError();
    std::memcpy(copy->bytes().data(), found.data, copy->bytes().size());
    copy->name = output.name;
    copy->isOfRun = true;
    output = std::move(*copy);
  }
  return Error::success();
}

Expected<std::vector<Tensor>> runOnce(nncc_model *model, ArrayRef<Tensor> inputs, int threads) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.threads = threads;
  nncc_instance *created = nullptr;
  if (nncc_status status = nncc_instance_create(model, &options, &created))
    return runtimeError(status);
  InstanceHandle instance(created);
  std::vector<nncc_tensor> in, out;
  for (const Tensor &tensor : inputs)
    in.push_back(tensor.view(nullptr));
  if (nncc_status status = nncc_instance_bind(instance.get(), in.data(), in.size()))
    return runtimeError(status);
  Expected<std::vector<Tensor>> results = makeOutputs(model, instance.get());
  if (!results)
    return results;
  for (const Tensor &tensor : *results)
    out.push_back(tensor.view(nullptr));
  if (nncc_status status =
          nncc_instance_run(instance.get(), in.data(), in.size(), out.data(), out.size()))
    return runtimeError(status);
  if (Error error = takeRunOutputs(instance.get(), *results))
    return std::move(error);
  return results;
}

static std::vector<InputInfo> inputsOf(const nncc_model *model) {
  std::vector<InputInfo> inputs;
  for (int32_t i = 0; i < nncc_model_num_inputs(model); ++i) {
    const nncc_tensor_info *info = nncc_model_input(model, i);
    InputInfo input{info->name, info->type, {}, {}};
    for (int64_t size : ArrayRef(info->shape, info->rank)) {
      input.shape.push_back(std::max<int64_t>(size, -1));
      input.dims.push_back(size < 0 ? nncc_model_dim(model, -1 - size)->name : "");
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

static Expected<std::vector<InputInfo>> inputsOf(const onnx::GraphProto &graph) {
  StringSet<> initializers;
  for (const onnx::TensorProto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  std::vector<InputInfo> inputs;
  for (const onnx::ValueInfoProto &value : graph.input()) {
    if (initializers.contains(value.name()))
      continue;
    if (value.type().value_case() == onnx::TypeProto::VALUE_NOT_SET)
      return make_error<CompileError>(ErrorClass::InvalidModel,
                                      "input '" + value.name() + "': has no type");
    if (!value.type().has_tensor_type())
      return unsupportedError("input '" + value.name() + "' is not a tensor");
    const onnx::TypeProto_Tensor &type = value.type().tensor_type();
    InputInfo input{value.name(), type.elem_type(), {}, {}};
    for (const onnx::TensorShapeProto_Dimension &dim : type.shape().dim()) {
      bool known = dim.has_dim_value() && dim.dim_value() >= 0;
      input.shape.push_back(known ? dim.dim_value() : -1);
      input.dims.push_back(known || dim.dim_param() == "?" ? "" : dim.dim_param());
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

bool isSource(StringRef path) {
  StringRef extension = sys::path::extension(path);
  return extension == ".onnx" || extension == ".mlir";
}

Expected<Model> Model::open(const std::string &path) {
  Model model;
  model.path = path;
  if (sys::path::extension(path) == ".mlir")
    return usageError(path + ": compile it first: nncc " + path + " -o model.so");
  if (isSource(path)) {
    Expected<ModelFile> file = ModelFile::open(path);
    if (!file)
      return file.takeError();
    Expected<std::vector<InputInfo>> inputs = inputsOf(file->proto().graph());
    if (!inputs)
      return inputs.takeError();
    model.infos = std::move(*inputs);
    return model;
  }
  Expected<ModelHandle> library = openLibrary(path);
  if (!library)
    return library.takeError();
  model.library = std::move(*library);
  model.infos = inputsOf(model.library.get());
  return model;
}

Error Model::prepare(const CompileOptions &options, ArrayRef<Tensor> inputs) {
  if (library)
    return Error::success();
  Expected<TemporaryFolder> created = TemporaryFolder::create();
  if (!created)
    return usageError(toString(created.takeError()));
  folder.emplace(std::move(*created));
  CompileOptions forInputs = options;
  forInputs.input = path;
  forInputs.output = folder->path() + "/model.so";
  for (auto [info, tensor] : zip_equal(infos, inputs))
    if (is_contained(info.shape, -1))
      forInputs.shapes.emplace(info.name, tensor.shape);
  auto compileHere = [&] {
    Expected<CompileReport> report = compile(forInputs);
    return report ? 0 : fail(report.takeError());
  };
  if (int code = isolated(compileHere)) {
    forInputs.output = (sys::path::stem(path) + ".so").str();
    if (code == static_cast<int>(ErrorClass::Internal))
      writeReproducer(forInputs, (sys::path::stem(path) + ".crash.mlir").str());
    return make_error<ReportedError>(code);
  }
  Expected<ModelHandle> opened = openLibrary(forInputs.output);
  if (!opened)
    return opened.takeError();
  library = std::move(*opened);
  return Error::success();
}

} // namespace nncc::tool
