// The library behind the tools.
#pragma once

#include "compiler/Options.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace nncc {

/// An error of a compilation: its message (the diagnostics, one per line) and its class.
class CompileError : public llvm::ErrorInfo<CompileError> {
public:
  static char ID;
  CompileError(ErrorClass kind, std::string message) : kind(kind), message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  ErrorClass kind;
  std::string message;
};

/// What a compilation made, for `-v`, tests and the benchmark.
struct CompileReport {
  struct Stage {
    std::string name;
    double seconds;
    int64_t peakBytes; // of the process, after the stage
  };
  std::vector<Stage> stages;
  int64_t kernels = 0, dispatches = 0, arenaBytes = 0, scratchBytes = 0, weightsBytes = 0;
  int64_t liveBytes = 0; // the most that live in the arena together, where its size is constant
};

/// Compiles `options.input` to `options.output`. On failure nothing is left at the output's path.
llvm::Expected<CompileReport> compile(const CompileOptions &options);

/// Where `compile` writes: `options.output`, or the input's name in the current folder.
std::string outputPath(const CompileOptions &options);

/// Everything in the model that is not supported, one line each ("node 'x' (Op, ai.onnx 17): why");
/// an error where it is not a valid model at all.
llvm::Expected<std::vector<std::string>> check(const CompileOptions &options);

} // namespace nncc
