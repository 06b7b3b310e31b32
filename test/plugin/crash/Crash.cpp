// A pass that crashes in the way its option says.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

#include <csignal>
#include <cstdlib>

using namespace mlir;

namespace {

struct Crash : PassWrapper<Crash, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Crash)

  Crash() = default;
  Crash(const Crash &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "crash"; }

  // The recursion is not the last thing that happens, so that it stays one.
  static int overflow(volatile int *previous) {
    volatile int here[1000] = {*previous};
    return overflow(here) + here[999];
  }

  void runOnOperation() override {
    volatile int zero = 0;
    if (how == "abort")
      std::abort();
    if (how == "signal")
      std::raise(SIGSEGV);
    if (how == "fatal")
      llvm::report_fatal_error("on purpose");
    if (how == "overflow")
      overflow(&zero);
    if (how == "kill")
      std::raise(SIGKILL);
  }

  Option<std::string> how{*this, "how", llvm::cl::desc("abort, signal, fatal, overflow, kill")};
};

} // namespace

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "crash", "1.0", [] { PassRegistration<Crash>(); }};
}
