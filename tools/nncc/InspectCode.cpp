// What `nncc inspect` tells of a library's code: levels, images, kernels.
#include "targets/nvptx/KernelResources.h"
#include "tools/nncc/Inspect.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace nncc::tool {

JsonArray levelValues(const nncc_descriptor *descriptor) {
  JsonArray levels;
  for (int32_t i = 0; i < descriptor->num_levels; ++i) {
    const nncc_descriptor *level = descriptor->levels[i];
    bool runsHere = nncc_level_check(level) == NNCC_OK;
    JsonObject value{{"name", text(level->cpu)},
                     {"instructions", text(level->isa)},
                     {"runs_here", runsHere},
                     {"taken", level->run == descriptor->run}};
    if (!runsHere)
      value["why_not"] = text(nncc_last_error());
    levels.push_back(std::move(value));
  }
  return levels;
}

static SmallVector<const nncc_image *> imagesOf(const nncc_descriptor *descriptor) {
  SmallVector<const nncc_image *> images;
  const char *next = reinterpret_cast<const char *>(descriptor->images);
  for (int32_t i = 0; i < descriptor->num_images; ++i) {
    images.push_back(reinterpret_cast<const nncc_image *>(next));
    next += images.back()->struct_size; // of a newer library it may be larger
  }
  return images;
}

static Expected<StringMap<nvptx::KernelResources>> readCubin(const nncc_image &image) {
  return nvptx::readResources({static_cast<const char *>(image.data), size_t(image.size)});
}

JsonArray imageValues(const nncc_descriptor *descriptor) {
  static constexpr StringLiteral kinds[] = {"cubin", "PTX", "bitcode"};
  JsonArray images;
  for (const nncc_image *image : imagesOf(descriptor)) {
    bool known = image->kind >= 0 && image->kind <= NNCC_IMAGE_BITCODE;
    JsonObject value{
        {"name", known ? kinds[image->kind].str() : "unknown"},
        {"capability", formatv("sm_{0}{1}", image->capability, image->exact ? "a" : "").str()},
        {"bytes", image->size}};
    if (image->kind == NNCC_IMAGE_CUBIN)
      if (auto resources = readCubin(*image); !resources)
        value["broken"] = toString(resources.takeError());
    images.push_back(std::move(value));
  }
  return images;
}

namespace {
/// What the code of a device says of its kernels.
struct DeviceCode {
  int capability = 0;
  StringMap<nvptx::KernelResources> kernels;
};
} // namespace

/// Of the first cubin that can be read: PTX leaves registers to the driver.
static DeviceCode deviceCode(const nncc_descriptor *descriptor) {
  for (const nncc_image *image : imagesOf(descriptor)) {
    if (image->kind != NNCC_IMAGE_CUBIN)
      continue;
    if (auto resources = readCubin(*image))
      return {image->capability, std::move(*resources)};
    else
      consumeError(resources.takeError());
  }
  return {};
}

/// How a device runs a dispatch; null on a processor, and in libraries that know no others.
static const nncc_launch *launchOf(const nncc_dispatch &dispatch) {
  bool knows = dispatch.struct_size > offsetof(nncc_dispatch, launch);
  return knows ? dispatch.launch : nullptr;
}

/// What a block takes, and how many a multiprocessor has room for.
static void addLaunch(const nncc_launch &launch, StringRef kernel, const DeviceCode &code,
                      JsonObject &value) {
  value["threads_per_block"] = launch.threads;
  value["shared_bytes"] = launch.shared_bytes;
  auto found = code.kernels.find(kernel);
  if (found == code.kernels.end())
    return;
  const nvptx::KernelResources &resources = found->second;
  value["registers"] = resources.registers;
  value["stack_bytes"] = resources.stackBytes;
  value["static_shared_bytes"] = resources.staticShared;
  if (auto occupancy =
          nvptx::occupancy(code.capability, resources, launch.threads, launch.shared_bytes)) {
    value["blocks_per_multiprocessor"] = occupancy->blocks;
    value["occupancy"] = double(occupancy->threads) / double(occupancy->most);
  }
}

JsonArray kernelValues(const nncc_model *library) {
  struct Kernel {
    int64_t dispatches = 0;
    double flops = 0;
    JsonArray nodes;
    const nncc_launch *launch = nullptr;
  };
  MapVector<StringRef, Kernel> kernels;
  for (int32_t i = 0; i < nncc_model_num_dispatches(library); ++i) {
    const nncc_dispatch *dispatch = nncc_model_dispatch(library, i);
    Kernel &kernel = kernels[dispatch->kernel];
    ++kernel.dispatches;
    kernel.flops += dispatch->flops;
    kernel.launch = launchOf(*dispatch);
    SmallVector<StringRef> nodes;
    StringRef(dispatch->nodes).split(nodes, ';', -1, /*KeepEmpty=*/false);
    for (StringRef node : nodes)
      kernel.nodes.push_back(llvm::json::fixUTF8(node));
  }
  JsonArray values;
  const DeviceCode code = deviceCode(nncc_model_descriptor(library));
  for (auto &[name, kernel] : kernels) {
    JsonObject value{{"name", name.str()},
                     {"calls", kernel.dispatches},
                     {"gflop", kernel.flops / 1e9},
                     {"nodes", std::move(kernel.nodes)}};
    if (kernel.launch)
      addLaunch(*kernel.launch, name, code, value);
    values.push_back(std::move(value));
  }
  return values;
}

} // namespace nncc::tool
