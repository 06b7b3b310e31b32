#include "tools/nncc/Isolate.h"

#include "tools/nncc/CommandLine.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;

namespace nncc::tool {

/// The exit code of `command` in a child, the signal that ended it as a negative number, or nothing
/// where there can be no child.
static std::optional<int> runInChild(function_ref<int()> command, bool quiet) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0)
    return std::nullopt;
  if (child == 0) {
    // Whoever ends this process means the child as well.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
      _exit(static_cast<int>(ErrorClass::Internal));
    if (int null = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1; null >= 0) {
      dup2(null, STDOUT_FILENO);
      dup2(null, STDERR_FILENO);
    }
    std::exit(command());
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return static_cast<int>(ErrorClass::Internal);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int isolatedQuietly(function_ref<int()> command) {
  return runInChild(command, /*quiet=*/true).value_or(static_cast<int>(ErrorClass::Internal));
}

int isolated(function_ref<int()> command) {
  std::optional<int> code = runInChild(command, /*quiet=*/false);
  if (!code)
    return command(); // as well as it can be done without a second process
  if (*code >= 0)
    return *code;
  int number = -*code;
  if (is_contained({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}, number)) {
    signal(number, SIG_DFL);
    raise(number);
  }
  std::string what = number == SIGKILL ? "was killed (was there enough memory?)"
                                       : std::string("crashed: ") + strsignal(number);
  return fail(make_error<CompileError>(ErrorClass::Internal, "the process " + what));
}

} // namespace nncc::tool
