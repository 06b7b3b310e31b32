// What a measured search makes of what it measures: tuner MODEL FILE. The times are made up, so
// that each case is the same on every machine.
#include "compiler/Tuner.h"
#include "nncc/nncc.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace nncc;

namespace {
/// The second library's time / the first one's: of each kernel and of the model.
struct Ratios {
  double kernel, model;
};

/// Says that kernels of the first library take 1 ms each.
class MadeUpTimer : public LibraryTimer {
public:
  MadeUpTimer(Ratios search, Ratios last) : search(search), last(last) {}

  Expected<std::vector<std::pair<RunTimes, RunTimes>>>
  race(const std::string &first, const std::string &second, double) override {
    ++races;
    if (fails)
      return createStringError("the machine is away");
    Ratios ratios = StringRef(second).ends_with("best.so") ? last : search;
    RunTimes before, after;
    before.ms = 10, after.ms = 10 * ratios.model;
    nncc_model *model = nullptr;
    if (nncc_model_open(second.c_str(), nullptr, &model))
      return createStringError(nncc_last_error());
    for (int32_t i = 0; i < nncc_model_num_dispatches(model); ++i) {
      const char *kernel = nncc_model_dispatch(model, i)->kernel;
      before.kernels[kernel] = 1, after.kernels[kernel] = ratios.kernel;
    }
    nncc_model_close(model);
    return std::vector<std::pair<RunTimes, RunTimes>>(5, {before, after});
  }

  Ratios search, last;
  bool fails = false;
  int races = 0;
};

struct Case {
  const char *name;
  Ratios search, last;
  bool isFaster; // then the file has a line for each problem
};

int failures = 0;

void expect(bool holds, const char *name, const Twine &what) {
  if (holds)
    return;
  ++failures;
  errs() << name << ": " << what << '\n';
}

/// Lines of the file that are no comments.
std::vector<std::string> linesOf(const std::string &path) {
  std::vector<std::string> lines;
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return lines;
  SmallVector<StringRef> all;
  (*buffer)->getBuffer().split(all, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : all)
    if (!line.starts_with("#"))
      lines.push_back(line.str());
  return lines;
}

void check(TuneOptions options, const Case &c) {
  MadeUpTimer timer(c.search, c.last);
  Expected<TuneReport> report = tune(options, timer);
  if (!report)
    return expect(false, c.name, toString(report.takeError()));
  std::vector<std::string> lines = linesOf(options.output);
  expect(report->generations > 0 && timer.races > 0, c.name, "nothing was measured");
  expect(report->kernels.size() >= 2, c.name, "there are kernels");
  expect(report->isFaster() == (c.isFaster), c.name, "the report says something else");
  expect(lines.size() == (c.isFaster ? report->kernels.size() : 0), c.name,
         Twine(lines.size()) + " plans are written");
  for (const std::string &line : lines)
    expect(StringRef(line).ends_with("| gain 1.250") && StringRef(line).contains(" | threads 3 | "),
           c.name, line);
}
} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  TuneOptions options;
  options.compile.input = argv[1];
  options.compile.dims["batch"] = 32;
  options.output = argv[2];
  options.threads = 3;
  options.generations = 2;
  options.budget = 600;
  for (const Case &c : {
           Case{"faster", {0.8, 0.9}, {0.8, 0.9}, true},
           Case{"slower", {1.1, 1.1}, {1.1, 1.1}, false},
           Case{"within the noise", {0.985, 0.99}, {0.985, 0.99}, false},
           Case{"kernels slower when raced again", {0.8, 0.9}, {1.0, 0.9}, false},
           Case{"the model slower with all of them", {0.8, 0.9}, {0.8, 1.01}, false},
       })
    check(options, c);

  // Two steps of a gain are one of their product; lines of others stay.
  MadeUpTimer timer({0.8, 0.9}, {0.8, 0.9});
  cantFail(tune(options, timer).takeError());
  size_t before = linesOf(options.output).size();
  options.compile.tuning = {options.output};
  Expected<TuneReport> again = tune(options, timer);
  expect(bool(again) && again->isFaster(), "again", "no plan is faster");
  consumeError(again.takeError());
  std::vector<std::string> lines = linesOf(options.output);
  expect(lines.size() == before, "again", Twine(lines.size()) + " lines");
  for (const std::string &line : lines)
    expect(StringRef(line).ends_with("| gain 1.562") || StringRef(line).ends_with("| gain 1.563"),
           "again", line);

  timer.fails = true;
  Expected<TuneReport> report = tune(options, timer);
  expect(!report, "timer", "its error is lost");
  if (!report)
    expect(toString(report.takeError()) == "the machine is away", "timer", "another error");
  expect(linesOf(options.output).size() == before, "timer", "the file has changed");
  return failures != 0;
}
