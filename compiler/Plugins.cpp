#include "compiler/Plugins.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "passes/Passes.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

#define NNCC_STRING(text) #text
#define NNCC_STRING_OF(macro) NNCC_STRING(macro)

/// Every plug-in refers to it: see cmake/PluginAbi.cpp.
extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT const char NNCC_ABI_SYMBOL = 0;

namespace nncc {

/// What the loader says of a plug-in for another nncc, as a user understands it.
static Error explain(StringRef file, Error error) {
  std::string message = llvm::toString(std::move(error));
  StringRef wanted = StringRef(message).substr(message.find("nncc_abi_"));
  wanted = wanted.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (wanted.empty())
    return llvm::createStringError("cannot load the pass plug-in '" + file + "': " + message);
  return llvm::createStringError("the pass plug-in '" + file + "' was built for " + wanted +
                                 ", this is " NNCC_STRING_OF(NNCC_ABI_SYMBOL) ": build it again");
}

Error loadPlugins(const std::vector<std::string> &files) {
  for (const std::string &file : files) {
    Expected<PassPlugin> plugin = PassPlugin::load(file);
    if (!plugin)
      return explain(file, plugin.takeError());
    plugin->registerPassRegistryCallbacks();
  }
  return Error::success();
}

LogicalResult applyPatternFile(ModuleOp module, StringRef file) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  ApplyPatternsOptions options;
  options.file = file.str();
  pm.addPass(createApplyPatterns(std::move(options)));
  return pm.run(module); // the verifier is on
}

} // namespace nncc
