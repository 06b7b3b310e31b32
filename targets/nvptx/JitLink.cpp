#include "targets/nvptx/JitLink.h"

#include "targets/nvptx/Toolkit.h"

using namespace llvm;

namespace nncc::nvptx {

// What is used of its interface: NVIDIA's "nvJitLink" reference. Every result but 0 is an error.
namespace {
using Handle = void *;
struct Api {
  int (*create)(Handle *, uint32_t, const char **);
  int (*addData)(Handle, int, const void *, size_t, const char *);
  int (*complete)(Handle);
  int (*cubinSize)(Handle, size_t *);
  int (*cubin)(Handle, void *);
  int (*logSize)(Handle, size_t *);
  int (*log)(Handle, char *);
  int (*destroy)(Handle *);
};
constexpr int inputPTX = 2;
} // namespace

std::optional<JitLink> JitLink::find() {
  std::vector<std::string> names;
  if (!isToolkitGiven())
    names = {"libnvJitLink.so.13", "libnvJitLink.so.12"};
  for (const char *file : {"lib64/libnvJitLink.so", "lib/libnvJitLink.so", "lib/libnvJitLink.so.13",
                           "lib/libnvJitLink.so.12"})
    if (std::optional<std::string> path = findInToolkit(file))
      names.push_back(*path);
  for (const std::string &name : names) {
    std::string problem;
    sys::DynamicLibrary library = sys::DynamicLibrary::getPermanentLibrary(name.c_str(), &problem);
    if (library.isValid() && library.getAddressOfSymbol("nvJitLinkCreate"))
      return JitLink(library);
  }
  return std::nullopt;
}

template <typename F>
static bool bind(F &function, sys::DynamicLibrary &library, const char *name) {
  function = reinterpret_cast<F>(library.getAddressOfSymbol(name));
  return function;
}

static std::optional<Api> bindAll(sys::DynamicLibrary library) {
  Api api;
  if (bind(api.create, library, "nvJitLinkCreate") &&
      bind(api.addData, library, "nvJitLinkAddData") &&
      bind(api.complete, library, "nvJitLinkComplete") &&
      bind(api.cubinSize, library, "nvJitLinkGetLinkedCubinSize") &&
      bind(api.cubin, library, "nvJitLinkGetLinkedCubin") &&
      bind(api.logSize, library, "nvJitLinkGetErrorLogSize") &&
      bind(api.log, library, "nvJitLinkGetErrorLog") &&
      bind(api.destroy, library, "nvJitLinkDestroy"))
    return api;
  return std::nullopt;
}

static Error failure(const Api &api, Handle handle, int result) {
  size_t size = 0;
  std::string log;
  if (handle && !api.logSize(handle, &size) && size) {
    log.resize(size);
    if (api.log(handle, log.data()))
      log.clear();
  }
  StringRef text = StringRef(log).take_until([](char c) { return !c; }).trim();
  return createStringError("nvJitLink failed (--gpu-images=ptx does without it): error " +
                           Twine(result) + (text.empty() ? "" : ": ") + text);
}

Expected<SmallVector<char, 0>> JitLink::assemble(ArrayRef<char> ptx, const Chip &chip) const {
  std::optional<Api> api = bindAll(library);
  if (!api)
    return createStringError("libnvJitLink lacks a function: it is too old");
  std::string architecture = "-arch=" + chip.name;
  const char *options[] = {architecture.c_str(), "-O3"};
  Handle handle = nullptr;
  SmallVector<char, 0> cubin;
  size_t size = 0;
  int result = api->create(&handle, std::size(options), options);
  if (!result)
    result = api->addData(handle, inputPTX, ptx.data(), ptx.size(), "kernels");
  if (!result)
    result = api->complete(handle);
  if (!result)
    result = api->cubinSize(handle, &size);
  if (!result) {
    cubin.resize_for_overwrite(size);
    result = api->cubin(handle, cubin.data());
  }
  Error error = result ? failure(*api, handle, result) : Error::success();
  if (handle)
    api->destroy(&handle);
  if (error)
    return std::move(error);
  return cubin;
}

} // namespace nncc::nvptx
