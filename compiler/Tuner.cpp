#include "compiler/Tuner.h"

#include "compiler/Files.h"
#include "compiler/IRFile.h"
#include "compiler/Pipeline.h"
#include "compiler/Register.h"
#include "dialects/kern/Kern.h"
#include "targets/cpu/Alternatives.h"
#include "targets/cpu/Tuning.h"
#include "targets/program/KernelNames.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <map>

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc {

namespace {
using Clock = std::chrono::steady_clock;

/// A plan is faster where it takes so much less time, in the search and when it is raced again:
/// the noise of kernels of 10 us on a machine with other work.
constexpr double searchMargin = 0.03, finalMargin = 0.015;
/// Seconds of a race in the search, and of the last ones; less of a budget below `usualBudget`.
constexpr double raceSeconds = 0.5, finalSeconds = 2, usualBudget = 30;
/// Of the libraries that are raced; in the symbols of their kernels.
constexpr StringLiteral modelName = "tuned";
/// Races that may take plans away from the result.
constexpr int finalRaces = 3;
/// Kernels that take less of a run are left alone.
constexpr double leastShare = 0.002;

/// All kernels of one problem.
struct Problem {
  kern::ContractOp op;              // one of them; its plan is the best one so far
  std::string name;                 // of the kernel of `op`
  std::vector<std::string> symbols; // of all kernels, without their nodes
  Attribute first;                  // the plan that the search begins with
  Attribute trial;                  // of this generation; null: `first`
  llvm::SmallDenseSet<Attribute> tried;
  double best = 1;  // time of the best plan / that of the first one
  double ms = 0;    // of the first plan in one run
  double share = 1; // of a run

  Attribute plan() const { return kern::ContractOp(op).getPlanAttr(); }
};

double median(std::vector<double> values) {
  if (values.empty())
    return 1;
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Tuner {
public:
  Tuner(const TuneOptions &options, LibraryTimer &timer)
      : options(options), timer(timer), context(makeRegistry()) {}

  Expected<TuneReport> run() {
    if (Error error = prepare())
      return std::move(error);
    if (Error error = search())
      return std::move(error);
    if (Error error = confirm())
      return std::move(error);
    if (Error error = write())
      return std::move(error);
    describe();
    return std::move(report);
  }

private:
  using Rounds = std::vector<std::pair<RunTimes, RunTimes>>;

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerEverything(registry);
    return registry;
  }
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  /// Part of its usual time that a race gets.
  double scale() const { return std::min(1.0, options.budget / usualBudget); }
  std::string file(StringRef name) const { return folder->path() + "/" + name.str(); }

  Error prepare();
  Error readProblems();
  Error compileWith(const cpu::Tuning &plans, StringRef name);
  cpu::Tuning plansOf(llvm::function_ref<Attribute(const Problem &)> plan) const;
  bool propose();
  Error search();
  void observe(Problem &problem, const Rounds &rounds);
  void judge(const Rounds &rounds);
  double msOf(const Problem &problem, const RunTimes &times) const;
  double ratio(const Problem &problem, const Rounds &rounds) const;
  Error confirm();
  bool isFaster(const Rounds &rounds);
  void describe();
  Error write();

  const TuneOptions &options;
  LibraryTimer &timer;
  Clock::time_point start = Clock::now();
  MLIRContext context;
  std::optional<AtomicFile> output;
  std::optional<TemporaryFolder> folder;
  OwningOpRef<ModuleOp> module; // with the plans that the search begins with
  cpu::PlanChoice choice;
  std::string processor;
  cpu::Tuning given;                       // files to begin with
  std::map<std::string, Problem> problems; // by their keys
  TuneReport report;
};
} // namespace

/// The model up to its kernels, which all generations share, and the plans to begin with.
Error Tuner::prepare() {
  Expected<AtomicFile> result = AtomicFile::create(options.output);
  if (!result)
    return result.takeError();
  output.emplace(std::move(*result));
  Expected<TemporaryFolder> created = TemporaryFolder::create();
  if (!created)
    return created.takeError();
  folder.emplace(std::move(*created));
  Expected<cpu::Machine> machine = cpu::Machine::parse(options.compile.target);
  if (!machine)
    return llvm::make_error<CompileError>(ErrorClass::Usage, llvm::toString(machine.takeError()));
  choice = {cpu::MachineFacts::of(*machine), options.threads, options.compile.winograd};
  if (const std::string &facts = options.compile.machineFacts; !facts.empty())
    if (Error error = choice.facts.read(facts))
      return llvm::make_error<CompileError>(ErrorClass::Usage, llvm::toString(std::move(error)));
  processor = cpu::processorKey(*machine);
  Expected<cpu::Tuning> read = cpu::Tuning::read(&context, options.compile.tuning);
  if (!read)
    return llvm::make_error<CompileError>(ErrorClass::Usage, llvm::toString(read.takeError()));
  given = std::move(*read);

  CompileOptions toKernels = options.compile;
  toKernels.output = file("kernels.mlir");
  toKernels.stopAfter = "kernels";
  toKernels.tuning.clear();
  toKernels.machineFacts.clear();
  if (Expected<CompileReport> compiled = compile(toKernels); !compiled)
    return compiled.takeError();
  return readProblems();
}

Error Tuner::readProblems() {
  Expected<std::pair<OwningOpRef<ModuleOp>, std::string>> kernels =
      readIR(context, file("kernels.mlir"));
  if (!kernels)
    return kernels.takeError();
  module = std::move(kernels->first);
  PassManager pm(&context, ModuleOp::getOperationName());
  buildPlans(pm, options.compile);
  if (failed(pm.run(*module)))
    return llvm::createStringError("the kernels have no plans");
  module->walk([&](kern::ContractOp op) {
    if (!op.getPlan())
      return;
    Problem &problem = problems[cpu::problemKey(op)];
    if (!problem.op) {
      problem.op = op;
      problem.first = op.getPlanAttr();
      problem.tried.insert(problem.first);
    }
    std::string kernel = op->getParentOfType<ModuleOp>().getSymName().value_or("").str();
    if (problem.name.empty())
      problem.name = kernel;
    ProgramInfo info;
    info.name = modelName.str();
    problem.symbols.push_back(info.symbol(kernel));
  });
  return Error::success();
}

/// The library `name` with these plans, by the way that a user's compilation takes.
Error Tuner::compileWith(const cpu::Tuning &plans, StringRef name) {
  std::string text;
  llvm::raw_string_ostream os(text);
  plans.print(os);
  if (Error error = writeFile(file("plans.txt"), text))
    return error;
  CompileOptions compilation = options.compile;
  compilation.input = file("kernels.mlir");
  compilation.output = file(name);
  compilation.name = modelName.str();
  compilation.bands = "off"; // each problem has a kernel of its own
  compilation.dims.clear();
  compilation.shapes.clear();
  compilation.patterns.clear();
  llvm::erase_if(compilation.insert, [](const InsertedPasses &inserted) {
    return llvm::is_contained({"import", "graph", "kernels"}, inserted.stage);
  });
  compilation.tuning = {file("plans.txt")};
  if (Expected<CompileReport> compiled = compile(compilation); !compiled)
    return compiled.takeError();
  return Error::success();
}

cpu::Tuning Tuner::plansOf(llvm::function_ref<Attribute(const Problem &)> plan) const {
  cpu::Tuning plans;
  for (const auto &[key, problem] : problems)
    plans.set(processor, key, {options.threads, plan(problem), 1});
  return plans;
}

/// Chooses the plan of each kernel for the next generation; false where there is nothing to try.
bool Tuner::propose() {
  bool any = false;
  for (auto &[_, problem] : problems) {
    problem.trial = nullptr;
    if (problem.share < leastShare)
      continue;
    for (Attribute plan : cpu::alternativePlans(problem.op, choice))
      if (problem.tried.insert(plan).second) {
        problem.trial = plan;
        break;
      }
    any |= problem.trial != nullptr;
    report.plans += problem.trial != nullptr;
  }
  return any;
}

double Tuner::msOf(const Problem &problem, const RunTimes &times) const {
  double ms = 0;
  for (const auto &kernel : times.kernels)
    if (llvm::is_contained(problem.symbols, withoutNodes(kernel.getKey())))
      ms += kernel.getValue();
  return ms;
}

/// Time of the second library / that of the first one: rounds are compared one by one, because what
/// disturbs a machine lasts longer than a round.
double Tuner::ratio(const Problem &problem, const Rounds &rounds) const {
  std::vector<double> ratios;
  for (const auto &[first, second] : rounds)
    if (double before = msOf(problem, first); before > 0)
      ratios.push_back(msOf(problem, second) / before);
  return median(std::move(ratios));
}

void Tuner::observe(Problem &problem, const Rounds &rounds) {
  std::vector<double> times, shares;
  for (const auto &[first, second] : rounds) {
    times.push_back(msOf(problem, first));
    shares.push_back(times.back() / std::max(first.ms, 1e-6));
  }
  problem.ms = median(std::move(times));
  problem.share = median(std::move(shares));
}

void Tuner::judge(const Rounds &rounds) {
  for (auto &[_, problem] : problems) {
    observe(problem, rounds);
    double found = ratio(problem, rounds);
    if (!problem.trial || found >= problem.best * (1 - searchMargin))
      continue;
    problem.best = found;
    problem.op.setPlanAttr(problem.trial);
  }
}

Error Tuner::search() {
  if (problems.empty())
    return Error::success();
  if (Error error = compileWith(plansOf([](const Problem &p) { return p.first; }), "first.so"))
    return error;
  double longest = 0; // of all generations
  // Time is left to race the result, and to do it again without what turns out to be slower.
  auto hasTime = [&] {
    return elapsed() + 3 * longest + 2 * finalSeconds * scale() < options.budget;
  };
  auto isMore = [&] { return !options.generations || report.generations < options.generations; };
  while (isMore() && hasTime() && propose()) {
    double begin = elapsed();
    ++report.generations;
    if (options.progress)
      options.progress(llvm::formatv("generation {0}, {1:f0} s of {2:f0} s", report.generations,
                                     begin, options.budget));
    auto plan = [](const Problem &p) { return p.trial ? p.trial : p.first; };
    if (Error error = compileWith(plansOf(plan), "trial.so"))
      return error;
    Expected<Rounds> rounds = timer.race(file("first.so"), file("trial.so"), raceSeconds * scale());
    if (!rounds)
      return rounds.takeError();
    judge(*rounds);
    longest = std::max(longest, elapsed() - begin);
  }
  return Error::success();
}

/// Races the best plans together. Those that are not faster then are given up, and the others raced
/// again; all are where the model is not faster in the end.
Error Tuner::confirm() {
  auto giveUp = [](Problem &problem) { problem.op.setPlanAttr(problem.first); };
  auto isChanged = [](const auto &entry) { return entry.second.plan() != entry.second.first; };
  for (int race = 0; llvm::any_of(problems, isChanged); ++race) {
    if (options.progress)
      options.progress("racing the result");
    if (Error error = compileWith(plansOf([](const Problem &p) { return p.plan(); }), "best.so"))
      return error;
    Expected<Rounds> rounds = timer.race(file("first.so"), file("best.so"), finalSeconds * scale());
    if (!rounds)
      return rounds.takeError();
    bool areFaster = true, isLast = race + 1 == finalRaces;
    for (auto &entry : problems) {
      observe(entry.second, *rounds);
      entry.second.best = ratio(entry.second, *rounds);
      if (isChanged(entry) && entry.second.best > 1 - finalMargin) {
        giveUp(entry.second);
        areFaster = false;
      }
    }
    if (!areFaster && !isLast)
      continue;
    if (!isFaster(*rounds))
      for (auto &[_, problem] : problems)
        giveUp(problem);
    return Error::success();
  }
  return Error::success();
}

/// Whether the second library is, as a whole: in most rounds, and at its best, which what disturbs
/// a machine hardly reaches.
bool Tuner::isFaster(const Rounds &rounds) {
  std::vector<double> before, ratios;
  double least = INFINITY, leastBefore = INFINITY;
  for (const auto &[first, second] : rounds) {
    before.push_back(first.ms);
    ratios.push_back(second.ms / std::max(first.ms, 1e-6));
    leastBefore = std::min(leastBefore, first.ms);
    least = std::min(least, second.ms);
  }
  double ratio = median(std::move(ratios));
  report.beforeMs = median(std::move(before));
  report.afterMs = report.beforeMs * ratio;
  return ratio < 1 && least < leastBefore;
}

void Tuner::describe() {
  auto text = [](Attribute plan) {
    std::string text;
    llvm::raw_string_ostream(text) << plan;
    return text;
  };
  for (const auto &[key, problem] : problems) {
    double after = problem.ms * (problem.plan() == problem.first ? 1 : problem.best);
    report.kernels.push_back(
        {problem.name, key, problem.ms, after, text(problem.first), text(problem.plan())});
  }
  llvm::sort(report.kernels, [](const TunedKernel &a, const TunedKernel &b) {
    return std::pair(b.beforeMs - b.afterMs, a.problem) <
           std::pair(a.beforeMs - a.afterMs, b.problem);
  });
  report.seconds = elapsed();
}

/// What was given, and what is faster.
Error Tuner::write() {
  cpu::Tuning result = given;
  for (const auto &[key, problem] : problems) {
    if (problem.plan() == problem.first)
      continue;
    const cpu::TunedPlan *before = given.find(processor, key);
    double gain = (before && before->plan == problem.first ? before->gain : 1) / problem.best;
    result.set(processor, key, {options.threads, problem.plan(), gain});
  }
  result.print(output->stream());
  return output->keep();
}

Expected<TuneReport> tune(const TuneOptions &options, LibraryTimer &timer) {
  return Tuner(options, timer).run();
}

} // namespace nncc
