#include "tools/nncc/Measure.h"

#include "tools/nncc/Peak.h"
#include "tools/nncc/Runner.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <chrono>
#include <cmath>
#include <fstream>

using namespace llvm;

namespace nncc::tool {

using Clock = std::chrono::steady_clock;

static double msSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double Measurement::quantile(double q) const {
  if (ms.empty())
    return 0;
  return ms[std::min<size_t>(ms.size() - 1, std::max(0.0, std::ceil(q * ms.size()) - 1))];
}

ResidentMemory residentMemory() {
  ResidentMemory memory;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    StringRef text = line;
    double *to = text.consume_front("VmRSS:")   ? &memory.now
                 : text.consume_front("VmHWM:") ? &memory.peak
                                                : nullptr;
    uint64_t kib;
    if (to && !text.trim().split(' ').first.getAsInteger(10, kib))
      *to = kib * 1024 / 1e6;
  }
  return memory;
}

void resetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// Adds up the profile by kernel.
static Error readProfile(nncc_model *model, nncc_instance *instance, Measurement &result) {
  nncc_profile whole;
  if (nncc_status status = nncc_instance_profile(instance, NNCC_PROFILE_RUN, &whole))
    return runtimeError(status);
  double runs = std::max<uint64_t>(whole.count, 1);
  result.overheadMs = whole.total_ns / runs / 1e6;
  MapVector<StringRef, KernelTime> kernels;
  for (int32_t i = 0; i < nncc_model_num_dispatches(model); ++i) {
    const nncc_dispatch *dispatch = nncc_model_dispatch(model, i);
    nncc_profile profile;
    if (nncc_status status = nncc_instance_profile(instance, i, &profile))
      return runtimeError(status);
    KernelTime &kernel = kernels[dispatch->kernel];
    kernel.kernel = dispatch->kernel;
    SmallVector<StringRef> nodes;
    StringRef(dispatch->nodes).split(nodes, ';', -1, /*KeepEmpty=*/false);
    kernel.nodes.insert(kernel.nodes.end(), nodes.begin(), nodes.end());
    ++kernel.dispatches;
    kernel.ms += profile.total_ns / runs / 1e6;
    kernel.flops += dispatch->flops;
    kernel.bytes += dispatch->bytes;
  }
  for (auto &[_, kernel] : kernels) {
    result.overheadMs -= kernel.ms;
    result.kernels.push_back(std::move(kernel));
  }
  llvm::sort(result.kernels, [](const KernelTime &a, const KernelTime &b) { return a.ms > b.ms; });
  return Error::success();
}

Expected<Measurement> measure(nncc_model *model, ArrayRef<Value> inputs,
                              const MeasureOptions &options) {
  Measurement result;
  auto start = Clock::now();
  Expected<Runner> runner = Runner::create(model, inputs, options.threads, options.profile);
  if (!runner)
    return runner.takeError();
  result.loadMs = msSince(start);
  nncc_instance *instance = runner->instance.get();
  result.threads = nncc_instance_threads(instance);

  Expected<double> ms = runner->run();
  if (!ms)
    return ms.takeError();
  result.firstMs = *ms;
  for (int64_t i = 0; i < options.warmup; ++i)
    if (ms = runner->run(); !ms)
      return ms.takeError();
  if (options.profile)
    nncc_instance_profile_reset(instance);
  constexpr int64_t least = 5;
  auto enough = [&, begin = Clock::now()](int64_t done) {
    return options.iterations ? done >= options.iterations
                              : done >= least && msSince(begin) >= options.seconds * 1e3;
  };
  for (int64_t done = 0; !enough(done); ++done) {
    if (ms = runner->run(); !ms)
      return ms.takeError();
    result.ms.push_back(*ms);
  }
  llvm::sort(result.ms);

  for (int32_t i = 0; i < nncc_model_num_dispatches(model); ++i)
    result.flops += nncc_model_dispatch(model, i)->flops;
  if (nncc_status status = nncc_instance_workspace_size(instance, &result.workspaceBytes))
    return runtimeError(status);
  if (options.profile)
    if (Error error = readProfile(model, instance, result))
      return std::move(error);
  result.peakMB = residentMemory().peak;
  const nncc_descriptor *descriptor = nncc_model_descriptor(model);
  if (descriptor->device != NNCC_DEVICE_CPU)
    result.device = descriptor->cpu;
  else
    result.peakGflops = measurePeakGflops(result.threads);
  return result;
}

} // namespace nncc::tool
