#include "targets/cpu/Machine.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace nncc::cpu {

static void initializeTargets() {
  static bool once = [] {
    InitializeAllTargetInfos();
    InitializeAllTargets();
    InitializeAllTargetMCs();
    InitializeAllAsmPrinters();
    InitializeAllAsmParsers();
    return true;
  }();
  (void)once;
}

static Expected<Machine> hostMachine() {
  Machine machine;
  machine.triple = sys::getProcessTriple();
  machine.cpu = sys::getHostCPUName().str();
  // Sorted: the order in which they are found must not reach the output.
  std::vector<std::string> features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.push_back((feature.second ? "+" : "-") + feature.first().str());
  sort(features);
  machine.features = join(features, ",");
  return machine;
}

Expected<Machine> Machine::parse(StringRef target) {
  initializeTargets();
  if (target == "host")
    return hostMachine();
  Machine machine;
  if (is_contained({"x86-64-v2", "x86-64-v3", "x86-64-v4"}, target)) {
    machine.triple = "x86_64-unknown-linux-gnu";
    machine.cpu = target.str();
  } else {
    auto [triple, cpu] = target.split(':');
    machine.triple = Triple::normalize(triple);
    machine.cpu = cpu.str();
  }
  std::string error;
  const Target *known = TargetRegistry::lookupTarget(Triple(machine.triple), error);
  if (!known || machine.cpu.empty())
    return createStringError("unknown target '" + target +
                             "': expected host, x86-64-v2, x86-64-v3, x86-64-v4 or <triple>:<cpu>");
  Triple triple(machine.triple);
  if (!triple.isOSLinux() || !triple.isArch64Bit() || !triple.isLittleEndian())
    return createStringError("target '" + target +
                             "' is not supported: expected a 64-bit little-endian Linux");
  std::unique_ptr<MCSubtargetInfo> subtarget(known->createMCSubtargetInfo(triple, machine.cpu, ""));
  if (!subtarget || !subtarget->isCPUStringValid(machine.cpu))
    return createStringError("unknown processor '" + machine.cpu + "' of target '" + target + "'");
  if (triple.isRISCV() && !subtarget->checkFeatures("+d"))
    return createStringError("target '" + target +
                             "' is not supported: expected a processor with 64-bit floats");
  return machine;
}

std::unique_ptr<TargetMachine> Machine::create() const {
  std::string error;
  Triple parsed(triple);
  const Target *target = TargetRegistry::lookupTarget(parsed, error);
  TargetOptions options;
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      parsed, cpu, features, options, Reloc::PIC_, std::nullopt, CodeGenOptLevel::Default));
}

std::vector<std::string> Machine::isa() const {
  static constexpr StringLiteral known[] = {
      "sse4.2",   "avx",      "avx2",       "fma",        "f16c",     "bmi",
      "bmi2",     "lzcnt",    "popcnt",     "avx512f",    "avx512bw", "avx512cd",
      "avx512dq", "avx512vl", "avx512vnni", "avx512bf16", "avxvnni",  "amx-int8"};
  if (!Triple(triple).isX86())
    return {};
  std::unique_ptr<TargetMachine> machine = create();
  const MCSubtargetInfo *subtarget = machine->getMCSubtargetInfo();
  std::vector<std::string> result;
  for (StringRef feature : known)
    if (subtarget->checkFeatures(("+" + feature).str()))
      result.push_back(feature.str());
  return result;
}

VectorUnit Machine::vectorUnit() const {
  Triple parsed(triple);
  if (!parsed.isX86())
    return {32, 16, 0};
  std::vector<std::string> known = isa();
  auto has = [&](StringRef feature) { return is_contained(known, feature); };
  if (has("avx512f"))
    return {32, 64, has("avx512vnni") ? 512 : 0};
  // AVX-VNNI has the instruction in another encoding, which LLVM chooses.
  return {16, has("avx") ? 32 : 16, has("avxvnni") ? 256 : 0};
}

FloatControl Machine::floatControl() const {
  Triple parsed(triple);
  return parsed.isX86()       ? FloatControl::MXCSR
         : parsed.isAArch64() ? FloatControl::FPCR
                              : FloatControl::None;
}

} // namespace nncc::cpu
