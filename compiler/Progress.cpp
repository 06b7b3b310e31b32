#include "compiler/Progress.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <sys/resource.h>

namespace nncc {

static int64_t peakMemory() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024; // KiB on Linux
}

void Progress::begin(llvm::StringRef stage) {
  current = stage.str();
  start = std::chrono::steady_clock::now();
  if (options.progress && !options.verbose) {
    llvm::errs() << "\r\033[K" << options.input << ": " << stage;
    isShown = true;
  }
}

CompileReport::Stage Progress::end() {
  std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  CompileReport::Stage stage{current, elapsed.count(), peakMemory()};
  if (options.verbose)
    llvm::errs() << llvm::format("%-10s %8.3f s  peak %6.0f MB\n", current.c_str(), stage.seconds,
                                 stage.peakBytes / 1e6);
  return stage;
}

Progress::~Progress() {
  if (isShown)
    llvm::errs() << "\r\033[K";
}

} // namespace nncc
