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

Expected<ModelHandle> openLibrary(const std::string &path, uint32_t flags) {
  nncc_open_options options = NNCC_OPEN_OPTIONS_INIT;
  options.flags = flags;
  options.level = level();
  nncc_model *model = nullptr;
  if (nncc_status status = nncc_model_open(path.c_str(), &options, &model))
    return runtimeError(status);
  return ModelHandle(model);
}

Expected<std::vector<Value>> runOnce(nncc_model *model, ArrayRef<Value> inputs, int threads) {
  nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
  options.threads = threads;
  nncc_instance *created = nullptr;
  if (nncc_status status = nncc_instance_create(model, &options, &created))
    return runtimeError(status);
  InstanceHandle instance(created);
  std::vector<ValueHandle> in, out(nncc_model_num_output_values(model));
  std::vector<nncc_value *> rawIn, rawOut(out.size());
  for (const Value &value : inputs) {
    Expected<ValueHandle> handle = toRuntime(value);
    if (!handle)
      return handle.takeError();
    rawIn.push_back(handle->get());
    in.push_back(std::move(*handle));
  }
  if (nncc_status status = nncc_instance_run_values(created, rawIn.data(), rawIn.size(),
                                                    rawOut.data(), rawOut.size()))
    return runtimeError(status);
  std::vector<Value> results;
  for (auto [handle, raw] : zip_equal(out, rawOut))
    handle.reset(raw);
  for (auto [index, handle] : enumerate(out)) {
    Expected<Value> value = fromRuntime(handle.get(), *nncc_model_output_value(model, index));
    if (!value)
      return value.takeError();
    results.push_back(std::move(*value));
  }
  return results;
}

static std::vector<ValueInfo> inputsOf(const nncc_model *model) {
  std::vector<ValueInfo> inputs;
  for (int32_t i = 0; i < nncc_model_num_input_values(model); ++i)
    inputs.push_back(ValueInfo::of(model, *nncc_model_input_value(model, i)));
  return inputs;
}

static Expected<std::vector<ValueInfo>> inputsOf(const onnx::GraphProto &graph) {
  StringSet<> initializers;
  for (const onnx::TensorProto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  std::vector<ValueInfo> inputs;
  for (const onnx::ValueInfoProto &value : graph.input()) {
    if (initializers.contains(value.name()))
      continue;
    Expected<ValueInfo> info = ValueInfo::of(value);
    if (!info)
      return info.takeError();
    inputs.push_back(std::move(*info));
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
    Expected<std::vector<ValueInfo>> inputs = inputsOf(file->proto().graph());
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

Error Model::prepare(const CompileOptions &options, ArrayRef<Value> inputs) {
  if (library)
    return Error::success();
  Expected<TemporaryFolder> created = TemporaryFolder::create();
  if (!created)
    return usageError(toString(created.takeError()));
  folder.emplace(std::move(*created));
  CompileOptions forInputs = options;
  forInputs.input = path;
  forInputs.output = folder->path() + "/model.so";
  for (auto [info, value] : zip_equal(infos, inputs)) {
    if (info.isTensor() && (!info.ranked || is_contained(info.shape, -1)))
      forInputs.shapes.emplace(info.name, value.tensors.front().shape);
    else if (std::optional<size_t> rank = info.ranked ? std::nullopt : value.rank())
      forInputs.shapes.emplace(info.name, std::vector<int64_t>(*rank, -1));
  }
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
