// nncc-opt: runs passes over IR in text form; for tests and for those who write passes.
#include "compiler/Plugins.h"
#include "compiler/Register.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

/// Loads the pass plug-ins that the command line names, and takes them from it. MLIR would go on
/// without one that cannot be loaded, and would know its passes only in --pass-pipeline.
static llvm::Error loadPlugins(llvm::SmallVectorImpl<char *> &arguments) {
  std::vector<std::string> plugins;
  for (size_t i = 1; i < arguments.size();) {
    llvm::StringRef argument = arguments[i];
    argument.consume_front("-");
    size_t used = 0;
    if (argument.consume_front("-load-pass-plugin=") ||
        argument.consume_front("load-pass-plugin=")) {
      plugins.push_back(argument.str());
      used = 1;
    } else if ((argument == "-load-pass-plugin" || argument == "load-pass-plugin") &&
               i + 1 < arguments.size()) {
      plugins.push_back(arguments[i + 1]);
      used = 2;
    }
    arguments.erase(arguments.begin() + i, arguments.begin() + i + used);
    i += used == 0;
  }
  return nncc::loadPlugins(plugins);
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  nncc::registerEverything(registry);
  llvm::SmallVector<char *> arguments(argv, argv + argc);
  if (llvm::Error error = loadPlugins(arguments)) {
    llvm::errs() << "nncc-opt: error: " << llvm::toString(std::move(error)) << "\n";
    return 1;
  }
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      static_cast<int>(arguments.size()), arguments.data(), "nncc's pass driver\n", registry));
}
