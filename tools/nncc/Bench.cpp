// nncc bench: speed and memory of a model, and of its kernels.
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Inputs.h"
#include "tools/nncc/Measure.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("<model.so|model.onnx>"),
                                  cl::cat(category()), cl::sub(benchCommand()));
static cl::opt<int> threads("threads", cl::desc("Worker threads; 0: one per processor"),
                            cl::cat(category()), cl::sub(benchCommand()));
static cl::opt<int> warmup("warmup", cl::desc("Runs that do not count (default 3)"), cl::init(3),
                           cl::cat(category()), cl::sub(benchCommand()));
static cl::opt<int> iterations("iterations", cl::desc("Runs that count; 0: for --duration"),
                               cl::cat(category()), cl::sub(benchCommand()));
static cl::opt<double> duration("duration", cl::desc("Seconds to measure (default 2)"), cl::init(2),
                                cl::cat(category()), cl::sub(benchCommand()));
static cl::opt<bool> profile("profile", cl::desc("Also the time of every kernel"),
                             cl::cat(category()), cl::sub(benchCommand()));

static double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }
/// Operations (or bytes) and milliseconds -> 1e9 per second.
static double giga(double amount, double ms) { return ms > 0 ? amount / ms / 1e6 : 0; }

/// The kernel's nodes in about `width` characters.
static std::string nodeText(const KernelTime &kernel, size_t width) {
  std::string text;
  for (auto [index, node] : enumerate(kernel.nodes)) {
    if (index && text.size() + node.size() > width)
      return text + " +" + std::to_string(kernel.nodes.size() - index);
    text += (index ? " " : "") + node;
  }
  return text;
}

static void printProfile(const Measurement &m) {
  double whole = m.overheadMs;
  size_t width = 6;
  for (const KernelTime &kernel : m.kernels) {
    whole += kernel.ms;
    width = std::max(width, kernel.kernel.size());
  }
  outs() << "\n      ms  share  calls  GFLOP/s     GB/s  " << left_justify("kernel", width)
         << "  nodes\n";
  for (const KernelTime &kernel : m.kernels)
    outs() << format("%8.3f %5.1f%% %6lld %8.1f %8.1f  ", kernel.ms, percent(kernel.ms, whole),
                     static_cast<long long>(kernel.dispatches), giga(kernel.flops, kernel.ms),
                     giga(kernel.bytes, kernel.ms))
           << left_justify(kernel.kernel, width) << "  " << nodeText(kernel, 60) << '\n';
  outs() << format("%8.3f %5.1f%%                           between kernels\n", m.overheadMs,
                   percent(m.overheadMs, whole));
}

static void printText(const Measurement &m) {
  double median = m.quantile(0.5);
  outs() << m.ms.size() << " runs on "
         << (m.device.empty() ? std::to_string(m.threads) + " threads" : m.device)
         << format(": min %.3f ms, median %.3f ms, p90 %.3f ms, p99 %.3f ms\n", m.ms.front(),
                   median, m.quantile(0.9), m.quantile(0.99));
  outs() << format("throughput: %.1f runs/s", 1e3 / median);
  if (m.flops > 0)
    outs() << format(", %.1f GFLOP/s", m.gflops());
  if (m.flops > 0 && m.peakGflops > 0)
    outs() << format(" (%.1f %% of the machine's %.1f)", percent(m.gflops(), m.peakGflops),
                     m.peakGflops);
  outs() << format("\nload %.2f ms, first run %.3f ms\n", m.loadMs, m.firstMs);
  outs() << format("memory: workspace %.2f MB, process %.1f MB at most (%.1f MB before loading)\n",
                   m.workspaceBytes / 1e6, m.peakMB, m.baseMB);
  if (profile)
    printProfile(m);
}

static void printKernels(llvm::json::OStream &out, const Measurement &m) {
  double whole = m.overheadMs;
  for (const KernelTime &kernel : m.kernels)
    whole += kernel.ms;
  out.attribute("overhead_ms", m.overheadMs);
  out.attributeArray("kernels", [&] {
    for (const KernelTime &kernel : m.kernels)
      out.object([&] {
        out.attribute("kernel", kernel.kernel);
        out.attribute("nodes", llvm::json::Array(kernel.nodes));
        out.attribute("calls", kernel.dispatches);
        out.attribute("ms", kernel.ms);
        out.attribute("percent", percent(kernel.ms, whole));
        out.attribute("gflops", giga(kernel.flops, kernel.ms));
        out.attribute("gbs", giga(kernel.bytes, kernel.ms));
      });
  });
}

static void printJson(const Measurement &m, ArrayRef<Value> inputs) {
  llvm::json::OStream out(outs(), 2);
  double median = m.quantile(0.5), sum = 0;
  for (double ms : m.ms)
    sum += ms;
  out.object([&] {
    out.attribute("model", model);
    out.attribute("version", nncc_version());
    out.attributeObject("inputs", [&] {
      for (const Value &value : inputs)
        out.attribute(value.name, value.typeText());
    });
    if (m.device.empty())
      out.attribute("threads", m.threads);
    else
      out.attribute("device", m.device);
    out.attribute("iterations", int64_t(m.ms.size()));
    out.attribute("min_ms", m.ms.front());
    out.attribute("median_ms", median);
    out.attribute("mean_ms", sum / m.ms.size());
    out.attribute("p90_ms", m.quantile(0.9));
    out.attribute("p99_ms", m.quantile(0.99));
    out.attribute("per_second", 1e3 / median);
    if (m.flops > 0) {
      out.attribute("gflop", m.flops / 1e9);
      out.attribute("gflops", m.gflops());
    }
    if (m.peakGflops > 0) {
      out.attribute("peak_gflops", m.peakGflops);
      out.attribute("percent_of_peak", percent(m.gflops(), m.peakGflops));
    }
    out.attribute("load_ms", m.loadMs);
    out.attribute("first_ms", m.firstMs);
    out.attribute("workspace_bytes", int64_t(m.workspaceBytes));
    out.attribute("base_rss_mb", m.baseMB);
    out.attribute("peak_rss_mb", m.peakMB);
    if (profile)
      printKernels(out, m);
  });
  outs() << '\n';
}

static Error checkOptions() {
  if (threads < 0 || warmup < 0 || iterations < 0)
    return usageError("--threads, --warmup and --iterations: expected 0 or more");
  if (!(duration > 0))
    return usageError("--duration: expected more than 0 seconds");
  return Error::success();
}

static Error bench() {
  if (Error error = checkOptions())
    return error;
  Expected<CompileOptions> options = commonOptions();
  if (!options)
    return options.takeError();
  double baseMB = residentMemory().now;
  auto start = std::chrono::steady_clock::now();
  Expected<Model> opened = Model::open(model);
  if (!opened)
    return opened.takeError();
  double openMs =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  Expected<GivenInputs> inputs = gatherInputs(
      opened->inputs(), *options, isSource(model) ? Generate::All : Generate::KnownSizes);
  if (!inputs)
    return inputs.takeError();
  if (Error error = opened->prepare(*options, inputs->values))
    return error;
  if (isSource(model)) // what the compiler needed does not count
    baseMB = (resetPeakMemory(), residentMemory().now);
  MeasureOptions how;
  how.threads = threads;
  how.warmup = warmup;
  how.iterations = iterations;
  how.seconds = duration;
  how.profile = profile;
  Expected<Measurement> measurement = measure(opened->get(), inputs->values, how);
  if (!measurement)
    return measurement.takeError();
  measurement->loadMs += openMs;
  measurement->baseMB = baseMB;
  if (json())
    printJson(*measurement, inputs->values);
  else
    printText(*measurement);
  return Error::success();
}

int benchMain() {
  Error error = bench();
  return error ? fail(std::move(error)) : 0;
}

} // namespace nncc::tool
