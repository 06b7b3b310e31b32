#include "Report.h"
#include "Machine.h"
#include <cstdarg>
#include <cstdio>

namespace emulator {

std::string format(const char *pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  std::string text(vsnprintf(nullptr, 0, pattern, arguments), '\0');
  vsnprintf(&text[0], text.size() + 1, pattern, again);
  va_end(again);
  va_end(arguments);
  return text;
}

static std::string &complaint() {
  static std::string text;
  return text;
}
static Result complaintResult = Success;

unsigned Silence::count = 0;

void complain(Result result, const std::string &message) {
  if (!Silence::count)
    fprintf(stderr, "emulator: %s\n", message.c_str());
  complaint() = message;
  complaintResult = result;
}

const std::string &lastComplaint() { return complaint(); }
Result lastComplaintResult() { return complaintResult; }

void fail(Result result, const Site *site, const char *kind, const char *details) {
  {
    const Position &position = machine().position;
    const uint32_t *block = position.ctaid;
    std::string text = format("%s in kernel %s\n  block (%u, %u, %u), %s", kind,
                              machine().kernelName(), block[0], block[1], block[2], details);
    if (site) {
      text += "\n  at " + site->text;
      if (site->function != machine().kernelName())
        text += "\n  in " + site->function;
      if (!site->location.empty())
        text += "\n  from " + site->location;
    }
    complain(result, text);
  }
  machine().abandon(result);
}

} // namespace emulator
