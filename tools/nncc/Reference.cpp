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

Expected<std::vector<Value>> runOnnxRuntime(const std::string &python, const std::string &model,
                                            ArrayRef<Value> inputs, ArrayRef<Value> results) {
  for (ArrayRef<Value> values : {inputs, results})
    for (const Value &value : values)
      if (!value.isNumbers())
        return unsupportedError("--reference=ort passes tensors of numbers, '" + value.name +
                                "' is " + value.typeText() +
                                "; give a folder of output_N.pb as the reference");
  ErrorOr<std::string> interpreter = sys::findProgramByName(python);
  if (!interpreter)
    return usageError("--reference=ort: no Python interpreter '" + python + "': see --python");
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return usageError(toString(folder.takeError()));
  std::string in = folder->path() + "/in.npz", out = folder->path() + "/out.npz",
              wanted = folder->path() + "/names", messages = folder->path() + "/messages";
  if (Error error = writeValues(in, inputs))
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
  return readValues(out);
}

} // namespace nncc::tool
