// The driver's functions, which have CUDA's names and binary interface. All work is done when it is
// enqueued: a stream is only where capturing records it instead.
#ifndef NNCC_TEST_GPU_EMULATOR_DRIVER_H
#define NNCC_TEST_GPU_EMULATOR_DRIVER_H

#include "Report.h"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#define EMULATOR_API extern "C" __attribute__((visibility("default"))) int

namespace emulator {

using Work = std::function<Result()>;

/// What was captured, and an executable graph alike.
struct Graph {
  std::vector<Work> work;
};

struct Stream {
  std::unique_ptr<Graph> capturing; // null: nothing is
  int captureMode = 0;
};

/// The state of the process. Every call holds the lock.
struct Driver {
  std::recursive_mutex mutex;
  bool initialized = false;
  unsigned contextUses = 0;
  Result broken = Success; // what a kernel has done: every call fails with it from then on
  int numCapturing = 0;    // streams, in modes that forbid what cannot be captured
};
Driver &driver();

/// Holds the lock for a call, and tells whether there is any use in going on.
class Call {
public:
  Call() : lock(driver().mutex) {}
  Result check() const {
    return driver().broken != Success ? driver().broken
           : driver().initialized     ? Success
                                      : NotInitialized;
  }

private:
  std::lock_guard<std::recursive_mutex> lock;
};

/// Does work now, or records it where the stream is being captured.
Result enqueue(void *stream, Work work);
/// What waits or allocates must not happen while a stream is captured.
Result checkNotCapturing();

} // namespace emulator

/// Begins every call that needs the driver to be there.
#define EMULATOR_BEGIN                                                                             \
  emulator::Call call;                                                                             \
  if (emulator::Result error = call.check())                                                       \
    return error;

#endif
