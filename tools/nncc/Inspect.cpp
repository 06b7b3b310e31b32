// nncc inspect: what is in a compiled library or an ONNX file, without running it.
#include "tools/nncc/Inspect.h"
#include "compiler/import/ModelFile.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Model.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("<model.so|model.onnx>"),
                                  cl::cat(category()), cl::sub(inspectCommand()));
static cl::opt<int> threads("threads", cl::desc("Threads that the workspace is computed for"),
                            cl::init(1), cl::cat(category()), cl::sub(inspectCommand()));

/// {"name", "type", "shape"} with the names of open sizes in the shape; null where each tensor of a
/// sequence has a rank of its own.
static JsonObject valueObject(const ValueInfo &info) {
  JsonArray shape;
  for (auto [size, name] : zip_equal(info.shape, info.dims)) {
    if (size >= 0)
      shape.push_back(size);
    else
      shape.push_back(name.empty() ? "?" : llvm::json::fixUTF8(name));
  }
  JsonObject object{{"name", llvm::json::fixUTF8(info.name)}, {"type", info.kindText()}};
  object["shape"] = info.ranked ? llvm::json::Value(std::move(shape)) : nullptr;
  return object;
}

/// A value of a library; with the names of the tensors that it is handed over as, where that is
/// more than one.
static JsonObject libraryValue(const nncc_model *library, const nncc_value_info &info, bool input) {
  JsonObject object = valueObject(ValueInfo::of(library, info));
  JsonArray parts;
  for (int32_t i = info.first; i < info.first + info.count; ++i)
    parts.push_back(
        text((input ? nncc_model_input(library, i) : nncc_model_output(library, i))->name));
  if (info.count > 1)
    object["parts"] = std::move(parts);
  return object;
}

static JsonArray dimValues(const nncc_model *library) {
  JsonArray dims;
  for (int32_t i = 0; i < nncc_model_num_dims(library); ++i) {
    const nncc_dim *dim = nncc_model_dim(library, i);
    JsonObject value{{"name", text(dim->name)}, {"min", dim->min}};
    if (dim->max >= 0)
      value["max"] = dim->max;
    dims.push_back(std::move(value));
  }
  return dims;
}

/// Memory for the sizes in --dim, where they are all known.
static Error addMemory(const nncc_model *library, const CompileOptions &options, JsonObject &out) {
  const nncc_descriptor *descriptor = nncc_model_descriptor(library);
  std::vector<int64_t> dims;
  for (int32_t i = 0; i < nncc_model_num_dims(library); ++i) {
    auto given = options.dims.find(nncc_model_dim(library, i)->name);
    dims.push_back(given == options.dims.end() ? -1 : given->second);
  }
  if (descriptor->infer && !dims.empty())
    if (nncc_status status = descriptor->infer(dims.data()))
      return usageError("these sizes are not possible (" + Twine(nncc_status_name(status)) + ")");
  if (is_contained(dims, -1)) {
    out["memory"] = "depends on the sizes: give all of them with --dim";
    return Error::success();
  }
  int64_t arena = 0, scratch = 0;
  uint64_t workspace = 0;
  if (nncc_status status = descriptor->plan(dims.data(), &arena, &scratch))
    return usageError("these sizes are not possible (" + Twine(nncc_status_name(status)) + ")");
  JsonObject memory{{"arena_bytes", arena}};
  nncc_status status = nncc_model_workspace_size(library, dims.data(), threads, &workspace);
  if (descriptor->device == NNCC_DEVICE_CPU) {
    if (status)
      return runtimeError(status);
    memory["threads"] = int64_t(threads);
  }
  if (!status) // a device that is not here has nobody know its number of workers
    memory["workspace_bytes"] = workspace;
  memory[descriptor->device == NNCC_DEVICE_CPU ? "scratch_bytes_per_thread"
                                               : "scratch_bytes_per_block"] = scratch;
  if (descriptor->live_size)
    memory["live_bytes"] = descriptor->live_size;
  out["memory"] = std::move(memory);
  return Error::success();
}

/// Symbols that the library exports, and those that it needs.
static Error addSymbols(const std::string &path, JsonObject &out) {
  auto binary = object::ObjectFile::createObjectFile(path);
  if (!binary)
    return usageError(path + ": " + toString(binary.takeError()));
  auto *elf = dyn_cast<object::ELFObjectFileBase>(binary->getBinary());
  if (!elf)
    return Error::success();
  JsonArray exports, needs;
  for (object::ELFSymbolRef symbol : elf->getDynamicSymbolIterators()) {
    Expected<StringRef> name = symbol.getName();
    Expected<uint32_t> flags = symbol.getFlags();
    if (!name || !flags)
      return usageError(path + ": " + toString(joinErrors(name.takeError(), flags.takeError())));
    if (!name->empty())
      (*flags & object::SymbolRef::SF_Undefined ? needs : exports).push_back(name->str());
  }
  out["exports"] = std::move(exports);
  out["needs"] = std::move(needs);
  return Error::success();
}

static Expected<JsonObject> inspectLibrary(const CompileOptions &options) {
  Expected<ModelHandle> opened = openLibrary(model, NNCC_OPEN_ANY_ISA);
  if (!opened)
    return opened.takeError();
  const nncc_model *library = opened->get();
  const nncc_descriptor *descriptor = nncc_model_descriptor(library);
  JsonArray inputs, outputs;
  for (int32_t i = 0; i < nncc_model_num_input_values(library); ++i)
    inputs.push_back(libraryValue(library, *nncc_model_input_value(library, i), true));
  for (int32_t i = 0; i < nncc_model_num_output_values(library); ++i)
    outputs.push_back(libraryValue(library, *nncc_model_output_value(library, i), false));
  JsonObject metadata;
  for (int32_t i = 0; i < nncc_model_num_metadata(library); ++i) {
    const nncc_metadata *entry = nncc_model_metadata(library, i);
    metadata[text(entry->key)] = text(entry->value);
  }
  JsonObject weights{{"bytes", descriptor->weights_size},
                     {"hash", utohexstr(descriptor->weights_hash, /*LowerCase=*/true, 16)}};
  weights["place"] = descriptor->weights ? "embedded" : text(descriptor->weights_file);
  bool runsHere = nncc_level_check(descriptor) == NNCC_OK;
  std::string why = runsHere ? "" : nncc_last_error();
  JsonObject result{{"file", model.getValue()},
                    {"name", text(descriptor->name)},
                    {"compiler", text(descriptor->compiler)},
                    {"abi", formatv("{0}.{1}", descriptor->abi_major, descriptor->abi_minor).str()},
                    {"triple", text(descriptor->triple)},
                    {"processor", text(descriptor->cpu)},
                    {"instructions", text(descriptor->isa)},
                    {"runs_here", runsHere},
                    {"levels", levelValues(descriptor)},
                    {"images", imageValues(descriptor)},
                    {"inputs", std::move(inputs)},
                    {"outputs", std::move(outputs)},
                    {"dims", dimValues(library)},
                    {"metadata", std::move(metadata)},
                    {"weights", std::move(weights)},
                    {"kernels", kernelValues(library)}};
  if (!runsHere)
    result["why_not_here"] = text(why.c_str());
  if (Error error = addMemory(library, options, result))
    return std::move(error);
  if (Error error = addSymbols(model, result))
    return std::move(error);
  return result;
}

/// The same for an input or output of an ONNX file.
static llvm::json::Value valueInfo(const onnx::ValueInfoProto &proto) {
  Expected<ValueInfo> info = ValueInfo::of(proto);
  if (info)
    return valueObject(*info);
  consumeError(info.takeError());
  return JsonObject{{"name", llvm::json::fixUTF8(proto.name())},
                    {"type", "neither a tensor nor a sequence or optional of tensors"},
                    {"shape", nullptr}};
}

static Expected<JsonObject> inspectOnnx() {
  Expected<ModelFile> file = ModelFile::open(model);
  if (!file)
    return file.takeError();
  const onnx::ModelProto &proto = file->proto();
  const onnx::GraphProto &graph = proto.graph();
  JsonObject opsets, operators;
  for (const auto &opset : proto.opset_import())
    opsets[llvm::json::fixUTF8(opset.domain().empty() ? "ai.onnx" : opset.domain())] =
        opset.version();
  StringMap<int64_t> counts;
  for (const auto &node : graph.node())
    ++counts[node.op_type()];
  for (const auto &[name, count] : counts)
    operators[llvm::json::fixUTF8(name)] = count;
  int64_t bytes = 0;
  StringMap<bool> initializers;
  for (const auto &tensor : graph.initializer()) {
    initializers[tensor.name()] = true;
    bytes += std::max<int64_t>(
        0, nncc_tensor_bytes(tensor.data_type(), tensor.dims_size(), tensor.dims().data()));
  }
  JsonArray inputs, outputs;
  for (const auto &input : graph.input())
    if (!initializers.contains(input.name()))
      inputs.push_back(valueInfo(input));
  for (const auto &output : graph.output())
    outputs.push_back(valueInfo(output));
  JsonObject metadata;
  for (const auto &entry : proto.metadata_props())
    metadata[llvm::json::fixUTF8(entry.key())] = llvm::json::fixUTF8(entry.value());
  return JsonObject{
      {"file", model.getValue()},
      {"name", llvm::json::fixUTF8(graph.name())},
      {"producer", llvm::json::fixUTF8(proto.producer_name() + " " + proto.producer_version())},
      {"ir_version", proto.ir_version()},
      {"opsets", std::move(opsets)},
      {"inputs", std::move(inputs)},
      {"outputs", std::move(outputs)},
      {"metadata", std::move(metadata)},
      {"weights", JsonObject{{"bytes", bytes}, {"count", graph.initializer_size()}}},
      {"operators", std::move(operators)}};
}

int inspectMain() {
  Expected<CompileOptions> options = commonOptions();
  if (!options)
    return fail(options.takeError());
  Expected<JsonObject> result = isSource(model) ? inspectOnnx() : inspectLibrary(*options);
  if (!result)
    return fail(result.takeError());
  if (json())
    outs() << formatv("{0:2}\n", llvm::json::Value(std::move(*result)));
  else
    printText(*result);
  return 0;
}

} // namespace nncc::tool
