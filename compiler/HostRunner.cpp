#include "compiler/HostRunner.h"

#include "compiler/Emit.h"
#include "compiler/Files.h"
#include "compiler/Pipeline.h"
#include "runtime/include/nncc/abi.h"
#include "llvm/ADT/ScopeExit.h"

#include <dlfcn.h>

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc {

namespace {

/// A host with one thread and without cancellation.
struct SerialHost {
  std::string message;

  static nncc_status parallelFor(void *, const nncc_dispatch *dispatch, const nncc_call *call,
                                 int64_t units) {
    return dispatch->function(call, 0, units, 0);
  }
  static void error(void *host, nncc_status, const char *node, const char *message) {
    static_cast<SerialHost *>(host)->message =
        (Twine(node ? node : "") + ": " + (message ? message : "")).str();
  }
  static int32_t cancelled(void *) { return 0; }
};

/// Memory aligned as the ABI asks for.
class AlignedMemory {
public:
  /// Null where there is not that much.
  explicit AlignedMemory(int64_t size)
      : memory(static_cast<char *>(::operator new(
            size + 2 * NNCC_ALIGNMENT, std::align_val_t(NNCC_ALIGNMENT), std::nothrow))) {}
  ~AlignedMemory() { ::operator delete(memory, std::align_val_t(NNCC_ALIGNMENT)); }
  char *get() const { return memory; }

private:
  char *memory;
};

Error callLibrary(const std::string &path, ArrayRef<void *> inputs, ArrayRef<void *> outputs) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return llvm::createStringError(dlerror());
  llvm::scope_exit close([&] { dlclose(library); });
  auto entry = reinterpret_cast<nncc_model_fn>(dlsym(library, "nncc_model_constants"));
  if (!entry)
    return llvm::createStringError("the library exports no model");
  const nncc_descriptor *model = entry();
  int64_t arenaSize = 0, scratchSize = 0;
  if (model->plan(nullptr, &arenaSize, &scratchSize) != NNCC_OK)
    return llvm::createStringError("no memory plan");
  AlignedMemory arena(arenaSize), scratch(scratchSize);
  if (!arena.get() || !scratch.get())
    return llvm::createStringError("no memory for the " + Twine(arenaSize) + " bytes between them");
  SerialHost host;
  nncc_services services = {};
  services.struct_size = sizeof(services);
  services.parallel_for = SerialHost::parallelFor;
  services.error = SerialHost::error;
  services.cancelled = SerialHost::cancelled;
  nncc_frame frame = {};
  frame.struct_size = sizeof(frame);
  frame.workers = 1;
  frame.services = &services;
  frame.host = &host;
  frame.inputs = inputs.data();
  frame.outputs = outputs.data();
  frame.weights = model->weights;
  frame.arena = arena.get();
  frame.scratch = scratch.get();
  frame.scratch_stride = scratchSize;
  if (nncc_status status = model->run(&frame))
    return llvm::createStringError("run failed with status " + Twine(status) + " " + host.message);
  return Error::success();
}

Error compileAndRun(ModuleOp module, ArrayRef<void *> inputs, ArrayRef<void *> outputs) {
  CompileOptions options; // exact results cost nothing, once
  options.keepDenormals = true;
  options.winograd = options.bands = "off";
  PassManager pm(module.getContext());
  for (const Stage &stage : pipelineStages())
    if (stage.name != "graph") { // that is where this call comes from
      stage.build(pm, options);
      buildContract(pm, stage);
    }
  if (failed(pm.run(module)))
    return llvm::createStringError("it does not compile");
  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return folder.takeError();
  EmitOptions emit;
  Expected<std::vector<Target>> host = Target::parseAll("host");
  if (!host)
    return host.takeError();
  emit.name = "constants";
  emit.strip = true;
  emit.output = folder->path() + "/constants.so";
  if (Error error = emitModel(Level{module, host->back()}, emit))
    return error;
  return callLibrary(emit.output, inputs, outputs);
}

} // namespace

LogicalResult runOnHost(ModuleOp module, ArrayRef<void *> inputs, ArrayRef<void *> outputs) {
  if (Error error = compileAndRun(module, inputs, outputs))
    return module.emitError("cannot evaluate constants on this machine: ")
           << llvm::toString(std::move(error));
  return success();
}

} // namespace nncc
