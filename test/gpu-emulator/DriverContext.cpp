// Initialization, the device, contexts, errors and the addresses of functions.
#include "Driver.h"
#include "Memory.h"
#include "Options.h"
#include <cstdio>
#include <cstring>
#include <dlfcn.h>

using namespace emulator;

namespace emulator {
Driver &driver() {
  static Driver *theDriver = new Driver; // outlives whoever calls at exit
  return *theDriver;
}
} // namespace emulator

static char contextObject; // there is one, and this is its address

EMULATOR_API cuInit(unsigned flags) {
  Call call;
  if (flags)
    return InvalidValue;
  if (!reserveMemory())
    return OutOfMemory;
  driver().initialized = true;
  return Success;
}

EMULATOR_API cuDriverGetVersion(int *version) {
  if (!version)
    return InvalidValue;
  *version = 12080;
  return Success;
}

EMULATOR_API cuDeviceGetCount(int *count) {
  EMULATOR_BEGIN
  if (!count)
    return InvalidValue;
  *count = 1;
  return Success;
}

EMULATOR_API cuDeviceGet(int *device, int ordinal) {
  EMULATOR_BEGIN
  if (!device || ordinal)
    return device ? InvalidDevice : InvalidValue;
  *device = 0;
  return Success;
}

EMULATOR_API cuDeviceGetName(char *name, int length, int device) {
  EMULATOR_BEGIN
  if (!name || length <= 0 || device)
    return InvalidValue;
  snprintf(name, length, "nncc emulator sm_%d", options().capability);
  return Success;
}

EMULATOR_API cuDeviceTotalMem_v2(size_t *bytes, int device) {
  EMULATOR_BEGIN
  if (!bytes || device)
    return InvalidValue;
  *bytes = deviceMemory;
  return Success;
}

/// Attributes that are not here are 0: the device does not have what they ask for.
EMULATOR_API cuDeviceGetAttribute(int *value, int attribute, int device) {
  EMULATOR_BEGIN
  if (!value || device)
    return InvalidValue;
  static const struct {
    int attribute, value;
  } values[] = {
      {1, 1024},                                       // threads of a block
      {2, 1024},                                       // and along x, y, z
      {3, 1024},         {4, 64},     {5, 0x7fffffff}, // blocks along x, y, z
      {6, 0xffff},       {7, 0xffff}, {8, 48 << 10},   // shared memory of a block
      {9, 64 << 10},                                   // constant memory
      {10, 32},                                        // threads of a warp
      {12, 65536},                                     // registers of a block
      {13, 1000000},                                   // clock in kHz
      {16, 8},                                         // multiprocessors
      {19, 1},                                         // maps memory of the host
      {31, 1},                                         // kernels at the same time
      {36, 1000000},                                   // clock of memory in kHz
      {37, 512},                                       // its bus in bits
      {38, 8 << 20},                                   // L2 cache
      {39, 2048},                                      // threads of a multiprocessor
      {40, 1},                                         // copies beside kernels
      {41, 1},                                         // one address space with the host
      {81, 228 << 10},                                 // shared memory of a multiprocessor
      {82, 65536},                                     // registers of a multiprocessor
      {97, sharedLimit},                               // shared memory of a block that asks for it
      {106, 32},                                       // blocks of a multiprocessor
      {111, 1 << 10}, // shared memory of a block that the driver takes
      {115, 1},       // allocations in the order of a stream
  };
  *value = attribute == 75   ? options().capability / 10
           : attribute == 76 ? options().capability % 10
                             : 0;
  for (auto [which, known] : values)
    if (which == attribute)
      *value = known;
  return Success;
}

// Contexts ----------------------------------------------------------------------------------------

static thread_local std::vector<void *> contexts;

EMULATOR_API cuDevicePrimaryCtxRetain(void **context, int device) {
  EMULATOR_BEGIN
  if (!context || device)
    return InvalidValue;
  ++driver().contextUses;
  *context = &contextObject;
  return Success;
}

/// The last release takes the error of a kernel with it; memory and modules stay.
EMULATOR_API cuDevicePrimaryCtxRelease_v2(int device) {
  Call call;
  if (device || !driver().contextUses)
    return device ? InvalidDevice : InvalidContext;
  if (!--driver().contextUses)
    driver().broken = Success;
  return Success;
}

EMULATOR_API cuCtxSetCurrent(void *context) {
  if (context && context != &contextObject)
    return InvalidContext;
  if (!contexts.empty())
    contexts.pop_back();
  if (context)
    contexts.push_back(context);
  return Success;
}

EMULATOR_API cuCtxGetCurrent(void **context) {
  if (!context)
    return InvalidValue;
  *context = contexts.empty() ? nullptr : contexts.back();
  return Success;
}

EMULATOR_API cuCtxPushCurrent_v2(void *context) {
  if (context != &contextObject)
    return InvalidContext;
  contexts.push_back(context);
  return Success;
}

EMULATOR_API cuCtxPopCurrent_v2(void **context) {
  if (contexts.empty())
    return InvalidContext;
  if (context)
    *context = contexts.back();
  contexts.pop_back();
  return Success;
}

EMULATOR_API cuCtxGetDevice(int *device) {
  if (!device || contexts.empty())
    return device ? InvalidContext : InvalidValue;
  *device = 0;
  return Success;
}

EMULATOR_API cuCtxSynchronize() {
  EMULATOR_BEGIN
  return checkNotCapturing();
}

// Errors ------------------------------------------------------------------------------------------

static const struct {
  Result result;
  const char *name, *text;
} results[] = {
    {Success, "CUDA_SUCCESS", "no error"},
    {InvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "cuInit was not called"},
    {InvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "there is one device, number 0"},
    {InvalidImage, "CUDA_ERROR_INVALID_IMAGE", "the module cannot be loaded"},
    {InvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "no such context"},
    {NoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU", "the module is not for this device"},
    {InvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "no such object"},
    {NotFound, "CUDA_ERROR_NOT_FOUND", "there is nothing of this name"},
    {NotReady, "CUDA_ERROR_NOT_READY", "not ready"},
    {IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "a kernel made an access that it must not"},
    {LaunchOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too much for one block"},
    {MisalignedAddress, "CUDA_ERROR_MISALIGNED_ADDRESS", "a kernel made a misaligned access"},
    {LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "a kernel failed"},
    {NotSupported, "CUDA_ERROR_NOT_SUPPORTED", "not supported"},
    {StreamCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "not permitted while a stream is being captured"},
    {StreamCaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "the capture was broken"},
};

/// The last complaint of the emulator is the text of the code that it came with.
EMULATOR_API cuGetErrorString(int error, const char **text) {
  Call call;
  if (!text)
    return InvalidValue;
  *text = nullptr;
  if (error && error == lastComplaintResult())
    *text = lastComplaint().c_str();
  for (const auto &entry : results)
    if (entry.result == error && !*text)
      *text = entry.text;
  return *text ? Success : InvalidValue;
}

EMULATOR_API cuGetErrorName(int error, const char **name) {
  if (!name)
    return InvalidValue;
  *name = nullptr;
  for (const auto &entry : results)
    if (entry.result == error)
      *name = entry.name;
  return *name ? Success : InvalidValue;
}

// Functions ---------------------------------------------------------------------------------------

/// This library, whatever it was loaded as.
static void *self() {
  static void *const handle = [] {
    Dl_info info = {};
    dladdr(reinterpret_cast<void *>(cuInit), &info);
    return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  }();
  return handle;
}

/// Names come without the suffix of their version; the newest one is meant.
EMULATOR_API cuGetProcAddress_v2(const char *symbol, void **function, int, uint64_t, int *status) {
  if (!symbol || !function)
    return InvalidValue;
  std::string name = symbol;
  if (name == "cuGraphInstantiate")
    name = "cuGraphInstantiateWithFlags";
  *function = nullptr;
  if (name.rfind("cu", 0) == 0)
    for (const char *suffix : {"_v2", ""})
      if (!*function && self())
        *function = dlsym(self(), (name + suffix).c_str());
  if (status)
    *status = *function ? 0 : 1; // found, or not known
  return *function ? Success : NotFound;
}
