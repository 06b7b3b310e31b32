#include "compiler/Plugins.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc {

Error loadPlugins(const std::vector<std::string> &files) {
  for (const std::string &file : files) {
    Expected<PassPlugin> plugin = PassPlugin::load(file);
    if (!plugin)
      return plugin.takeError();
    plugin->registerPassRegistryCallbacks();
  }
  return Error::success();
}

Error addPatternFile(OpPassManager &pm, StringRef file) {
  if (!llvm::sys::fs::exists(file))
    return llvm::createStringError("cannot read the pattern file '" + file + "': no such file");
  std::string message;
  llvm::raw_string_ostream os(message);
  if (failed(parsePassPipeline(("nncc-apply-patterns{file=" + file + "}").str(), pm, os)))
    return llvm::createStringError(message);
  return Error::success();
}

} // namespace nncc
