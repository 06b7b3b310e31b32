// What a user sees while a model compiles.
#pragma once

#include "compiler/Compiler.h"

#include <chrono>

namespace nncc {

class Progress {
public:
  explicit Progress(const CompileOptions &options) : options(options) {}
  ~Progress();

  void begin(llvm::StringRef stage);
  /// The time and the peak memory of the stage that began last.
  CompileReport::Stage end();

private:
  const CompileOptions &options;
  std::string current;
  std::chrono::steady_clock::time_point start;
  bool isShown = false;
};

} // namespace nncc
