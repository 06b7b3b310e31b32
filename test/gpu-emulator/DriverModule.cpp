// Modules, functions and launches.
#include "Driver.h"
#include "Machine.h"
#include "Memory.h"
#include "Module.h"
#include "Mutation.h"
#include <cstdio>
#include <map>

using namespace emulator;

namespace {
/// What cuModuleGetFunction gives.
struct Function {
  const Kernel *kernel;
  int maxDynamicShared;
};

struct Module {
  std::unique_ptr<CompiledModule> compiled;
  std::map<std::string, Function> functions;
};
} // namespace

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid[3], block[3], sharedBytes;
  void *stream;
  void *attributes;
  unsigned numAttributes;
};

static Result loadModule(void **module, const void *image) {
  if (!module || !image)
    return InvalidValue;
  std::string why;
  std::unique_ptr<CompiledModule> compiled = CompiledModule::load(image, why);
  if (!compiled) {
    // That an image is for something else is for the caller to say, who may have others.
    Silence silence(!CompiledModule::isBitcode(image));
    complain(InvalidImage, why);
    return InvalidImage;
  }
  *module = new Module{std::move(compiled), {}};
  return Success;
}

EMULATOR_API cuModuleLoadData(void **module, const void *image) {
  EMULATOR_BEGIN
  return loadModule(module, image);
}

EMULATOR_API cuModuleLoadDataEx(void **module, const void *image, unsigned numOptions, int *options,
                                void **values) {
  EMULATOR_BEGIN
  Result result = loadModule(module, image);
  char *log = nullptr;
  size_t size = 0;
  void **written = nullptr; // bytes of the log, in the place of its size
  for (unsigned i = 0; i < numOptions; ++i) {
    if (options[i] == 5) { // the log of errors
      log = static_cast<char *>(values[i]);
    } else if (options[i] == 6) { // and its size
      size = static_cast<unsigned>(reinterpret_cast<uintptr_t>(values[i]));
      written = &values[i];
    }
  }
  const char *text = result == Success ? "" : lastComplaint().c_str();
  if (log && size) {
    int length = snprintf(log, size, "%s", text);
    *written = reinterpret_cast<void *>(std::min<size_t>(length, size - 1));
  }
  return result;
}

EMULATOR_API cuModuleUnload(void *module) {
  Call call;
  delete static_cast<Module *>(module);
  return module ? Success : InvalidHandle;
}

EMULATOR_API cuModuleGetFunction(void **function, void *handle, const char *name) {
  EMULATOR_BEGIN
  auto *module = static_cast<Module *>(handle);
  if (!function || !module || !name)
    return InvalidValue;
  const Kernel *kernel = module->compiled->findKernel(name);
  if (!kernel)
    return NotFound;
  int limit = std::max(0, int(staticSharedLimit) - int(kernel->staticBytes));
  *function = &module->functions.try_emplace(name, Function{kernel, limit}).first->second;
  return Success;
}

constexpr int dynamicSharedLimit = 8; // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES

EMULATOR_API cuFuncSetAttribute(void *handle, int attribute, int value) {
  EMULATOR_BEGIN
  auto *function = static_cast<Function *>(handle);
  if (!function || value < -1)
    return function ? InvalidValue : InvalidHandle;
  if (attribute != dynamicSharedLimit)
    return Success; // preferences
  if (value < 0 || function->kernel->staticBytes + value > sharedLimit)
    return InvalidValue;
  function->maxDynamicShared = value;
  return Success;
}

EMULATOR_API cuFuncGetAttribute(int *value, int attribute, void *handle) {
  EMULATOR_BEGIN
  auto *function = static_cast<Function *>(handle);
  if (!value || !function)
    return InvalidValue;
  *value = attribute == 0                    ? int(function->kernel->maxThreads)
           : attribute == 1                  ? int(function->kernel->staticBytes)
           : attribute == 4                  ? 32 // registers of a thread
           : attribute == dynamicSharedLimit ? function->maxDynamicShared
                                             : 0;
  return Success;
}

EMULATOR_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int threads,
                                                         size_t sharedBytes) {
  EMULATOR_BEGIN
  if (!blocks || !function || threads < 1)
    return InvalidValue;
  uint64_t shared = static_cast<Function *>(function)->kernel->staticBytes + sharedBytes + 1024;
  *blocks = int(std::min<uint64_t>({32, 2048 / unsigned(threads), (228 << 10) / shared}));
  return Success;
}

// Launches ----------------------------------------------------------------------------------------

static Result checkLaunch(const Function *function, const LaunchConfig &config, void **parameters) {
  if (!function)
    return InvalidHandle;
  const Kernel &kernel = *function->kernel;
  uint64_t threads = uint64_t(config.block[0]) * config.block[1] * config.block[2];
  bool empty = !threads || !config.grid[0] || !config.grid[1] || !config.grid[2];
  if (empty || threads > maxThreads || config.block[2] > 64 || config.grid[1] > 0xffff ||
      config.grid[2] > 0xffff || int(config.sharedBytes) > function->maxDynamicShared ||
      (!parameters && !kernel.parameterSizes.empty()))
    return InvalidValue;
  return threads > kernel.maxThreads ? LaunchOutOfResources : Success;
}

static Result launch(Function *function, const LaunchConfig &config, void **parameters,
                     void **extra) {
  if (extra)
    return NotSupported;
  if (Result error = checkLaunch(function, config, parameters))
    return error;
  // The parameters are the caller's again after the call. Eight words and more keep any alignment.
  const Kernel *kernel = function->kernel;
  std::vector<std::vector<uint64_t>> values;
  for (size_t i = 0; i < kernel->parameterSizes.size(); ++i) {
    values.emplace_back((kernel->parameterSizes[i] + 7) / 8);
    memcpy(values.back().data(), parameters[i], kernel->parameterSizes[i]);
  }
  return enqueue(config.stream, [kernel, config, values] {
    std::vector<const void *> pointers;
    for (const std::vector<uint64_t> &value : values)
      pointers.push_back(value.data());
    Result result = runLaunch({*kernel, config.grid, config.block, config.sharedBytes,
                               const_cast<void **>(pointers.data())});
    if (result != Success)
      driver().broken = result;
    return result;
  });
}

EMULATOR_API cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ,
                            unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                            void *stream, void **parameters, void **extra) {
  EMULATOR_BEGIN
  LaunchConfig config = {
      {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, stream, nullptr, 0};
  return launch(static_cast<Function *>(function), config, parameters, extra);
}

/// Attributes, which are hints or clusters, are not looked at.
EMULATOR_API cuLaunchKernelEx(const LaunchConfig *config, void *function, void **parameters,
                              void **extra) {
  EMULATOR_BEGIN
  if (!config)
    return InvalidValue;
  return launch(static_cast<Function *>(function), *config, parameters, extra);
}
