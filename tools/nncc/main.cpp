// nncc: compiles neural networks, runs and measures them.
#include "tools/nncc/CommandLine.h"

#include "llvm/Support/InitLLVM.h"

using namespace nncc::tool;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (!parseCommandLine(argc, argv))
    return static_cast<int>(nncc::ErrorClass::Usage);
  if (runCommand())
    return runMain();
  if (benchCommand())
    return benchMain();
  if (checkCommand())
    return checkMain();
  if (inspectCommand())
    return inspectMain();
  return compileMain();
}
