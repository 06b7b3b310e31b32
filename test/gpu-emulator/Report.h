// What went wrong, and how the launch that is running ends with it.
#ifndef NNCC_TEST_GPU_EMULATOR_REPORT_H
#define NNCC_TEST_GPU_EMULATOR_REPORT_H

#include "Site.h"

namespace emulator {

/// The driver's result codes that the emulator returns.
enum Result : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  NoBinaryForGpu = 209,
  InvalidHandle = 400,
  NotFound = 500,
  NotReady = 600,
  IllegalAddress = 700,
  LaunchOutOfResources = 701,
  MisalignedAddress = 716,
  LaunchFailed = 719,
  NotSupported = 801,
  StreamCaptureUnsupported = 900,
  StreamCaptureInvalidated = 901,
  Unknown = 999
};

/// printf into a string.
__attribute__((format(printf, 1, 2))) std::string format(const char *pattern, ...);

/// Prints a message of the emulator on stderr and keeps it for cuGetErrorString(result).
void complain(Result result, const std::string &message);
/// While there is one, complaints are kept and not printed.
class Silence {
public:
  explicit Silence(bool isSilent = true) : isSilent(isSilent) { count += isSilent; }
  ~Silence() { count -= isSilent; }
  static unsigned count;

private:
  bool isSilent;
};
/// The last complaint, and the code that it came with.
const std::string &lastComplaint();
Result lastComplaintResult();

/// Ends the launch: reports `kind`, where in the kernel it happened, and `details`. Called on the
/// stack of a fiber, which is left for good: callers must hold nothing that wants to be released.
[[noreturn]] void fail(Result result, const Site *site, const char *kind, const char *details);

} // namespace emulator

#endif
