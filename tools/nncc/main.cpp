// nncc: compiles neural networks, runs and measures them.
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Isolate.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Signals.h"

#include <csignal>

using namespace nncc::tool;

static int runCommandLine() {
  if (runCommand())
    return runMain();
  if (benchCommand())
    return benchMain();
  if (compareCommand())
    return compareMain();
  if (checkCommand())
    return checkMain();
  if (inspectCommand())
    return inspectMain();
  if (tuneCommand())
    return tuneMain();
  if (calibrateCommand())
    return calibrateMain();
  return compileMain();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg("nncc: the stack at the crash:\n");
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of the write
  if (!parseCommandLine(argc, argv))
    return static_cast<int>(nncc::ErrorClass::Usage);
  int code = isolated(runCommandLine);
  if (code == static_cast<int>(nncc::ErrorClass::Internal) && compileCommand())
    reproduceCompilation();
  return code;
}
