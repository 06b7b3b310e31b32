#include "targets/nvptx/Chip.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace nncc::nvptx {

static constexpr StringLiteral triple = "nvptx64-nvidia-cuda";
/// Threads of a warp have program counters of their own from here on: what shuffles and barriers
/// are written for.
static constexpr int oldest = 70;

static const Target *lookupTarget() {
  static bool once = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    return true;
  }();
  (void)once;
  std::string error;
  return TargetRegistry::lookupTarget(Triple(triple), error);
}

Expected<Chip> Chip::parse(StringRef name) {
  const Target *target = lookupTarget();
  if (!target)
    return createStringError("this build of LLVM has no NVPTX target");
  Chip chip;
  chip.name = name.str();
  StringRef digits = name;
  std::unique_ptr<MCSubtargetInfo> subtarget(target->createMCSubtargetInfo(Triple(triple), "", ""));
  bool isNumber = digits.consume_front("sm_") && !digits.consumeInteger(10, chip.capability);
  if (!isNumber || !subtarget->isCPUStringValid(name))
    return createStringError("unknown GPU '" + name +
                             "': expected nvptx:<chip>, such as nvptx:sm_90a");
  if (chip.capability < oldest)
    return createStringError("GPU '" + name + "' is not supported: expected sm_" + Twine(oldest) +
                             " or later");
  chip.isExact = !digits.empty();
  return chip;
}

int64_t multiprocessorsOf(int64_t capability) {
  struct Known {
    int64_t capability, multiprocessors;
  };
  constexpr Known known[] = {{100, 148}, {90, 132}, {89, 142}, {87, 16}, {86, 84}, {80, 108}};
  for (const Known &chip : known)
    if (capability >= chip.capability)
      return chip.multiprocessors;
  return capability >= 75 ? 72 : 80;
}

int64_t mostDynamicShared(int64_t capability) {
  if (capability < 75)
    return 96 << 10;
  if (capability < 80)
    return 64 << 10;
  if (capability == 80 || capability == 87)
    return 163 << 10;
  if (capability < 90 || capability >= 120)
    return 99 << 10;
  return 227 << 10;
}

int64_t sharedOfMultiprocessor(int64_t capability) {
  return mostDynamicShared(capability) + reservedShared;
}

std::unique_ptr<TargetMachine> Chip::create() const {
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard; // as on a CPU: only what the IR says is fused
  return std::unique_ptr<TargetMachine>(lookupTarget()->createTargetMachine(
      Triple(triple), "sm_" + std::to_string(capability), /*Features=*/"", options, std::nullopt,
      std::nullopt, CodeGenOptLevel::Aggressive));
}

} // namespace nncc::nvptx
