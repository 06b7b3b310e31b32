#include "targets/nvptx/Toolkit.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <vector>

using namespace llvm;

namespace nncc::nvptx {

std::optional<std::string> findInToolkit(StringRef file) {
  std::vector<std::string> roots;
  for (const char *variable : {"CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"})
    if (std::optional<std::string> root = sys::Process::GetEnv(variable))
      roots.push_back(*root);
  if (ErrorOr<std::string> found = sys::findProgramByName("ptxas"))
    roots.push_back(sys::path::parent_path(sys::path::parent_path(*found)).str());
  roots.push_back("/usr/local/cuda");
  for (const std::string &root : roots) {
    SmallString<128> path(root);
    sys::path::append(path, file);
    if (sys::fs::is_regular_file(path))
      return path.str().str();
  }
  return std::nullopt;
}

} // namespace nncc::nvptx
