#include "Mutation.h"
#include "Kernel.h"
#include "Machine.h"
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace emulator {

// Memory ------------------------------------------------------------------------------------------

void Journal::keepPage(uint64_t page) {
  auto [kept, isNew] = pages.try_emplace(page);
  if (isNew)
    memcpy(kept->second.data(), reinterpret_cast<const void *>(page * pageBytes), pageBytes);
  lastPage = page;
}

void Journal::exchange() {
  for (auto &[page, kept] : pages)
    std::swap_ranges(kept.begin(), kept.end(), reinterpret_cast<char *>(page * pageBytes));
}

// The file ----------------------------------------------------------------------------------------

namespace {
/// What is known of a site.
struct Finding {
  bool needed = false;
  unsigned launches = 0; // that came to it and did not miss it
};

/// By the kernel's content: of its sites.
class Findings {
public:
  std::vector<Finding> &of(const Kernel &kernel);
  void add(const Kernel &kernel, size_t site, const char *what, const std::string &report = "");

private:
  void readOthers();

  std::map<std::string, std::vector<Finding>> findings;
  std::ifstream file;                                             // as far as it is read
  std::map<std::pair<std::string, size_t>, bool> neededElsewhere; // by whatever process
};
} // namespace

/// What other processes have found since.
void Findings::readOthers() {
  if (!file.is_open())
    file.open(options().mutations);
  file.clear();
  for (std::string line, content, what; std::getline(file, line);) {
    std::istringstream words(line);
    size_t site;
    if (words >> content >> site >> what)
      neededElsewhere[{content, site}] |= what == "needed";
  }
}

std::vector<Finding> &Findings::of(const Kernel &kernel) {
  auto [found, isNew] = findings.try_emplace(kernel.content, kernel.sites.size());
  if (!isNew)
    return found->second;
  readOthers();
  for (size_t i = 0; i < kernel.sites.size(); ++i) {
    auto before = neededElsewhere.find({kernel.content, i});
    if (before == neededElsewhere.end())
      add(kernel, i, "there");
    else
      found->second[i].needed = before->second;
  }
  return found->second;
}

/// In one write, so that processes do not mix their lines.
void Findings::add(const Kernel &kernel, size_t site, const char *what, const std::string &report) {
  FILE *file = fopen(options().mutations.c_str(), "a");
  if (!file)
    return complain(Unknown, "NNCC_EMULATOR_MUTATIONS: no file " + options().mutations);
  std::string line =
      format("%s\t%zu\t%s\t%s\t%s\t%s\n", kernel.content.c_str(), site, what,
             kernel.sites[site]->info->name.c_str(), kernel.name.c_str(), report.c_str());
  fwrite(line.data(), 1, line.size(), file);
  fclose(file);
}

// Repetitions -------------------------------------------------------------------------------------

namespace {
struct NamedSchedule {
  const char *name;
  Schedule schedule;
  uint64_t seed;
};
} // namespace
constexpr NamedSchedule schedules[] = {{"forward", Schedule::Forward, 0},
                                       {"reverse", Schedule::Reverse, 0},
                                       {"random:1", Schedule::Random, 1},
                                       {"random:2", Schedule::Random, 2}};
/// Of what a missing synchronisation may bring about.
constexpr const char *reports[] = {"race on shared memory", "race on global memory",
                                   "uninitialized shared memory", "asynchronous copy in flight",
                                   "divergence"};
/// After so many launches that do not miss a site it is believed.
constexpr unsigned enoughLaunches = 8;

void synchronize(const Site *site, const Word *args, Word *results) {
  site->reached = true;
  if (!site->removed)
    return site->info->handler(site, args, results);
  std::fill_n(results, site->numResults, ~Word(0)); // a wait that is over, a token of no use
}

static Result run(const Launch &launch) {
  return machine().run(launch.kernel, launch.grid, launch.block, launch.dynamicShared,
                       launch.parameters);
}

/// Runs a launch in a schedule and leaves memory as it was.
static Result rehearse(const Launch &launch, const NamedSchedule &schedule) {
  Journal journal;
  machine().journal = &journal;
  machine().setSchedule(schedule.schedule, schedule.seed);
  Result result = run(launch);
  machine().setSchedule(options().schedule, options().seed);
  machine().journal = nullptr;
  journal.exchange();
  return result;
}

/// What is reported without a site, and in which schedule; "" if nothing is.
static std::string reportWithout(const Launch &launch, const Site &site) {
  Silence silence;
  site.removed = true;
  std::string report;
  for (const NamedSchedule &schedule : schedules) {
    if (rehearse(launch, schedule) == Success)
      continue;
    for (const char *kind : reports)
      if (lastComplaint().rfind(kind, 0) == 0)
        report = std::string(kind) + " (" + schedule.name + ")";
    if (!report.empty())
      break;
  }
  site.removed = false;
  return report;
}

/// The sites that a launch comes to, of those that nobody has been seen to miss.
static std::vector<size_t> reachedSites(const Kernel &kernel, const std::vector<Finding> &found) {
  std::vector<size_t> reached;
  for (size_t i = 0; i < found.size(); ++i)
    if (kernel.sites[i]->reached && !found[i].needed && found[i].launches < enoughLaunches)
      reached.push_back(i);
  return reached;
}

static Result runWithRepetitions(const Launch &launch, Findings &findings,
                                 std::vector<Finding> &found, bool isNew) {
  const Kernel &kernel = launch.kernel;
  for (const Site *site : kernel.sites)
    site->reached = false;
  for (const NamedSchedule &schedule : schedules)
    if (isNew)
      if (Result result = rehearse(launch, schedule))
        return result;
  Journal journal;
  machine().journal = &journal;
  Result result = run(launch);
  machine().journal = nullptr;
  if (result != Success)
    return result;
  journal.exchange();
  for (size_t i : reachedSites(kernel, found)) {
    std::string report = reportWithout(launch, *kernel.sites[i]);
    found[i].needed = !report.empty();
    found[i].launches += report.empty();
    findings.add(kernel, i, report.empty() ? "needless" : "needed", report);
  }
  journal.exchange();
  return Success;
}

Result runLaunch(const Launch &launch) {
  if (options().mutations.empty() || launch.kernel.sites.empty())
    return run(launch);
  static Findings findings;
  static std::map<std::string, unsigned> numLaunches;
  std::vector<Finding> &found = findings.of(launch.kernel);
  bool isNew = !numLaunches[launch.kernel.content]++;
  if (std::all_of(found.begin(), found.end(), [](const Finding &f) { return f.needed; }))
    return run(launch);
  return runWithRepetitions(launch, findings, found, isNew);
}

} // namespace emulator
