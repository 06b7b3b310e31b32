// nncc tune: which plans of a model's kernels are the fastest on this machine.
#include "compiler/Tuner.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Inputs.h"
#include "tools/nncc/Runner.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("<model.onnx>"),
                                  cl::cat(category()), cl::sub(tuneCommand()));
static cl::opt<std::string> output("o", cl::desc("The tuning file (default tuning.txt)"),
                                   cl::value_desc("file"), cl::init("tuning.txt"),
                                   cl::cat(category()), cl::sub(tuneCommand()));
static cl::opt<std::string> budget("budget", cl::desc("Time for all of it: 90, 60s (default), 5m"),
                                   cl::value_desc("time"), cl::init("60s"), cl::cat(category()),
                                   cl::sub(tuneCommand()));
static cl::opt<int> threads("threads", cl::desc("Worker threads; 0: one per processor"),
                            cl::cat(category()), cl::sub(tuneCommand()));

namespace {
/// A library that is being raced.
class Racer {
public:
  static Expected<Racer> create(const std::string &path, ArrayRef<Value> inputs, int threads) {
    Expected<ModelHandle> library = openLibrary(path);
    if (!library)
      return library.takeError();
    Expected<Runner> runner = Runner::create(library->get(), inputs, threads, /*profile=*/true);
    if (!runner)
      return runner.takeError();
    return Racer(std::move(*library), std::move(*runner));
  }

  Expected<RunTimes> run() {
    nncc_instance *instance = runner.instance.get();
    nncc_instance_profile_reset(instance);
    Expected<double> ms = runner.run();
    if (!ms)
      return ms.takeError();
    RunTimes times;
    times.ms = *ms;
    for (int32_t i = 0; i < nncc_model_num_dispatches(library.get()); ++i) {
      nncc_profile profile;
      if (nncc_status status = nncc_instance_profile(instance, i, &profile))
        return runtimeError(status);
      times.kernels[nncc_model_dispatch(library.get(), i)->kernel] += profile.total_ns / 1e6;
    }
    return times;
  }

private:
  Racer(ModelHandle library, Runner runner)
      : library(std::move(library)), runner(std::move(runner)) {}

  ModelHandle library; // outlives the instance of it
  Runner runner;
};

class Timer : public LibraryTimer {
public:
  explicit Timer(ArrayRef<Value> inputs) : inputs(inputs) {}

  Expected<std::vector<std::pair<RunTimes, RunTimes>>>
  race(const std::string &first, const std::string &second, double seconds) override {
    constexpr int warmup = 2, least = 5;
    Expected<Racer> one = Racer::create(first, inputs, threads);
    if (!one)
      return one.takeError();
    Expected<Racer> other = Racer::create(second, inputs, threads);
    if (!other)
      return other.takeError();
    std::vector<std::pair<RunTimes, RunTimes>> rounds;
    using Clock = std::chrono::steady_clock;
    auto end = Clock::now() + std::chrono::duration<double>(seconds);
    for (int done = -warmup; done < least || Clock::now() < end; ++done) {
      Expected<RunTimes> a = one->run();
      if (!a)
        return a.takeError();
      Expected<RunTimes> b = other->run();
      if (!b)
        return b.takeError();
      if (done >= 0)
        rounds.emplace_back(std::move(*a), std::move(*b));
    }
    return rounds;
  }

private:
  ArrayRef<Value> inputs;
};
} // namespace

static Expected<double> parseSeconds(StringRef text) {
  StringRef number = text;
  double factor = number.consume_back("m") ? 60 : 1, value;
  if (factor == 1)
    number.consume_back("s");
  if (!to_float(number, value) || !(value > 0) || !std::isfinite(value))
    return usageError("--budget=" + text + ": expected a time, e.g. 90, 60s or 5m");
  return value * factor;
}

static double gain(double before, double after) { return after > 0 ? before / after : 1; }

static void printText(const TuneReport &report) {
  outs() << report.plans << " plans of " << report.kernels.size() << " kernels in "
         << report.generations << " generations, " << format("%.1f s\n", report.seconds);
  if (!report.isFaster())
    outs() << "no plans are faster than those that it began with\n";
  else
    outs() << format("the model: %.3f ms -> %.3f ms, %.3f times as fast\n\n", report.beforeMs,
                     report.afterMs, gain(report.beforeMs, report.afterMs))
           << "before ms  after ms   gain  kernel\n";
  for (const TunedKernel &kernel : report.kernels)
    if (kernel.isFaster())
      outs() << format("%9.4f %9.4f %6.3f  ", kernel.beforeMs, kernel.afterMs,
                       gain(kernel.beforeMs, kernel.afterMs))
             << kernel.kernel << ": " << kernel.before << " -> " << kernel.after << '\n';
  outs() << "wrote " << output << '\n';
}

static void printJson(const TuneReport &report) {
  llvm::json::OStream out(outs(), 2);
  out.object([&] {
    out.attribute("model", model);
    out.attribute("output", output);
    out.attribute("seconds", report.seconds);
    out.attribute("generations", report.generations);
    out.attribute("plans", report.plans);
    out.attribute("faster", report.isFaster());
    if (report.isFaster()) {
      out.attribute("before_ms", report.beforeMs);
      out.attribute("after_ms", report.afterMs);
    }
    out.attributeArray("kernels", [&] {
      for (const TunedKernel &kernel : report.kernels)
        out.object([&] {
          out.attribute("kernel", kernel.kernel);
          out.attribute("problem", kernel.problem);
          out.attribute("before", kernel.before);
          out.attribute("after", kernel.after);
          out.attribute("before_ms", kernel.beforeMs);
          out.attribute("after_ms", kernel.afterMs);
        });
    });
  });
  outs() << '\n';
}

static Expected<TuneOptions> tuneOptions() {
  TuneOptions options;
  if (threads < 0)
    return usageError("--threads: expected 0 or more");
  Expected<double> seconds = parseSeconds(budget);
  if (!seconds)
    return seconds.takeError();
  Expected<CompileOptions> compilation = commonOptions();
  if (!compilation)
    return compilation.takeError();
  if (sys::path::extension(model) != ".onnx")
    return usageError("'" + model + "': expected a model, .onnx");
  options.compile = std::move(*compilation);
  options.compile.input = model;
  options.output = output;
  options.budget = *seconds;
  options.threads =
      threads ? threads : static_cast<int>(hardware_concurrency().compute_thread_count());
  if (options.compile.progress)
    options.progress = [](const std::string &what) {
      errs() << "\r\033[K" << model << ": " << what;
    };
  options.compile.progress = false;
  return options;
}

static Error tuneModel() {
  Expected<TuneOptions> options = tuneOptions();
  if (!options)
    return options.takeError();
  Expected<Model> opened = Model::open(model);
  if (!opened)
    return opened.takeError();
  Expected<GivenInputs> inputs =
      gatherInputs(opened->inputs(), options->compile, Generate::KnownSizes);
  if (!inputs)
    return inputs.takeError();
  Timer timer(inputs->values);
  Expected<TuneReport> report = tune(*options, timer);
  if (options->progress)
    errs() << "\r\033[K";
  if (!report)
    return report.takeError();
  if (json())
    printJson(*report);
  else
    printText(*report);
  return Error::success();
}

int tuneMain() {
  Error error = tuneModel();
  return error ? fail(std::move(error)) : 0;
}

} // namespace nncc::tool
