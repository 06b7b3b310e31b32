// A measured search for the plans of a model's kernels, around the choice of the cost models.
#pragma once

#include "compiler/Compiler.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

namespace nncc {

/// What one run of a library took.
struct RunTimes {
  double ms = 0;
  llvm::StringMap<double> kernels; // milliseconds of all calls of each
};

/// Runs compiled libraries and takes the time. The tool brings one: the compiler does not know the
/// runtime.
class LibraryTimer {
public:
  virtual ~LibraryTimer() = default;

  /// Runs two libraries of one model in turn, for about `seconds`, at least five times each: the
  /// times of each round.
  virtual llvm::Expected<std::vector<std::pair<RunTimes, RunTimes>>>
  race(const std::string &first, const std::string &second, double seconds) = 0;
};

struct TuneOptions {
  CompileOptions compile;  // with `tuning` as the plans to begin with; `output` is not written
  std::string output;      // the tuning file
  double budget = 60;      // seconds for all of it
  int64_t generations = 0; // at most; 0: as many as there is time for
  int64_t threads = 1;     // that the timer runs a model on
  std::function<void(const std::string &)> progress; // told what is being done
};

/// A problem before and after.
struct TunedKernel {
  std::string kernel, problem;      // one of the kernels that have this problem
  double beforeMs = 0, afterMs = 0; // of all kernels of this problem in one run
  std::string before, after;        // plans

  bool isFaster() const { return before != after; }
};

struct TuneReport {
  int64_t generations = 0, plans = 0;            // plans that were timed
  double seconds = 0, beforeMs = 0, afterMs = 0; // the model's time, as the last race had it
  std::vector<TunedKernel> kernels;              // all, what saves most first

  bool isFaster() const {
    return llvm::any_of(kernels, [](const TunedKernel &kernel) { return kernel.isFaster(); });
  }
};

/// Times other plans for each contraction, all kernels of the model at once: every generation is
/// the whole model, compiled with one other plan for each kernel and raced against the plans that
/// it began with, so that each kernel is timed where it runs. What is best is raced once more, and
/// written where it is faster still: kernel by kernel, and the model as a whole.
llvm::Expected<TuneReport> tune(const TuneOptions &options, LibraryTimer &timer);

} // namespace nncc
