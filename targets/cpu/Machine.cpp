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
  machine.target = "host";
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

static Error unknownTarget(const Machine &machine) {
  return createStringError("unknown target '" + machine.target +
                           "': expected host, x86-64-v2, x86-64-v3, x86-64-v4, x86-64-multi, a "
                           "processor of x86-64 or <triple>:<cpu>");
}

/// Features have to be known, or LLVM would ignore them.
static Error checkFeatures(const Machine &machine, const MCSubtargetInfo &subtarget) {
  SmallVector<StringRef> features;
  StringRef(machine.features).split(features, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : features)
    if (none_of(subtarget.getAllProcessorFeatures(),
                [&](const SubtargetFeatureKV &known) { return feature.drop_front() == known.Key; }))
      return createStringError("unknown feature '" + feature.drop_front() + "' of target '" +
                               machine.target + "'");
  return Error::success();
}

/// Whether LLVM knows it, and code can be generated for it.
static Error checkMachine(const Machine &machine) {
  std::string error;
  Triple triple(machine.triple);
  const Target *known = TargetRegistry::lookupTarget(triple, error);
  if (!known || machine.cpu.empty())
    return unknownTarget(machine);
  auto unsupported = [&](const Twine &expected) {
    return createStringError("target '" + machine.target + "' is not supported: expected " +
                             expected);
  };
  if (!triple.isOSLinux() || !triple.isArch64Bit() || !triple.isLittleEndian())
    return unsupported("a 64-bit little-endian Linux");
  std::unique_ptr<MCSubtargetInfo> subtarget(known->createMCSubtargetInfo(triple, machine.cpu, ""));
  if (!subtarget || !subtarget->isCPUStringValid(machine.cpu))
    return StringRef(machine.target).contains(':')
               ? createStringError("unknown processor '" + machine.cpu + "' of target '" +
                                   machine.target + "'")
               : unknownTarget(machine);
  if (triple.isRISCV() && !subtarget->checkFeatures("+d"))
    return unsupported("a processor with 64-bit floats");
  if (triple.isX86() && !subtarget->checkFeatures("+64bit"))
    return unsupported("a processor of 64 bits");
  return checkFeatures(machine, *subtarget);
}

/// "[<triple>:]<cpu>[+<feature>...]".
static Machine machineNamed(StringRef target) {
  Machine machine;
  machine.target = target.str();
  auto [triple, processor] = target.split(':');
  if (processor.empty() && !target.contains(':'))
    triple = "x86_64-unknown-linux-gnu", processor = target;
  SmallVector<StringRef> parts;
  processor.split(parts, '+');
  machine.triple = Triple::normalize(triple);
  machine.cpu = parts.front().str();
  for (StringRef feature : drop_begin(parts))
    machine.features += (machine.features.empty() ? "+" : ",+") + feature.str();
  return machine;
}

Expected<Machine> Machine::parse(StringRef target) {
  initializeTargets();
  if (target == "host")
    return hostMachine();
  if (target == "x86-64-multi" || target.contains(','))
    return createStringError("expected one target, found several: '" + target + "'");
  Machine machine = machineNamed(target);
  if (Error error = checkMachine(machine))
    return std::move(error);
  return machine;
}

/// The levels of the ABI, and the best of them with the dot products of bytes that it does not ask
/// for.
static constexpr StringLiteral multi = "x86-64-v2,x86-64-v3,x86-64-v4,x86-64-v4+avx512vnni";

Expected<std::vector<Machine>> Machine::parseAll(StringRef targets) {
  SmallVector<StringRef> names;
  (targets == "x86-64-multi" ? StringRef(multi) : targets).split(names, ',');
  std::vector<Machine> machines;
  for (StringRef name : names) {
    Expected<Machine> machine = parse(name);
    if (!machine)
      return machine.takeError();
    machines.push_back(std::move(*machine));
  }
  // Who has all that another one has, and more, has a longer list.
  sort(machines, [](const Machine &a, const Machine &b) {
    return std::pair(a.isa().size(), a.target) < std::pair(b.isa().size(), b.target);
  });
  for (size_t i = 0; i < machines.size(); ++i)
    for (const Machine &less : ArrayRef(machines).take_front(i)) {
      const Machine &more = machines[i];
      if (Triple(less.triple).getArch() != Triple(more.triple).getArch())
        return createStringError("'" + less.target + "' and '" + more.target +
                                 "' do not go into one library: they are of different kinds");
      if (less.processor() == more.processor())
        return createStringError("'" + less.target + "' and '" + more.target +
                                 "' do not go into one library: both are called '" +
                                 more.processor() + "'");
      if (less.isa() == more.isa())
        return createStringError("'" + less.target + "' and '" + more.target +
                                 "' do not go into one library: they need the same instructions");
    }
  return machines;
}

std::string Machine::processor() const {
  if (target == "host")
    return cpu; // its features would be a page
  return StringRef(target).substr(StringRef(target).find(':') + 1).str();
}

std::unique_ptr<TargetMachine> Machine::create() const {
  std::string error;
  Triple parsed(triple);
  const Target *target = TargetRegistry::lookupTarget(parsed, error);
  TargetOptions options;
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      parsed, cpu, features, options, Reloc::PIC_, std::nullopt, CodeGenOptLevel::Default));
}

/// Extensions whose instructions LLVM chooses by itself, or we do.
static ArrayRef<StringLiteral> extensionsOf(const Triple &triple) {
  static constexpr StringLiteral x86[] = {"sse4.2",
                                          "avx",
                                          "avx2",
                                          "fma",
                                          "f16c",
                                          "bmi",
                                          "bmi2",
                                          "lzcnt",
                                          "movbe",
                                          "popcnt",
                                          "gfni",
                                          "avx512f",
                                          "avx512bw",
                                          "avx512cd",
                                          "avx512dq",
                                          "avx512vl",
                                          "avx512vnni",
                                          "avx512bf16",
                                          "avx512ifma",
                                          "avx512vbmi",
                                          "avx512vbmi2",
                                          "avx512bitalg",
                                          "avx512vpopcntdq",
                                          "avx512fp16",
                                          "avxvnni",
                                          "avxifma",
                                          "avxneconvert",
                                          "amx-int8",
                                          "sse4a",
                                          "fma4",
                                          "xop",
                                          "tbm",
                                          "avx10.1",
                                          "avx10.2",
                                          "egpr",
                                          "push2pop2",
                                          "ppx",
                                          "ndd",
                                          "ccmp",
                                          "nf",
                                          "cf",
                                          "zu"};
  static constexpr StringLiteral aarch64[] = {
      "neon", "rdm",  "fullfp16", "fp16fml", "dotprod", "jsconv", "complxnum", "fptoint", "sha3",
      "bf16", "i8mm", "f32mm",    "f64mm",   "sve",     "sve2",   "sve2p1",    "cssc",    "mops"};
  if (triple.isX86())
    return x86;
  if (triple.isAArch64())
    return aarch64;
  return {};
}

std::vector<std::string> Machine::isa() const {
  std::unique_ptr<TargetMachine> machine = create();
  const MCSubtargetInfo *subtarget = machine->getMCSubtargetInfo();
  std::vector<std::string> result;
  for (StringRef feature : extensionsOf(machine->getTargetTriple()))
    if (subtarget->checkFeatures(("+" + feature).str()))
      result.push_back(feature.str());
  return result;
}

VectorUnit Machine::vectorUnit() const {
  Triple parsed(triple);
  std::vector<std::string> known = isa();
  auto has = [&](StringRef feature) { return is_contained(known, feature); };
  VectorUnit other{32, 16};
  if (parsed.isAArch64() && (has("i8mm") || has("dotprod"))) {
    other.dotBits = 128;
    other.dot = has("i8mm") ? "usdot" : "sdot";
  }
  if (!parsed.isX86())
    return other;
  if (has("avx512f"))
    return {32, 64, has("avx512vnni") ? 512 : 0, has("avx512bw") ? 512 : 256,
            has("avx512vnni") && has("avx512vbmi")};
  // AVX-VNNI has the instruction in another encoding, which LLVM chooses.
  return {16, has("avx") ? 32 : 16, has("avxvnni") ? 256 : 0, has("avx2") ? 256 : 128};
}

FloatControl Machine::floatControl() const {
  Triple parsed(triple);
  return parsed.isX86()       ? FloatControl::MXCSR
         : parsed.isAArch64() ? FloatControl::FPCR
                              : FloatControl::None;
}

} // namespace nncc::cpu
