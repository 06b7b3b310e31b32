// Streams, events and graphs.
#include "Driver.h"
#include <chrono>

using namespace emulator;
using Clock = std::chrono::steady_clock;

namespace {
struct Event {
  bool recorded = false;
  Clock::time_point when;
};
} // namespace

namespace emulator {

/// Streams of the host that stand for the default one: 0, legacy, per thread.
static Stream *streamOf(void *handle) {
  return reinterpret_cast<uintptr_t>(handle) <= 2 ? nullptr : static_cast<Stream *>(handle);
}

Result enqueue(void *handle, Work work) {
  Stream *stream = streamOf(handle);
  if (stream && stream->capturing) {
    stream->capturing->work.push_back(std::move(work));
    return Success;
  }
  if (!stream && driver().numCapturing) // it would wait for the stream that is captured
    return StreamCaptureUnsupported;
  return work();
}

Result checkNotCapturing() { return driver().numCapturing ? StreamCaptureUnsupported : Success; }

} // namespace emulator

EMULATOR_API cuStreamCreate(void **stream, unsigned) {
  EMULATOR_BEGIN
  if (!stream)
    return InvalidValue;
  *stream = new Stream;
  return Success;
}

EMULATOR_API cuStreamCreateWithPriority(void **stream, unsigned flags, int) {
  return cuStreamCreate(stream, flags);
}

EMULATOR_API cuStreamDestroy_v2(void *handle) {
  Call call;
  Stream *stream = streamOf(handle);
  if (!stream)
    return InvalidHandle;
  if (stream->capturing && stream->captureMode != 2)
    --driver().numCapturing;
  delete stream;
  return Success;
}

EMULATOR_API cuStreamSynchronize(void *handle) {
  EMULATOR_BEGIN
  Stream *stream = streamOf(handle);
  return stream && stream->capturing ? StreamCaptureUnsupported : Success;
}

EMULATOR_API cuCtxGetCurrent(void **context);

/// There is one context.
EMULATOR_API cuStreamGetCtx(void *, void **context) {
  EMULATOR_BEGIN
  return context ? cuCtxGetCurrent(context) : InvalidValue;
}

EMULATOR_API cuStreamQuery(void *stream) { return cuStreamSynchronize(stream); }

EMULATOR_API cuStreamWaitEvent(void *, void *event, unsigned) {
  EMULATOR_BEGIN
  return event ? Success : InvalidHandle;
}

// Events ------------------------------------------------------------------------------------------

EMULATOR_API cuEventCreate(void **event, unsigned) {
  EMULATOR_BEGIN
  if (!event)
    return InvalidValue;
  *event = new Event;
  return Success;
}

EMULATOR_API cuEventRecord(void *handle, void *stream) {
  EMULATOR_BEGIN
  auto *event = static_cast<Event *>(handle);
  if (!event)
    return InvalidHandle;
  return enqueue(stream, [event] {
    event->recorded = true;
    event->when = Clock::now();
    return Success;
  });
}

EMULATOR_API cuEventSynchronize(void *event) {
  EMULATOR_BEGIN
  return event ? Success : InvalidHandle;
}

EMULATOR_API cuEventQuery(void *event) { return cuEventSynchronize(event); }

EMULATOR_API cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  EMULATOR_BEGIN
  auto *first = static_cast<Event *>(start), *last = static_cast<Event *>(end);
  if (!milliseconds || !first || !last || !first->recorded || !last->recorded)
    return milliseconds ? InvalidHandle : InvalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(last->when - first->when).count();
  return Success;
}

EMULATOR_API cuEventElapsedTime_v2(float *milliseconds, void *start, void *end) {
  return cuEventElapsedTime(milliseconds, start, end);
}

EMULATOR_API cuEventDestroy_v2(void *event) {
  Call call;
  delete static_cast<Event *>(event);
  return event ? Success : InvalidHandle;
}

// Graphs ------------------------------------------------------------------------------------------

EMULATOR_API cuStreamBeginCapture_v2(void *handle, int mode) {
  EMULATOR_BEGIN
  Stream *stream = streamOf(handle);
  if (!stream)
    return StreamCaptureUnsupported;
  if (stream->capturing || mode < 0 || mode > 2)
    return InvalidValue;
  stream->capturing = std::make_unique<Graph>();
  stream->captureMode = mode;
  driver().numCapturing += mode != 2; // relaxed
  return Success;
}

EMULATOR_API cuStreamEndCapture(void *handle, void **graph) {
  EMULATOR_BEGIN
  Stream *stream = streamOf(handle);
  if (!stream || !stream->capturing || !graph)
    return InvalidValue;
  *graph = stream->capturing.release();
  driver().numCapturing -= stream->captureMode != 2;
  return Success;
}

EMULATOR_API cuStreamIsCapturing(void *handle, int *status) {
  EMULATOR_BEGIN
  if (!status)
    return InvalidValue;
  Stream *stream = streamOf(handle);
  *status = stream && stream->capturing;
  return Success;
}

EMULATOR_API cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
  EMULATOR_BEGIN
  if (!executable || !graph)
    return InvalidValue;
  *executable = new Graph(*static_cast<Graph *>(graph));
  return Success;
}

EMULATOR_API cuGraphLaunch(void *executable, void *stream) {
  EMULATOR_BEGIN
  if (!executable)
    return InvalidHandle;
  for (const Work &work : static_cast<Graph *>(executable)->work)
    if (Result error = enqueue(stream, work))
      return error;
  return Success;
}

EMULATOR_API cuGraphExecDestroy(void *executable) {
  Call call;
  delete static_cast<Graph *>(executable);
  return executable ? Success : InvalidHandle;
}

EMULATOR_API cuGraphDestroy(void *graph) {
  Call call;
  delete static_cast<Graph *>(graph);
  return graph ? Success : InvalidHandle;
}
