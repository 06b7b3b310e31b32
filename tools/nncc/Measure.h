// Timing of a model.
#pragma once

#include "tools/nncc/Model.h"

namespace nncc::tool {

struct MeasureOptions {
  int threads = 0;        ///< 0: one per processor
  int64_t warmup = 3;     ///< runs that do not count
  int64_t iterations = 0; ///< 0: as many as `seconds` allow, at least 5
  double seconds = 2;
  bool profile = false;
};

/// All call sites of one kernel.
struct KernelTime {
  std::string kernel;
  std::vector<std::string> nodes; ///< ONNX nodes that it computes, in program order
  int64_t dispatches = 0;         ///< calls in one run
  double ms = 0;                  ///< of all of them in one run, on average
  double flops = 0, bytes = 0;    ///< of all of them in one run
};

struct Measurement {
  int32_t threads = 0;
  std::string device; ///< that the kernels ran on; empty: this processor
  double loadMs = 0, firstMs = 0;
  std::vector<double> ms; ///< of each run, sorted
  double flops = 0;       ///< of one run; 0 where the library does not say
  double peakGflops = 0;  ///< of the machine; 0: not measured
  uint64_t workspaceBytes = 0;
  double baseMB = 0, peakMB = 0;   ///< resident memory of the process before loading, and at most
  std::vector<KernelTime> kernels; ///< the longest first
  double overheadMs = 0;           ///< what no kernel accounts for

  /// The value that a part `q` of the runs does not exceed.
  double quantile(double q) const;
  double gflops() const { return flops / quantile(0.5) / 1e6; }
};

/// Resident memory of this process, now and at most since the last reset, in 1e6 bytes.
struct ResidentMemory {
  double now = 0, peak = 0;
};
ResidentMemory residentMemory();
void resetPeakMemory();

/// Runs a loaded model over and over: on tensors where all inputs and outputs are such, else on
/// values, whose packing and unpacking then counts. `loadMs` and `baseMB` are the caller's.
llvm::Expected<Measurement> measure(nncc_model *model, llvm::ArrayRef<Value> inputs,
                                    const MeasureOptions &options);

} // namespace nncc::tool
