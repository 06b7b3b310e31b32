#include "compiler/Register.h"

#include "compiler/HostRunner.h"
#include "dialects/kern/Kern.h"
#include "dialects/nn/NN.h"
#include "dialects/rt/RT.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "passes/Passes.h"
#include "passes/graph/EvaluateConstants.h"
#include "targets/cpu/Passes.h"
#include "targets/nvptx/Passes.h"

using namespace mlir;

void nncc::registerPasses() {
  static bool once = [] {
    registerAllPasses();
    registerPass([] { return createEvaluateConstants(runOnHost); }); // the first of a name counts
    registerNNCCPasses();
    cpu::registerCPUPasses();
    nvptx::registerNVPTXPasses();
    return true;
  }();
  (void)once;
}

void nncc::registerEverything(DialectRegistry &registry) {
  registry.insert<nn::NNDialect, kern::KernDialect, rt::RTDialect>();
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  registerPasses();
}
