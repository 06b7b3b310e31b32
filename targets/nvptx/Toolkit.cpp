#include "targets/nvptx/Toolkit.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <vector>

using namespace llvm;

namespace nncc::nvptx {

bool isToolkitGiven() { return sys::Process::GetEnv("CUDA_ROOT").has_value(); }

static std::vector<std::string> roots() {
  if (std::optional<std::string> root = sys::Process::GetEnv("CUDA_ROOT"))
    return {*root};
  std::vector<std::string> roots;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (std::optional<std::string> root = sys::Process::GetEnv(variable))
      roots.push_back(*root);
  if (ErrorOr<std::string> found = sys::findProgramByName("ptxas"))
    roots.push_back(sys::path::parent_path(sys::path::parent_path(*found)).str());
  roots.push_back("/usr/local/cuda");
  return roots;
}

std::optional<std::string> findInToolkit(StringRef file) {
  for (const std::string &root : roots()) {
    SmallString<128> path(root);
    sys::path::append(path, file);
    if (sys::fs::is_regular_file(path))
      return path.str().str();
  }
  return std::nullopt;
}

} // namespace nncc::nvptx
