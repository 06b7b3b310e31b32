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

Expected<std::vector<Tensor>> readReference(const std::string &path, ArrayRef<std::string> names) {
  if (tensorFormat(path) == TensorFormat::Npz)
    return readTensors(path);
  if (!sys::fs::is_directory(path))
    return usageError("--reference=" + path +
                      ": expected an .npz, a folder of output_N.pb or NAME.npy, or ort");
  std::vector<Tensor> tensors;
  for (auto [index, name] : enumerate(names)) {
    std::string file = path + "/output_" + std::to_string(index) + ".pb";
    if (!sys::fs::exists(file))
      file = path + "/" + fileName(name) + ".npy";
    if (!sys::fs::exists(file))
      continue;
    Expected<std::vector<Tensor>> read = readTensors(file);
    if (!read)
      return read;
    read->front().name = name;
    tensors.push_back(std::move(read->front()));
  }
  return tensors;
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

Expected<std::vector<Tensor>> runOnnxRuntime(const std::string &python, const std::string &model,
                                             ArrayRef<Tensor> inputs, ArrayRef<std::string> names) {
  ErrorOr<std::string> interpreter = sys::findProgramByName(python);
  if (!interpreter)
    return usageError("--reference=ort: no Python interpreter '" + python + "': see --python");
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return usageError(toString(folder.takeError()));
  std::string in = folder->path() + "/in.npz", out = folder->path() + "/out.npz",
              wanted = folder->path() + "/names", messages = folder->path() + "/messages";
  if (Error error = writeTensors(in, inputs))
    return std::move(error);
  std::string lines; // a name of ONNX can hold anything but this
  for (const std::string &name : names)
    lines += name + '\0';
  if (Error error = writeFile(wanted, lines))
    return usageError(toString(std::move(error)));
  std::string script = scriptPath(), problem;
  StringRef arguments[] = {*interpreter, script, model, in, wanted, out};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(messages), StringRef(messages)};
  int status =
      sys::ExecuteAndWait(*interpreter, arguments, std::nullopt, redirects, 0, 0, &problem);
  if (status != 0)
    return usageError("--reference=ort: " + (problem.empty() ? textOf(messages) : problem));
  return readTensors(out);
}

} // namespace nncc::tool
