#include "Options.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace emulator {

static void readSchedule(const char *text, Options &options) {
  if (!strcmp(text, "reverse")) {
    options.schedule = Schedule::Reverse;
  } else if (!strncmp(text, "random", 6)) {
    options.schedule = Schedule::Random;
    if (text[6] == ':')
      options.seed = strtoull(text + 7, nullptr, 10);
  } else if (strcmp(text, "forward")) {
    fprintf(stderr,
            "emulator: NNCC_EMULATOR_SCHEDULE: '%s' is none of forward, reverse, "
            "random:<seed>\n",
            text);
  }
}

static Options readOptions() {
  Options options;
  if (const char *text = getenv("NNCC_EMULATOR_SCHEDULE"))
    readSchedule(text, options);
  if (const char *text = getenv("NNCC_EMULATOR_CAPABILITY"))
    options.capability = atoi(text);
  const char *statistics = getenv("NNCC_EMULATOR_STATISTICS");
  options.statistics = statistics && *statistics && *statistics != '0';
  if (const char *text = getenv("NNCC_EMULATOR_MUTATIONS"))
    options.mutations = text;
  return options;
}

const Options &options() {
  static const Options theOptions = readOptions();
  return theOptions;
}

} // namespace emulator
