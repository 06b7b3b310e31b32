#include "tools/nncc/Reference.h"

#include "compiler/Files.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Inputs.h"
#include "tools/nncc/TensorFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace nncc::tool {

Expected<std::vector<Value>> readReference(const std::string &path, ArrayRef<Value> results) {
  if (tensorFormat(path) == TensorFormat::Npz)
    return readValues(path);
  if (!sys::fs::is_directory(path))
    return usageError("--reference=" + path +
                      ": expected an .npz, a folder of output_N.pb or NAME.npy, or ort");
  std::vector<Value> values;
  for (auto [index, result] : enumerate(results)) {
    std::string file = path + "/output_" + std::to_string(index) + ".pb";
    if (!sys::fs::exists(file))
      file = path + "/" + fileName(result.name) + valueExtension(result.kind);
    if (!sys::fs::exists(file))
      continue;
    Expected<std::vector<Value>> read = readValues(file, result.kind);
    if (!read)
      return read;
    read->front().name = result.name;
    values.push_back(std::move(read->front()));
  }
  return values;
}

/// runtime/python/nncc/_reference.py, where a build and an installation have it.
static std::string scriptPath() {
  std::string tool = sys::fs::getMainExecutable(nullptr, nullptr);
  SmallString<128> path(sys::path::parent_path(sys::path::parent_path(tool)));
  sys::path::append(path, "lib", "python", "nncc", "_reference.py");
  return path.str().str();
}

static std::string textOf(const std::string &file) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> text = MemoryBuffer::getFile(file);
  return text ? (*text)->getBuffer().trim().str() : "";
}

/// Where the script reads inputs and writes results: an .npz, or a folder where some are no tensors
/// of numbers.
static Error writeInputs(const std::string &path, ArrayRef<Value> inputs, bool asNpz) {
  if (asNpz)
    return writeValues(path, inputs);
  if (std::error_code error = sys::fs::create_directories(path))
    return usageError(path + ": " + error.message());
  for (auto [index, value] : enumerate(inputs))
    if (Error error = writeValues(path + "/input_" + std::to_string(index) + ".pb", value))
      return error;
  return Error::success();
}

Expected<std::vector<Value>> runOnnxRuntime(const std::string &python, const std::string &model,
                                            ArrayRef<Value> inputs, ArrayRef<Value> results) {
  ErrorOr<std::string> interpreter = sys::findProgramByName(python);
  if (!interpreter)
    return usageError("--reference=ort: no Python interpreter '" + python + "': see --python");
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return usageError(toString(folder.takeError()));
  auto isNumbers = [](const Value &value) { return value.isNumbers(); };
  bool asNpz = all_of(inputs, isNumbers) && all_of(results, isNumbers);
  std::string in = folder->path() + (asNpz ? "/in.npz" : "/values"),
              out = asNpz ? folder->path() + "/out.npz" : in, wanted = folder->path() + "/names",
              messages = folder->path() + "/messages";
  if (Error error = writeInputs(in, inputs, asNpz))
    return std::move(error);
  std::string lines; // a name of ONNX can hold anything but this
  for (const Value &result : results)
    lines += result.name + '\0';
  if (Error error = writeFile(wanted, lines))
    return usageError(toString(std::move(error)));
  std::string script = scriptPath(), problem;
  StringRef arguments[] = {*interpreter, script, model, in, wanted, out};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(messages), StringRef(messages)};
  int status =
      sys::ExecuteAndWait(*interpreter, arguments, std::nullopt, redirects, 0, 0, &problem);
  if (status != 0)
    return usageError("--reference=ort: " + (problem.empty() ? textOf(messages) : problem));
  return readReference(out, results);
}

} // namespace nncc::tool
